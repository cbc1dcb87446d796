"""What three dots stand for: a first and a last member that differ in an index show every member between them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from grader.formula.tree import Add, Expr, Num, Sym, Var, find_nodes

SERIES = "κ"
# Far apart and irregular, so that two index expressions that agree here are the same.
_APART = {"t": 1009, "T": 2003, "i": 307}


def find_series(first: Expr, last: Expr) -> tuple[Expr, Expr, Expr] | None:
    """Return (from, to, member) such that the member at both ends is ``first`` and ``last``; None if there is none."""
    pairs: list[tuple[Expr, Expr]] = []
    body = _merge(first, last, pairs)
    if body is None or not pairs:
        return None
    low, high = pairs[0]
    distance = _value(high) - _value(low)
    return (low, high, body) if all(_value(b) - _value(a) == distance for a, b in pairs) else None


def is_next(low: Expr, high: Expr) -> bool:
    """Whether one index is the other's neighbour."""
    return abs(_value(high) - _value(low)) == 1


def _merge(first: Any, last: Any, pairs: list[tuple[Expr, Expr]], *, index: bool = False) -> Any:
    """Return the common shape of two members, with the running index where they differ in an index."""
    if first == last:
        return first
    if index and isinstance(first, Num | Var | Add) and isinstance(last, Num | Var | Add):
        pairs.append((first, last))
        return Add(((1, Var(SERIES)), (1, first), (-1, pairs[0][0]))) if len(pairs) > 1 else Var(SERIES)
    if isinstance(first, tuple) and isinstance(last, tuple) and len(first) == len(last):
        merged = [_merge(a, b, pairs, index=index) for a, b in zip(first, last, strict=True)]
        return None if any(part is None for part in merged) else tuple(merged)
    if type(first) is not type(last) or not hasattr(first, "__dataclass_fields__"):
        return None
    changes = {}
    for field in fields(first):
        timed = isinstance(first, Sym) and field.name == "times"
        a, b = getattr(first, field.name), getattr(last, field.name)
        changes[field.name] = merged = _merge(a, b, pairs, index=timed) if a != b else a
        if merged is None and a is not None:
            return None
    return replace(first, **changes)


def _value(expr: Expr) -> float:
    """Return an index expression's value where all letters are far apart."""
    if isinstance(expr, Num):
        return expr.value
    if isinstance(expr, Var):
        return _APART.get(expr.name, 4001 + ord(expr.name[0]))
    if isinstance(expr, Add):
        return sum(sign * _value(term) for sign, term in expr.terms)
    return float(len(list(find_nodes(expr))))
