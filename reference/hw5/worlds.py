"""Model worlds for the formulas of question 2: forward and backward passes of the sheet's network, in NumPy.

z_t = W_hh h_{t-1} + W_hx x_t, h_t = psi(z_t), o_t = W_yh h_t, yhat_t = softmax(o_t),
J_t = -sum_i y_{t,i} log yhat_{t,i}.
Weights, inputs, labels and h_0 are random from fixed seeds; everything else follows from them, so that an identity of
the homework holds in every world and a mistake shows. Labels are soft (one-hot labels hide the sigmoid mistake), h_0 is
not zero, all dimensions differ, and psi is neither tanh nor the sigmoid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Function = Callable[[Array], Array]
Values = dict[str, dict[tuple[int, ...], Any]]

STEPS = 3
# (inputs, hidden, outputs) of the sheet: no two agree, so that a wrong matrix fails by its shape, and answers that
# write a sum to 4 or both outputs out must hold.
SIZES = (3, 4, 2)
# A gradient of J_t carries the question's t besides its own index; without a t it is the gradient of J.
OF_T = {"g_h": "J/h", "g_z": "J/z"}
COLUMNS = ("x", "h", "z", "o", "y", "yhat")
GRADIENTS = ("g_o", "g_h", "g_z", "g_yhat", "J_t/o", "J_t/h", "J_t/z", "J_t/yhat", "J/o", "J/h", "J/z", "J/yhat")
WEIGHT_GRADIENTS = ("g_W", "J_t/W_hh", "J/W_hh", "G_W")


def psi(z: Array) -> Array:
    """Return an activation that is no usual one: smooth, bounded slope, nowhere symmetric."""
    return 0.6 * z + 0.4 * np.sin(z + 0.3) + 0.1 * z**2 / (1 + z**2)


def psi_prime(z: Array) -> Array:
    """Return the derivative of ``psi``."""
    return 0.6 + 0.4 * np.cos(z + 0.3) + 0.2 * z / (1 + z**2) ** 2


def softmax(o: Array) -> Array:
    """Return softmax over all entries, whichever way the vector lies."""
    weights = np.exp(o - o.max())
    return np.asarray(weights / weights.sum())


def sigmoid(z: Array) -> Array:
    """Return the logistic function, entry by entry."""
    return 1 / (1 + np.exp(-z))


def _sigmoid_prime(z: Array) -> Array:
    return sigmoid(z) * (1 - sigmoid(z))


def _identity(z: Array) -> Array:
    return z


def _tanh_prime(z: Array) -> Array:
    return 1 - np.tanh(z) ** 2


COMMON: Mapping[str, Function] = {
    "softmax": softmax,
    "sigmoid": sigmoid,
    "sigmoid_prime": _sigmoid_prime,
    "tanh": np.tanh,
    "tanh_prime": _tanh_prime,
    "exp": np.exp,
    "log": np.log,
}


def build_worlds() -> tuple[dict[str, Any], ...]:
    """Return all worlds as mappings with the fields of the grader's World: generic ones first, then special ones."""
    generic = [_build_world("generic", seed, SIZES) for seed in (11, 12)]
    layouts = [
        _turn(generic[0], kind, names, base=0)
        for kind, names in (
            ("row_gradients", (*GRADIENTS,)),
            ("row_vectors", (*GRADIENTS, *COLUMNS)),
        )
    ]
    special = [
        _build_world("scalar", 21, (1, 1, 1)),
        _build_world("scalar", 22, (1, 1, 1)),
        _build_world("identity", 35, SIZES, functions=(_identity, np.ones_like)),
        _build_world("tanh", 31, SIZES, functions=(np.tanh, _tanh_prime)),
        _build_world("sigmoid", 34, SIZES, functions=(sigmoid, _sigmoid_prime)),
        _build_world("one_hot", 32, SIZES, one_hot=True),
        _build_world("h0_zero", 33, SIZES, start=0.0),
    ]
    return (*generic, *layouts, *special)


def build_pass(
    seed: int,
    sizes: tuple[int, int, int],
    functions: tuple[Function, Function] = (psi, psi_prime),
    *,
    one_hot: bool = False,
    start: float = 1.0,
) -> Values:
    """Return all quantities of one seeded pass; ``sizes`` are (inputs, hidden, outputs), ``start`` scales h_0."""
    draw = np.random.default_rng(seed)
    inputs, hidden, outputs = sizes
    weights = {
        "W_hh": draw.normal(0.0, 0.7, (hidden, hidden)),
        "W_hx": draw.normal(0.0, 0.7, (hidden, inputs)),
        "W_yh": draw.normal(0.0, 0.9, (outputs, hidden)),
    }
    values: Values = {name: {(): matrix} for name, matrix in weights.items()}
    values["x"] = {(t,): draw.normal(0.0, 1.0, (inputs, 1)) for t in range(1, STEPS + 1)}
    values["h"] = {(0,): start * draw.normal(0.0, 1.0, (hidden, 1))}
    values["y"] = {(t,): _draw_label(draw, outputs, one_hot=one_hot) for t in range(1, STEPS + 1)}
    if one_hot:
        values["c"] = {(t,): float(values["y"][t,].argmax()) + 1 for t in range(1, STEPS + 1)}
    _run_forward(values, functions[0])
    _run_backward(values, functions[1])
    return values


def _draw_label(draw: np.random.Generator, outputs: int, *, one_hot: bool) -> Array:
    weights = draw.uniform(0.2, 1.0, (outputs, 1))
    if one_hot:
        return np.asarray(weights == weights.max(), dtype=np.float64)
    return np.asarray(weights / weights.sum() if outputs > 1 else weights * 0.8)


def _run_forward(values: Values, activate: Function) -> None:
    scalar = values["y"][1,].size == 1
    values["z"], values["o"], values["yhat"], values["J_t"] = {}, {}, {}, {}
    for t in range(1, STEPS + 1):
        values["z"][t,] = values["W_hh"][()] @ values["h"][t - 1,] + values["W_hx"][()] @ values["x"][t,]
        values["h"][t,] = activate(values["z"][t,])
        values["o"][t,] = values["W_yh"][()] @ values["h"][t,]
        values["yhat"][t,] = sigmoid(values["o"][t,]) if scalar else softmax(values["o"][t,])
        values["J_t"][t,] = float(-(values["y"][t,] * np.log(values["yhat"][t,])).sum())
    values["J"] = {(): sum(values["J_t"].values())}


def _run_backward(values: Values, slope: Function) -> None:
    """Add every gradient and Jacobian; ``a/b`` is the derivative of a by b, keyed by a's and then b's time."""
    steps = range(1, STEPS + 1)
    names = (
        "J_t/o",
        "J_t/h",
        "J_t/z",
        "J_t/yhat",
        "o/h",
        "h/z",
        "z/h",
        "yhat/o",
        "h/h",
        "g_h",
        "g_z",
        "g_o",
        "g_yhat",
        "g_W",
    )
    values.update({name: {} for name in names})
    for t in steps:
        _add_output_gradients(values, t)
        values["h/z"][t, t] = np.diag(slope(values["z"][t,]).reshape(-1))
        values["z/h"][t, t - 1] = values["W_hh"][()]
        values["o/h"][t, t] = values["W_yh"][()]
    for t in steps:
        _add_time_gradients(values, t)
    _add_totals(values)


def _add_output_gradients(values: Values, t: int) -> None:
    y, yhat = values["y"][t,], values["yhat"][t,]
    if y.size == 1:  # one output: the logistic loss, whose gradient is again yhat - y
        values["yhat/o"][t, t] = yhat * (1 - yhat)
        values["g_yhat"][t,] = (yhat - y) / (yhat * (1 - yhat))
    else:
        values["yhat/o"][t, t] = np.diag(yhat.reshape(-1)) - yhat @ yhat.T
        values["g_yhat"][t,] = -y / yhat
    values["g_o"][t,] = values["J_t/o"][t, t] = yhat - y
    values["J_t/yhat"][t, t] = values["g_yhat"][t,]


def _add_time_gradients(values: Values, t: int) -> None:
    """Walk back from step t: the gradients of J_t by every h_i and z_i, the Jacobians of h_t, the gradient by W_hh."""
    gradient = values["W_yh"][()].T @ values["g_o"][t,]
    jacobian = np.eye(len(gradient))
    total = np.zeros_like(values["W_hh"][()])
    for i in range(t, 0, -1):
        values["g_h"][t, i] = values["J_t/h"][t, i] = gradient
        values["h/h"][t, i] = jacobian
        values["g_z"][t, i] = values["J_t/z"][t, i] = values["h/z"][i, i] @ gradient
        total = total + values["g_z"][t, i] @ values["h"][i - 1,].T
        gradient = values["W_hh"][()].T @ values["g_z"][t, i]
        jacobian = jacobian @ values["h/z"][i, i] @ values["W_hh"][()]
    values["h/h"][t, 0] = jacobian
    values["g_W"][t,] = total


def _add_totals(values: Values) -> None:
    steps = range(1, STEPS + 1)
    values["J_t/W_hh"] = dict(values["g_W"])
    values["J/W_hh"] = values["G_W"] = {(): sum(values["g_W"].values())}
    for short in ("h", "z"):
        of_t = values[f"J_t/{short}"]
        values[f"J/{short}"] = {(i,): sum(of_t[t, i] for t in steps if t >= i) for i in steps}
    values["J/o"] = {(t,): values["g_o"][t,] for t in steps}
    values["J/yhat"] = {(t,): values["g_yhat"][t,] for t in steps}
    values["J/J_t"] = {(t,): 1.0 for t in steps}
    if values["W_hh"][()].size == 1:
        values["z/W_hh"] = {(t,): values["h"][t - 1,] for t in steps}
        values["h/W_hh"] = {(t,): values["h/z"][t, t] * values["h"][t - 1,] for t in steps}


def _build_world(
    kind: str,
    seed: int,
    sizes: tuple[int, int, int],
    functions: tuple[Function, Function] = (psi, psi_prime),
    *,
    one_hot: bool = False,
    start: float = 1.0,
) -> dict[str, Any]:
    values = build_pass(seed, sizes, functions, one_hot=one_hot, start=start)
    if kind == "scalar":
        values = {
            name: {at: float(np.asarray(v).reshape(())) for at, v in found.items()} for name, found in values.items()
        }
    own = {"psi": functions[0], "psi_prime": functions[1]}
    return {"kind": kind, "steps": STEPS, "values": values, "of_t": OF_T, "functions": {**COMMON, **own}}


def _turn(world: dict[str, Any], kind: str, names: tuple[str, ...], *, base: int) -> dict[str, Any]:
    """Return a world in another layout: the named quantities transposed, the weights' gradients with them."""
    turned = {
        name: {at: value.T for at, value in found.items()} if name in (*names, *WEIGHT_GRADIENTS) else found
        for name, found in world["values"].items()
    }
    return {**world, "kind": kind, "values": turned, "base": base}
