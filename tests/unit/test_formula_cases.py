"""The case table: every row is decided as a careful marker would, or referred where the table says so."""

import pytest

from grader.kinds.formula import find_bank_problems
from tests.unit.formula_cases import QUESTIONS, ROWS, WORLDS, check, resolve


@pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{row['criterion']}-{row['why'][:30]}" for n, row in enumerate(ROWS)])
def test_row(row):
    evidence = check(
        row["criterion"], row["answer"], machine_read=row.get("machine_read", False), answers=row.get("answers", {})
    )
    codes = [finding.code for finding in evidence.findings]
    assert evidence.verdict in (row["verdict"], *row.get("also_ok", ())), (evidence.observed, codes, evidence.review)
    if evidence.verdict == row["verdict"]:
        assert evidence.reading == row.get("reading", evidence.reading), evidence.observed
        assert "finding" not in row or f"formula.{row['finding']}" in codes, evidence.observed
    referred = row.get("review", False) or evidence.verdict == "unreadable"
    assert (evidence.review is not None) == referred, evidence.review


def test_table_covers_every_verdict_of_every_part():
    for criterion in QUESTIONS:
        verdicts = {row["verdict"] for row in ROWS if row["criterion"] == criterion}
        assert verdicts == {"correct", "partial", "wrong", "missing", "unreadable"}
    assert len(ROWS) >= 60


@pytest.mark.parametrize("criterion", QUESTIONS)
def test_bank_has_no_problems(criterion):
    assert find_bank_problems(criterion, QUESTIONS[criterion], WORLDS, resolve) == []
