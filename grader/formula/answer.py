"""Which of the statements in a passage is the answer, and what it was built on: links before it, local definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from lark import Token

from grader.formula.extract import Join, Place, Span, find_spans, find_statements
from grader.formula.faults import MAX_VARIANTS, FormulaFault, NoValue, Unread
from grader.formula.meaning import Definition, Reading, Setting, read_meaning
from grader.formula.parse import Syntax, parse_python, parse_tokens
from grader.formula.symbols import INDEX_LETTERS, Key, find_base, find_labels
from grader.formula.terms import RANKS
from grader.formula.tree import Expr, Num, Sym, Var

Role = Literal["asked", "expression", "definition", "claim", "mention", "unread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One side of an equation: its tree, or why there is none."""

    tree: Syntax | None
    source: str
    fault: Unread | None = None
    condition: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One statement with the part that it plays."""

    links: tuple[Link, ...]
    role: Role
    place: Place
    join: Join
    key: Key | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAnswer:
    """The answer's variants, best first in no order, and the links before it in its chain."""

    variants: tuple[Reading, ...]
    link: Link
    earlier: tuple[Link, ...]
    setting: Setting
    claims: tuple[Line, ...] = ()
    rival: Link | None = None
    others: tuple[Expr, ...] = ()


def find_answer(text: str, setting: Setting, asked: Sequence[str]) -> FoundAnswer:
    """Return the answer in a passage; raises Unread with what was not understood."""
    lines = [line for span in find_spans(text) for line in _read_span(span, setting, asked)]
    setting = _with_definitions(lines, setting)
    line = _choose_line(lines)
    link, earlier = _choose_link(line, setting, asked)
    variants = read_variants(link, setting)
    claims = tuple(other for other in lines if other.role == "claim")
    others = tuple(
        expr
        for other in lines
        if other.role == "asked" and other is not line and (expr := _try_meaning(other.links[-1], setting)) is not None
    )
    return FoundAnswer(
        variants=variants,
        link=link,
        earlier=earlier,
        setting=setting,
        claims=claims,
        rival=_find_rival(lines, line),
        others=others,
    )


# --- lines ---
def _read_span(span: Span, setting: Setting, asked: Sequence[str]) -> list[Line]:
    if (span.python and span.place != "prose") or (span.python and "\\" not in span.text and "$" not in span.text):
        found = _read_python_line(span, setting, asked)
        if found is not None:
            return [found]
    text = re.sub(r"(?<![A-Za-z])([hzxs])_([a-z])([-+])1(?!\d)", r"\1_{\2\g<3>1}", span.text)
    try:
        statements = find_statements(replace(span, text=text), setting.table.vocabulary)
    except Unread as fault:
        return [_unread_line(span, fault)]
    lines = []
    for statement in statements:
        links = tuple(_read_link(tokens, statement.source) for tokens in statement.links)
        role, key = _find_role(links, setting, asked, defined=statement.definition, place=statement.place)
        if role == "unread" and statement.place == "prose":
            continue
        lines.append(
            Line(links=links, role=role, place=statement.place, join=statement.join, key=key, words=statement.before)
        )
    return lines


def _unread_line(span: Span, fault: Unread) -> Line:
    link = Link(tree=None, source=span.text, fault=fault)
    return Line(links=(link,), role="unread", place=span.place, join="line")


def _read_python_line(span: Span, setting: Setting, asked: Sequence[str]) -> Line | None:
    try:
        left, right = parse_python(span.text.strip().strip("`").strip(), setting.table.vocabulary)
    except Unread as fault:
        code = span.place != "prose"
        return _unread_line(span, fault) if code and "\\" not in span.text else None
    links = tuple(Link(tree=tree, source=span.text) for tree in (left, right) if tree is not None)
    role, key = _find_role(links, setting, asked, defined=False, place=span.place)
    return Line(links=links, role=role, place=span.place, join="line", key=key)


def _read_link(tokens: Sequence[Token], source: str) -> Link:
    condition = _is_condition(tokens)
    try:
        return Link(tree=parse_tokens(tokens, source), source=source, condition=condition)
    except Unread as fault:
        return Link(tree=None, source=source, fault=fault)


def _is_condition(tokens: Sequence[Token]) -> bool:
    """Whether an inequality stands outside all brackets: "i ≤ t" says where a formula holds, and is none."""
    depth = 0
    for token in tokens:
        depth += {"LPAR": 1, "LBRACE": 1, "BEGIN": 1, "RPAR": -1, "RBRACE": -1, "END": -1}.get(token.type, 0)
        if token.type == "REL" and depth == 0:
            return True
    return False


def _find_role(
    links: Sequence[Link], setting: Setting, asked: Sequence[str], *, defined: bool, place: Place
) -> tuple[Role, Key | None]:
    if any(link.condition for link in links) and not any(_has_matrix(link) for link in links):
        return "mention", None
    first = links[0]
    expr = _try_meaning(first, setting)
    if len(links) == 1:
        if first.tree is None:
            return "unread", None
        bare = isinstance(expr, Sym) and (place != "display" or expr.name in (*asked, "J", "J_t"))
        if isinstance(expr, Var | Num) or bare:
            return "mention", None
        return "expression", None
    last = _try_meaning(links[-1], setting)
    if any(isinstance(side, Sym) and side.name in asked for side in (expr, last)):
        return "asked", None
    if isinstance(expr, Var | Num):
        return "mention", None
    if expr is None and first.tree is not None:
        key = _find_key(first.tree)
        if key and setting.table.find(*key) is None:
            return "definition", key
        return "claim", None
    if isinstance(expr, Sym):
        return "claim", None
    if first.tree is None:
        return "unread", None
    return ("claim", None) if _is_call(first) else ("expression", None)


def _has_matrix(link: Link) -> bool:
    return link.tree is not None and any(True for _ in link.tree.find_data("matrix"))


def _is_call(link: Link) -> bool:
    """Whether a left side is a function of something, which is no answer but a statement about the function."""
    items = list(link.tree.find_data("item")) if link.tree is not None else []
    outer = (
        [child for term in list(link.tree.find_data("term"))[-1:] for child in term.children]
        if link.tree is not None
        else []
    )
    return 0 < len(outer) <= 2 and len(items) <= 3 and getattr(outer[0].children[0], "type", "") == "FUNC"  # type: ignore[union-attr]


def _try_meaning(link: Link, setting: Setting) -> Expr | None:
    if link.tree is None:
        return None
    try:
        return read_meaning(link.tree, setting, link.source).expr
    except FormulaFault:
        return None


def _find_key(tree: Syntax) -> Key | None:
    terms = list(tree.find_data("term"))
    if not terms or len(terms[-1].children) != 1 or len(tree.children[0].children) != 1:  # type: ignore[union-attr]
        return None
    item = terms[-1].children[0]
    base = find_base(item)  # type: ignore[arg-type]
    labels = tuple(label for label in find_labels(item) if isinstance(label, str))  # type: ignore[arg-type]
    return (base, labels) if base else None


# --- the choice ---
def _with_definitions(lines: Sequence[Line], setting: Setting) -> Setting:
    for _ in range(2):
        for line in lines:
            if line.role != "definition" or line.key is None:
                continue
            base, words = line.key
            length = next((n for n, word in enumerate(words) if word in INDEX_LETTERS or word.isdigit()), len(words))
            indices = words[length:]
            times = dict.fromkeys((*setting.times, *indices))
            expr = _try_meaning(line.links[-1], replace(setting, times=tuple(times)))
            if expr is not None:
                own = Definition(indices=indices, expr=expr)
                setting = replace(setting, definitions={**setting.definitions, (base, words[:length]): own})
    return setting


def _choose_line(lines: Sequence[Line]) -> Line:
    """Return the answer's line: the last for what was asked, or what follows from it; else the last formula."""
    last_asked = max((n for n, line in enumerate(lines) if line.role == "asked"), default=None)
    if last_asked is not None:
        chosen = lines[last_asked]
        for line in lines[last_asked + 1 :]:
            follows = line.join == "arrow" or (line.place == "display" and line.join == "line")
            if line.role in ("expression", "unread") and follows:
                chosen = line
        return chosen
    for roles in (("expression", "unread"), ("definition",), ("claim",)):
        found = [line for line in lines if line.role in roles]
        shown = [line for line in found if line.place == "display"]
        if found:
            return (shown or found)[-1]
    mentions = [line for line in lines if line.role == "mention"]
    if mentions:
        return mentions[-1]
    raise Unread("no formula was found in this answer")


def _choose_link(line: Line, setting: Setting, asked: Sequence[str]) -> tuple[Link, tuple[Link, ...]]:
    links = list(line.links)
    while len(links) > 1 and _is_asked(links[-1], setting, asked):
        links.pop()
    kept = [link for link in links[:-1] if not _is_asked(link, setting, asked)]
    if links[-1].fault is not None:
        raise links[-1].fault
    return links[-1], tuple(kept)


def _is_asked(link: Link, setting: Setting, asked: Sequence[str]) -> bool:
    expr = _try_meaning(link, setting)
    return isinstance(expr, Sym) and expr.name in asked


def _find_rival(lines: Sequence[Line], chosen: Line) -> Link | None:
    """Return the formula that stands beside the chosen one with an "or" between them."""
    if not re.search(r"(^|\s)(or|either|یا|oder)\s*:?\s*$", chosen.words.lower()):
        return None
    before = [line for line in lines[: lines.index(chosen)] if line.role in ("asked", "expression")]
    return before[-1].links[-1] if before else None


# --- steps on the way ---
def find_steps(found: FoundAnswer) -> Iterator[tuple[Expr, Expr]]:
    """Yield (left, right) of every equation on the way that can be read: other lines first, then the answer's chain."""
    for line in found.claims:
        yield from _pair(line.links, found.setting)
    yield from _pair((*found.earlier, found.link), found.setting)


def _pair(links: Sequence[Link], setting: Setting) -> Iterator[tuple[Expr, Expr]]:
    sides = [_try_meaning(link, setting) for link in links]
    for left, right in pairwise(sides):
        if left is not None and right is not None:
            yield left, right


# --- variants ---
def read_variants(link: Link, setting: Setting) -> tuple[Reading, ...]:
    """Return the different meanings that a formula can have, at most MAX_VARIANTS; raises what the first one raised."""
    if link.tree is None:
        raise link.fault or Unread("not a formula")
    found: dict[Expr, Reading] = {}
    first: FormulaFault | None = None
    eager = (False, True) if setting.machine_read else (False,)
    for repaired in eager:
        for reverse in (False, True):
            for rank in RANKS:
                try:
                    reading = read_meaning(
                        link.tree, replace(setting, rank=rank, reverse=reverse, eager=repaired), link.source
                    )
                except FormulaFault as fault:
                    first = first or fault
                    continue
                found.setdefault(reading.expr, reading)
    if not found:
        raise first or Unread("not a formula")
    return tuple(found.values())[:MAX_VARIANTS]


__all__ = ["FoundAnswer", "NoValue", "find_answer", "read_variants"]
