"""Model solutions of the course, as readable code."""
