"""Being late: what is taken off, what never is, and what the rubric refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.codec import read_record
from grader.errors import ConfigError
from grader.late_policy import LatePolicy, check_extensions
from grader.marking import judge_lateness, total
from grader.model import Submission
from grader.rubric import load_rubric
from tests.unit.test_marking import mark

ROOT = Path(__file__).resolve().parents[2]
DUE = datetime.fromisoformat("2026-12-01T23:59:00+03:30")
POLICY = LatePolicy(deadline=DUE, per_day=Decimal(10), grace_minutes=15, extensions={"s-002": DUE + timedelta(days=2)})


def judge(policy: LatePolicy | None, at: str | None, earned: str = "75", student: str = "s-001", **changes: Any) -> Any:
    submission = Submission(student=student, assignment="hw5", folder=".", artifacts=(), digest="", submitted_at=at)
    return judge_lateness(policy, replace(submission, **changes), earned=Decimal(earned), available=Decimal(100))


def taken(policy: LatePolicy, at: str, earned: str = "75", student: str = "s-001") -> str:
    found = judge(policy, at, earned, student)
    assert found.review is None
    return ", ".join(f"{item.marks.normalize():f}" for item in found.deductions)


@pytest.mark.parametrize(
    ("at", "marks"),
    [
        ("2026-11-01T00:00:00Z", ""),
        ("2026-12-01T23:59:00+03:30", ""),
        ("2026-12-02T00:14:00+03:30", ""),
        ("2026-12-02T00:14:00.9+03:30", ""),  # the second has not passed
        ("2026-12-02T00:14:01+03:30", "10"),
        ("2026-12-01T20:44:01Z", "10"),  # the same moment
        ("2026-12-02T00:14:00+00:00", "10"),  # the same clock elsewhere is later
        ("2026-12-03T00:14:00+03:30", "10"),  # the grace moves the end of each day
        ("2026-12-03T00:14:01+03:30", "20"),
        ("2027-12-01T00:00:00+03:30", "75"),
    ],
)
def test_a_part_of_a_day_counts_as_a_day_once_the_grace_is_over(at: str, marks: str) -> None:
    assert taken(POLICY, at) == marks


def test_an_extension_is_for_one_student_and_has_the_grace_too() -> None:
    assert taken(POLICY, "2026-12-04T00:14:00+03:30", student="s-002") == ""
    assert taken(POLICY, "2026-12-04T00:14:01+03:30", student="s-002") == "10"
    assert taken(POLICY, "2026-12-04T00:14:00+03:30", student="s-003") == "20"
    (found,) = judge(POLICY, "2026-12-05T00:00:00+03:30", student="s-002").deductions
    assert "extended deadline 2026-12-03 23:59" in found.reason


@pytest.mark.parametrize(
    ("changes", "earned", "marks"),
    [
        ({"per_day": Decimal(4)}, "75", "12"),
        ({"per_day": Decimal(4), "most": Decimal(10)}, "75", "10"),
        ({"per_day": Decimal(4), "unit": "percent_of_available"}, "50", "12"),
        ({"per_day": Decimal(4), "unit": "percent_of_awarded"}, "50", "6"),
        ({"per_day": Decimal(4), "unit": "percent_of_awarded", "most": Decimal(5)}, "50", "2.5"),
        ({"per_day": Decimal("3.5"), "unit": "percent_of_awarded"}, "0.1", "0.01"),  # 0.0105
        ({"per_day": Decimal(5), "unit": "percent_of_awarded"}, "0.1", "0.02"),  # 0.015, half up
        ({"per_day": Decimal(100), "unit": "percent_of_awarded"}, "50", "50"),
        ({"per_day": Decimal(4), "nothing_after_days": 3}, "75", "12"),
        ({"per_day": Decimal(4), "nothing_after_days": 2}, "75", "75"),
        ({"per_day": Decimal(4), "nothing_after_days": 2, "most": Decimal(10)}, "75", "75"),
        ({"per_day": Decimal(40)}, "75", "75"),
        ({"per_day": Decimal(40)}, "0", "0"),
    ],
)
def test_three_days_late(changes: dict[str, Any], earned: str, marks: str) -> None:
    assert taken(replace(POLICY, **changes), "2026-12-04T12:00:00+03:30", earned) == marks


def test_the_line_says_how_late_by_which_clock_and_by_which_rule() -> None:
    (found,) = judge(POLICY, "2026-12-03T06:42:00Z").deductions
    assert (found.code, found.reason) == (
        "late",
        "2 days late (handed in 2026-12-03 10:12, deadline 2026-12-01 23:59 +03:30 with 15 minutes' grace); "
        "10 marks for each day or part of a day",
    )
    strict = replace(POLICY, grace_minutes=0, unit="percent_of_awarded", most=Decimal("50.0"))
    (found,) = judge(strict, "2026-12-01T23:59:01+03:30").deductions
    assert found.reason == (
        "1 day late (handed in 2026-12-01 23:59:01, deadline 2026-12-01 23:59 +03:30); "
        "10 % of the marks earned for each day or part of a day, at most 50"
    )
    (found,) = judge(replace(POLICY, nothing_after_days=1), "2026-12-03T10:12:00+03:30").deductions
    assert found.reason.endswith("more than 1 late day earns nothing")
    (found,) = judge(replace(POLICY, nothing_after_days=2), "2026-12-04T10:12:00+03:30").deductions
    assert found.reason.endswith("more than 2 late days earn nothing")


def test_the_date_of_a_commit_is_named_and_told_to_staff_also_where_it_is_in_time() -> None:
    late = judge(POLICY, "2026-12-03T10:12:00+03:30", time_source="commit")
    assert "by the date of the student's own last commit" in late.deductions[0].reason
    in_time = judge(POLICY, "2026-12-01T10:12:00+03:30", time_source="commit")
    assert in_time.deductions == ()
    for found in (late, in_time):
        assert [(item.code, item.audience) for item in found.findings] == [("late.commit_date", "staff")]
    assert judge(POLICY, "2026-12-03T10:12:00+03:30", time_source="list").findings == ()


@pytest.mark.parametrize(
    "at", [None, "", "yesterday", "2026-12-01T10:00:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"]
)
def test_without_a_moment_nothing_is_taken_off_and_a_person_looks(at: str | None) -> None:
    found = judge(POLICY, at)
    assert found.deductions == ()
    assert found.review is not None and "not known" in found.review.reason
    marks = [mark(Decimal(1), Decimal(75))]
    assert total(marks, found.deductions, waits=True) == ("needs_review", None, Decimal(75))


def test_what_earned_nothing_needs_no_moment() -> None:
    assert judge(POLICY, None, "0").review is None


def test_without_a_policy_nothing_is_late() -> None:
    assert judge(None, None) == judge(None, "2036-01-01T00:00:00Z") == judge(POLICY, "2026-01-01T00:00:00Z")


amounts = st.decimals(min_value=Decimal("0.01"), max_value=100, places=2)
policies = st.builds(
    LatePolicy,
    deadline=st.just(DUE),
    per_day=amounts,
    unit=st.sampled_from(["marks", "percent_of_available", "percent_of_awarded"]),
    most=st.none() | amounts,
    grace_minutes=st.integers(0, 1440),
    nothing_after_days=st.none() | st.integers(1, 9),
)
hundred = st.decimals(min_value=0, max_value=100, places=2)
late = st.integers(-86_400, 12 * 86_400)


def settle(policy: LatePolicy, seconds: int, earned: Decimal) -> Decimal:
    found = judge(policy, (DUE + timedelta(seconds=seconds)).isoformat(), str(earned))
    return total([mark(Decimal(1), earned)] if earned else [], found.deductions)[2]


@given(policies, late, hundred)
def test_the_total_lies_between_nothing_and_what_was_earned_and_has_two_decimals(
    policy: LatePolicy, seconds: int, earned: Decimal
) -> None:
    left = settle(policy, seconds, earned)
    assert 0 <= left <= earned
    assert left == left.quantize(Decimal("0.01"))


@given(policies, late, late, hundred)
def test_later_never_means_more_marks(policy: LatePolicy, one: int, two: int, earned: Decimal) -> None:
    assert settle(policy, max(one, two), earned) <= settle(policy, min(one, two), earned)


@given(policies, late, hundred, hundred)
def test_more_earned_never_means_a_lower_total(policy: LatePolicy, seconds: int, one: Decimal, two: Decimal) -> None:
    assert settle(policy, seconds, min(one, two)) <= settle(policy, seconds, max(one, two))


@given(policies, late, hundred, st.integers(0, 9_000))
def test_an_extension_never_costs_marks(policy: LatePolicy, seconds: int, earned: Decimal, minutes: int) -> None:
    extended = replace(policy, extensions={"s-001": DUE + timedelta(minutes=minutes)})
    assert settle(extended, seconds, earned) >= settle(policy, seconds, earned)


# --- in the rubric ---


def load(tmp_path: Path, late: str) -> tuple[Path, LatePolicy | None, int]:
    """Return the rubric's path, its policy and the line of ``late:``."""
    text = (ROOT / "rubrics" / "hw5.yaml").read_text(encoding="utf-8")
    path = tmp_path / "hw5.yaml"
    path.write_text(f"{text}late:\n{late}\n", encoding="utf-8")
    from grader.course import resolve

    return path, load_rubric(path, lambda name: resolve(ROOT, name)).late, len(text.splitlines()) + 1


def test_a_policy_is_read_with_its_extensions(tmp_path: Path) -> None:
    _, policy, _ = load(
        tmp_path,
        "  {deadline: 2026-12-01T23:59:00+03:30, per_day: 7.5, unit: percent_of_awarded, most: 50, grace_minutes: 15,\n"
        '   nothing_after_days: 7, extensions: {"0099": 2026-12-03 23:59Z, s-002: 2026-12-02T23:59:00+03:30}}',
    )
    assert policy is not None
    assert (policy.due("0099").isoformat(), policy.due("s-009")) == ("2026-12-03T23:59:00+00:00", DUE)
    assert (policy.per_day, policy.most, policy.unit) == (Decimal("7.5"), Decimal(50), "percent_of_awarded")


GOOD = "  deadline: 2026-12-01T23:59:00+03:30\n  per_day: 10\n"
FAULTS = [
    ("  deadline: 2026-12-01T23:59:00\n  per_day: 10", 1, "late.deadline: has no zone, not '2026-12-01T23:59:00' (as"),
    ("  deadline: 2026-12-01\n  per_day: 10", 1, "late.deadline: has no zone"),
    ("  deadline: next week\n  per_day: 10", 1, "late.deadline: is no time as ISO 8601 writes it"),
    ("  deadline: 1764620940\n  per_day: 10", 1, "late.deadline: is no time as ISO 8601 writes it"),
    ("  deadline: 2026-12-01T23:59:00+03:30", 0, "needs the key 'per_day'"),
    (f"{GOOD}  per_hour: 1", 3, "unknown key 'per_hour'"),
    (f"{GOOD}  unit: percent", 3, "late.unit"),
    (f"{GOOD}  most: 5", 3, "late.most: is 5, less than one day's 10"),
    (f"{GOOD}  unit: percent_of_awarded\n  most: 120", 4, "late.most: is 120, more than 100 percent"),
    (f"{GOOD}  grace_minutes: -1", 3, "late.grace_minutes"),
    (f"{GOOD}  nothing_after_days: 0", 3, "late.nothing_after_days"),
    ("  deadline: 2026-12-01T23:59:00+03:30\n  per_day: -10", 2, "late.per_day"),
    (f"{GOOD}  extensions:\n    s-1: 2026-12-03T23:59:00", 4, "late.extensions.s-1: has no zone"),
    (f"{GOOD}  extensions:\n    s-1: 2026-11-03T23:59:00Z", 4, "is before the deadline (2026-12-01T23:59:00+03:30)"),
    (f"{GOOD}  extensions:\n    0099: 2026-12-03T23:59:00Z", 3, "write ids in quotes"),
]  # fmt: skip


@pytest.mark.parametrize(("late", "offset", "message"), FAULTS)
def test_a_mistake_in_a_policy_is_told_with_its_line(tmp_path: Path, late: str, offset: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, late)
    first = len((ROOT / "rubrics" / "hw5.yaml").read_text(encoding="utf-8").splitlines()) + 1
    (problem,) = caught.value.problems
    assert problem.line == first + offset
    assert message in str(problem)


def test_an_unquoted_id_without_leading_zeros_is_what_it_looks_like(tmp_path: Path) -> None:
    _, policy, _ = load(tmp_path, f"{GOOD}  extensions: {{99521082: 2026-12-03T23:59:00Z}}")
    assert policy is not None and policy.due("99521082").isoformat() == "2026-12-03T23:59:00+00:00"


def test_an_extension_for_nobody_on_the_roster_is_a_mistake() -> None:
    check_extensions(POLICY, Path("hw5.yaml"), ["s-001", "s-002"])
    with pytest.raises(ConfigError, match=r"hw5.yaml: late.extensions.s-002: is not on the roster"):
        check_extensions(POLICY, Path("hw5.yaml"), ["s-001"])


def test_a_policy_is_a_record_like_any_other() -> None:
    policy, _ = read_record(LatePolicy, "{deadline: 2026-12-01T23:59:00.7+03:30, per_day: 10}", "x.yaml")
    assert policy.deadline == DUE
