"""A row of factors with operators between them to one product, by one of the ranks that writers give to ⊙."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.formula.tree import Div, Expr, Mul

RANKS = ("loose", "tight", "left", "right")
PLAIN_RANKS = ("loose", "right")  # without an elementwise product the others are "loose"


@dataclass(frozen=True, slots=True)
class Entry:
    """A factor and the operator before it."""

    op: str
    expr: Expr


def combine(entries: Sequence[Entry], rank: str) -> Expr:
    """Return the product of a row of factors.

    ``loose``: elementwise products after all others; ``tight``: before all others; ``left`` and ``right``: in order.
    """
    entries = _divide(entries)
    if rank == "loose":
        return _fold_groups(entries, inner=False)
    if rank == "tight":
        return _fold_groups(entries, inner=True)
    return _fold_right(entries) if rank == "right" else _fold_left(entries)


def _divide(entries: Sequence[Entry]) -> list[Entry]:
    """Let a slash take the factor on its left and the one on its right."""
    result: list[Entry] = []
    for entry in entries:
        if entry.op == "over" and result:
            last = result.pop()
            result.append(Entry(last.op, Div(last.expr, entry.expr)))
        else:
            result.append(entry)
    return result


def _fold_left(entries: Sequence[Entry]) -> Expr:
    result = entries[0].expr
    for entry in entries[1:]:
        result = Mul(entry.op, result, entry.expr)
    return result


def _fold_right(entries: Sequence[Entry]) -> Expr:
    result = entries[-1].expr
    for position in range(len(entries) - 2, -1, -1):
        result = Mul(entries[position + 1].op, entries[position].expr, result)
    return result


def _fold_groups(entries: Sequence[Entry], *, inner: bool) -> Expr:
    """Fold runs joined by one sort of operator first (``inner``: the elementwise ones), then the runs."""
    runs: list[list[Entry]] = [[]]
    for entry in entries:
        if runs[-1] and (entry.op == "odot") != inner:
            runs.append([])
        runs[-1].append(entry)
    return _fold_left([Entry(run[0].op, _fold_left(run)) for run in runs])
