"""Which of the statements in a passage is the answer, and what it was built on: links before it, local definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

from lark import Token

from grader.formula.definitions import find_recursion, with_definitions
from grader.formula.extract import find_spans, looks_like_answer
from grader.formula.faults import MAX_LINKS, MAX_VARIANTS, FormulaFault, NoValue, TooMuch, Unread
from grader.formula.left import find_odd_left
from grader.formula.meaning import Reading, Setting
from grader.formula.normalise import normalise
from grader.formula.parse import Syntax
from grader.formula.passage import drop_struck
from grader.formula.program import is_plain, read_program, split_program
from grader.formula.roles import Line, Link, read_link, read_span, try_meaning
from grader.formula.syntax import is_small_transpose
from grader.formula.terms import PLAIN_RANKS, RANKS
from grader.formula.tree import (
    Add,
    Big,
    Entries,
    Expr,
    Num,
    Part,
    Program,
    Sym,
    Trans,
    Var,
    Where,
    find_free,
    find_names,
    find_nodes,
)

# What a writer says who takes back what stands before.
_TAKEN_BACK = re.compile(
    r"\b(no|wrong|wait|rather|actually|correct(ion|ed)|sorry|mistaken?|should be)\b|(?<!\w)(نه|اشتباه|غلط|اصلاح)(?!\w)",
    re.IGNORECASE,
)
# What a writer says who draws a line from the one before.
_DRAWN = re.compile(
    r"\b(so|thus|hence|therefore|then|consequently|substitut\w*|insert\w*|plug\w*|simplif\w*|expand\w*"
    r"|which (becomes|is)|giv(es|ing)|we (get|have|obtain))\b|پس|بنابراین|در ?نتیجه|جای ?گذاری|جایگزین|ساده",
    re.IGNORECASE,
)
# Words between two formulas that leave open which is meant, and those that say that the second is.
_OPEN = re.compile(
    r"\b(or|either|oder|maybe|perhaps|possibly|alternatively|(could|might|may) (also )?be|unsure|not sure)\b"
    r"|\b(option|version)\b"
    r"|(?<!\w)(یا|شاید|احتمالا|احتمالاً|ممکن)(?!\w)|[?؟]",
    re.IGNORECASE,
)
_MENDED = re.compile(r"\b(or rather|sorry|wait|instead|corrected|i mean|no, )\b|(?<!\w)(اصلاح|نه،)", re.IGNORECASE)
_RECKONED = re.compile(r"\b(sum|sums|add(ing)?|total|product|mean|average)\b|جمع|مجموع|میانگین", re.IGNORECASE)
_TABLE = re.compile(r"^[ \t]*(?:\|[ \t]*)?:?-{3,}:?[ \t]*\|", re.MULTILINE)  # the line below a table's head
_FACTS = ("J", "J_t", "h", "z", "o", "x", "y", "yhat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Another formula that could be meant: ``asked`` if it is given as the answer, ``taken_back`` by later words.

    ``step``: a link of the answer's own chain. ``leads``: an arrow leads from it to the answer, ``drawn``: words do.
    """

    link: Link
    asked: bool = False
    step: bool = False
    taken_back: bool = False
    leads: bool = False
    drawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Equation:
    """A line that gives what was asked for; ``left`` is None where the formula stands alone."""

    left: Sym | None
    right: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAnswer:
    """The answer's variants, best first in no order, and the links before it in its chain.

    others: what else in the passage could be the answer. equations: all lines that give it, or parts of it.
    unread: how many lines could not be read where nothing says which one is the answer.
    odd: why the left side is not what was asked for, "" where it is.
    among_words: it was picked out of a sentence, and nothing says that it is what was asked for.
    reckoned: words before it say that something is done with it: "the sum of A, B".
    borrowed: names in it may stand for formulas from elsewhere in the report.
    """

    variants: tuple[Reading, ...]
    link: Link
    earlier: tuple[Link, ...]
    setting: Setting
    claims: tuple[Line, ...] = ()
    rival: Link | None = None
    others: tuple[Other, ...] = ()
    equations: tuple[Equation, ...] = ()
    special: bool = False
    unread: int = 0
    odd: str = ""
    among_words: bool = False
    reckoned: bool = False
    borrowed: bool = False


def find_answer(text: str, setting: Setting, asked: Sequence[str]) -> FoundAnswer:
    """Return the answer in a passage; raises Unread with what was not understood."""
    program, rest = split_program(drop_struck(text))
    if program:
        try:
            return _find_program(program, rest, setting)
        except Unread:
            if not is_plain(program):
                raise
    lines = [line for span in find_spans(text) for line in read_span(span, setting, asked)]
    if sum(len(line.links) for line in lines) > MAX_LINKS:
        raise TooMuch(f"more than {MAX_LINKS} equations and formulas")
    setting = with_definitions(lines, setting)
    line = _choose_line(lines, setting)
    if line.role != "asked" and _TABLE.search(text):
        raise Unread("a table of formulas")
    link, earlier = _choose_link(line, setting, asked)
    equations = tuple(_find_equations(lines, setting, asked))
    left = _find_left(line, setting, asked)
    variants: tuple[Reading, ...]
    recursion = find_recursion(lines, line, setting)
    if recursion is not None:
        variants, earlier = (Reading(recursion, {}),), ()
    else:
        variants = tuple(replace(r, expr=_order(r.expr, line, setting, asked)) for r in read_variants(link, setting))
    return FoundAnswer(
        variants=variants,
        odd=find_odd_left(line, variants[0].expr, setting, asked),
        link=link,
        earlier=earlier,
        setting=setting,
        claims=tuple(other for other in lines if other.role == "claim"),
        rival=_find_rival(lines, line),
        others=(
            *_find_others(lines, line, setting, zero=not _is_inside_zero(text, setting)),
            *(Other(link=step, step=True) for step in earlier),
        ),
        equations=equations,
        special=_is_special(left) if left is not None else _is_component(variants[0].expr),
        reckoned=_is_reckoned(line, variants[0].expr, text),
        among_words=_is_among_words(lines, line),
        unread=sum(other.role == "unread" and other.place != "prose" for other in lines) if line.role != "asked" else 0,
    )


def _find_program(program: str, rest: str, setting: Setting) -> FoundAnswer:
    """Return a program as the answer; formulas beside it may say something else, which a person must weigh."""
    if any(span.place != "prose" or looks_like_answer(span.text) for span in find_spans(rest)):
        raise Unread("a program and formulas stand side by side", text=program, position=0)
    link = Link(tree=None, source=program)
    return FoundAnswer(variants=(Reading(read_program(program, setting), {}),), link=link, earlier=(), setting=setting)


def _is_inside_zero(text: str, setting: Setting) -> bool:
    """Whether a gradient is said to be zero where it is not: "0 for i < t"."""
    if len(setting.times) < 2:
        return False
    first, last = setting.times[0], setting.times[-1]
    less, more = r"(<|\\l[te]q?|\\lt)", r"(>|\\g[te]q?|\\gt)"
    where = rf"{last}\s*{less}\s*{first}|{first}\s*{more}\s*{last}|earlier|previous|\bbefore"
    return bool(re.search(rf"=\s*\{{?0\}}?(?![.\d])[^;\n]{{0,30}}?({where})", normalise(text), re.IGNORECASE))


def _find_others(lines: Sequence[Line], chosen: Line, setting: Setting, *, zero: bool) -> Iterator[Other]:
    """Yield the formulas beside the chosen one; a claim counts only where the chosen line is one itself.

    "g = 0 for i > t" is the lesser half of an answer, and no other one (``zero``).
    """
    roles = ("asked", "expression", *(("claim", "definition") if chosen.role == "claim" else ()))
    place = next(n for n, line in enumerate(lines) if line is chosen)
    for number, line in enumerate(lines):
        if line is chosen or line.role not in roles or line.links[-1].tree is None:
            continue
        if zero and line.role == "asked" and isinstance(try_meaning(line.links[-1], setting), Num):
            continue
        after = lines[min(number, place) + 1 : max(number, place) + 1]
        taken_back = number < place and any(_TAKEN_BACK.search(later.words) for later in after)
        leads = number < place and any(later.join == "arrow" for later in after)
        drawn = number < place and any(_DRAWN.search(later.words) for later in after)
        asked = line.role == "asked"
        yield Other(link=line.links[-1], asked=asked, taken_back=taken_back, leads=leads, drawn=drawn)


def _find_left(line: Line, setting: Setting, asked: Sequence[str]) -> Sym | None:
    sides = [try_meaning(line.links[n], setting) for n in (0, -1)] if len(line.links) > 1 else []
    return next((side for side in sides if isinstance(side, Sym) and side.name in asked), None)


def _order(expr: Expr, line: Line, setting: Setting, asked: Sequence[str]) -> Expr:
    """Return the right side of ``G_{ab} = …`` with a as its rows, whichever of the two it names first."""
    left = try_meaning(line.links[0], setting) if len(line.links) > 1 else None
    if isinstance(left, Trans) and isinstance(left.base, Sym) and left.base.name in asked:
        return Trans(expr)
    base, written = (left.base, left.indices) if isinstance(left, Part) else (left, getattr(left, "parts", ()))
    if not isinstance(base, Sym) or base.name not in asked:
        return expr
    names = tuple(index.name for index in written if isinstance(index, Var))
    free = tuple(name for name in find_free(expr) if name not in setting.times and name != "T")
    return Entries(names, expr) if len(names) == 2 and free == names[::-1] else expr


def _is_special(left: Sym) -> bool:
    """Whether a left side is one component or one numbered step of what was asked for."""
    return any(isinstance(index, Num) for index in (*left.times, *left.parts))


def _is_component(expr: Expr) -> bool:
    """Whether a formula is about numbered components only: ŷ_{t,2} - y_{t,2}."""
    parts = [node.parts for node in find_nodes(expr) if isinstance(node, Sym)]
    return len(set(parts)) == 1 and bool(parts[0]) and all(isinstance(part, Num) for part in parts[0])


def _find_equations(lines: Sequence[Line], setting: Setting, asked: Sequence[str]) -> Iterator[Equation]:
    for line in lines:
        if line.role not in ("asked", "expression"):
            continue
        left = _find_left(line, setting, asked)
        sides = [try_meaning(link, setting) for link in reversed(line.links)]
        right = next((side for side in sides if side != left), None)
        if _is_name(right, asked):
            right = next((side for side in sides if not _is_name(side, asked)), None)
        if right is not None and not isinstance(right, Num):
            yield Equation(left=left, right=right)


# --- the choice ---
def _choose_line(lines: Sequence[Line], setting: Setting) -> Line:
    """Return the answer's line: the last for what was asked, or what follows from it; else the last formula."""
    asked = [n for n, line in enumerate(lines) if line.role == "asked"]
    telling = [n for n in asked if not isinstance(try_meaning(lines[n].links[-1], setting), Num)]
    last_asked = max(telling or asked, default=None)  # "g = 0 for i > t" is the lesser half of an answer
    if last_asked is not None:
        chosen = lines[last_asked]
        for line in lines[last_asked + 1 :]:
            follows = line.join == "arrow" or (line.place == "display" and line.join == "line")
            if line.role in ("expression", "unread") and follows:
                chosen = line
        return chosen
    for roles in (("expression", "unread"), ("definition",), ("claim",)):
        found = [line for line in lines if line.role in roles]
        if roles == ("claim",):
            found = [line for line in found if not _is_fact(line, setting)] or found
        shown = [line for line in found if line.place == "display"]
        if found:
            return (shown or found)[-1]
    mentions = [line for line in lines if line.role == "mention" and not _is_number(line, setting)]
    if mentions:
        return mentions[-1]
    raise Unread("no formula was found in this answer")


def _is_among_words(lines: Sequence[Line], chosen: Line) -> bool:
    """Whether a formula was picked out of a sentence or from among others, and nothing says that it is the answer."""
    if chosen.role == "asked" or chosen.place == "display":
        return False
    several = any(line.role == "expression" for line in lines if line is not chosen)
    return bool(chosen.words) and (chosen.place == "prose" or several)


def _is_reckoned(line: Line, expr: Expr, text: str) -> bool:
    """Whether words beside a formula speak of a sum or a product that it does not hold."""
    if line.place != "prose" or line.role == "asked" or not _RECKONED.search(text):
        return False
    return not any(isinstance(node, Add | Big | Program) for node in find_nodes(expr))


def _is_number(line: Line, setting: Setting) -> bool:
    """Whether nothing but a number or an index letter stands among words: the 3 of "t = 1, 2, 3"."""
    return line.place == "prose" and isinstance(try_meaning(line.links[-1], setting), Num | Var)


def _is_fact(line: Line, setting: Setting) -> bool:
    """Whether a line only says how the network computes something."""
    left = try_meaning(line.links[0], setting)
    return isinstance(left, Sym) and left.name in _FACTS


def _choose_link(line: Line, setting: Setting, asked: Sequence[str]) -> tuple[Link, tuple[Link, ...]]:
    links = list(line.links)
    while len(links) > 1 and _is_asked(links[-1], setting, asked):
        links.pop()
    kept = [link for link in links[:-1] if not _is_asked(link, setting, asked)]
    if links[-1].fault is not None:
        raise links[-1].fault
    return links[-1], tuple(kept)


def _is_asked(link: Link, setting: Setting, asked: Sequence[str]) -> bool:
    return _is_name(try_meaning(link, setting), asked)


def _is_name(expr: Expr | None, asked: Sequence[str]) -> bool:
    return isinstance(expr, Sym) and expr.name in asked


def _find_rival(lines: Sequence[Line], chosen: Line) -> Link | None:
    """Return the formula before the chosen one where the words between leave it open which is meant."""
    if not _OPEN.search(chosen.words) or _MENDED.search(chosen.words):
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
    sides = [try_meaning(link, setting) for link in links]
    for left, right in pairwise(sides):
        if left is not None and right is not None:
            yield left, right


# --- variants ---
def _has_product(tree: Syntax) -> bool:
    """Whether a product over an index (or dots) stands here, whose order and scope may be meant in two ways."""
    return any(token.type == "DOTS" or "prod" in token for token in tree.scan_values(lambda v: isinstance(v, Token)))


def _has_token(tree: Syntax, kind: str, value: str) -> bool:
    return any(token.type == kind and token == value for token in tree.scan_values(lambda v: isinstance(v, Token)))


def read_variants(link: Link, setting: Setting) -> tuple[Reading, ...]:
    """Return the different meanings that a formula can have, at most MAX_VARIANTS; raises what the first one raised."""
    if link.tree is None:
        raise link.fault or Unread("not a formula")
    found: dict[Expr, Reading] = {}
    first: FormulaFault | None = None
    turns = _has_product(link.tree)
    ranks: tuple[str, ...] = RANKS if _has_token(link.tree, "OP", "odot") else PLAIN_RANKS
    if max((len(term.children) for term in link.tree.find_data("term")), default=0) < 3:
        ranks = ranks[:1]  # no three factors, no order
    eager = (False, True) if setting.machine_read else (False,)
    small = (
        (False, True) if any(is_small_transpose(sup.children[1]) for sup in link.tree.find_data("sup")) else (False,)
    )
    for repaired, t_turns in product(eager, small):
        for wide, reverse, rank in product((0, 1) if turns else (0,), (False, True) if turns else (False,), ranks):
            manner = replace(setting, rank=rank, reverse=reverse, wide=wide, eager=repaired, small=t_turns)
            try:
                reading = read_link(link, manner)
            except FormulaFault as fault:
                first = first or fault
                continue
            if setting.rules and any(name.startswith("$") for name in find_names(reading.expr)):
                reading = Reading(Where(reading.expr, setting.rules), reading.repairs)
            found.setdefault(reading.expr, reading)
    if not found:
        raise first or Unread("not a formula")
    return tuple(found.values())[:MAX_VARIANTS]


__all__ = ["FoundAnswer", "NoValue", "find_answer", "read_variants"]
