"""What a formula equals: the bank's readings and misconceptions, in every world and at every time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from grader.formula.evaluate import evaluate, limit_operations
from grader.formula.faults import FormulaFault, TooMuch
from grader.formula.tree import Expr
from grader.formula.worlds import Value, World

RTOL, ATOL = 1e-8, 1e-10

Values = tuple[Value, ...]
Bounds = tuple[int | str, int | str]


@dataclass(slots=True)
class Bank:
    """A question's formulas with its worlds. ``times`` are the ranges of its time indices, in order."""

    worlds: tuple[World, ...]
    times: Mapping[str, Bounds]
    readings: Mapping[str, Expr]
    misconceptions: Mapping[str, tuple[Expr, ...]]
    cache: dict[tuple[str, Expr], Values | None] = field(default_factory=dict)

    def find_worlds(self, kind: str) -> tuple[World, ...]:
        """Return the worlds of one kind."""
        return tuple(world for world in self.worlds if world.kind == kind)

    def find_values(self, expr: Expr, kind: str) -> Values | None:
        """Return the values of one of the bank's own formulas, None where it has none in this kind of world."""
        if (kind, expr) not in self.cache:
            try:
                with limit_operations(None):
                    self.cache[kind, expr] = evaluate_everywhere(expr, self.find_worlds(kind), self.times)
            except FormulaFault:
                self.cache[kind, expr] = None
        return self.cache[kind, expr]

    def find_matching(self, values: Values, kind: str, among: Mapping[str, Sequence[Expr]]) -> str | None:
        """Return the name whose formula has these values."""
        for name, formulas in among.items():
            for formula in formulas:
                other = self.find_values(formula, kind)
                if other is not None and equal_values(values, other):
                    return name
        return None

    def find_reading(self, values: Values, kind: str) -> str | None:
        """Return the accepted reading that has these values in worlds of ``kind``."""
        return self.find_matching(values, kind, {name: (expr,) for name, expr in self.readings.items()})

    def find_mended(self, expr: Expr) -> str | None:
        """Return the reading that ``expr`` equals, looking at one moment of one world before all of them."""
        world = self.find_worlds("generic")[0]
        try:
            first = evaluate(expr, world, next(find_moments(world, self.times)))
            rights = [self.find_values(reading, "generic") for reading in self.readings.values()]
            if not any(right is not None and _equal(first, right[0]) for right in rights):
                return None
            return self.find_reading(evaluate_everywhere(expr, self.find_worlds("generic"), self.times), "generic")
        except TooMuch:
            raise
        except FormulaFault:
            return None

    def find_misconception(self, values: Values, kind: str) -> str | None:
        """Return the misconception that has these values in worlds of ``kind``."""
        return self.find_matching(values, kind, self.misconceptions)

    def find_turned(self, values: Values, layout: World) -> str | None:
        """Return the reading that ``values``, found in a layout, are the transpose of (or are, for vectors as rows)."""
        if layout.base is None:
            return None
        base = (self.worlds[layout.base],)
        for name, expr in self.readings.items():
            with limit_operations(None):
                right = evaluate_everywhere(expr, base, self.times)
            turned = transpose_values(right)
            if equal_values(values, turned) or (layout.kind == "row_vectors" and equal_values(values, right)):
                return name
        return None


def find_moments(world: World, times: Mapping[str, Bounds]) -> Iterator[dict[str, int]]:
    """Yield every assignment of the question's time indices; a bound is a number, T or an earlier index."""

    def resolve(bound: int | str, known: Mapping[str, int]) -> int:
        return int(bound) if str(bound).isdigit() else world.steps if bound == "T" else known[str(bound)]

    def extend(names: list[str], known: dict[str, int]) -> Iterator[dict[str, int]]:
        if not names:
            yield known
            return
        low, high = times[names[0]]
        for number in range(resolve(low, known), resolve(high, known) + 1):
            yield from extend(names[1:], {**known, names[0]: number})

    yield from extend(list(times), {})


def evaluate_everywhere(expr: Expr, worlds: Sequence[World], times: Mapping[str, Bounds]) -> Values:
    """Return the value in every world at every moment; raises what evaluate raises."""
    return tuple(evaluate(expr, world, moment) for world in worlds for moment in find_moments(world, times))


def equal_values(left: Values, right: Values) -> bool:
    """Whether all values agree in shape and, within RTOL of the larger one, in size; no values agree with none.

    A course may have no worlds of some kind, and what has no values there is equal to nothing.
    """
    return len(left) == len(right) > 0 and all(_equal(a, b) for a, b in zip(left, right, strict=True))


def _equal(left: Value, right: Value) -> bool:
    a, b = np.asarray(left), np.asarray(right)
    if (a.shape == () and a == 0) or (b.shape == () and b == 0):  # an empty sum is a zero of every shape
        return bool(np.abs(a).max() <= ATOL and np.abs(b).max() <= ATOL)
    if a.shape != b.shape and not a.size == b.size == 1:
        return False
    a, b = a.reshape(b.shape), b
    scale = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)))
    return bool(np.abs(a - b).max(initial=0.0) <= RTOL * scale + ATOL)


def digest_values(values: Values) -> str:
    """Return a digest that formulas share whose values agree in shape and to seven digits."""
    described = []
    for value in values:
        array = np.asarray(value, dtype=np.float64)
        scale = float(np.abs(array).max(initial=0.0))
        digits = [f"{number:.6e}" if abs(number) > RTOL * scale + ATOL else "0" for number in array.ravel().tolist()]
        described.append(f"{array.shape}:{','.join(digits)}")
    return hashlib.sha256(";".join(described).encode()).hexdigest()[:16]


def transpose_values(values: Values) -> Values:
    """Return every array transposed."""
    return tuple(value.T if isinstance(value, np.ndarray) else value for value in values)


def find_factor(values: Values, right: Values) -> float | None:
    """Return the one constant by which ``values`` differ from ``right`` everywhere, None if there is none."""
    if not values or len(values) != len(right):
        return None
    if any(np.shape(a) != np.shape(b) for a, b in zip(values, right, strict=True)):
        return None
    a = np.concatenate([np.asarray(value).reshape(-1) for value in values])
    b = np.concatenate([np.asarray(value).reshape(-1) for value in right])
    size = float(b @ b)
    if size == 0.0:
        return None
    factor = float(a @ b) / size
    close = np.abs(a - factor * b).max() <= RTOL * max(np.abs(a).max(), np.abs(b).max())
    return factor if close and abs(factor) > RTOL else None
