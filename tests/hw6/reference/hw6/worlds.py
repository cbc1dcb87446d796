"""Model worlds of J = 1/2 |X w - y|^2."""

from __future__ import annotations

from typing import Any

import numpy as np


def build_worlds() -> tuple[dict[str, Any], ...]:
    """Return two worlds with random data: five rows, three weights."""
    return tuple(_build(seed) for seed in (1, 2))


def _build(seed: int) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    x, w, y = draw.normal(size=(5, 3)), draw.normal(size=(3, 1)), draw.normal(size=(5, 1))
    gradient = x.T @ (x @ w - y)
    loss = float(0.5 * ((x @ w - y) ** 2).sum())
    values = {"X": x, "w": w, "y": y, "g_w": gradient, "J/w": gradient, "J": loss}
    by_time = {name: {(): value} for name, value in values.items()}
    return {"kind": "generic", "values": by_time, "functions": {}, "steps": 1}
