"""Evidence to marks: pure functions, Decimals only."""

from grader.marking.award import add_marks, award_mark, round_marks, total
from grader.marking.lateness import Lateness, judge_lateness

__all__ = ["Lateness", "add_marks", "award_mark", "judge_lateness", "round_marks", "total"]
