"""Every accepted reading against its oracle (torch.autograd, finite differences); the bank's own faults are found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from grader.formula.bank import build_bank, build_question_table, read_bank_formula
from grader.formula.compare import find_moments
from grader.formula.evaluate import evaluate
from grader.formula.meaning import Setting
from grader.kinds.formula import AcceptedReading, Misconception, find_bank_problems
from tests.unit.formula_cases import QUESTIONS, WORLDS, resolve

READINGS = [(criterion, name) for criterion, question in QUESTIONS.items() for name in question.readings]


def psi(z):
    return 0.6 * z + 0.4 * torch.sin(z + 0.3) + 0.1 * z**2 / (1 + z**2)


def run_network(world, *, identity, detached, weights=None):
    """The sheet's forward pass in torch, from a world's inputs: (W_hh, states, scores, losses)."""
    values = {
        name: {at: torch.tensor(np.asarray(v), dtype=torch.float64) for at, v in world.values[name].items()}
        for name in ("W_hh", "W_hx", "W_yh", "x", "y")
    }
    matrix = values["W_hh"][()] if weights is None else torch.tensor(weights, dtype=torch.float64)
    matrix = matrix.clone().requires_grad_(True)
    states, scores, losses = {0: torch.tensor(world.values["h"][0,], dtype=torch.float64)}, {}, {}
    for t in range(1, world.steps + 1):
        before = states[t - 1].detach() if detached else states[t - 1]
        z = matrix @ before + values["W_hx"][()] @ values["x"][t,]
        states[t] = z if identity else psi(z)
        scores[t] = values["W_yh"][()] @ states[t]
        losses[t] = -(values["y"][t,] * torch.log_softmax(scores[t], dim=0)).sum()
    return matrix, states, scores, losses


def find_oracle(criterion, oracle, world, moment):
    """What autograd gives for what the criterion asks."""
    identity, detached = "identity" in oracle, "one_step" in oracle
    matrix, states, scores, losses = run_network(world, identity=identity, detached=detached)
    if criterion == "q2d":
        return torch.autograd.grad(sum(losses.values()), matrix)[0].numpy()
    loss = losses[moment["t"]]
    if criterion == "q2c":
        # one_step: only what step t itself does with W_hh; earlier losses are not in J_t, so detaching is enough
        return torch.autograd.grad(loss, matrix)[0].numpy()
    state = states[moment["t"] if oracle == "autograd_at_t" else moment["i"]] if criterion == "q2b" else None
    return torch.autograd.grad(loss, scores[moment["t"]] if state is None else state)[0].numpy()


def find_bank(criterion):
    question, world = QUESTIONS[criterion], WORLDS["rnn"]
    setting = Setting(
        table=build_question_table(question, world), times=tuple(question.times), lone=question.lone_index
    )
    return build_bank(question, world, resolve), setting


@pytest.mark.parametrize(("criterion", "name"), READINGS, ids=[f"{c}-{n}" for c, n in READINGS])
def test_reading_is_what_its_oracle_gives(criterion, name):
    bank, _ = find_bank(criterion)
    oracle = QUESTIONS[criterion].readings[name].oracle
    worlds = bank.find_worlds("identity" if "identity" in oracle else "generic")
    compared = 0
    for world in worlds:
        for moment in find_moments(world, bank.times):
            ours = evaluate(bank.readings[name], world, moment)
            np.testing.assert_allclose(ours, find_oracle(criterion, oracle, world, moment), rtol=1e-9, atol=1e-12)
            compared += 1
    assert compared >= 1


def test_readings_are_different_from_one_another():
    bank, _ = find_bank("q2c")
    world = bank.find_worlds("generic")[0]
    full, one_step = (evaluate(bank.readings[name], world, {"t": 3}) for name in ("full", "one_step"))
    assert np.linalg.norm(full - one_step) > 0.05 * np.linalg.norm(full)


def test_full_gradient_by_central_differences():
    bank, _ = find_bank("q2d")
    world = bank.find_worlds("generic")[0]
    ours = evaluate(bank.readings["full"], world, {})
    matrix, step = np.asarray(world.values["W_hh"][()]), 1e-6
    for row in range(matrix.shape[0]):
        for column in range(matrix.shape[1]):
            change = np.zeros_like(matrix)
            change[row, column] = step
            above, below = (
                sum(
                    run_network(world, identity=False, detached=False, weights=matrix + sign * change)[3].values()
                ).item()
                for sign in (1, -1)
            )
            assert (above - below) / (2 * step) == pytest.approx(ours[row, column], rel=1e-5, abs=1e-8)


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
