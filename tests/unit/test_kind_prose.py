"""prose: the case table, and what must hold for every answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kind_cases import PLEAS, check, judge, load_cases, mutate, name

CASES = load_cases("prose")


@pytest.mark.parametrize("case", CASES, ids=name)
def test_case(case: dict[str, Any]) -> None:
    assert judge(case) == []


def test_table_is_large_and_varied() -> None:
    verdicts = {verdict for case in CASES for verdict in case["verdict"].split("|")}
    assert len(CASES) >= 40
    assert verdicts == {"correct", "partial", "wrong", "missing", "unreadable"}


@pytest.mark.parametrize("plea", PLEAS)
def test_speaking_to_the_grader_never_raises_a_credit(plea: str) -> None:
    for case in CASES:
        if case.get("state", "given") == "given":
            before = check(case["criterion"], case["answer"])
            after = check(case["criterion"], case["answer"] + "\n\n" + plea)
            assert (after.credit or 0) <= (before.credit or 0), case["answer"]
            assert "prose.addressed_to_grader" in [f.code for f in after.findings if f.audience == "staff"]


def test_nothing_that_a_student_writes_raises() -> None:
    for criterion, text in mutate("prose", 300):
        evidence = check(criterion, text)
        assert (evidence.credit is None) == (evidence.verdict in ("unreadable", "ungraded"))
