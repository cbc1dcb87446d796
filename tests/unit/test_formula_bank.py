"""The bank's own faults are found; that its readings are right is proved in test_workbench_proofs.py."""

from dataclasses import replace

import numpy as np
import pytest

from grader.formula.bank import build_bank, build_question_table, read_bank_formula
from grader.formula.evaluate import evaluate
from grader.formula.meaning import Setting
from grader.kinds.formula import AcceptedReading, Misconception, find_bank_problems
from tests.unit.formula_cases import QUESTIONS, WORLDS, resolve


def find_bank(criterion):
    question, world = QUESTIONS[criterion], WORLDS["rnn"]
    setting = Setting(
        table=build_question_table(question, world), times=tuple(question.times), lone=question.lone_index
    )
    return build_bank(question, world, resolve), setting


def test_readings_are_different_from_one_another():
    bank, _ = find_bank("q2c")
    world = bank.find_worlds("generic")[0]
    full, one_step = (evaluate(bank.readings[name], world, {"t": 3}) for name in ("full", "one_step"))
    assert np.linalg.norm(full - one_step) > 0.05 * np.linalg.norm(full)


def test_a_misconception_that_is_a_reading_is_found():
    question = QUESTIONS["q2a"]
    mistaken = {**question.misconceptions, "twin": Misconception(credit=0, hint="x", formulas=(r"-(y_t - \hat y_t)",))}
    problems = find_bank_problems("q2a", replace(question, misconceptions=mistaken), WORLDS, resolve)
    assert problems == ["q2a: misconceptions.twin: cannot be told from readings.full"]


def test_a_formula_that_cannot_be_read_is_found_with_its_place():
    question = QUESTIONS["q2a"]
    readings = {**question.readings, "odd": AcceptedReading(formula=r"\hat y_t - (y_t", oracle="autograd")}
    (problem,) = find_bank_problems("q2a", replace(question, readings=readings), WORLDS, resolve)
    assert problem.startswith("q2a: readings.odd:") and "ends too early" in problem


def test_a_world_that_is_not_there_is_found():
    assert "no world" in find_bank_problems("q2a", replace(QUESTIONS["q2a"], world="cnn"), WORLDS, resolve)[0]


def test_scalar_worlds_are_the_same_network_with_one_of_everything():
    bank, setting = find_bank("q2d")
    for world in bank.find_worlds("scalar"):
        full = evaluate(read_bank_formula(r"\sum_{t=1}^T g_{W_{hh},t}", setting), world, {})
        expanded = evaluate(bank.readings["full"], world, {})
        assert full == pytest.approx(expanded) and abs(full) > 1e-3
