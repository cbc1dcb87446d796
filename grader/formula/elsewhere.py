"""Names of a student's own that are explained elsewhere: above the parts, or in another part of the same question.

"Let δ_t = ∂J_t/∂o_t" in part a) holds in part b) as well. A name for a derivative stands for that derivative, whatever
it was found to be (a mistake made before is not marked twice); any other name stands for its formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.formula.extract import find_spans
from grader.formula.faults import FormulaFault
from grader.formula.roles import Line, Link, find_key, read_span, try_meaning
from grader.formula.setting import Definition, Setting
from grader.formula.symbols import INDEX_LETTERS, Key
from grader.formula.syntax import mentions_name
from grader.formula.tree import Expr, Sym, Var, find_free, find_variables

_MOST_LINES = 60
# "Let $a$ denote $b$", "we write $a$ for $b$", "call $b$ $a$".
_NAMED = re.compile(
    r"\$(?P<name>[^$=]{1,40})\$\s+(?:denotes?|be|is|stands\s+for|for|means|را\s+برابر(?:\s+با)?)\s+"
    r"(?:(?:the|a)\s+(?:\w+\s+){0,3})?(?:of\s+)?\$(?P<what>[^$=]{1,80})\$"
)
# "G_t is the answer of part (iii)".
_PARTS = r"(?P<part>[a-d]|i{1,3}|iv|[1-4۱-۴]|first|second|third|one|two|three|الف|ب|پ|ج)"
_RESULT = re.compile(
    r"(?P<name>\$[^$=]{1,40}\$|(?<![\w\\])\w{1,3}_\{?\w{1,4}\}?)\s*(?:is|are|being|denotes?|stands\s+for|=|:=)\s*(?:the\s+)?"
    r"(?:answer|result|gradient|matrix|expression|formula|one|what\s+we\s+(?:got|found))\s+(?:of|from|to|in)\s+"
    rf"(?:(?:part|question|item)\s*)?\(?{_PARTS}\)?(?!\w)",
    re.IGNORECASE,
)
_NUMBERS = {
    **dict.fromkeys(("a", "i", "1", "۱", "first", "one", "الف"), 0),
    **dict.fromkeys(("b", "ii", "2", "۲", "second", "two", "ب"), 1),
    **dict.fromkeys(("c", "iii", "3", "۳", "third", "three", "پ", "ج"), 2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """A setting with names from elsewhere. ``plain``: some of them stand for formulas, not for derivatives."""

    setting: Setting
    plain: bool


def borrow_names(
    own: str, texts: Sequence[tuple[str, Sequence[str]]], setting: Setting, asked: Sequence[str], results: Sequence[str]
) -> Borrowed | None:
    """Return the setting with the names that ``texts`` and ``own`` explain; None where they explain none.

    ``texts`` are passages with the names of what each of them is asked for. ``results`` are the names of what the question's parts ask for, in order (g_o, g_h, g_W).
    """
    named: dict[Key, set[Definition]] = {}
    plain: dict[Key, set[Definition]] = {}
    said: dict[Key, Definition] = {}
    meant: dict[Key, set[str]] = {}  # the texts that give a name a value, by what they are asked for
    for text, wanted in (*texts, (own, asked)):
        said |= dict(_find_results(text, setting, results))
        found = list(_find_definitions(text, setting, asked))
        here = {key for key, definition, alias in found if alias}
        for key, definition, alias in found:
            if not alias and key not in here:
                meant.setdefault(key, set()).add(" ".join(wanted))
            if definition is None:
                continue
            if alias and not (text is own and _names_only(definition, asked) and key in plain):
                named.setdefault(key, set()).add(definition)
            elif text is not own and not alias:
                plain.setdefault(key, set()).add(definition)
    named = {key: found for key, found in named.items() if _agrees(found, meant.get(key, set()))}
    clear = {key: next(iter(found)) for key, found in named.items() if len(found) == 1} | said
    formulas = {key: next(iter(found)) for key, found in plain.items() if key not in named and len(found) == 1}
    if not clear and not formulas:
        return None
    definitions = {**setting.definitions, **formulas, **clear}
    return Borrowed(setting=replace(setting, definitions=definitions), plain=bool(formulas))


def _agrees(found: set[Definition], meant: set[str]) -> bool:
    """Whether nobody else gives a name for a derivative a value, but the part that asks for that derivative."""
    names = {definition.expr.name for definition in found if isinstance(definition.expr, Sym)}
    return all(names & {*wanted.split()} for wanted in meant)


def _find_definitions(
    text: str, setting: Setting, asked: Sequence[str]
) -> Iterator[tuple[Key, Definition | None, bool]]:
    """Yield (name, what it stands for, whether that is a derivative) of a passage; one that cannot be read has none."""
    text = _NAMED.sub(lambda match: f"${match['name']} = {match['what']}$", text)
    try:
        lines = [line for span in find_spans(text) for line in read_span(span, setting, asked)]
    except FormulaFault:
        return
    known = setting
    for line in lines[:_MOST_LINES]:
        for link in line.links if len(line.links) > 1 else ():
            found = _read_definition(link, line, known)
            if found is None:
                continue
            key, definition, alias = found
            if not alias and definition is not None:
                known = replace(known, definitions={**known.definitions, key: definition})
            yield found
            break


def _read_definition(link: Link, line: Line, setting: Setting) -> tuple[Key, Definition | None, bool] | None:
    key = find_key(link.tree) if link.tree is not None else None
    if key is None or setting.table.find(*key) is not None or try_meaning(link, setting) is not None:
        return None
    base, words = key
    length = next((n for n, word in enumerate(words) if word in INDEX_LETTERS or word.isdigit()), len(words))
    name, indices = (base, words[:length]), words[length:]
    if not base:
        return None
    if len(set(indices)) != len(indices) or not all(index.isalpha() for index in indices):
        return (name, None, False) if link is line.links[0] else None
    inner = replace(setting, times=tuple(dict.fromkeys((*setting.times, *indices))))
    values = [(other, try_meaning(other, inner)) for other in line.links if other is not link]
    for _, value in values:
        if isinstance(value, Sym) and _is_gradient(value) and {*indices} <= find_variables(value):
            return name, Definition(indices=indices, expr=value), True
    last, value = values[-1]
    if link is not line.links[0]:
        return None
    if value is None or (last.tree is not None and mentions_name(last.tree, *name)):
        return name, None, False
    if not _is_closed(value, {*indices, *setting.times, "t", "T"}):
        return name, None, False
    return name, Definition(indices=indices, expr=value), False


def _names_only(definition: Definition, asked: Sequence[str]) -> bool:
    """Whether a name stands for what was asked for, so that "∂J_t/∂o_t = e_t" would say nothing."""
    return isinstance(definition.expr, Sym) and definition.expr.name in asked


def _is_gradient(value: Sym) -> bool:
    return value.name.startswith(("g_", "G_", "J_t/", "J/"))


def _is_closed(value: Expr, letters: set[str]) -> bool:
    """Whether a formula has no index that its name does not carry, so that it means the same wherever it stands."""
    return all(name in letters for name in find_free(value))


def _find_results(text: str, setting: Setting, results: Sequence[str]) -> Iterator[tuple[Key, Definition]]:
    for match in _RESULT.finditer(text):
        number = _NUMBERS.get(match["part"].casefold())
        name = match["name"].strip("$ ")
        spans = find_spans(f"${name} = 0$")
        lines = [line for span in spans for line in read_span(span, setting, ())]
        tree = lines[0].links[0].tree if lines else None
        key = find_key(tree) if tree is not None else None
        if number is None or number >= len(results) or key is None or setting.table.find(*key) is not None:
            continue
        base, words = key
        indices = words[-1:] if words and words[-1] in INDEX_LETTERS else ()
        expr = Sym(results[number], (Var(indices[0] if indices else "t"),))
        yield (base, words[: len(words) - len(indices)]), Definition(indices=indices, expr=expr)
