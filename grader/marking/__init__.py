"""Evidence to marks: pure functions, Decimals only."""

from grader.marking.award import add_marks, award_mark, round_marks, total
from grader.marking.decisions import apply_decision, apply_moment, digest_evidence, digest_moment
from grader.marking.lateness import Lateness, judge_lateness

__all__ = [
    "Lateness",
    "add_marks",
    "apply_decision",
    "apply_moment",
    "award_mark",
    "digest_evidence",
    "digest_moment",
    "judge_lateness",
    "round_marks",
    "total",
]
