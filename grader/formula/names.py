"""Names to quantities: by the symbol table, with their indices, transposes and the machine reader's confusions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from lark import Token, Tree

from grader.formula.faults import NoValue, UnknownSymbol, Unread
from grader.formula.parse import Syntax
from grader.formula.setting import Setting
from grader.formula.symbols import find_base, find_labels, find_raised, flatten_labels, is_raised
from grader.formula.syntax import (
    find_lists,
    find_position,
    find_scripts,
    find_transposed_power,
    is_bracketed,
    is_small_transpose,
    is_transpose,
    take_words,
)
from grader.formula.tree import (
    Call,
    Expr,
    Num,
    Part,
    Pow,
    Sym,
    Trans,
    Var,
    find_variables,
    substitute,
)


class NameReader(ABC):
    """Reads single names; ``bound`` holds the indices of the sums and products around, and whether they count time."""

    def __init__(self, setting: Setting, source: str) -> None:
        self.setting, self.source = setting, source
        self.table = setting.table
        self.repairs: dict[str, str] = {}
        self.bound: list[tuple[str, bool]] = []

    def fail(self, reason: str, node: Any) -> Unread:
        """Return the exception that quotes where ``node`` stands."""
        return Unread(reason, text=self.source, position=find_position(node))

    @abstractmethod
    def read_sum(self, tree: Syntax) -> Expr:
        """Return the value of a sum; what stands inside a script is one."""

    @abstractmethod
    def _read_group(self, atom: Syntax) -> Expr:
        """Return the value of what stands in brackets."""

    @abstractmethod
    def read_relation(self, tree: Syntax) -> Expr:
        """Return the value of an entry that must not be an equation."""

    def _is_operator_repair(self, name: str) -> str:
        if not self.setting.machine_read:
            return ""
        repairs = self.table.world.repairs.items()
        return next((key for key, repair in repairs if repair.kind == "operator" and repair.read == name), "")

    def _repair(self, name: str, seen: str) -> None:
        self.repairs[name] = seen

    def _index_names(self) -> set[str]:
        return {*self.setting.times, *(name for name, _ in self.bound), "t", "i", "j", "k", "T", "s", "l", "m", "n"}

    def _is_time(self, index: Expr) -> bool:
        """Whether an index is one of time, by its letters and what binds them."""
        names = find_variables(index)
        if names & {*self.setting.times, "t", "T"}:
            return True
        bound = dict(self.bound)
        if any(bound.get(name) for name in names):
            return True
        return self.setting.lone == "time"

    def _read_name(self, item: Syntax) -> Expr:
        base, labels = find_base(item), find_labels(item)
        words = tuple(take_words(labels))
        sups = [script for script in find_scripts(item) if script.data != "sub"]
        if self.setting.definitions:
            raised = find_raised(item)
            own = self._read_defined(base, [*labels, *raised]) if raised else None
            plain = [script for script in sups if not is_raised(script)]
            if own is not None:
                return self._apply_scripts(own, plain)
            own = self._read_defined(base, labels)
            if own is not None:
                if raised and not {label for label in raised if isinstance(label, str)} <= find_variables(own) & {"t"}:
                    raise self.fail(f"the index above {base} is not explained", item)
                return self._apply_scripts(own, plain)
        found = self._find_repaired(base, words) if self.setting.machine_read else None
        found = found or self.table.find(base, words)
        if found is None and base in self._index_names() and not labels:
            return self._apply_scripts(self._read_index(item.children[0]), sups)
        if found is None and base == "e" and not labels and len(sups) == 1 and sups[0].data == "sup":
            return Call("exp", self._read_bound(sups[0].children[1]))
        if found is None:
            raise self._unknown(base, labels, item)
        name, used = found
        indices = tuple(self._read_label(label) for label in self._repair_labels(labels[used:]))
        indices, sups = self._take_index_scripts(name, indices, sups)
        return self._apply_scripts(self._build_symbol(name, indices, item), sups)

    def _read_defined(self, base: str, labels: list[Any]) -> Expr | None:
        """Return what the student's own name means here, with the indices that stand on it here."""
        words = take_words(labels)
        for length in range(len(words), -1, -1):
            found = self.setting.definitions.get((base, tuple(words[:length])))
            if found is None or len(labels) - length > len(found.indices):
                continue
            left_out = found.indices[len(labels) - length :]
            if left_out and not self.setting.times and not self.bound:
                continue  # the G of G = G_1 + G_2 + G_3 is none of the three
            if len(labels) == length or set(left_out) <= {"t"}:
                written = [self._read_label(label) for label in labels[length:]]
                values = [*written, *(Var(name) for name in left_out)]
                return substitute(found.expr, dict(zip(found.indices, values, strict=True)))
        return None

    def _unknown(self, base: str, labels: list[Any], item: Syntax) -> UnknownSymbol:
        written = base + (
            "_{" + "".join(label if isinstance(label, str) else "…" for label in labels) + "}" if labels else ""
        )
        return UnknownSymbol(
            f"the symbol {written} is not known in this question", text=self.source, position=find_position(item)
        )

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
            own = self.setting.definitions.get((label, ()))
            if own is not None and not own.indices and not any(label == name for name, _ in self.bound):
                return own.expr
            found = self.table.find(label, ())
            if found and self.table.world.symbols[found[0]].label and not any(label == name for name, _ in self.bound):
                return Sym(found[0], self._implied_times(found[0]))
            if label in self._index_names() or (len(label) == 1 and label.isalpha()):
                return Var(label)
            raise Unread(f"the index {label} is not understood")
        sums = [child for child in label.children if isinstance(child, Tree)] if label.data == "relation" else [label]
        return self.read_sum(sums[0]) if len(sums) == 1 and sums[0].data == "sum" else self.read_relation(label)

    def _read_index(self, token: Any) -> Expr:
        if isinstance(token, Token) and token.type == "NUMBER":
            return Num(float(token.value))
        name = find_base(Tree("item", [token]))
        own = self.setting.definitions.get((name, ()))
        if own is not None and not own.indices and not any(name == bound for bound, _ in self.bound):
            return own.expr
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
            lists = find_lists(inside) if isinstance(inside, Tree) else []
            bracketed = isinstance(inside, Tree) and (inside.data == "group" or is_bracketed(inside))
            symbol = self.table.world.symbols.get(name)
            timed = bool(symbol and symbol.times) and not indices and bool(lists) and not is_transpose(inside)
            if script.data == "sup" and not is_transpose(inside) and (bracketed or timed) and symbol and symbol.times:
                value = self._read_bound(inside)
                if bracketed or find_variables(value):
                    indices = (*indices, value)
                    continue
            kept.append(script)
        if len(indices) == 2 and not self._is_time(indices[0]) and self._is_time(indices[1]):
            indices = (indices[1], indices[0])
        return indices, kept

    def _implied_times(self, name: str) -> tuple[Expr, ...]:
        symbol = self.table.world.symbols.get(name)
        return (self._implied_time(),) if symbol and symbol.times else ()

    def _implied_time(self) -> Var:
        """Return the time that a name without an index means: the innermost sum's, else the question's."""
        for name, timed in reversed(self.bound):
            if (timed or self.setting.lone == "time") and not name.isupper():
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
        if len(indices) == 1 and symbol.parts and not self._is_time(indices[0]):
            return Sym(name, self._implied_times(name), indices)
        if len(indices) == 2 and not symbol.parts and find_variables(indices[1]) & {"t", "T"} and "g_" in name:
            return Sym(name, indices)  # g_{h_i}^{(t)}: the loss that it is a gradient of
        if len(indices) > 3:
            raise self.fail("too many indices", node)
        return Sym(name, indices[:1], indices[1:])

    def _read_bound(self, node: Any) -> Expr:
        relations = [
            relation for child in find_lists(node) for relation in child.children if isinstance(relation, Tree)
        ]
        if isinstance(node, Token):
            return self._read_index(node)
        if len(relations) != 1:
            raise self.fail("these bounds are not understood", node)
        sums = [child for child in relations[0].children if isinstance(child, Tree)]
        return self.read_sum(sums[-1])

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
        power = find_transposed_power(inside) if script.data == "sup" else None
        if power is not None:
            return Pow(Trans(expr), self._read_group(power))
        if script.data == "sup" and isinstance(expr, Num) and is_transpose(inside):
            raise self.fail("a number is transposed", script)
        if script.data == "sup":
            turned = is_transpose(inside) or (self.setting.small and is_small_transpose(inside))
            return Trans(expr) if turned else Pow(expr, self._read_bound(inside))
        return Part(expr, tuple(self._read_label(label) for label in flatten_labels(inside)))
