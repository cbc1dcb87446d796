"""The commands for those who write rubrics: try an answer before a class does."""
