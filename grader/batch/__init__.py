"""A whole class: what is stored, what must be done, who does it, and what came of it."""
