"""Syntax to meaning: names by the symbol table, scripts to indices and transposes, rows of factors to products.

What a formula leaves open (the rank of ⊙, the order of a product over an index) gives several readings; the
caller takes the best one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lark import Token, Tree

from grader.formula.parse import Syntax
from grader.formula.series import SERIES, find_series, is_next
from grader.formula.setting import Definition, Reading, Setting
from grader.formula.sums import SumReader
from grader.formula.syntax import (
    find_index_name,
    find_lists,
    is_dots,
    mentions,
    rebinds,
)
from grader.formula.terms import Entry, combine
from grader.formula.tree import (
    Add,
    Big,
    Expr,
    Sym,
)

_MOST_FACTORS = 4  # of one member of a series


def read_meaning(tree: Syntax, setting: Setting, source: str) -> Reading:
    """Return what a syntax tree means; raises UnknownSymbol or Unread with the place."""
    reader = _Reader(setting, source)
    expr = reader.read_relation(_child(tree))
    return Reading(expr, reader.repairs)


def _child(tree: Any) -> Any:
    return next(child for child in tree.children if isinstance(child, Tree))


class _Reader(SumReader):
    """Walks one syntax tree from its top."""

    def read_relation(self, tree: Syntax) -> Expr:
        sums = [child for child in tree.children if isinstance(child, Tree)]
        if len(sums) != 1:
            raise self.fail("an equation stands where a value belongs", tree)
        return self.read_sum(sums[0])

    def read_sum(self, tree: Syntax) -> Expr:
        signed: list[tuple[int, Syntax]] = []
        sign = 1
        for child in tree.children:
            if isinstance(child, Token):
                sign = -sign if child.value == "-" else sign
            else:
                signed.append((sign, child))
                sign = 1
        terms: list[tuple[int, Expr]] = []
        while signed:
            sign, term = signed.pop(0)
            tail = self._take_tail(term, signed)
            if is_dots(term):
                terms.append(self._fill_sum(terms, signed, term))
                continue
            terms.append((sign, self.read_term(list(term.children), tail)))
        return terms[0][1] if len(terms) == 1 and terms[0][0] == 1 else Add(tuple(terms))

    def _fill_sum(self, terms: list[tuple[int, Expr]], rest: list[tuple[int, Syntax]], node: Any) -> tuple[int, Expr]:
        """Read ``a_1 + … + a_T``: the terms on both sides of the dots show what lies between them."""
        if not terms or not rest or terms[-1][0] != rest[0][0]:
            raise self.fail("dots (…) leave the formula open", node)
        sign, first = terms.pop()
        last = self.read_term(list(rest.pop(0)[1].children))
        return sign, self._fill("sum", first, last, node)

    def _fill(self, kind: str, first: Expr, last: Expr, node: Any) -> Expr:
        filled = find_series(first, last)
        if filled is None:
            raise self.fail("dots (…) leave the formula open", node)
        low, high, body = filled
        return Big(kind, SERIES, low, high, body, False)

    def _take_tail(self, term: Syntax, rest: list[tuple[int, Syntax]]) -> list[tuple[int, Syntax]]:
        """Take the following terms that a sum's index reaches: in Σ_i a_i + b_i the b_i belongs to the sum."""
        items = [child for child in term.children if isinstance(child, Tree)]
        big = next(
            (item for item in items if isinstance(item.children[0], Token) and item.children[0].type == "BIG"), None
        )
        index = find_index_name(big) if big is not None else None
        if index is None or index in self.setting.times or any(name == index for name, _ in self.bound):
            return []
        tail: list[tuple[int, Syntax]] = []
        while rest and mentions(rest[0][1], index) and not rebinds(rest[0][1], index):
            tail.append(rest.pop(0))
        return tail

    def read_term(self, children: Sequence[Any], tail: Sequence[tuple[int, Syntax]] = ()) -> Expr:
        entries: list[Entry] = []
        op, sign = "next", 1
        position = 0
        while position < len(children):
            child = children[position]
            if isinstance(child, Token):
                if child.type == "OP":
                    op = str(child.value)
                elif child.value == "-":
                    sign = -sign
                position += 1
                continue
            if is_dots(child) and entries and position + 1 < len(children):
                position = self._fill_product(entries, children, position, tail)
                op = "next"
                continue
            expr, position = self.read_factor(children, position, tail)
            entries.append(Entry(op, expr if sign == 1 else Add(((-1, expr),))))
            op, sign = "next", 1
        return combine(entries, self.setting.rank)

    def _fill_product(
        self, entries: list[Entry], children: Sequence[Any], dots: int, tail: Sequence[tuple[int, Syntax]]
    ) -> int:
        """Read ``A_1 B_1 A_2 B_2 … A_T B_T`` into ``entries``: a member is some factors, shown once or twice."""
        for size in range(1, min(_MOST_FACTORS, len(entries)) + 1):
            read = self._read_member(children, dots + 1, size, tail)
            if read is None:
                break
            last, end = combine(read[0], self.setting.rank), read[1]
            near = combine(entries[-size:], self.setting.rank)
            far = combine(entries[-2 * size : -size], self.setting.rank) if len(entries) >= 2 * size else None
            if far is not None and (step := find_series(far, near)) is not None and is_next(*step[:2]):
                filled, taken = find_series(far, last), 2 * size
            else:
                filled, taken = find_series(near, last), size
            if filled is not None:
                op = entries[-taken].op
                del entries[-taken:]
                entries.append(Entry(op, Big("product", SERIES, *filled, False)))
                return end
        raise self.fail("dots (…) leave the formula open", children[dots])

    def _read_member(
        self, children: Sequence[Any], at: int, size: int, tail: Sequence[tuple[int, Syntax]]
    ) -> tuple[list[Entry], int] | None:
        """Read ``size`` factors from ``at``; None where there are not so many."""
        found: list[Entry] = []
        op = "next"
        while len(found) < size:
            if at >= len(children):
                return None
            if isinstance(children[at], Token):
                op, at = str(children[at].value), at + 1
                continue
            expr, at = self.read_factor(children, at, tail)
            found.append(Entry(op, expr))
            op = "next"
        return found, at

    def read_factor(self, children: Sequence[Any], at: int, tail: Sequence[tuple[int, Syntax]]) -> tuple[Expr, int]:
        """Return the factor that begins at ``at`` and where the next one begins."""
        item: Syntax = children[at]
        atom: Any = item.children[0]
        kind = atom.type if isinstance(atom, Token) else atom.data
        if kind == "BIG":
            return self._read_big(item, children[at + 1 :], tail), len(children)
        if kind == "FUNC" and not self._is_named(item):
            return self._read_function(item, children, at)
        quotient = self._read_quotient(children, at)
        if quotient is not None:
            return quotient
        if kind == "NAME" and self._is_operator_repair(str(atom.value)) and 0 < at < len(children) - 1:
            self._repair(self._is_operator_repair(str(atom.value)), str(atom.value))
            return self.read_factor(children, at + 1, tail)
        expr = self.read_item(item)
        return self._read_call_index(expr, children, at + 1)

    def _read_call_index(self, expr: Expr, children: Sequence[Any], after: int) -> tuple[Expr, int]:
        """Read ``h(t-1)`` and ``y[i]``: brackets right after a name, with nothing but indices in them."""
        if after < len(children) and isinstance(expr, Sym) and isinstance(children[after], Tree):
            group: Any = children[after].children[0]
            if isinstance(group, Tree) and group.data == "group":
                labels = [entry for child in find_lists(group) for entry in child.children if isinstance(entry, Tree)]
                names = {str(t.value) for t in group.scan_values(lambda v: isinstance(v, Token) and v.type == "NAME")}
                square = str(group.children[0]) == "["
                if labels and names <= self._index_names() and (names or square or self._is_step(expr, group)):
                    found = tuple(self.read_relation(entry) for entry in labels)
                    indexed = self._with_indices(expr, found, children[after])
                    return self._apply_scripts(indexed, children[after].children[1:]), after + 1
        return expr, after

    def _is_step(self, expr: Sym, group: Syntax) -> bool:
        """Whether ``(2)`` after a gradient of one step's loss says which step: nobody multiplies so."""
        tokens = [token for token in group.scan_values(lambda value: isinstance(value, Token))][1:-1]
        plain = len(tokens) == 1 and tokens[0].type == "NUMBER" and str(tokens[0]).isdigit()
        return plain and expr.name.startswith("g_") and expr.times == self._implied_times(expr.name)

    def _with_indices(self, expr: Sym, found: tuple[Expr, ...], node: Any) -> Sym:
        written = () if expr.times and expr.times == self._implied_times(expr.name) else expr.times
        return self._build_symbol(expr.name, (*written, *expr.parts, *found), node)


__all__ = ["Definition", "Reading", "Setting", "read_meaning"]
