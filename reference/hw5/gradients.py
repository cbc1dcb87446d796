"""Question 2: the gradients of the sheet's small recurrent network in closed form.

    z_t = W_hh h_{t-1} + W_hx x_t        h_t = psi(z_t)        o_t = W_yh h_t
    yhat_t = softmax(o_t)                J_t = -sum_i y_{t,i} log yhat_{t,i}        J = sum_t J_t

Sizes on the sheet: x_t in R^3, h_t in R^4, y_t in R^2, T = 3. Any sizes work here, n = 1 included (the scalar reading).
The sheet lets students leave psi out; that is the same network with ``IDENTITY`` in place of ``TANH``.

Vectors are NumPy columns written flat, [size]. Gradients have the shape of what they are taken by (column layout);
the row layout of a whole answer is the transpose of each (``to_row_layout``). Steps count from 1 to T as on the sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

Array = NDArray[numpy.float64]

INPUTS, HIDDEN, OUTPUTS, STEPS = 3, 4, 2, 3


@dataclass(frozen=True, slots=True)
class Activation:
    """psi and its derivative psi', both elementwise functions of z."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


TANH = Activation(value=numpy.tanh, slope=lambda z: 1 - numpy.tanh(z) ** 2)
IDENTITY = Activation(value=lambda z: z, slope=numpy.ones_like)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Weights and data: everything that the loss depends on.

    ``labels`` are distributions (rows that sum to 1); a one-hot row is one of them.
    """

    w_hh: Array  # [hidden, hidden]
    w_hx: Array  # [hidden, inputs]
    w_yh: Array  # [outputs, hidden]
    start: Array  # h_0, [hidden]
    inputs: Array  # x_1..x_T, [T, inputs]
    labels: Array  # y_1..y_T, [T, outputs]
    psi: Activation = TANH


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What the forward pass computes. Row t belongs to step t; rows 0 of ``z``, ``o``, ``yhat`` are unused (zero)."""

    z: Array  # [T + 1, hidden]
    h: Array  # [T + 1, hidden], h[0] is h_0
    o: Array  # [T + 1, outputs]
    yhat: Array  # [T + 1, outputs]
    losses: Array  # [T + 1], J_t

    @property
    def loss(self) -> float:
        """J, the sum over all steps."""
        return float(self.losses.sum())


def draw_world(
    seed: int,
    *,
    hidden: int = HIDDEN,
    inputs: int = INPUTS,
    outputs: int = OUTPUTS,
    steps: int = STEPS,
    psi: Activation = TANH,
) -> World:
    """Return a random world; labels are soft and h_0 is not zero, so that no wrong formula is right by accident."""
    random = numpy.random.default_rng(seed)
    labels = random.uniform(0.1, 1.0, (steps, outputs))
    return World(
        w_hh=random.normal(0, 0.7, (hidden, hidden)),
        w_hx=random.normal(0, 0.7, (hidden, inputs)),
        w_yh=random.normal(0, 0.7, (outputs, hidden)),
        start=random.normal(0, 0.7, hidden),
        inputs=random.normal(0, 1, (steps, inputs)),
        labels=labels / labels.sum(axis=1, keepdims=True),
        psi=psi,
    )


def softmax(o: Array) -> Array:
    """Return exp(o_i) / sum_j exp(o_j), [size] to [size]."""
    powers = numpy.exp(o - o.max())
    result: Array = powers / powers.sum()
    return result


def run_forward(world: World) -> Forward:
    """Return every quantity of the forward pass."""
    steps, (outputs, hidden) = len(world.inputs), world.w_yh.shape
    z, h = numpy.zeros((steps + 1, hidden)), numpy.zeros((steps + 1, hidden))
    o, yhat = numpy.zeros((steps + 1, outputs)), numpy.zeros((steps + 1, outputs))
    losses = numpy.zeros(steps + 1)
    h[0] = world.start
    for t in range(1, steps + 1):
        z[t] = world.w_hh @ h[t - 1] + world.w_hx @ world.inputs[t - 1]
        h[t] = world.psi.value(z[t])
        o[t] = world.w_yh @ h[t]
        yhat[t] = softmax(o[t])
        losses[t] = -world.labels[t - 1] @ numpy.log(yhat[t])
    return Forward(z=z, h=h, o=o, yhat=yhat, losses=losses)


def compute_g_o(world: World, forward: Forward, t: int) -> Array:
    """Q2a: g_{o_t} = dJ_t/do_t = yhat_t - y_t, [outputs].

    The softmax Jacobian diag(yhat) - yhat yhat^T times -y/yhat, and y sums to 1.
    """
    gradient: Array = forward.yhat[t] - world.labels[t - 1]
    return gradient


def compute_g_h(world: World, forward: Forward, t: int, i: int) -> Array:
    """Q2b: dJ_t/dh_i = W_hh^T D_{i+1} ... W_hh^T D_t W_yh^T g_{o_t} with D_k = diag(psi'(z_k)), [hidden].

    Zero for i > t: the loss of step t knows nothing of later states. For i = t only W_yh^T g_{o_t} stays.
    """
    if i > t:
        return numpy.zeros_like(world.start)
    gradient = world.w_yh.T @ compute_g_o(world, forward, t)
    for k in range(t, i, -1):
        gradient = world.w_hh.T @ (world.psi.slope(forward.z[k]) * gradient)
    return gradient


def compute_g_w_hh(world: World, forward: Forward, t: int) -> Array:
    """Q2c, full: dJ_t/dW_hh = sum over i <= t of (dJ_t/dh_i * psi'(z_i)) h_{i-1}^T, [hidden, hidden]."""
    return sum((_outer(world, forward, t, i) for i in range(1, t + 1)), numpy.zeros_like(world.w_hh))


def compute_g_w_hh_one_step(world: World, forward: Forward, t: int) -> Array:
    """Q2c, one step: (dJ_t/dh_t * psi'(z_t)) h_{t-1}^T, as if h_{t-1} were a constant, [hidden, hidden]."""
    return _outer(world, forward, t, t)


def compute_g_w_hh_total(world: World, forward: Forward) -> Array:
    """Q2d: dJ/dW_hh = sum over t = 1..T of dJ_t/dW_hh, [hidden, hidden]."""
    steps = range(1, len(world.inputs) + 1)
    return sum((compute_g_w_hh(world, forward, t) for t in steps), numpy.zeros_like(world.w_hh))


def to_row_layout(gradient: Array) -> Array:
    """Return a gradient in row layout: a vector as a row [1, size], a matrix transposed."""
    return numpy.atleast_2d(gradient) if gradient.ndim == 1 else gradient.T


def _outer(world: World, forward: Forward, t: int, i: int) -> Array:
    """Return the share of step i in dJ_t/dW_hh, [hidden, hidden]."""
    return numpy.outer(compute_g_h(world, forward, t, i) * world.psi.slope(forward.z[i]), forward.h[i - 1])
