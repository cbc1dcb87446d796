"""The expression that a formula means: small frozen nodes, independent of how it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Num:
    """A number; ``value`` is exact for the integers that indices need."""

    value: float


@dataclass(frozen=True, slots=True)
class Var:
    """An index (t, i, k) or the number of steps T."""

    name: str


@dataclass(frozen=True, slots=True)
class Sym:
    """A quantity of the model, ``times`` its time indices, ``parts`` its component indices (from 1)."""

    name: str
    times: tuple[Expr, ...] = ()
    parts: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Add:
    """A sum of signed terms."""

    terms: tuple[tuple[int, Expr], ...]


@dataclass(frozen=True, slots=True)
class Mul:
    """A product; ``op`` is next (juxtaposed), dot, times, star, matmul, odot, outer or inner."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Div:
    """A quotient, entry by entry."""

    top: Expr
    bottom: Expr


@dataclass(frozen=True, slots=True)
class Pow:
    """A power: of a number, of a square matrix, or of a vector's entries."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True, slots=True)
class Trans:
    """A transpose."""

    base: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """A known function of one argument."""

    name: str
    argument: Expr


@dataclass(frozen=True, slots=True)
class Big:
    """A sum or product over an index. Missing bounds are None; ``reverse`` multiplies from the last index down."""

    kind: str
    index: str
    low: Expr | None
    high: Expr | None
    body: Expr
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Mat:
    """A matrix or vector written entry by entry."""

    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """Values under conditions; a condition is (left, relation, right) links, empty for "otherwise"."""

    rows: tuple[tuple[Expr, tuple[tuple[Expr, str, Expr], ...]], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a value that is no mere name: ``(W^T g)_i``."""

    base: Expr
    indices: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A matrix by its entry in row ``indices[0]`` and column ``indices[1]``: the right side of ``G_{ab} = …``."""

    indices: tuple[str, ...]
    body: Expr


# --- programs ---


@dataclass(frozen=True, slots=True)
class Set:
    """``name[indices] = value``."""

    name: str
    indices: tuple[Expr, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Loop:
    """``for index in range(low, stop)``, by -1 where ``down``, from the end where ``turned``."""

    index: str
    low: Expr
    stop: Expr
    down: bool
    turned: bool
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """``if left sign right: body else: other``."""

    left: Expr
    sign: str
    right: Expr
    body: tuple[Step, ...]
    other: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Give:
    """``return value``."""

    value: Expr


Step = Set | Loop | Choice | Give


@dataclass(frozen=True, slots=True)
class Program:
    """Steps, and what they come to unless one of them returns something."""

    steps: tuple[Step, ...]
    result: Expr


# --- names that are defined step by step ---


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a recursion: ``name_index = value``, as in δ_3 = … or δ_i = … δ_{i+1} …."""

    name: str
    index: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Where:
    """An expression in which names stand that these rules define."""

    body: Expr
    rules: tuple[Rule, ...]


Expr = Part | Num | Var | Sym | Add | Mul | Div | Pow | Trans | Call | Big | Mat | Cases | Entries | Program | Where


def find_nodes(expr: object) -> Iterator[Expr]:
    """Yield every node, the expression itself first."""
    if isinstance(expr, tuple):
        for entry in expr:
            yield from find_nodes(entry)
    elif isinstance(expr, Program):
        yield expr
    elif isinstance(expr, Where):
        yield expr
        yield from find_nodes(expr.body)
    elif isinstance(expr, Part | Num | Var | Sym | Add | Mul | Div | Pow | Trans | Call | Big | Mat | Cases | Entries):
        yield expr
        for field in fields(expr):
            yield from find_nodes(getattr(expr, field.name))


@lru_cache(maxsize=2048)
def find_names(expr: Expr) -> frozenset[str]:
    """Return the names of all quantities in the expression, in the lines of programs and recursions as well."""
    return frozenset(_walk_names(expr))


def _walk_names(node: object) -> Iterator[str]:
    if isinstance(node, Sym):
        yield node.name
    if isinstance(node, tuple):
        for entry in node:
            yield from _walk_names(entry)
    for name in getattr(node, "__dataclass_fields__", ()):
        yield from _walk_names(getattr(node, name))


@lru_cache(maxsize=2048)
def find_variables(expr: Expr) -> frozenset[str]:
    """Return the names of all indices in the expression, bound or free."""
    return frozenset(node.name for node in find_nodes(expr) if isinstance(node, Var))


@lru_cache(maxsize=2048)
def find_free(expr: Expr) -> tuple[str, ...]:
    """Return the indices that nothing in the expression binds, in the order in which they appear."""
    free: dict[str, None] = {}

    def walk(node: object, bound: frozenset[str]) -> None:
        if isinstance(node, Big):
            walk(node.low, bound)
            walk(node.high, bound)
            walk(node.body, bound | {node.index})
        elif isinstance(node, Where):
            walk(node.body, bound)
        elif isinstance(node, Entries):
            walk(node.body, bound | set(node.indices))
        elif isinstance(node, Program):
            return  # its indices are the question's or its loops' own
        elif isinstance(node, Var):
            if node.name not in bound:
                free[node.name] = None
        elif isinstance(node, tuple):
            for entry in node:
                walk(entry, bound)
        elif hasattr(node, "__dataclass_fields__"):
            for name in node.__dataclass_fields__:
                walk(getattr(node, name), bound)

    walk(expr, frozenset())
    return tuple(free)


def substitute(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    """Return the expression with index letters replaced; an index that a sum binds inside stays."""
    result: Expr = _substitute(expr, dict(values))
    return result


def _substitute(node: Any, values: dict[str, Expr]) -> Any:
    if isinstance(node, tuple):
        return tuple(_substitute(entry, values) for entry in node)
    if isinstance(node, Var):
        return values.get(node.name, node)
    if not hasattr(node, "__dataclass_fields__") or not values or isinstance(node, Program):
        return node
    if isinstance(node, Where):
        return replace(node, body=_substitute(node.body, values))
    if isinstance(node, Entries):
        return replace(node, body=_substitute(node.body, {k: v for k, v in values.items() if k not in node.indices}))
    if isinstance(node, Big):
        inner = {name: value for name, value in values.items() if name != node.index}
        low, high = _substitute(node.low, values), _substitute(node.high, values)
        return replace(node, low=low, high=high, body=_substitute(node.body, inner))
    return replace(node, **{field.name: _substitute(getattr(node, field.name), values) for field in fields(node)})
