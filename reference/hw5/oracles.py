"""Question 2 by two means that know no formula: torch.autograd and central differences.

    python -m reference.hw5.oracles < requests.json > answers.json

A request is ``{"quantity", "oracle", "inputs", "moments"}``: a gradient of the sheet (g_o, g_h, g_W, G_W), how it is
meant, the numbers of one world by name and step, of which only the weights, h_0, x and y are looked at, and the time
indices to answer for. The answer is ``{"gradients", "differences"}``, one array for each moment.

How it is meant: ``autograd`` as the sheet says; ``_identity`` with psi left out; ``_at_t`` for h_t whatever i is;
``_one_step`` with the earlier state held constant.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

STEP = 1e-6
Change = Mapping[str, torch.Tensor]


def psi(z: torch.Tensor) -> torch.Tensor:
    """Return the activation of the model worlds (see worlds.py), neither tanh nor a sigmoid."""
    return 0.6 * z + 0.4 * torch.sin(z + 0.3) + 0.1 * z**2 / (1 + z**2)


def run_network(inputs: Mapping[str, Any], oracle: str, moment: Mapping[str, int], change: Change) -> torch.Tensor:
    """Return the loss that is asked for, with ``change`` added: to W_hh, or to h or o at the moment's step."""
    given = {name: torch.tensor(inputs[name][""], dtype=torch.float64) for name in ("W_hh", "W_hx", "W_yh")}
    series = {
        name: [torch.tensor(inputs[name][str(t)], dtype=torch.float64) for t in _steps(inputs)] for name in ("x", "y")
    }
    at = moment.get("t", 0) if "_at_t" in oracle else moment.get("i", moment.get("t", 0))
    state, losses = torch.tensor(inputs["h"]["0"], dtype=torch.float64), []
    for t in _steps(inputs):
        before = state.detach() if "one_step" in oracle else state
        matrix = given["W_hh"] + change.get("W_hh", torch.zeros(()))
        if "one_step" in oracle and "step" in change and int(change["step"]) != t:
            matrix = given["W_hh"]  # differences cannot detach: only this step sees the change
        z = matrix @ before + given["W_hx"] @ series["x"][t - 1]
        state = z if "identity" in oracle else psi(z)
        if t == at and "h" in change:
            state = state + change["h"]
        scores = given["W_yh"] @ state
        if t == at and "o" in change:
            scores = scores + change["o"]
        losses.append(-(series["y"][t - 1] * torch.log_softmax(scores, dim=0)).sum())
    return losses[moment["t"] - 1] if "t" in moment else torch.stack(losses).sum()


def _steps(inputs: Mapping[str, Any]) -> range:
    return range(1, len(inputs["y"]) + 1)


def find_gradient(quantity: str, inputs: Mapping[str, Any], oracle: str, moment: Mapping[str, int]) -> Any:
    """Return the gradient by automatic differentiation."""
    name = _find_variable(quantity)
    change = torch.zeros(_find_shape(name, inputs), dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(run_network(inputs, oracle, moment, {name: change}), change)[0].tolist()


def find_differences(quantity: str, inputs: Mapping[str, Any], oracle: str, moment: Mapping[str, int]) -> Any:
    """Return the gradient by central differences, entry by entry."""
    name = _find_variable(quantity)
    result = torch.zeros(_find_shape(name, inputs), dtype=torch.float64)
    steps: Sequence[Mapping[str, int]] = [moment]
    if "one_step" in oracle and "t" not in moment:
        steps = [{"t": t} for t in _steps(inputs)]
    for place in range(result.numel()):
        change = torch.zeros(result.numel(), dtype=torch.float64)
        change[place] = STEP
        for where in steps:
            sides = [
                run_network(
                    inputs,
                    oracle,
                    where,
                    {name: sign * change.reshape(result.shape), "step": torch.tensor(where.get("t", 0))},
                )
                for sign in (1, -1)
            ]
            result.view(-1)[place] += (sides[0] - sides[1]) / (2 * STEP)
    return result.tolist()


def _find_variable(quantity: str) -> str:
    return {"g_o": "o", "g_h": "h", "g_W": "W_hh", "G_W": "W_hh"}[quantity]


def _find_shape(name: str, inputs: Mapping[str, Any]) -> tuple[int, int]:
    rows = {"o": len(inputs["W_yh"][""]), "h": len(inputs["W_hh"][""]), "W_hh": len(inputs["W_hh"][""])}[name]
    return (rows, rows) if name == "W_hh" else (rows, 1)


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what both means give at each moment."""
    ways: Mapping[str, Callable[..., Any]] = {"gradients": find_gradient, "differences": find_differences}
    quantity, inputs, oracle = request["quantity"], request["inputs"], request["oracle"]
    return {
        name: [find(quantity, inputs, oracle, moment) for moment in request["moments"]] for name, find in ways.items()
    }


def main() -> None:
    """Answer the requests on standard input."""
    torch.set_num_threads(1)
    json.dump([answer(request) for request in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
