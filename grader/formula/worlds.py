"""Model worlds as the evaluator sees them: arrays by symbol and time, handed over by the course as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Value = float | Array


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One consistent forward and backward pass of the model.

    kind: generic, scalar, a layout (row_...) or a condition (tanh, one_hot, h0_zero).
    steps: the T of the model. values: by symbol, then by time indices; vectors are columns (n, 1).
    of_t: symbols whose value belongs to J_t as well, so that the question's t stands before their own index.
    functions: the model's own functions (psi, psi_prime), entry by entry.
    base: for a layout, the number of the generic world that it shows; its right answers are that world's, transposed.
    """

    kind: str
    steps: int
    values: Mapping[str, Mapping[tuple[int, ...], Value]]
    of_t: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Callable[[Array], Array]] = field(default_factory=dict)
    base: int | None = None


def build_worlds(build: Callable[[], object]) -> tuple[World, ...]:
    """Return the course's worlds, each given as a mapping with the fields of World."""
    worlds = build()
    if not isinstance(worlds, tuple | list):
        raise TypeError("a world builder returns a sequence of mappings")
    return tuple(World(**world) for world in worlds)
