"""The statements of a passage as lines, each with the part that it plays: an answer, a claim, a mention."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lark import Token

from grader.formula.extract import Join, Place, Span, find_statements
from grader.formula.faults import FormulaFault, Unread
from grader.formula.meaning import Reading, Setting, read_meaning
from grader.formula.parse import Syntax, parse_tokens
from grader.formula.python import parse_python
from grader.formula.symbols import Key, find_base, find_labels, find_raised
from grader.formula.tree import Add, Call, Expr, Num, Program, Sym, Var, find_nodes, find_variables

# What is quoted only to be put aside: "… and not A", "I first wrote A".
_DENIED = re.compile(
    r"(\b(not|never|instead of|rather than|in place of|without|(first|before|earlier) (wrote|had|thought|tried|put))"
    r"|به ?جای|بدون)"
    r"\s*(it was|that|of|:)?\s*$",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\b(np|numpy|torch|jnp|tf|F|math|scipy)(\.\w+)+\s*\(|\beinsum\b")
Role = Literal["asked", "expression", "definition", "claim", "mention", "unread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One side of an equation: its tree, or why there is none."""

    tree: Syntax | None
    source: str
    fault: Unread | None = None
    condition: bool = False
    meanings: dict[Any, tuple[Any, Reading | FormulaFault]] = field(default_factory=dict, compare=False, repr=False)
    """What it was found to mean, by the setting's own fields, each beside the definitions it was read with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One statement with the part that it plays."""

    links: tuple[Link, ...]
    role: Role
    place: Place
    join: Join
    key: Key | None = None
    words: str = ""


def read_span(span: Span, setting: Setting, asked: Sequence[str]) -> list[Line]:
    """Return the lines of one stretch of mathematics; what prose holds and cannot be read is passed over."""
    if (span.python and span.place != "prose") or (span.python and "\\" not in span.text and "$" not in span.text):
        found = _read_python_line(span, setting, asked)
        if found is not None:
            return [found]
        if called := _CALLED.search(span.text):
            return [_unread_line(span, Unread("this code is not read", text=span.text, position=called.start()))]
    text = _brace_scripts(span.text, setting)
    try:
        statements = find_statements(replace(span, text=text), setting.table.vocabulary)
    except Unread as fault:
        return [_unread_line(span, fault)]
    lines = []
    for statement in statements:
        if _DENIED.search(statement.before):
            continue
        links = tuple(_read_link(tokens, statement.source) for tokens in statement.links)
        role, key = _find_role(links, setting, asked, defined=statement.definition, place=statement.place)
        if role == "unread" and statement.place == "prose":
            continue
        lines.append(
            Line(links=links, role=role, place=statement.place, join=statement.join, key=key, words=statement.before)
        )
    return lines


def _brace_scripts(text: str, setting: Setting) -> str:
    """Put braces where a subscript of several signs was written without: h_t-1, g_ot, y_ti, g_h3.

    LaTeX takes one sign only; but nobody multiplies by a time, which is what the rest would be.
    """
    text = re.sub(r"(?<![A-Za-z])([hzxs])_([a-z])([-+])1(?!\d)", r"\1_{\2\g<3>1}", text)
    text = re.sub(r"(?<![A-Za-z\\])([gGJ])_([ohz])([tijkmnT\d])(?![A-Za-z\d])", r"\1_{\2\3}", text)
    text = re.sub(r"(?<![A-Za-z\\])([gGJ])_([ohz])\{([^{}]{1,6})\}", r"\1_{\2_{\3}}", text)  # g_h{i+1}
    text = re.sub(r"_([A-Za-z]{1,3})(\d+)(?![\w.])", r"_{\1\2}", text)
    text = re.sub(r"(?<=[A-Za-z])_([A-Za-z]{1,4}),([a-z\d])(?![A-Za-z\d_^])", r"_{\1,\2}", text)  # y_t,i
    text = re.sub(r"(?<![A-Za-z\\])g_?W(?:_?hh)?,([t\d])(?![A-Za-z\d_])", r"g_{W_{hh},\1}", text)  # gW,1
    text = re.sub(r"(?<=[\w})\]])\.T\b", "^T", text)
    text = re.sub(r"(?<![A-Za-z0-9_\\{^])([hzxo])([ti]|\d)(?![\w.])", r"\1_{\2}", text)  # h2, zt
    text = re.sub(r"(?<![A-Za-z0-9_\\{^])([yp])(\d|t)(?![\w.])", r"\1_{\2}", text)  # y1, yt
    text = re.sub(r"(?<=∂)([JL])(\d)(?=\s*/)", r"\1_{\2}", text)  # ∂J1/∂W
    words = setting.table.vocabulary.words

    def brace(match: re.Match[str]) -> str:
        return match[0] if match[1] in words else f"_{{{match[1]}}}"

    return re.sub(r"_([a-z]{2,3})(?![A-Za-z0-9_^({\\'])", brace, text)


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
    expr = try_meaning(first, setting)
    if len(links) == 1:
        if first.tree is None:
            return "unread", None
        bare = isinstance(expr, Sym) and (place != "display" or expr.name in (*asked, "J", "J_t"))
        lone = isinstance(expr, Call) and len(list(first.tree.scan_values(lambda v: isinstance(v, Token)))) == 1
        tokens = list(first.tree.scan_values(lambda v: isinstance(v, Token)))
        letter = len(tokens) == 1 and (place == "prose" or tokens[0].type == "DOTS")
        if isinstance(expr, Var | Num) or bare or lone or letter or (expr is not None and not _is_value(expr)):
            return "mention", None
        return "expression", None
    last = try_meaning(links[-1], setting)
    if any(isinstance(side, Sym) and side.name in asked for side in (expr, last)):
        return "asked", None
    if isinstance(expr, Var) and expr.name not in setting.times and len(links) == 2 and _is_index(last):
        return "definition", (expr.name, ())  # n = t - i
    if isinstance(expr, Var | Num):
        return "mention", None
    if expr is None and first.tree is not None:
        key = find_key(first.tree)
        if key and setting.table.find(*key) is None:
            return "definition", key
        return "claim", None
    if isinstance(expr, Sym):
        return "claim", None
    if first.tree is None:
        return "unread", None
    return ("claim", None) if _is_call(first) else ("expression", None)


def _is_value(expr: Expr) -> bool:
    """Whether anything but index letters and numbers stands in an expression."""
    return any(isinstance(node, Sym | Program | Call) for node in find_nodes(expr))


def _is_index(expr: Expr | None) -> bool:
    """Whether an expression is a difference of times, as in t - i."""
    return isinstance(expr, Add) and not _is_value(expr) and len(find_variables(expr)) > 1


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


def try_meaning(link: Link, setting: Setting) -> Expr | None:
    """Return what one side of an equation means, None where it means nothing here."""
    if link.tree is None:
        return None
    try:
        return read_link(link, setting).expr
    except FormulaFault:
        return None


def read_link(link: Link, setting: Setting) -> Reading:
    """Return what a side of an equation means, read once for each manner of reading. Raises a FormulaFault."""
    if link.tree is None:
        raise link.fault or Unread("not a formula")
    manner = (
        setting.times,
        setting.lone,
        setting.machine_read,
        setting.rank,
        setting.reverse,
        setting.wide,
        setting.eager,
        setting.small,
    )
    known = link.meanings.get(manner)
    if known is None or known[0] is not setting.definitions:
        found: Reading | FormulaFault
        try:
            found = read_meaning(link.tree, setting, link.source)
        except FormulaFault as fault:
            found = fault
        known = link.meanings[manner] = (setting.definitions, found)
    if isinstance(known[1], FormulaFault):
        raise known[1]
    return known[1]


def find_key(tree: Syntax) -> Key | None:
    """Return the name that stands alone here with its letters, those in ``^{(t)}`` last; None where more stands."""
    terms = list(tree.find_data("term"))
    if not terms or len(terms[-1].children) != 1 or len(tree.children[0].children) != 1:  # type: ignore[union-attr]
        return None
    item = terms[-1].children[0]
    base = find_base(item)  # type: ignore[arg-type]
    written = [*find_labels(item), *find_raised(item)]  # type: ignore[arg-type]
    labels = tuple(label for label in written if isinstance(label, str))
    return (base, labels) if base else None
