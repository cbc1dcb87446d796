"""Single items to values: brackets, fractions, matrices, quotients of differentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lark import Token, Tree

from grader.formula.names import NameReader
from grader.formula.parse import Syntax
from grader.formula.symbols import find_base
from grader.formula.syntax import (
    find_lists,
    find_row,
    find_sole_item,
    is_partial,
)
from grader.formula.tree import (
    Cases,
    Div,
    Expr,
    Mat,
    Num,
    Part,
    Sym,
)


class ItemReader(NameReader):
    """Reads one item of a term with its scripts."""

    # --- quotients of differentials ---
    def _read_quotient(self, children: Sequence[Any], at: int) -> tuple[Expr, int] | None:
        item = children[at]
        atom = item.children[0]
        if isinstance(atom, Tree) and atom.data == "frac" and len(item.children) >= 1:
            return self._read_fraction_quotient(children, at)
        if is_partial(atom) and at + 3 < len(children):
            slash = children[at + 2] if isinstance(children[at + 2], Token) else None
            below = children[at + 3]
            if (
                slash is not None
                and slash.value == "over"
                and isinstance(below, Tree)
                and is_partial(below.children[0])
            ):
                if at + 4 < len(children) and isinstance(children[at + 4], Tree):
                    return self._build_quotient(children[at + 1], children[at + 4]), at + 5
        if isinstance(atom, Token) and atom.value == "\\nabla" and at + 1 < len(children):
            below = find_sole_item(item.children[1].children[1]) if len(item.children) > 1 else None
            if below is not None and isinstance(children[at + 1], Tree):
                return self._build_quotient(children[at + 1], below), at + 2
        return None

    def _read_fraction_quotient(self, children: Sequence[Any], at: int) -> tuple[Expr, int] | None:
        item = children[at]
        top, bottom = (find_row(arg) for arg in item.children[0].children[1:])
        if not bottom or not is_partial(bottom[0].children[0]) or not top or not is_partial(top[0].children[0]):
            return None
        if len(bottom) != 2:
            raise self.fail("this derivative is not understood", item)
        if len(top) == 1 and at + 1 < len(children) and isinstance(children[at + 1], Tree):
            above = find_sole_item(children[at + 1].children[0]) or children[at + 1]
            return self._build_quotient(above, bottom[1]), at + 2
        if len(top) != 2:
            raise self.fail("this derivative is not understood", item)
        quotient = self._build_quotient(top[1], bottom[1])
        for script in item.children[1:]:
            quotient = self._apply_script(quotient, script)
        return quotient, at + 1

    def _build_quotient(self, above: Syntax, below: Syntax) -> Expr:
        transposed = [s for s in below.children[1:] if isinstance(s, Tree) and s.data == "sup"]
        top, bottom = (
            self.read_item(above),
            self.read_item(Tree("item", [c for c in below.children if c not in transposed])),
        )
        if isinstance(bottom, Part) and isinstance(bottom.base, Sym):  # (W_{hh})_{ab}
            bottom = replace(bottom.base, parts=bottom.indices)
        if not isinstance(top, Sym) or not isinstance(bottom, Sym):
            raise self.fail("this derivative is not understood", above)
        return Sym(f"{top.name}/{bottom.name}", (*top.times, *bottom.times), (*top.parts, *bottom.parts))

    # --- single items ---
    def read_item(self, item: Syntax) -> Expr:
        """Return the value of one item with its scripts."""
        atom = item.children[0]
        if isinstance(atom, Token) and atom.type == "NUMBER":
            return self._apply_scripts(Num(float(atom.value)), item.children[1:])
        if isinstance(atom, Tree) and atom.data in ("group", "frac", "matrix"):
            return self._apply_scripts(self._read_compound(atom), item.children[1:])
        if find_base(item):
            return self._read_name(item)
        if isinstance(atom, Tree) and atom.data == "brace":
            return self._apply_scripts(self._read_group(atom), item.children[1:])
        raise self.fail("this is not understood", item)

    def _read_compound(self, atom: Syntax) -> Expr:
        if atom.data == "group":
            return self._read_group(atom)
        if atom.data == "frac":
            top, bottom = (self._read_bound(arg) for arg in atom.children[1:])
            return Div(top, bottom)
        return self._read_matrix(atom)

    def _read_group(self, atom: Syntax) -> Expr:
        relations = [
            relation for child in find_lists(atom) for relation in child.children if isinstance(relation, Tree)
        ]
        values = [self.read_relation(relation) for relation in relations]
        if len(values) == 1:
            return values[0]
        if values and atom.data == "group":
            return Mat(tuple((value,) for value in values))
        raise self.fail("this list is not understood", atom)

    def _read_matrix(self, atom: Syntax) -> Expr:
        rows = [
            [cell for cell in row.children if isinstance(cell, Tree)] for row in atom.children if isinstance(row, Tree)
        ]
        if "cases" in str(atom.children[0]) and any(len(row) > 1 for row in rows):
            return self._read_cases(rows, atom)
        return Mat(tuple(tuple(self._read_cell(cell) for cell in row) for row in rows))

    def _read_cell(self, cell: Syntax) -> Expr:
        relations = [child for child in cell.children if isinstance(child, Tree)]
        if len(relations) != 1:
            raise self.fail("this entry is not understood", cell)
        return self.read_relation(relations[0])

    def _read_cases(self, rows: list[list[Syntax]], atom: Syntax) -> Expr:
        """Read values under conditions: only the last may do without one ("otherwise")."""
        cases = tuple(self._read_case(row) for row in rows)
        if not all(conditions for _, conditions in cases[:-1]):
            raise self.fail("a condition of this case distinction is not understood", atom)
        return Cases(cases)

    def _read_case(self, row: list[Syntax]) -> tuple[Expr, tuple[tuple[Expr, str, Expr], ...]]:
        conditions: list[tuple[Expr, str, Expr]] = []
        for cell in row[1:]:
            for relation in (child for child in cell.children if isinstance(child, Tree)):
                sums = [self.read_sum(part) for part in relation.children if isinstance(part, Tree)]
                signs = [str(part.value) for part in relation.children if isinstance(part, Token)]
                conditions += [(sums[n], sign, sums[n + 1]) for n, sign in enumerate(signs)]
        value = [child for child in row[0].children if isinstance(child, Tree)][:1]
        if not value:
            raise self.fail("this case is not understood", row[0])
        return self.read_relation(value[0]), tuple(conditions)
