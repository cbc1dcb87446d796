"""The case table: every row is decided as a careful marker would, or referred where the table says so."""

import json
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from grader.kinds.base import Context
from grader.kinds.formula import FormulaQuestion, FormulaWorld, check_formula, find_bank_problems
from grader.model import Answer

ROOT = Path(__file__).parents[2]
ROWS = yaml.safe_load((ROOT / "tests/cases/formula.yaml").read_text())
RUBRIC = yaml.safe_load((ROOT / "rubrics/hw5.yaml").read_text())
WORLDS = {
    name: TypeAdapter(FormulaWorld).validate_json(json.dumps(world)) for name, world in RUBRIC["worlds"].items()
}
QUESTIONS = {
    row["id"]: TypeAdapter(FormulaQuestion).validate_json(json.dumps(row["question"]))
    for row in RUBRIC["criteria"]
    if row["question"]["kind"] == "formula"
}


def resolve(name):
    import importlib

    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def check(criterion, text, *, machine_read=False, answers=()):
    state = "given" if text.strip() else "missing"
    answer = Answer(question=criterion, state=state, text=text, machine_read=machine_read)
    others = {
        name: Answer(question=name, state="given", text=other, machine_read=machine_read)
        for name, other in dict(answers).items()
    }
    context = Context(
        seed=b"0" * 32, answers={**others, criterion: answer}, questions=QUESTIONS, worlds=WORLDS, resolve=resolve
    )
    return check_formula(criterion, QUESTIONS[criterion], answer, context)


@pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{row['criterion']}-{row['why'][:30]}" for n, row in enumerate(ROWS)])
def test_row(row):
    evidence = check(
        row["criterion"], row["answer"], machine_read=row.get("machine_read", False), answers=row.get("answers", {})
    )
    codes = [finding.code for finding in evidence.findings]
    assert evidence.verdict in (row["verdict"], *row.get("also_ok", ())), (evidence.observed, codes, evidence.review)
    if evidence.verdict == row["verdict"]:
        if "reading" in row:
            assert evidence.reading == row["reading"], evidence.observed
        if "finding" in row:
            assert f"formula.{row['finding']}" in codes, evidence.observed
    if row.get("review") or evidence.verdict == "unreadable":
        assert evidence.review is not None and evidence.review.reason
    else:
        assert evidence.review is None, evidence.review


def test_table_covers_every_verdict_of_every_part():
    for criterion in QUESTIONS:
        verdicts = {row["verdict"] for row in ROWS if row["criterion"] == criterion}
        assert verdicts == {"correct", "partial", "wrong", "missing", "unreadable"}
    assert len(ROWS) >= 60


@pytest.mark.parametrize("criterion", QUESTIONS)
def test_bank_has_no_problems(criterion):
    assert find_bank_problems(criterion, QUESTIONS[criterion], WORLDS, resolve) == []
