"""Evidence to marks: pure functions, Decimals only."""

from grader.marking.award import award_mark, round_marks, total

__all__ = ["award_mark", "round_marks", "total"]
