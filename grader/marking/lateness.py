"""What being late takes off: pure, from the rubric's policy, the moment of handing in and the marks earned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from grader.late_policy import LatePolicy
from grader.marking.award import round_marks
from grader.model import Deduction, Finding, Review, Submission, TimeSource
from grader.model.moment import find_moment, show_moment

_DAY = timedelta(days=1)
_UNITS = {
    "marks": "marks",
    "percent_of_available": "% of all marks",
    "percent_of_awarded": "% of the marks earned",
}
_SOURCES = {"platform": "", "list": "", "commit": " by the date of the student's own last commit"}
_UNKNOWN = Review(reason="when this was handed in is not known, so nothing was deducted (a list of times is --times)")
_BY_COMMIT = Finding(
    code="late.commit_date",
    audience="staff",
    message="When this was handed in is taken from the student's own last commit, whose date a student can set: "
    "nothing better is known. A list of times (--times) overrules it.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """What the policy makes of one hand-in: what is taken off, why a person must look, and what staff should know."""

    deductions: tuple[Deduction, ...] = ()
    review: Review | None = None
    findings: tuple[Finding, ...] = ()


def judge_lateness(
    policy: LatePolicy | None, submission: Submission, *, earned: Decimal, available: Decimal, decided: bool = True
) -> Lateness:
    """Return what is taken off ``earned``, the sum of the marks awarded so far of ``available``.

    Where the moment is not known nothing is taken off and a person must look, unless all is ``decided`` and there is
    nothing to take off.
    """
    if policy is None:
        return Lateness()
    moment = find_moment(submission.submitted_at)
    if moment is None:
        return Lateness(review=_UNKNOWN if earned or not decided else None)
    findings = (_BY_COMMIT,) if submission.time_source == "commit" else ()
    days = count_late_days(policy, submission.student, moment)
    if not days:
        return Lateness(findings=findings)
    marks = compute_deduction(policy, days, earned=earned, available=available)
    reason = _describe(policy, submission.student, moment, days, submission.time_source)
    return Lateness(deductions=(Deduction(code="late", reason=reason, marks=marks),), findings=findings)


def count_late_days(policy: LatePolicy, student: str, submitted: datetime) -> int:
    """Return how many days of 24 hours after deadline and grace have begun; 0 for what is in time."""
    late = submitted - policy.due(student) - timedelta(minutes=policy.grace_minutes)
    return max(0, -(-late // _DAY))


def compute_deduction(policy: LatePolicy, days: int, *, earned: Decimal, available: Decimal) -> Decimal:
    """Return the marks that ``days`` late days take off, at most ``earned``; rounded half up once."""
    if policy.nothing_after_days is not None and days > policy.nothing_after_days:
        return earned
    amount = policy.per_day * days if policy.most is None else min(policy.per_day * days, policy.most)
    if policy.unit != "marks":
        amount = amount * (available if policy.unit == "percent_of_available" else earned) / 100
    return min(round_marks(amount), earned)


def _describe(policy: LatePolicy, student: str, submitted: datetime, days: int, source: TimeSource) -> str:
    due = policy.due(student)
    grace = f" with {policy.grace_minutes} minutes' grace" if policy.grace_minutes else ""
    kind = "extended deadline" if student in policy.extensions else "deadline"
    given = show_moment(submitted.astimezone(due.tzinfo))
    times = f"handed in {given}{_SOURCES[source]}, {kind} {show_moment(due)} {due.isoformat()[19:]}{grace}"
    return f"{days} {'day' if days == 1 else 'days'} late ({times}); {_describe_rule(policy, days)}"


def _describe_rule(policy: LatePolicy, days: int) -> str:
    if policy.nothing_after_days is not None and days > policy.nothing_after_days:
        limit = policy.nothing_after_days
        return f"more than {limit} late day{' earns' if limit == 1 else 's earn'} nothing"
    most = "" if policy.most is None else f", at most {policy.most.normalize():f}"
    return f"{policy.per_day.normalize():f} {_UNITS[policy.unit]} for each day or part of a day{most}"
