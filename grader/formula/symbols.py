"""What names mean: the rubric's records of a world's symbols, and the table that a reader looks names up in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from lark import Token, Tree

from grader.formula.faults import Unread
from grader.formula.lexer import Vocabulary, read_tokens
from grader.formula.normalise import normalise
from grader.formula.parse import Syntax, parse_tokens

_STRICT = {"extra": "forbid", "strict": True}

INDEX_LETTERS = frozenset("tijklmnabcpqrsuTτ")

REDUCTIONS = ("entries_sum", "entries_max")  # of NumPy: numbers made of all entries

Key = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    r"""One quantity of a world.

    spellings: how people write it without its indices, as LaTeX or ASCII ("W_{yh}", "W_ho", "\hat{y}").
    latex: how we write it back; "#" stands for the time index.
    times: how many time indices it carries (0 or 1; a gradient of J_t by h_i carries i).
    parts: whether a single index letter may number its components (y_i, the time understood).
    label: whether it is the number of a component itself (the true class of a one-hot label) and may be an index.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    spellings: tuple[str, ...]
    latex: str
    times: int = 0
    parts: bool = False
    label: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One confusion of a machine reader; applied only to machine-read submissions.

    read: what stands in the text. means: what it was ("" for nothing, an index letter, a spelling, an operator's name).
    kind: symbol, index or operator. confirm: whether a verdict that hangs on it waits for a person.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    read: str
    means: str
    kind: Literal["symbol", "index", "operator"] = "symbol"
    confirm: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaWorld:
    """The model in which formulas are evaluated.

    build: the course's function that returns the worlds (see reference/hw5/worlds.py for what they hold).
    oracles: the course's module that proves accepted readings (see reference/hw5/oracles.py), run by ``grade check``.
    contradictions: regular expressions on the text (any case) for what contradicts the sheet; a person decides then.
    symbols, functions: spellings by name. arguments: what a function is applied to when a student leaves it out.
    repairs: confusions of machine reading by name.
    fillers: words that change nothing in an answer told in words.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    build: str
    symbols: Mapping[str, Symbol]
    functions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    repairs: Mapping[str, Repair] = field(default_factory=dict)
    oracles: str = ""
    contradictions: tuple[str, ...] = ()
    fillers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolTable:
    """A world's names made ready for look-up, with a question's own spellings added."""

    world: FormulaWorld
    vocabulary: Vocabulary
    names: Mapping[Key, str]
    functions: Mapping[str, str]
    repaired: Mapping[Key, tuple[str, str]]

    def find(self, base: str, labels: tuple[str, ...]) -> tuple[str, int] | None:
        """Return (symbol, how many labels belong to its name) for the longest name that fits."""
        for length in range(len(labels), -1, -1):
            name = self.names.get((base, labels[:length]))
            if name == "delta" and len(labels) - length != 2:
                continue  # Kronecker's delta has two indices; any other δ is a name of the student's own
            if name and all(_may_index(label) for label in labels[length:]):
                return name, length
        return None

    def find_repaired(self, base: str, labels: tuple[str, ...]) -> tuple[str, int, str] | None:
        """As find, among the machine reader's confusions; the third entry is the repair's name."""
        for length in range(len(labels), -1, -1):
            found = self.repaired.get((base, labels[:length]))
            if found:
                return found[0], length, found[1]
        return None


def _may_index(label: str) -> bool:
    """Whether a label can be an index: J_{ot} is not J with the indices o and t."""
    return label.isdigit() or label in INDEX_LETTERS


def build_table(
    world: FormulaWorld,
    symbols: Mapping[str, tuple[str, ...]] | None = None,
    functions: Mapping[str, tuple[str, ...]] | None = None,
) -> SymbolTable:
    """Return the table of ``world`` with a question's own spellings, which win; raises Unread for a bad spelling."""
    spelled: dict[str, str] = {}
    for name, symbol in world.symbols.items():
        spelled |= dict.fromkeys(symbol.spellings, name)
    for name, spellings in (symbols or {}).items():
        spelled |= dict.fromkeys(spellings, name)
    called = {name: name for name in REDUCTIONS}
    called |= {spelling: name for name, spellings in world.functions.items() for spelling in spellings}
    called |= {spelling: name for name, spellings in (functions or {}).items() for spelling in spellings}
    vocabulary = _build_vocabulary(list(spelled), list(called))
    return SymbolTable(
        world=world,
        vocabulary=vocabulary,
        names={find_key(spelling, vocabulary): name for spelling, name in spelled.items()},
        functions=called,
        repaired={
            find_key(repair.read, vocabulary): (repair.means, name)
            for name, repair in world.repairs.items()
            if repair.kind == "symbol"
        },
    )


def _build_vocabulary(spelled: list[str], called: list[str]) -> Vocabulary:
    words = {word for spelling in spelled for word in re.findall(r"(?<![A-Za-z\\])[A-Za-z]{2,}", spelling)}
    bases = {match[0] for spelling in spelled if (match := re.match(r"[A-Za-z]+", spelling))}
    return Vocabulary(
        words=frozenset(words - set(called)), functions=frozenset(called), differentials=frozenset(bases | {"yhat"})
    )


def find_key(spelling: str, vocabulary: Vocabulary) -> Key:
    """Return (base, labels) of a name written without its indices."""
    tree = parse_tokens(read_tokens(normalise(spelling), vocabulary), spelling)
    items = [node for node in list(tree.iter_subtrees())[::-1] if node.data == "item"]
    if not items:
        raise Unread(f"{spelling} is no name", text=spelling, position=0)
    base = find_base(items[0])
    labels = [entry for entry in find_labels(items[0]) if isinstance(entry, str)]
    return base, tuple(labels)


def find_base(item: Syntax) -> str:
    """Return the bare name of an item: the letter and its accents, without scripts."""
    atom = item.children[0]
    if isinstance(atom, Token):
        return str(atom.value)
    if atom.data == "accent":
        inner = _inner_item(atom.children[1])
        return f"{find_base(inner)}^{atom.children[0]}" if inner is not None else ""
    if atom.data == "brace":
        inner = _inner_item(atom)
        return find_base(inner) if inner is not None else ""
    return ""


def _inner_item(node: Any) -> Syntax | None:
    """Return the only item inside braces, or the item that a bare token is."""
    if isinstance(node, Token):
        return Tree("item", [node])
    if node.data == "accent":
        return Tree("item", [node])
    items = _plain_items(node)
    return items[0] if items is not None and len(items) == 1 else None


def _plain_items(node: Any) -> list[Syntax] | None:
    """Return the items of a list element that is a mere row of names and numbers, else None."""
    while isinstance(node, Tree) and node.data in ("brace", "list", "relation", "sum", "start"):
        children = [
            child for child in node.children if not isinstance(child, Token) or child.type not in ("LBRACE", "RBRACE")
        ]
        if len(children) != 1:
            return None
        node = children[0]
    if not isinstance(node, Tree) or node.data != "term":
        return None
    return None if any(isinstance(child, Token) for child in node.children) else list(node.children)


def find_labels(item: Syntax) -> list[str | Syntax]:
    """Return what stands in an item's subscripts, flattened: names and numbers as text, anything else as trees.

    ``g_{W_{hh},t-1}`` gives ["W", "hh", <t-1>].
    """
    labels: list[str | Syntax] = []
    atom = item.children[0]
    if isinstance(atom, Tree) and atom.data in ("accent", "brace"):
        inner = _inner_item(atom.children[1] if atom.data == "accent" else atom)
        labels += find_labels(inner) if inner is not None else []
    for script in item.children[1:]:
        if isinstance(script, Tree) and script.data == "sub":
            labels += flatten_labels(script.children[1])
    return labels


def find_raised(item: Syntax) -> list[str | Syntax]:
    """Return the indices of an item that stand in round brackets above it: the t of ``a_i^{(t)}``."""
    raised: list[Any] = [script for script in item.children[1:] if is_raised(script)]
    return [label for script in raised for label in flatten_labels(_open(script.children[1]))]


def is_raised(script: Any) -> bool:
    """Whether a script is an index in round brackets above its name."""
    return isinstance(script, Tree) and script.data == "sup" and _open(script.children[1]) is not None


def flatten_labels(node: Any) -> list[str | Syntax]:
    """Return the labels of one subscript, as ``find_labels`` does."""
    if isinstance(node, Token):
        return _split_label(str(node.value))
    if node.data == "brace" or node.data == "group":
        lists = [child for child in node.children if isinstance(child, Tree)]
        return flatten_labels(lists[0]) if lists else []
    if node.data == "list":
        return [entry for child in node.children if isinstance(child, Tree) for entry in flatten_labels(child)]
    items = _plain_items(node)
    if items is None:
        return [node]
    labels: list[str | Syntax] = []
    for item in items:
        base = find_base(item)
        sups = [script for script in item.children[1:] if isinstance(script, Tree) and script.data == "sup"]
        inside = [_plain_items(_open(script.children[1])) for script in sups]
        if base and sups and all(found is not None and len(found) == 1 for found in inside):
            plain = Tree("item", [child for child in item.children if child not in sups])
            labels += [*_split_label(base), *find_labels(plain)]
            labels += [label for found in inside for one in found or () for label in _split_label(find_base(one))]
        elif not base or sups:
            labels += flatten_labels(item.children[0]) if not base and isinstance(item.children[0], Tree) else [node]
        else:
            labels += [*_split_label(base), *find_labels(item)]
    return labels


def _open(node: Any) -> Any:
    """Return what stands in round brackets, alone in braces: the time t in ``o^{(t)}``."""
    items = _plain_items(node) if isinstance(node, Tree) else None
    group = items[0].children[0] if items is not None and len(items) == 1 and len(items[0].children) == 1 else node
    if isinstance(group, Tree) and group.data == "group":
        lists = [child for child in group.children if isinstance(child, Tree)]
        return lists[0] if lists else group
    return None


def _split_label(label: str) -> list[str | Syntax]:
    """Return a run of letters letter by letter, so that {hh} and {h h} are one name."""
    return list(label) if label.isalpha() and label.isascii() and label != "ones" else [label]
