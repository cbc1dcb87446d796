"""Small questions about syntax trees, which know nothing of what names mean."""

from __future__ import annotations

from itertools import islice
from typing import Any

from lark import Token, Tree

from grader.formula.parse import Syntax
from grader.formula.symbols import find_base, find_labels

_PARTIALS = ("\\partial", "d")


def find_position(node: Any) -> int | None:
    """Return where a node begins in its text."""
    if isinstance(node, Token):
        return node.start_pos
    return next((token.start_pos for token in node.scan_values(lambda value: isinstance(value, Token))), None)


def is_dots(node: Any) -> bool:
    """Whether nothing but three dots stands here."""
    tokens = list(islice(node.scan_values(lambda value: isinstance(value, Token)), 2))  # most nodes hold many
    return len(tokens) == 1 and tokens[0].type == "DOTS"


def find_relations(node: Any) -> list[Syntax]:
    """Return the comma-separated entries inside brackets or braces."""
    return [entry for child in find_lists(node) for entry in child.children if isinstance(entry, Tree)]


def find_lists(node: Any) -> list[Syntax]:
    """Return the lists inside brackets or braces: one, or none where they are empty."""
    return (
        [child for child in node.children if isinstance(child, Tree) and child.data == "list"]
        if isinstance(node, Tree)
        else []
    )


def find_scripts(item: Syntax) -> list[Any]:
    """Return an item's scripts, those inside its braces or under its hat first."""
    atom = item.children[0]
    inner: list[Any] = []
    if isinstance(atom, Tree) and atom.data in ("brace", "accent"):
        inside = find_sole_item(atom.children[1] if atom.data == "accent" else atom)
        inner = find_scripts(inside) if inside is not None else []
    return inner + [script for script in item.children[1:] if isinstance(script, Tree)]


def take_words(labels: list[Any]) -> list[str]:
    """Return the labels up to the first one that is an expression."""
    words: list[str] = []
    for label in labels:
        if not isinstance(label, str):
            break
        words.append(label)
    return words


def find_row(arg: Any) -> list[Syntax]:
    """Return the items of a fraction's half."""
    if isinstance(arg, Token):
        return [Tree("item", [arg])]
    terms = list(arg.find_pred(lambda node: node.data == "term"))
    if not terms:
        return []
    outer = max(terms, key=lambda term: len(list(term.iter_subtrees())))
    return [child for child in outer.children if isinstance(child, Tree)]


def find_sole_item(node: Any) -> Syntax | None:
    """Return the item that stands alone here, None where there are more."""
    if isinstance(node, Token):
        return Tree("item", [node])
    if node.data == "item":
        return node  # type: ignore[no-any-return]
    row = find_row(node)
    return row[0] if len(row) == 1 else None


def is_partial(atom: Any) -> bool:
    """Whether this is the sign of a differential."""
    return isinstance(atom, Token) and atom.value in _PARTIALS


def is_transpose(node: Any) -> bool:
    """Whether a superscript is a transpose."""
    if isinstance(node, Token):
        return node.value in ("T", "\\top", "\\intercal")
    if not isinstance(node, Tree) or node.data not in ("brace",):
        return False
    names = [
        token.value
        for token in node.scan_values(lambda v: isinstance(v, Token))
        if token.type not in ("LBRACE", "RBRACE")
    ]
    return len(names) == 1 and names[0] in ("T", "\\top", "\\intercal")


def is_small_transpose(node: Any) -> bool:
    """Whether a superscript is a lone t."""
    tokens = [node] if isinstance(node, Token) else list(node.scan_values(lambda v: isinstance(v, Token)))
    return [str(token) for token in tokens if token.type not in ("LBRACE", "RBRACE")] == ["t"]


def find_transposed_power(node: Any) -> Syntax | None:
    """Return the bracket of a superscript like ``T(t-i)``: a transpose and a power in one."""
    row = find_row(node) if isinstance(node, Tree) and node.data == "brace" else []
    marks = [item for item in row if len(item.children) == 1 and is_transpose(item.children[0])]
    groups: list[Any] = [item.children[0] for item in row if isinstance(item.children[0], Tree)]
    if len(row) == 2 and len(marks) == 1 and len(groups) == 1 and groups[0].data == "group":
        return groups[0]  # type: ignore[no-any-return]
    return None


def is_bracketed(node: Syntax) -> bool:
    """Whether a superscript stands in round brackets, as an index does."""
    row = find_row(node)
    return (
        len(row) == 1
        and isinstance(row[0].children[0], Tree)
        and row[0].children[0].data == "group"
        and len(row[0].children) == 1
    )


def find_index_name(item: Syntax) -> str | None:
    """Return the index under a sum or product sign."""
    for script in item.children[1:]:
        if isinstance(script, Tree) and script.data == "sub":
            tokens = [t for t in script.scan_values(lambda v: isinstance(v, Token) and v.type == "NAME")]
            return str(tokens[0].value) if tokens else None
    return None


def mentions(tree: Syntax, index: str) -> bool:
    """Whether a name stands anywhere in a tree."""
    return any(token.value == index for token in tree.scan_values(lambda v: isinstance(v, Token) and v.type == "NAME"))


def mentions_name(tree: Syntax, base: str, labels: tuple[str, ...]) -> bool:
    """Whether a name with these labels, and perhaps more, stands anywhere in a tree."""
    items = [node for node in tree.iter_subtrees() if node.data == "item" and find_base(node) == base]
    return any(tuple(take_words(find_labels(node)))[: len(labels)] == labels for node in items)


def rebinds(tree: Syntax, index: str) -> bool:
    """Whether another sum or product over the same index begins in a tree."""
    items = [node for node in tree.iter_subtrees() if node.data == "item"]
    return any(getattr(node.children[0], "type", "") == "BIG" and find_index_name(node) == index for node in items)


def split_scope(rest: list[Any], index: str, more: int = 0) -> tuple[list[Any], list[Any]]:
    """Split what follows a product sign: up to the last factor with its index (at least one), and what is outside.

    ``more`` factors without the index are taken along.
    """
    last = 0
    for position, child in enumerate(rest):
        if (isinstance(child, Tree) and mentions(child, index)) or position == 0:
            last = position
    last = _end_factor(rest, last)
    for _ in range(more):
        if last + 1 < len(rest):
            last = _end_factor(rest, last + 1)
    return rest[: last + 1], rest[last + 1 :]


def _end_factor(rest: list[Any], last: int) -> int:
    """Return where the factor ends that begins at ``last``, or after an operator there."""
    while last + 1 < len(rest) and isinstance(rest[last], Token):
        last += 1
    atom = rest[last].children[0] if isinstance(rest[last], Tree) else None
    following = rest[last + 1] if last + 1 < len(rest) else None
    if isinstance(atom, Token) and atom.type == "FUNC" and isinstance(following, Tree):
        group = following.children[0]
        if isinstance(group, Tree) and group.data == "group":
            last += 1
    return last
