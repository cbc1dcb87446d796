"""Sums, products and powers of values, with strict shapes."""

from __future__ import annotations

import math

import numpy as np

from grader.formula.faults import MAX_EXPONENT, NoValue, ShapeFault, TooMuch
from grader.formula.worlds import Array, Value


class Arithmetic:
    """What can be done with values; every misfit of shapes raises a ShapeFault."""

    def take(self, value: Value, parts: list[int]) -> float:
        """Return one component; vectors take one index, matrices two."""
        if not isinstance(value, np.ndarray):
            raise ShapeFault("a component", (), ())
        flat = value.reshape(-1) if 1 in value.shape else value
        if len(parts) != flat.ndim or not all(1 <= part <= size for part, size in zip(parts, flat.shape, strict=True)):
            raise ShapeFault("a component", value.shape, tuple(parts))
        return float(flat[tuple(part - 1 for part in parts)])

    def add_two(self, left: Value, right: Value) -> Value:
        """Add equal shapes, or a plain number to every entry (1 - ŷ)."""
        if isinstance(left, np.ndarray) and isinstance(right, np.ndarray) and left.shape != right.shape:
            raise ShapeFault("sum", left.shape, right.shape)
        return left + right

    def shrink(self, value: Array) -> Value:
        """Return a product with one entry as a number."""
        return float(value[0, 0]) if value.shape == (1, 1) else value

    def power(self, base: Value, exponent: Value) -> Value:
        """Return a power of a number, of a square matrix, or of a vector entry by entry."""
        if isinstance(exponent, np.ndarray) or not -MAX_EXPONENT <= exponent <= MAX_EXPONENT:
            raise TooMuch(f"an exponent that is no number up to {MAX_EXPONENT}")
        whole = exponent == int(exponent)
        square = isinstance(base, np.ndarray) and base.shape[0] == base.shape[1]
        if isinstance(base, np.ndarray) and not square and 1 not in base.shape:
            raise ShapeFault("power", base.shape, ())
        try:
            with np.errstate(all="ignore"):
                if not isinstance(base, np.ndarray):
                    return self.finite(math.pow(base, exponent))
                if square and whole:
                    return self.finite(np.linalg.matrix_power(base, int(exponent)))
                return self.finite(np.power(base, exponent))
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            raise NoValue("a power that is no number") from None

    def finite(self, value: Value) -> Value:
        """Return the value; raises NoValue if it is not finite."""
        if not np.all(np.isfinite(value)):
            raise NoValue("a value that is not finite")
        return value

    def multiply_two(self, left: Value, right: Value) -> Value:
        """Multiply two factors of a product over an index."""
        if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
            if left.shape[1] != right.shape[0]:
                raise ShapeFault("product", left.shape, right.shape)
            return left @ right
        return left * right
