"""Syntax to meaning: names by the symbol table, scripts to indices and transposes, rows of factors to products.

What a formula leaves open (the rank of ``\\odot``, the order of a product over an index) gives several readings; the
caller takes the best one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lark import Token, Tree

from grader.formula.faults import MAX_NESTED_SUMS, NoValue, TooMuch, UnknownSymbol, Unread
from grader.formula.parse import Syntax
from grader.formula.series import SERIES, find_series
from grader.formula.symbols import Key, SymbolTable, find_base, find_labels
from grader.formula.terms import Entry, combine
from grader.formula.tree import Add, Big, Call, Cases, Div, Expr, Mat, Mul, Num, Part, Pow, Sym, Trans, Var, find_variables, substitute

_PARTIALS = ("\\partial", "d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a student's own name stands for; ``indices`` are the letters that it carries (δ_k = …)."""

    indices: tuple[str, ...]
    expr: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a question says about reading: its table, its time indices, what a lone index means, what was defined.

    ``rank`` says how an elementwise product stands among the others, ``reverse`` turns products over an index round,
    ``eager`` applies the machine reader's index confusions even where the text makes sense as it stands.
    """

    table: SymbolTable
    times: tuple[str, ...] = ("t",)
    lone: str = "time"
    machine_read: bool = False
    definitions: Mapping[Key, Definition] = field(default_factory=dict)
    rank: str = "loose"
    reverse: bool = False
    eager: bool = False


@dataclass(slots=True)
class Reading:
    """An expression, the repairs that it rests on (names in the rubric), and the words that led to them."""

    expr: Expr
    repairs: dict[str, str]


def read_meaning(tree: Syntax, setting: Setting, source: str) -> Reading:
    """Return what a syntax tree means; raises UnknownSymbol or Unread with the place."""
    reader = _Reader(setting, source)
    expr = reader.read_relation(_child(tree))
    return Reading(expr, reader.repairs)


def _child(tree: Any) -> Any:
    return next(child for child in tree.children if isinstance(child, Tree))


def _position(node: Any) -> int | None:
    if isinstance(node, Token):
        return node.start_pos
    return next((token.start_pos for token in node.scan_values(lambda value: isinstance(value, Token))), None)


class _Reader:
    """Walks one syntax tree; ``bound`` holds the indices of the sums and products around."""

    def __init__(self, setting: Setting, source: str) -> None:
        self.setting, self.source = setting, source
        self.table = setting.table
        self.repairs: dict[str, str] = {}
        self.bound: list[tuple[str, bool]] = []

    def fail(self, reason: str, node: Any) -> Unread:
        return Unread(reason, text=self.source, position=_position(node))

    # --- sums and terms ---
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
            if _is_dots(term):
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
        big = next((item for item in items if isinstance(item.children[0], Token) and item.children[0].type == "BIG"), None)
        index = _find_index_name(big) if big is not None else None
        if index is None or index in self.setting.times or any(name == index for name, _ in self.bound):
            return []
        tail: list[tuple[int, Syntax]] = []
        while rest and _mentions(rest[0][1], index) and not _rebinds(rest[0][1], index):
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
            if _is_dots(child) and entries and position + 1 < len(children):
                after = position + 2 if isinstance(children[position + 1], Token) else position + 1
                last, position = self.read_factor(children, after, tail)
                first = entries.pop()
                entries.append(Entry(first.op, self._fill("product", first.expr, last, child)))
                op = "next"
                continue
            expr, position = self.read_factor(children, position, tail)
            entries.append(Entry(op, expr if sign == 1 else Add(((-1, expr),))))
            op, sign = "next", 1
        return combine(entries, self.setting.rank)

    def read_factor(self, children: Sequence[Any], at: int, tail: Sequence[tuple[int, Syntax]]) -> tuple[Expr, int]:
        """Return the factor that begins at ``at`` and where the next one begins."""
        item: Syntax = children[at]
        atom = item.children[0]
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

    def _is_operator_repair(self, name: str) -> str:
        if not self.setting.machine_read:
            return ""
        repairs = self.table.world.repairs.items()
        return next((key for key, repair in repairs if repair.kind == "operator" and repair.read == name), "")

    def _repair(self, name: str, seen: str) -> None:
        self.repairs[name] = seen

    def _read_call_index(self, expr: Expr, children: Sequence[Any], after: int) -> tuple[Expr, int]:
        """Read ``h(t-1)`` and ``y[i]``: brackets right after a name, with nothing but indices in them."""
        if after < len(children) and isinstance(expr, Sym) and isinstance(children[after], Tree):
            group = children[after].children[0]
            if isinstance(group, Tree) and group.data == "group" and len(children[after].children) == 1:
                labels = [entry for child in _lists(group) for entry in child.children if isinstance(entry, Tree)]
                names = {str(t.value) for t in group.scan_values(lambda v: isinstance(v, Token) and v.type == "NAME")}
                square = group.children[0].value == "["
                if labels and names <= self._index_names() and (names or square):
                    found = tuple(self.read_relation(entry) for entry in labels)
                    return self._with_indices(expr, found, children[after]), after + 1
        return expr, after

    def _with_indices(self, expr: Sym, found: tuple[Expr, ...], node: Any) -> Sym:
        written = () if expr.times and expr.times == self._implied_times(expr.name) else expr.times
        return self._build_symbol(expr.name, (*written, *expr.parts, *found), node)

    def _index_names(self) -> set[str]:
        return {*self.setting.times, *(name for name, _ in self.bound), "t", "i", "j", "k", "T", "s", "l", "m", "n"}

    # --- sums and products over an index ---
    def _read_big(self, item: Syntax, rest: Sequence[Any], tail: Sequence[tuple[int, Syntax]]) -> Expr:
        kind = "sum" if "sum" in str(item.children[0]) else "product"
        index, low, high = self._read_bounds(item)
        timed = any(bound is not None and find_variables(bound) & {"t", "T", *self.setting.times} for bound in (low, high))
        if len(self.bound) >= MAX_NESTED_SUMS:
            raise TooMuch(f"more than {MAX_NESTED_SUMS} sums inside one another")
        self.bound.append((index, timed or (high == Num(3.0) and self.setting.lone == "time")))
        if not rest:
            raise self.fail("a sum or product of nothing", item)
        rest = list(rest)
        outer: list[Any] = []
        if kind == "product":
            rest, outer = _split_scope(rest, index)
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

    def _read_bound(self, node: Any) -> Expr:
        relations = [relation for child in _lists(node) for relation in child.children if isinstance(relation, Tree)]
        if isinstance(node, Token):
            return self._read_index(node)
        if len(relations) != 1:
            raise self.fail("these bounds are not understood", node)
        sums = [child for child in relations[0].children if isinstance(child, Tree)]
        return self.read_sum(sums[-1])

    def _read_lower(self, node: Any) -> tuple[str, Expr | None, Expr | None]:
        if isinstance(node, Token):
            return str(node.value), None, None
        relations = [relation for child in _lists(node) for relation in child.children if isinstance(relation, Tree)]
        if len(relations) != 1:
            raise self.fail("these bounds are not understood", node)
        parts = relations[0].children
        sums = [self.read_sum(part) for part in parts if isinstance(part, Tree)]
        signs = [str(part.value) for part in parts if isinstance(part, Token)]
        return self._solve_bounds(sums, signs, node)

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
        """Whether a function's letter carries an index and is a quantity then (``\\sigma_t``)."""
        labels = tuple(label for label in find_labels(item) if isinstance(label, str))
        found = self.table.find(find_base(item), labels)
        return found is not None

    def _read_function(self, item: Syntax, children: Sequence[Any], at: int) -> tuple[Expr, int]:
        name = self.table.functions[str(item.children[0])]
        transposed, power, index = False, None, None
        for script in item.children[1:]:
            if script.data == "prime":
                name += "_prime"
            elif script.data == "sup" and _is_transpose(script.children[1]):
                transposed = True
            elif script.data == "sup":
                power = self._read_bound(script.children[1])
            else:
                index = self._read_bound(script.children[1])
        argument, after = self._read_argument(name, index, children, at + 1, item)
        result: Expr = self._apply(name, argument, item)
        result = Pow(result, power) if power is not None else result
        return (Trans(result) if transposed else result), after

    def _read_argument(
        self, name: str, index: Expr | None, children: Sequence[Any], at: int, item: Syntax
    ) -> tuple[Expr, int]:
        following = children[at] if at < len(children) else None
        if isinstance(following, Tree) and following.data == "item" and index is None:
            atom = following.children[0]
            if isinstance(atom, Tree) and atom.data == "group":
                argument = self._read_group(atom)
                return self._outer_scripts(argument, following, at)
            if name in ("diag", "log", "exp", "softmax", "outer") or name not in self.table.world.arguments:
                return self.read_factor(children, at, ())
        implied = self.table.world.arguments.get(name)
        if implied is None:
            raise self.fail("a function without its argument", item)
        time = index if index is not None else self._implied_time()
        return Sym(implied, (time,)), at

    def _outer_scripts(self, argument: Expr, following: Syntax, at: int) -> tuple[Expr, int]:
        """``diag(x)^T``: the script belongs to the value; marked here and taken off in _apply."""
        self.pending = [script for script in following.children[1:] if isinstance(script, Tree)]
        return argument, at + 1

    def _apply(self, name: str, argument: Expr, item: Syntax) -> Expr:
        result: Expr = Call(name, argument)
        for script in getattr(self, "pending", []):
            result = self._apply_script(result, script)
        self.pending: list[Syntax] = []
        return result

    # --- quotients of differentials ---
    def _read_quotient(self, children: Sequence[Any], at: int) -> tuple[Expr, int] | None:
        item = children[at]
        atom = item.children[0]
        if isinstance(atom, Tree) and atom.data == "frac" and len(item.children) >= 1:
            return self._read_fraction_quotient(children, at)
        if _is_partial(atom) and at + 3 < len(children):
            slash = children[at + 2] if isinstance(children[at + 2], Token) else None
            below = children[at + 3]
            if slash is not None and slash.value == "over" and isinstance(below, Tree) and _is_partial(below.children[0]):
                if at + 4 < len(children) and isinstance(children[at + 4], Tree):
                    return self._build_quotient(children[at + 1], children[at + 4]), at + 5
        if isinstance(atom, Token) and atom.value == "\\nabla" and at + 1 < len(children):
            below = _sole_item(item.children[1].children[1]) if len(item.children) > 1 else None
            if below is not None and isinstance(children[at + 1], Tree):
                return self._build_quotient(children[at + 1], below), at + 2
        return None

    def _read_fraction_quotient(self, children: Sequence[Any], at: int) -> tuple[Expr, int] | None:
        item = children[at]
        top, bottom = (_row(arg) for arg in item.children[0].children[1:])
        if not bottom or not _is_partial(bottom[0].children[0]) or not top or not _is_partial(top[0].children[0]):
            return None
        if len(bottom) != 2:
            raise self.fail("this derivative is not understood", item)
        if len(top) == 1 and at + 1 < len(children) and isinstance(children[at + 1], Tree):
            above = _sole_item(children[at + 1].children[0]) or children[at + 1]
            return self._build_quotient(above, bottom[1]), at + 2
        if len(top) != 2:
            raise self.fail("this derivative is not understood", item)
        quotient = self._build_quotient(top[1], bottom[1])
        for script in item.children[1:]:
            quotient = self._apply_script(quotient, script)
        return quotient, at + 1

    def _build_quotient(self, above: Syntax, below: Syntax) -> Expr:
        transposed = [s for s in below.children[1:] if isinstance(s, Tree) and s.data == "sup"]
        top, bottom = self.read_item(above), self.read_item(Tree("item", [c for c in below.children if c not in transposed]))
        if not isinstance(top, Sym) or not isinstance(bottom, Sym):
            raise self.fail("this derivative is not understood", above)
        return Sym(f"{top.name}/{bottom.name}", (*top.times, *bottom.times), (*top.parts, *bottom.parts))

    # --- single items ---
    def read_item(self, item: Syntax) -> Expr:
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
        relations = [relation for child in _lists(atom) for relation in child.children if isinstance(relation, Tree)]
        values = [self.read_relation(relation) for relation in relations]
        if len(values) == 1:
            return values[0]
        if values and atom.data == "group":
            return Mat(tuple((value,) for value in values))
        raise self.fail("this list is not understood", atom)

    def _read_matrix(self, atom: Syntax) -> Expr:
        rows = [[cell for cell in row.children if isinstance(cell, Tree)] for row in atom.children if isinstance(row, Tree)]
        if "cases" in str(atom.children[0]):
            return Cases(tuple(self._read_case(row) for row in rows))
        return Mat(tuple(tuple(self._read_cell(cell) for cell in row) for row in rows))

    def _read_cell(self, cell: Syntax) -> Expr:
        relations = [child for child in cell.children if isinstance(child, Tree)]
        if len(relations) != 1:
            raise self.fail("this entry is not understood", cell)
        return self.read_relation(relations[0])

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

    def _read_name(self, item: Syntax) -> Expr:
        base, labels = find_base(item), find_labels(item)
        words = tuple(_take_words(labels))
        sups = [script for script in _all_scripts(item) if script.data != "sub"]
        own = self._read_defined(base, labels)
        if own is not None:
            return self._apply_scripts(own, sups)
        found = self.table.find(base, words)
        if found is None and base in self._index_names() and not labels:
            return self._apply_scripts(self._read_index(item.children[0]), sups)
        if found is None and self.setting.machine_read:
            found = self._find_repaired(base, words)
        if found is None:
            raise self._unknown(base, labels, item)
        name, used = found
        indices = tuple(self._read_label(label) for label in self._repair_labels(labels[used:]))
        indices, sups = self._take_index_scripts(name, indices, sups)
        return self._apply_scripts(self._build_symbol(name, indices, item), sups)

    def _read_defined(self, base: str, labels: list[Any]) -> Expr | None:
        """Return what the student's own name means here, with the indices that stand on it here."""
        words = _take_words(labels)
        for length in range(len(words), -1, -1):
            found = self.setting.definitions.get((base, tuple(words[:length])))
            if found is not None and len(labels) - length in (len(found.indices), 0):
                written = [self._read_label(label) for label in labels[length:]]
                values = written or [Var(name) for name in found.indices]
                return substitute(found.expr, dict(zip(found.indices, values, strict=True)))
        return None

    def _unknown(self, base: str, labels: list[Any], item: Syntax) -> UnknownSymbol:
        written = base + ("_{" + "".join(label if isinstance(label, str) else "…" for label in labels) + "}" if labels else "")
        return UnknownSymbol(f"the symbol {written} is not known in this question", text=self.source, position=_position(item))

    def _find_repaired(self, base: str, words: tuple[str, ...]) -> tuple[str, int] | None:
        repaired = self.table.find_repaired(base, words)
        if repaired is None:
            return None
        name, used, repair = repaired
        self._repair(repair, base + ("_" + "".join(words[:used]) if used else ""))
        return name, used

    def _repair_labels(self, labels: list[Any]) -> list[Any]:
        if not self.setting.machine_read:
            return labels
        kept: list[Any] = []
        for label in labels:
            for name, repair in self.table.world.repairs.items():
                if repair.kind != "index" or label != repair.read:
                    continue
                if repair.read in ("T", "t") and not self.setting.eager:
                    continue
                self._repair(name, str(label))
                label = repair.means
            if label != "":
                kept.append(label)
        return kept

    def _read_label(self, label: Any) -> Expr:
        if isinstance(label, str):
            if label.replace(".", "").isdigit():
                return Num(float(label))
            if label in self._index_names() or (len(label) == 1 and label.isalpha()):
                return Var(label)
            raise Unread(f"the index {label} is not understood")
        sums = [child for child in label.children if isinstance(child, Tree)] if label.data == "relation" else [label]
        return self.read_sum(sums[0]) if len(sums) == 1 and sums[0].data == "sum" else self.read_relation(label)

    def _read_index(self, token: Any) -> Expr:
        if isinstance(token, Token) and token.type == "NUMBER":
            return Num(float(token.value))
        name = find_base(Tree("item", [token]))
        if self.setting.machine_read:
            renamed = self._repair_labels([name])
            name = renamed[0] if renamed else name
        return Var(name)

    def _take_index_scripts(
        self, name: str, indices: tuple[Expr, ...], sups: list[Any]
    ) -> tuple[tuple[Expr, ...], list[Any]]:
        """Take superscripts that are indices: ``y_t^{(i)}``, ``h^{(t)}``, ``h^{t-1}``."""
        kept = []
        for script in sups:
            inside = script.children[1] if script.data == "sup" else None
            lists = _lists(inside) if isinstance(inside, Tree) else []
            bracketed = isinstance(inside, Tree) and (inside.data == "group" or _is_bracketed(inside))
            symbol = self.table.world.symbols.get(name)
            timed = bool(symbol and symbol.times) and not indices and bool(lists) and not _is_transpose(inside)
            if script.data == "sup" and not _is_transpose(inside) and (bracketed or timed) and symbol and symbol.times:
                value = self._read_bound(inside)
                if bracketed or find_variables(value):
                    indices = (*indices, value)
                    continue
            kept.append(script)
        if len(indices) == 2 and not _is_time(indices[0], self) and _is_time(indices[1], self):
            indices = (indices[1], indices[0])
        return indices, kept

    def _implied_times(self, name: str) -> tuple[Expr, ...]:
        symbol = self.table.world.symbols.get(name)
        return (self._implied_time(),) if symbol and symbol.times else ()

    def _implied_time(self) -> Var:
        """The time that a name without an index means: the innermost sum's, else the question's."""
        for name, timed in reversed(self.bound):
            if timed or self.setting.lone == "time":
                return Var(name)
        return Var(self.setting.times[0] if self.setting.times else "t")

    def _build_symbol(self, name: str, indices: tuple[Expr, ...], node: Any) -> Sym:
        symbol = self.table.world.symbols.get(name)
        if symbol is None:
            raise self.fail(f"{name} is not known", node)
        if name == "J" and len(indices) == 1:
            return Sym("J_t", indices)
        if not symbol.times:
            return Sym(name, (), indices)
        if not indices:
            return Sym(name, self._implied_times(name))
        if len(indices) == 1 and symbol.parts and not _is_time(indices[0], self):
            return Sym(name, self._implied_times(name), indices)
        if len(indices) > 3:
            raise self.fail("too many indices", node)
        return Sym(name, indices[:1], indices[1:])

    # --- scripts on values ---
    def _apply_scripts(self, expr: Expr, scripts: Sequence[Any]) -> Expr:
        for script in scripts:
            expr = self._apply_script(expr, script)
        return expr

    def _apply_script(self, expr: Expr, script: Any) -> Expr:
        if script.data == "prime":
            if isinstance(expr, Sym) and expr.name in ("yhat", "J", "J_t"):
                raise NoValue("a derivative written with a prime only")
            return Trans(expr)
        inside = script.children[1]
        if script.data == "sup":
            return Trans(expr) if _is_transpose(inside) else Pow(expr, self._read_bound(inside))
        labels = [relation for child in _lists(inside) for relation in child.children if isinstance(relation, Tree)]
        found = tuple(self.read_relation(entry) for entry in labels) or (self._read_index(inside),)
        return Part(expr, found)


# --- small questions about syntax ---
def _is_dots(node: Any) -> bool:
    tokens = [token for token in node.scan_values(lambda value: isinstance(value, Token))]
    return len(tokens) == 1 and tokens[0].type == "DOTS"


def _lists(node: Any) -> list[Syntax]:
    return [child for child in node.children if isinstance(child, Tree) and child.data == "list"] if isinstance(node, Tree) else []


def _all_scripts(item: Syntax) -> list[Any]:
    """Return an item's scripts, those inside its braces or under its hat first."""
    atom = item.children[0]
    inner: list[Any] = []
    if isinstance(atom, Tree) and atom.data in ("brace", "accent"):
        inside = _sole_item(atom.children[1] if atom.data == "accent" else atom)
        inner = _all_scripts(inside) if inside is not None else []
    return inner + [script for script in item.children[1:] if isinstance(script, Tree)]


def _take_words(labels: list[Any]) -> list[str]:
    words: list[str] = []
    for label in labels:
        if not isinstance(label, str):
            break
        words.append(label)
    return words


def _row(arg: Any) -> list[Syntax]:
    """Return the items of a fraction's half."""
    if isinstance(arg, Token):
        return [Tree("item", [arg])]
    terms = list(arg.find_pred(lambda node: node.data == "term"))
    if not terms:
        return []
    outer = max(terms, key=lambda term: len(list(term.iter_subtrees())))
    return [child for child in outer.children if isinstance(child, Tree)]


def _sole_item(node: Any) -> Syntax | None:
    if isinstance(node, Token):
        return Tree("item", [node])
    if node.data == "item":
        return node  # type: ignore[no-any-return]
    row = _row(node)
    return row[0] if len(row) == 1 else None


def _is_partial(atom: Any) -> bool:
    return isinstance(atom, Token) and atom.value in _PARTIALS


def _is_transpose(node: Any) -> bool:
    if isinstance(node, Token):
        return node.value in ("T", "\\top", "\\intercal")
    if not isinstance(node, Tree) or node.data not in ("brace",):
        return False
    names = [token.value for token in node.scan_values(lambda v: isinstance(v, Token)) if token.type not in ("LBRACE", "RBRACE")]
    return len(names) == 1 and names[0] in ("T", "\\top", "\\intercal")


def _is_bracketed(node: Syntax) -> bool:
    row = _row(node)
    return len(row) == 1 and isinstance(row[0].children[0], Tree) and row[0].children[0].data == "group" and len(row[0].children) == 1


def _is_time(index: Expr, reader: _Reader) -> bool:
    names = find_variables(index)
    if names & {*reader.setting.times, "t", "T"}:
        return True
    bound = dict(reader.bound)
    if any(bound.get(name) for name in names):
        return True
    return reader.setting.lone == "time"


def _find_index_name(item: Syntax) -> str | None:
    for script in item.children[1:]:
        if isinstance(script, Tree) and script.data == "sub":
            tokens = [t for t in script.scan_values(lambda v: isinstance(v, Token) and v.type == "NAME")]
            return str(tokens[0].value) if tokens else None
    return None


def _mentions(tree: Syntax, index: str) -> bool:
    return any(token.value == index for token in tree.scan_values(lambda v: isinstance(v, Token) and v.type == "NAME"))


def _rebinds(tree: Syntax, index: str) -> bool:
    items = [node for node in tree.iter_subtrees() if node.data == "item" and isinstance(node.children[0], Token)]
    return any(node.children[0].type == "BIG" and _find_index_name(node) == index for node in items)


def _split_scope(rest: list[Any], index: str) -> tuple[list[Any], list[Any]]:
    """Split what follows a product sign: up to the last factor with its index (at least one), and what is outside."""
    last = 0
    for position, child in enumerate(rest):
        if isinstance(child, Tree) and _mentions(child, index) or position == 0:
            last = position
    while last + 1 < len(rest) and isinstance(rest[last], Token):
        last += 1
    if isinstance(rest[last], Tree) and isinstance(rest[last].children[0], Token) and rest[last].children[0].type == "FUNC":
        following = rest[last + 1] if last + 1 < len(rest) else None
        if isinstance(following, Tree) and isinstance(following.children[0], Tree) and following.children[0].data == "group":
            last += 1
    return rest[: last + 1], rest[last + 1 :]


__all__ = ["Mul", "Reading", "Setting", "read_meaning"]
