"""Small slips and what mends them: a transpose, an outer product, the order of two factors.

An answer that becomes right by one such change is not wholly wrong, and the change is the name of the mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from grader.formula.tree import Expr, Mul, Sym, Trans, find_nodes

Change = Callable[[Expr], Expr | None]


def find_mendings(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield (name of the slip, mended formula): the smallest changes first."""
    for change in (_transpose_matrix, _drop_transpose):
        yield from (("missing_transpose", mended) for mended in rewrite(expr, change))
    yield from (("no_outer_product", mended) for mended in rewrite(expr, _transpose_vector))
    yield from (("no_outer_product", mended) for mended in rewrite(expr, _make_outer))
    yield from (("factor_order", mended) for mended in rewrite(expr, _swap))
    everywhere = _change_all(expr, _transpose_matrix)
    if everywhere != expr:
        yield "missing_transpose", everywhere
        yield from (("missing_transpose", mended) for mended in rewrite(everywhere, _swap))
        yield from (("missing_transpose", mended) for mended in rewrite(everywhere, _transpose_vector))
    turned = _change_all(expr, _swap)
    if turned != expr:
        yield "factor_order", turned
        yield from (("missing_transpose", mended) for mended in rewrite(turned, _transpose_matrix))
    for part in rewrite(expr, _swap):
        yield from (("no_outer_product", mended) for mended in rewrite(part, _transpose_vector))
        yield from (("missing_transpose", mended) for mended in rewrite(part, _transpose_matrix))


def _transpose_matrix(node: Expr) -> Expr | None:
    return Trans(node) if isinstance(node, Sym) and node.name.startswith("W") else None


def _drop_transpose(node: Expr) -> Expr | None:
    return node.base if isinstance(node, Trans) else None


def _transpose_vector(node: Expr) -> Expr | None:
    return Trans(node) if isinstance(node, Sym) and node.times and not node.parts else None


def _make_outer(node: Expr) -> Expr | None:
    return replace(node, op="outer") if isinstance(node, Mul) and node.op != "outer" else None


def _swap(node: Expr) -> Expr | None:
    return Mul(node.op, node.right, node.left) if isinstance(node, Mul) else None


def rewrite(expr: Expr, change: Change) -> Iterator[Expr]:
    """Yield every formula that one application of ``change`` to one node gives."""
    changed = change(expr)
    if changed is not None:
        yield changed
    for name in (field.name for field in fields(expr)):
        for value in _rewrite_field(getattr(expr, name), change):
            yield replace(expr, **{name: value})


def _rewrite_field(value: Any, change: Change) -> Iterator[Any]:
    if isinstance(value, tuple):
        for position, entry in enumerate(value):
            for changed in _rewrite_field(entry, change):
                yield (*value[:position], changed, *value[position + 1 :])
    elif hasattr(value, "__dataclass_fields__"):
        yield from rewrite(value, change)


def _change_all(expr: Expr, change: Change) -> Expr:
    """Apply ``change`` to every node that it fits; a transposed matrix stays as it is."""
    if isinstance(expr, Trans) and isinstance(expr.base, Sym):
        return expr
    rebuilt = replace(expr, **{field.name: _change_field(getattr(expr, field.name), change) for field in fields(expr)})
    changed = change(rebuilt)
    return rebuilt if changed is None else changed


def _change_field(value: Any, change: Change) -> Any:
    if isinstance(value, tuple):
        return tuple(_change_field(entry, change) for entry in value)
    return _change_all(value, change) if hasattr(value, "__dataclass_fields__") else value


def find_products(expr: Expr, name: str) -> set[str]:
    """Return the names of all quantities and functions that are multiplied with the quantity ``name``."""
    partners: set[str] = set()
    for node in find_nodes(expr):
        if not isinstance(node, Mul):
            continue
        names = {n.name for n in find_nodes(node) if hasattr(n, "name")}
        if name in names:
            partners |= names - {name}
    return partners
