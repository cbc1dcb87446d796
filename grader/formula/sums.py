"""Functions with their arguments, sums and products over an index with their bounds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from lark import Token, Tree

from grader.formula.faults import MAX_NESTED_SUMS, TooMuch
from grader.formula.items import ItemReader
from grader.formula.parse import Syntax
from grader.formula.symbols import find_base, find_labels
from grader.formula.syntax import (
    find_lists,
    is_transpose,
    split_scope,
)
from grader.formula.terms import Entry, combine
from grader.formula.tree import (
    Add,
    Big,
    Call,
    Expr,
    Num,
    Pow,
    Sym,
    Trans,
    Var,
    find_variables,
)


class SumReader(ItemReader):
    """Reads what takes the factors on its right along."""

    @abstractmethod
    def read_term(self, children: Sequence[Any], tail: Sequence[tuple[int, Syntax]] = ()) -> Expr:
        """Return the product of a row of factors."""

    @abstractmethod
    def read_factor(self, children: Sequence[Any], at: int, tail: Sequence[tuple[int, Syntax]]) -> tuple[Expr, int]:
        """Return the factor that begins at ``at`` and where the next one begins."""

    def _read_big(self, item: Syntax, rest: Sequence[Any], tail: Sequence[tuple[int, Syntax]]) -> Expr:
        kind = "sum" if "sum" in str(item.children[0]) else "product"
        index, low, high = self._read_bounds(item)
        timed = any(
            bound is not None and find_variables(bound) & {"t", "T", *self.setting.times} for bound in (low, high)
        )
        if len(self.bound) >= MAX_NESTED_SUMS:
            raise TooMuch(f"more than {MAX_NESTED_SUMS} sums inside one another")
        self.bound.append((index, timed or (high == Num(3.0) and self.setting.lone == "time")))
        if not rest:
            raise self.fail("a sum or product of nothing", item)
        rest = list(rest)
        outer: list[Any] = []
        if kind == "product":
            rest, outer = split_scope(rest, index, self.setting.wide)
        body = self.read_term(rest)
        if tail:
            more = [(sign, self.read_term(list(term.children))) for sign, term in tail]
            body = Add(((1, body), *more))
        self.bound.pop()
        big: Expr = Big(kind, index, low, high, body, self.setting.reverse and kind == "product")
        if outer:
            op = str(outer.pop(0).value) if isinstance(outer[0], Token) and outer[0].type == "OP" else "next"
            big = combine([Entry("next", big), Entry(op, self.read_term(outer))], self.setting.rank)
        return big

    def _read_bounds(self, item: Syntax) -> tuple[str, Expr | None, Expr | None]:
        index, low, high = "", None, None
        for script in item.children[1:]:
            if not isinstance(script, Tree) or script.data == "prime":
                raise self.fail("these bounds are not understood", item)
            if script.data == "sup":
                high = self._read_bound(script.children[1])
                continue
            index, low, upper = self._read_lower(script.children[1])
            high = upper if upper is not None else high
        if not index:
            index, low = (self.setting.times[0] if self.setting.times else "t"), None
        return index, low, high

    def _read_lower(self, node: Any) -> tuple[str, Expr | None, Expr | None]:
        if isinstance(node, Token):
            return str(node.value), None, None
        relations = [
            relation for child in find_lists(node) for relation in child.children if isinstance(relation, Tree)
        ]
        if len(relations) != 1:
            raise self.fail("these bounds are not understood", node)
        parts = relations[0].children
        sums = [self._read_bound_letter(part) for part in parts if isinstance(part, Tree)]
        signs = [str(part.value) for part in parts if isinstance(part, Token)]
        return self._solve_bounds(sums, signs, node)

    def _read_bound_letter(self, part: Syntax) -> Expr:
        """Read one side of a bound: any single letter may be the index, whatever else it means."""
        tokens = list(part.scan_values(lambda v: isinstance(v, Token)))
        if len(tokens) == 1 and tokens[0].type == "NAME" and len(tokens[0]) == 1:
            return self._read_index(tokens[0])
        return self.read_sum(part)

    def _solve_bounds(self, sums: list[Expr], signs: list[str], node: Any) -> tuple[str, Expr | None, Expr | None]:
        one = Num(1.0)
        if len(sums) == 1 and isinstance(sums[0], Var):
            return sums[0].name, None, None
        if len(sums) == 2 and isinstance(sums[0], Var):
            if signs == ["="]:
                return sums[0].name, sums[1], None
            if signs == ["<="]:
                return sums[0].name, one, sums[1]
            if signs == ["<"]:
                return sums[0].name, one, Add(((1, sums[1]), (-1, one)))
        if len(sums) == 3 and isinstance(sums[1], Var) and set(signs) <= {"<", "<="}:
            low = sums[0] if signs[0] == "<=" else Add(((1, sums[0]), (1, one)))
            high = sums[2] if signs[1] == "<=" else Add(((1, sums[2]), (-1, one)))
            return sums[1].name, low, high
        raise self.fail("these bounds are not understood", node)

    # --- functions ---
    def _is_named(self, item: Syntax) -> bool:
        """Whether a function's letter carries an index and is a quantity then (σ_t)."""
        labels = tuple(label for label in find_labels(item) if isinstance(label, str))
        found = self.table.find(find_base(item), labels)
        return found is not None

    def _read_function(self, item: Syntax, children: Sequence[Any], at: int) -> tuple[Expr, int]:
        name = self.table.functions[str(item.children[0])]
        transposed, power, index = False, None, None
        scripts: list[Any] = list(item.children[1:])
        for script in scripts:
            if script.data == "prime":
                name += "_prime"
            elif script.data == "sup" and is_transpose(script.children[1]):
                transposed = True
            elif script.data == "sup":
                power = self._read_bound(script.children[1])
            else:
                index = self._read_bound(script.children[1])
        argument, outside, after = self._read_argument(name, index, children, at + 1, item)
        value = Trans(argument) if name == "transpose" else Call(name, argument)
        result = self._apply_scripts(value, outside)
        result = Pow(result, power) if power is not None else result
        return (Trans(result) if transposed else result), after

    def _read_argument(
        self, name: str, index: Expr | None, children: Sequence[Any], at: int, item: Syntax
    ) -> tuple[Expr, list[Any], int]:
        """Return (argument, scripts behind its bracket, where the next factor begins): the T in diag(x)^T."""
        following = children[at] if at < len(children) else None
        implied = self.table.world.arguments.get(name)
        if isinstance(following, Tree) and following.data == "item" and index is None:
            atom = following.children[0]
            if isinstance(atom, Tree) and atom.data == "group":
                return self._read_group(atom), list(following.children[1:]), at + 1
            if implied is None:
                argument, after = self.read_factor(children, at, ())
                return argument, [], after
        if implied is None:
            raise self.fail("a function without its argument", item)
        return Sym(implied, (index if index is not None else self._implied_time(),)), [], at
