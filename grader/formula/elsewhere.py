"""Names of a student's own that are explained elsewhere: above the parts, or in another part of the same question.

"Let δ_t = ∂J_t/∂o_t" in part a) holds in part b) as well. A name for a derivative stands for that derivative, whatever
it was found to be (a mistake made before is not marked twice); any other name stands for its formula.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

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


@dataclass(slots=True)
class _Notes:
    """What one passage says of names: derivatives that they are called for, and values (None: one that is unclear)."""

    asked: Sequence[str]
    named: dict[Key, set[Definition]] = field(default_factory=dict)
    plain: dict[Key, set[Definition | None]] = field(default_factory=dict)
    recursive: set[Key] = field(default_factory=set)
    guessed: dict[Key, set[Definition]] = field(default_factory=dict)


def borrow_names(
    own: str, texts: Sequence[tuple[str, Sequence[str]]], setting: Setting, asked: Sequence[str], results: Sequence[str]
) -> Borrowed | None:
    """Return the setting with the names that ``texts`` and ``own`` explain; None where they explain none.

    ``texts`` are passages with the names of what each of them is asked for. ``results`` are the names of what the
    question's parts ask for, in order (g_o, g_h, g_W).
    """
    others = [_take_notes(text, setting, wanted) for text, wanted in texts]
    mine = replace(_take_notes(own, setting, ()), asked=asked)
    plain = _merge([notes.plain for notes in others])
    for notes in (*others, mine):  # "∂J_t/∂o_t = e_t" is an answer where e_t has a value elsewhere, and no name for it
        answers = [key for key, found in notes.named.items() if any(_is_any(d, notes.asked) for d in found)]
        valued = _merge([other.plain for other in others if other is not notes])
        for key in valued.keys() & answers:
            del notes.named[key]
    named = _merge([notes.named for notes in (*others, mine)])
    named = {**_merge([notes.guessed for notes in others]), **named}
    clear = {
        key: only for key, found in named.items() if (only := _find_only(found)) and _agrees(key, only, (*others, mine))
    }
    for text in (own, *(text for text, _ in texts)):
        clear |= dict(_find_results(text, setting, results))
    formulas = {
        key: only
        for key, found in plain.items()
        if key not in named and key not in mine.plain and (only := _find_only(found))
    }
    if not clear and not formulas:
        return None
    definitions = {**setting.definitions, **formulas, **clear}
    return Borrowed(setting=replace(setting, definitions=definitions), plain=bool(formulas))


def _merge(found: Sequence[Mapping[Key, Collection[Definition | None]]]) -> dict[Key, set[Definition | None]]:
    merged: dict[Key, set[Definition | None]] = {}
    for one in found:
        for key, values in one.items():
            merged.setdefault(key, set()).update(values)
    return merged


def _find_only(found: Collection[Definition | None]) -> Definition | None:
    return next(iter(found)) if len(found) == 1 else None


def _agrees(key: Key, definition: Definition, notes: Sequence[_Notes]) -> bool:
    """Whether nobody else gives a name for a derivative a value, but the part that asks for that derivative."""
    return all(key not in one.plain or key in one.named or _is_any(definition, one.asked) for one in notes)


def _is_any(definition: Definition, names: Sequence[str]) -> bool:
    """Whether a name stands for one of these quantities."""
    return isinstance(definition.expr, Sym) and definition.expr.name in names


def _take_notes(text: str, setting: Setting, asked: Sequence[str]) -> _Notes:
    """Return what a passage says of names; one that cannot be read says nothing."""
    notes, bare = _Notes(asked), setting
    text = _NAMED.sub(lambda match: f"${match['name']} = {match['what']}$", text)
    try:
        lines = [line for span in find_spans(text) for line in read_span(span, setting, asked)][:_MOST_LINES]
    except FormulaFault:
        return notes
    for line in lines:
        for link in line.links if len(line.links) > 1 else ():
            if try_meaning(link, bare) is not None:
                continue
            found = _read_definition(link, line, setting)
            if found is None:
                continue
            key, definition, alias = found
            if alias and definition is not None:
                notes.named.setdefault(key, set()).add(definition)
                break
            notes.plain.setdefault(key, set()).add(definition)
            tree = line.links[-1].tree
            if tree is not None and mentions_name(tree, *key):
                notes.recursive.add(key)
            elif definition is not None:
                setting = replace(setting, definitions={**setting.definitions, key: definition})
            break
    _name_recursion(notes, lines)
    return notes


def _name_recursion(notes: _Notes, lines: Sequence[Line]) -> None:
    """Let a name whose recursion is the whole answer to a part stand for what that part asks for."""
    recursive = list(notes.recursive - notes.named.keys())
    if len(recursive) == 1 and notes.asked and not any(line.role == "asked" for line in lines):
        definition = Definition(indices=("i",), expr=Sym(notes.asked[0], (Var("i"),)))
        notes.guessed[recursive[0]] = {definition}


def _read_definition(link: Link, line: Line, setting: Setting) -> tuple[Key, Definition | None, bool] | None:
    key = find_key(link.tree) if link.tree is not None else None
    if key is None or setting.table.find(*key) is not None:
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
