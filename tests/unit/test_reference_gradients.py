"""The closed forms of question 2 against three oracles: torch.autograd, central differences, and SymPy."""

from dataclasses import replace

import numpy
import pytest
import sympy
import torch

from reference.hw5.gradients import (
    IDENTITY,
    TANH,
    World,
    compute_g_h,
    compute_g_o,
    compute_g_w_hh,
    compute_g_w_hh_one_step,
    compute_g_w_hh_total,
    draw_world,
    run_forward,
    to_row_layout,
)

PSIS = {"tanh": TANH, "left out": IDENTITY}
WORLDS = {"sheet": {}, "scalar": {"hidden": 1, "inputs": 1, "outputs": 2}, "longer": {"hidden": 5, "steps": 6}}
CASES = [pytest.param(psi, sizes, id=f"{sizes}, psi {psi}") for psi in PSIS for sizes in WORLDS]


def draw(psi: str, sizes: str, seed: int = 3) -> World:
    return draw_world(seed, psi=PSIS[psi], **WORLDS[sizes])


def run_torch(world: World, detach_before: int | None = None):
    """Run the network in torch; return W_hh, lists of h, o and J by step (index 0 unused but for h_0)."""
    w_hh, w_hx, w_yh = (torch.tensor(w, requires_grad=True) for w in (world.w_hh, world.w_hx, world.w_yh))
    psi = torch.tanh if world.psi is TANH else lambda z: z
    hs, os, losses = [torch.tensor(world.start)], [None], [None]
    for t, (x, y) in enumerate(zip(torch.tensor(world.inputs), torch.tensor(world.labels), strict=True), start=1):
        before = hs[-1].detach() if t == detach_before else hs[-1]
        hs.append(psi(w_hh @ before + w_hx @ x))
        os.append(w_yh @ hs[-1])
        losses.append(-(y * torch.log_softmax(os[-1], 0)).sum())
    return w_hh, hs, os, losses


def autograd(loss, by):
    return torch.autograd.grad(loss, by, retain_graph=True)[0].numpy()


def close(actual, expected):
    numpy.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("psi", "sizes"), CASES)
def test_autograd_agrees(psi, sizes):
    world = draw(psi, sizes)
    forward = run_forward(world)
    w_hh, hs, os, losses = run_torch(world)
    steps = range(1, len(world.inputs) + 1)
    for t in steps:
        close(forward.losses[t], losses[t].item())
        close(compute_g_o(world, forward, t), autograd(losses[t], os[t]))
        close(compute_g_w_hh(world, forward, t), autograd(losses[t], w_hh))
        for i in range(1, t + 1):
            close(compute_g_h(world, forward, t, i), autograd(losses[t], hs[i]))
    close(compute_g_w_hh_total(world, forward), autograd(sum(losses[1:]), w_hh))


@pytest.mark.parametrize(("psi", "sizes"), CASES)
def test_one_step_is_the_gradient_with_the_state_before_held_constant(psi, sizes):
    world = draw(psi, sizes)
    for t in range(1, len(world.inputs) + 1):
        w_hh, _, _, losses = run_torch(world, detach_before=t)
        close(compute_g_w_hh_one_step(world, run_forward(world), t), autograd(losses[t], w_hh))


def difference(world: World, name: str, t: int) -> numpy.ndarray:
    """Return dJ_t by the weights ``name``, by central differences."""
    weights, step = getattr(world, name), 1e-6
    gradient = numpy.zeros_like(weights)
    for place in numpy.ndindex(*weights.shape):
        sides = []
        for sign in (1, -1):
            moved = weights.copy()
            moved[place] += sign * step
            sides.append(run_forward(replace(world, **{name: moved})).losses[t])
        gradient[place] = (sides[0] - sides[1]) / (2 * step)
    return gradient


@pytest.mark.parametrize(("psi", "sizes"), CASES)
def test_central_differences_agree(psi, sizes):
    world = draw(psi, sizes, seed=4)
    forward = run_forward(world)
    steps = range(1, len(world.inputs) + 1)
    found = {t: difference(world, "w_hh", t) for t in steps}
    for t in steps:
        numpy.testing.assert_allclose(compute_g_w_hh(world, forward, t), found[t], rtol=1e-6, atol=1e-9)
        # dJ_t/dh_0 reaches back through every step
        numpy.testing.assert_allclose(
            compute_g_h(world, forward, t, 0), difference(world, "start", t), rtol=1e-6, atol=1e-9
        )
    numpy.testing.assert_allclose(compute_g_w_hh_total(world, forward), sum(found.values()), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("psi", PSIS)
def test_sympy_derivation_agrees(psi):
    """A network unrolled by hand: two steps, two hidden units, one input; numbers are put in after differentiating."""
    world = draw_world(5, hidden=2, inputs=1, outputs=2, steps=2, psi=PSIS[psi])
    w, u, v = sympy.MatrixSymbol("W", 2, 2), sympy.Matrix(world.w_hx), sympy.Matrix(world.w_yh)
    w = w.as_explicit()
    apply = sympy.tanh if psi == "tanh" else (lambda z: z)
    h0 = sympy.Matrix(world.start)
    h1 = (w * h0 + u * world.inputs[0, 0]).applyfunc(apply)
    h2 = (w * h1 + u * world.inputs[1, 0]).applyfunc(apply)
    numbers = {w[place]: float(world.w_hh[place]) for place in numpy.ndindex(2, 2)}
    total = numpy.zeros((2, 2))
    for t, h in ((1, h1), (2, h2)):
        powers = (v * h).applyfunc(sympy.exp)
        loss = -sum(world.labels[t - 1, i] * sympy.log(powers[i] / (powers[0] + powers[1])) for i in range(2))
        derived = numpy.array([[float(loss.diff(w[r, c]).subs(numbers)) for c in range(2)] for r in range(2)])
        close(compute_g_w_hh(world, run_forward(world), t), derived)
        total += derived
    close(compute_g_w_hh_total(world, run_forward(world)), total)


def test_one_hidden_unit_needs_no_transpose_and_no_order():
    world = draw_world(6, hidden=1, inputs=1, outputs=2)
    forward = run_forward(world)
    w, slope, h = world.w_hh[0, 0], world.psi.slope(forward.z)[:, 0], forward.h[:, 0]
    g_h = {i: float(compute_g_h(world, forward, 3, i)[0]) for i in (1, 2, 3)}
    assert g_h[1] == pytest.approx(g_h[3] * w**2 * slope[2] * slope[3])
    assert compute_g_w_hh(world, forward, 3)[0, 0] == pytest.approx(sum(g_h[i] * slope[i] * h[i - 1] for i in g_h))


def test_a_loss_has_no_gradient_by_later_states():
    world = draw_world(7)
    assert not compute_g_h(world, run_forward(world), 1, 2).any()


def test_the_one_step_reading_is_far_from_the_full_one():
    """So a check must know the reading before it compares."""
    for seed in range(5):
        world = draw_world(seed)
        forward = run_forward(world)
        full = compute_g_w_hh(world, forward, 3)
        gap = numpy.linalg.norm(full - compute_g_w_hh_one_step(world, forward, 3)) / numpy.linalg.norm(full)
        assert gap > 0.05


def test_row_layout_is_the_transpose():
    world = draw_world(8)
    forward = run_forward(world)
    g_o, matrix = compute_g_o(world, forward, 2), compute_g_w_hh_one_step(world, forward, 2)
    row = to_row_layout(g_o)
    assert row.shape == (1, 2)
    # the same answer written in rows from the start: h_{t-1} (g_{h_t} * psi')
    back = (row @ world.w_yh) * world.psi.slope(forward.z[2])
    close(to_row_layout(matrix), numpy.outer(forward.h[1], back))
