"""Learning from decisions: what people decided becomes rows of the case tables and words of the rubric, as a diff."""
