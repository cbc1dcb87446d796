"""What the formula tests share: the rubric's Q2 and a way to check one answer."""

import importlib
import json
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from grader.kinds.addressed import leave_out_pleas
from grader.kinds.base import Context
from grader.kinds.formula import FormulaQuestion, FormulaWorld, check_formula
from grader.model import Answer

ROOT = Path(__file__).parents[2]
RUBRIC = yaml.safe_load((ROOT / "rubrics/hw5.yaml").read_text(encoding="utf-8"))
ROWS = yaml.safe_load((ROOT / "tests/cases/formula.yaml").read_text(encoding="utf-8"))
WORLDS = {name: TypeAdapter(FormulaWorld).validate_json(json.dumps(world)) for name, world in RUBRIC["worlds"].items()}
QUESTIONS = {
    row["id"]: TypeAdapter(FormulaQuestion).validate_json(json.dumps(row["question"]))
    for row in RUBRIC["criteria"]
    if row["question"]["kind"] == "formula"
}


def resolve(name):
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def check(criterion, text, *, machine_read=False, answers=()):
    state = "given" if text.strip() else "missing"
    answer = leave_out_pleas(Answer(question=criterion, state=state, text=text, machine_read=machine_read))
    others = {
        name: Answer(question=name, state="given", text=other, machine_read=machine_read)
        for name, other in dict(answers).items()
    }
    context = Context(
        seed=b"0" * 32, answers={**others, criterion: answer}, questions=QUESTIONS, worlds=WORLDS, resolve=resolve
    )
    return check_formula(criterion, QUESTIONS[criterion], answer, context)
