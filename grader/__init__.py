"""Grade a deep-learning homework: right, explained marks and a feedback page for every hand-in."""

__version__ = "0.1.0"
