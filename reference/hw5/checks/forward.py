"""The usual recurrent networks in NumPy: logits from weights and token ids, worked out without the notebook's process.

Usual is: embedding, one kind of recurrent layers, one vector per comment from their outputs, one or more linear layers.
How the vector is made is found by trying. Networks of another shape are not recomputed; nobody loses anything by that.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.hw5.checks.replies import Numbers, OddReplyError

PRIME = 2**31 - 1
MOST_WEIGHTS = 200_000
MOST_STACKED = 2_000_000  # numbers that are held at a time
# In torch's order; "n" is a tanh, the others are sigmoids.
GATES_OF = {"rnn": "n", "gru": "rzn", "lstm": "ifno"}
Weights = Mapping[str, Numbers]
Tokens = Sequence[Sequence[int]]

_RECURRENT = re.compile(r"(?P<layer>.*?)(?P<what>weight|bias)_(?P<side>ih|hh)(?P<place>_l\d+)?(?P<reverse>_reverse)?")
ACTIVATIONS: Mapping[str, Any] = {"none": lambda x: x, "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh}
# From the outputs [..., time, batch, features] of the forward and the backward direction to [..., batch, features].
POOLS: Mapping[str, Any] = {
    "last": lambda there, back: _join(_at(there, -1), None if back is None else _at(back, 0)),
    "swapped": lambda there, back: _at(there, -1) if back is None else _join(_at(back, 0), _at(there, -1)),
    "end": lambda there, back: _at(_join(there, back), -1),
    "mean": lambda there, back: _join(there, back).mean(-3),
    "max": lambda there, back: _join(there, back).max(-3),
    "sum": lambda there, back: _join(there, back).sum(-3),
}


def _join(there: Numbers, back: Numbers | None) -> Numbers:
    return there if back is None else np.concatenate([there, back], axis=-1)


def _at(outputs: Numbers, step: int) -> Numbers:
    return outputs[..., step, :, :]


# --- Weights ---


def noise(count: int, salt: int) -> Numbers:
    """Return the numbers between -1 and 1 that the probes make from ``salt``."""
    index: NDArray[np.int64] = np.arange(1, count + 1, dtype=np.int64)
    mixed = (index * 48271 + salt) % PRIME
    mixed = (mixed * mixed + index) % PRIME
    mixed = (mixed * mixed + salt) % PRIME
    numbers: Numbers = mixed.astype(np.float64) / PRIME * 2 - 1
    return numbers


def read_layout(value: Any) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of a network's weights, nothing for a network that is too large.

    Raises OddReplyError.
    """
    if not isinstance(value, list | tuple) or len(value) > 60:
        raise OddReplyError
    layout = {}
    for row in value:
        if not isinstance(row, list | tuple) or len(row) != 2 or not isinstance(row[0], str):
            raise OddReplyError
        shape = row[1]
        if not isinstance(shape, list | tuple) or any(type(size) is not int or not 0 <= size < 10**6 for size in shape):
            raise OddReplyError
        layout[row[0]] = tuple(shape)
    return layout if sum(int(np.prod(shape)) for shape in layout.values()) <= MOST_WEIGHTS else {}


def build_weights(layout: Mapping[str, tuple[int, ...]], salt: int) -> Weights:
    """Return the weights that the probes set from ``salt``, in float32 as the network holds them."""
    weights = {}
    for place, (name, shape) in enumerate(layout.items()):
        bound = min(0.7, 1.6 * max(shape[-1], 1) ** -0.5) if len(shape) > 1 else 0.7
        numbers = bound * noise(int(np.prod(shape)), (salt + 7919 * place) % PRIME)
        weights[name] = numbers.astype(np.float32).astype(np.float64).reshape(shape)
    return weights


def unpack(value: Any, layout: Mapping[str, tuple[int, ...]]) -> Weights | None:
    """Return weights that were sent back, None where they are not all there. Raises OddReplyError."""
    if value is None or not layout:
        return None
    try:
        flat = np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype(np.float64)
    except (TypeError, ValueError, binascii.Error):
        raise OddReplyError from None
    ends = np.cumsum([int(np.prod(shape)) for shape in layout.values()])
    if len(flat) != ends[-1] or not np.isfinite(flat).all():
        return None
    parts = np.split(flat, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(layout.items(), parts, strict=True)}


# --- Parts of a network ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The names of a usual network's weights; ``cells`` holds, per layer, each direction's prefix and suffix."""

    kind: str
    embedding: str
    cells: tuple[tuple[tuple[str, str], ...], ...]
    linears: tuple[tuple[str, str], ...]


def find_parts(weights: Weights, words: int, kind: str) -> Parts | None:
    """Return the parts of a network of ``kind`` over ``words`` words, None where it is no usual one."""
    matches = {name: match for name in weights if (match := _RECURRENT.fullmatch(name))}
    layer = ""
    cells: list[tuple[tuple[str, str], ...]] = []
    for name, match in matches.items():
        if (
            match["what"] != "weight"
            or match["side"] != "hh"
            or match["reverse"]
            or (cells and match["layer"] != layer)
        ):
            continue
        rows, hidden = weights[name].shape if weights[name].ndim == 2 else (0, 1)
        if rows != len(GATES_OF[kind]) * hidden:
            continue
        layer, place = match["layer"], match["place"] or ""
        ways = [(layer, place + back) for back in ("", "_reverse") if f"{layer}weight_ih{place}{back}" in weights]
        cells.append(tuple(ways))
    others = [name for name in weights if name not in matches]
    tables = [name for name in others if weights[name].ndim == 2 and len(weights[name]) == words]
    if not cells or not all(cells) or not tables or len({len(ways) for ways in cells}) != 1:
        return None
    rest = [name for name in others if name != tables[0]]
    pairs = tuple(zip(rest[::2], rest[1::2], strict=False))
    width = len(cells[0]) * weights[f"{layer}weight_hh{cells[0][0][1]}"].shape[1]
    if len(rest) % 2 or not pairs or any(weights[name].ndim != 2 for name, _ in pairs):
        return None
    for weight, bias in pairs:
        if weights[weight].shape[1] != width or weights[bias].shape != (len(weights[weight]),):
            return None
        width = len(weights[weight])
    return Parts(kind=kind, embedding=tables[0], cells=tuple(cells), linears=pairs) if width == 1 else None


def _sigmoid(x: Numbers) -> Numbers:
    result: Numbers = 0.5 * (1 + np.tanh(0.5 * x))
    return result


def _run(kind: str, inputs: Numbers, weights: Weights, name: tuple[str, str]) -> Numbers:
    """Return the outputs [..., time, batch, hidden] of one layer in one direction.

    A gate is sigmoid(x) = (1 + tanh(x / 2)) / 2: with halved weights, one call makes all gates of a step.
    """
    prefix, suffix = name
    w_x, w_h = (weights[f"{prefix}weight_{side}{suffix}"] for side in ("ih", "hh"))
    size = w_h.shape[-1]
    half = np.full(len(GATES_OF[kind]), 0.5)
    half[[gate == "n" for gate in GATES_OF[kind]]] = 1.0
    scale = np.repeat(half, size).astype(w_h.dtype)  # so that weights in float32 are worked with in float32
    b_x, b_h = (weights.get(f"{prefix}bias_{side}{suffix}", np.zeros_like(scale)) * scale for side in ("ih", "hh"))
    own = 2 * size if kind == "gru" else len(scale)  # a GRU's third gate damps what comes from its state, bias and all
    always = np.concatenate([b_x[..., :own] + b_h[..., :own], b_x[..., own:]], axis=-1)
    from_inputs = inputs @ _turn(w_x * scale[:, None])[..., None, :, :] + always[..., None, None, :]
    recurrent, late = _turn(w_h * scale[:, None]), b_h[..., None, own:]
    outputs = np.empty((*from_inputs.shape[:-1], size), dtype=w_h.dtype)
    hidden = cell = np.zeros((*outputs.shape[:-3], *outputs.shape[-2:]), dtype=w_h.dtype)
    steps = range(outputs.shape[-3])
    for step in steps[::-1] if suffix.endswith("_reverse") else steps:
        x, h = from_inputs[..., step, :, :], hidden @ recurrent
        if kind == "rnn":
            hidden = np.tanh(x + h)
        elif kind == "gru":
            gates = 0.5 + 0.5 * np.tanh(x[..., :own] + h[..., :own])
            new = np.tanh(x[..., own:] + gates[..., :size] * (h[..., own:] + late))
            hidden = new + gates[..., size:] * (hidden - new)
        else:
            values = np.tanh(x + h)
            gates = 0.5 + 0.5 * values
            cell = gates[..., size : 2 * size] * cell + gates[..., :size] * values[..., 2 * size : 3 * size]
            hidden = gates[..., 3 * size :] * np.tanh(cell)
        outputs[..., step, :, :] = hidden
    return outputs


def _turn(matrix: Numbers) -> Numbers:
    return np.swapaxes(matrix, -1, -2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """How a network makes logits of its recurrent layers' outputs."""

    pool: str = "last"
    before: str = "none"
    between: str = "none"
    squash: bool = False
    scale: float = 1.0
    shift: float = 0.0


PLAIN = Formula()


def compute_outputs(weights: Weights, parts: Parts, tokens: Tokens) -> tuple[Numbers, Numbers | None]:
    """Return the last layer's outputs in both directions, the second None where there is one direction only.

    Weights may have a leading axis, the same one each: then so have the outputs, and all that is made of them.
    """
    inputs = weights[parts.embedding][..., np.asarray(tokens, dtype=np.int64), :]
    outputs: list[Numbers] = []
    for ways in parts.cells:
        outputs = [_run(parts.kind, inputs, weights, name) for name in ways]
        inputs = np.concatenate(outputs, axis=-1)
    return outputs[0], outputs[1] if len(outputs) > 1 else None


def compute_features(outputs: tuple[Numbers, Numbers | None], formula: Formula) -> Numbers:
    """Return what goes into the first linear layer, [..., batch, features]."""
    features: Numbers = ACTIVATIONS[formula.before](POOLS[formula.pool](*outputs))
    return features


def apply_linears(features: Numbers, weights: Weights, parts: Parts, formula: Formula) -> Numbers:
    """Return one logit per row of ``features``."""
    for place, (weight, bias) in enumerate(parts.linears):
        features = ACTIVATIONS[formula.between if place else "none"](features) @ _turn(weights[weight])
        features = features + weights[bias][..., None, :]
    logits = _sigmoid(features[..., 0]) if formula.squash else features[..., 0]
    return logits * formula.scale + formula.shift


def compute_logits(weights: Weights, parts: Parts, formula: Formula, tokens: Tokens) -> Numbers:
    """Return one logit per comment of ``tokens``, [seq_len, batch]: [..., batch]."""
    return apply_linears(compute_features(compute_outputs(weights, parts, tokens), formula), weights, parts, formula)


def agrees(claimed: Numbers, computed: Numbers, device: str = "cpu") -> bool:
    """Return whether logits are the same, up to float32 (and to TF32, which a GPU may use)."""
    return claimed.shape == computed.shape and bool(np.all(find_agreement(claimed, computed, device)))


def find_agreement(claimed: Numbers, computed: Numbers, device: str = "cpu") -> NDArray[np.bool_]:
    """Return for each logit whether it is the same."""
    limit = 1e-3 if device == "cpu" else 3e-2
    close: NDArray[np.bool_] = np.abs(claimed - computed) <= limit * (1 + np.abs(computed))
    return close


def find_formula(
    weights: Weights, parts: Parts, tokens: Tokens, logits: Numbers, device: str = "cpu"
) -> Formula | None:
    """Return the formula that gives ``logits``, None where none of the usual ones does."""
    outputs = compute_outputs(weights, parts, tokens)
    for pool, before, squash in product(POOLS, ACTIVATIONS, (False, True)):
        for between in ACTIVATIONS if len(parts.linears) > 1 else ("none",):
            formula = Formula(pool=pool, before=before, between=between, squash=squash)
            features = compute_features(outputs, formula)
            if features.shape[1] == weights[parts.linears[0][0]].shape[1]:
                if agrees(logits, apply_linears(features, weights, parts, formula), device):
                    return formula
    return None


def compute_slopes(
    weights: Weights, parts: Parts, formula: Formula, tokens: Tokens, ways: Mapping[str, Numbers]
) -> dict[str, float]:
    """Return how fast the weighted sum of the logits grows when the weights of each name move along its way."""
    step = 1e-5
    slopes: dict[str, float] = {}
    most = max(1, MOST_STACKED // (2 * sum(item.size for item in weights.values())))
    for start in range(0, len(ways), most):
        names = list(ways)[start : start + most]
        stacked = {name: np.repeat(item[None], 2 * len(names), axis=0) for name, item in weights.items()}
        for place, name in enumerate(names):
            way = step * ways[name].reshape(weights[name].shape)
            stacked[name][2 * place] += way
            stacked[name][2 * place + 1] -= way
        logits = compute_logits(stacked, parts, formula, tokens)
        sums = logits @ np.linspace(0.5, 1.5, logits.shape[-1])
        slopes.update(zip(names, ((sums[::2] - sums[1::2]) / (2 * step)).tolist(), strict=True))
    return slopes


def with_loud_head(weights: Weights, parts: Parts) -> Weights:
    """Return the weights with the last linear layer's a thousand times as large."""
    return {name: item * (1000.0 if name in parts.linears[-1] else 1.0) for name, item in weights.items()}


def with_scale(formula: Formula, scale: float, shift: float) -> Formula:
    """Return the formula of a network whose logits are stretched and shifted."""
    return replace(formula, scale=scale, shift=shift)
