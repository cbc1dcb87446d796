"""Lines such as "Q1: a) 2,3; b) 3; c) 3": several short answers, cut into a unit each."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from grader.documents.labels import Label, find_label
from grader.documents.units import Unit

_TERSE_WORDS = 16
_IN_PROSE = re.compile(
    r"(?:\A[\s*_:.,\-–—]*|(?<=[.!?;؟])\s+)(?:(?:for|in|as for|as to|on|about|regarding|to answer)\s+)?(?:the\s+)?"
    r"(?:part|section)\s+[(\"']?(?P<part>[a-h])[)\"']?(?![\w'])\s*[,:.]?\s*",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"(?:[;|،,.]\s*|\s{2,}|\s+)(?=[(\[*]{0,3}(?:q\s?[0-9]|[0-9]|[a-h]\s?[).:\-\]]))", re.IGNORECASE)


def split_lines(units: list[Unit]) -> None:
    """Cut lines such as "Q1: a) 2,3; b) 3; c) 3" into their answers where no other line is labelled as these parts."""
    named: Counter[tuple[int | None, str]] = Counter()
    question: int | None = None
    questions = []
    for unit in units:
        if unit.label:
            question = unit.label.question or question
            named[question, unit.label.part] += 1
        questions.append(question)
    for position in reversed(range(len(units))):
        unit = units[position]
        if unit.label and _is_terse(unit.text):
            pieces = _cut_line(unit)
            others = [piece.label.part for piece in pieces[1:] if piece.label]
            if len(pieces) > 1 and not any(named[questions[position], part] for part in others):
                units[position : position + 1] = pieces


def split_prose(units: list[Unit]) -> None:
    """Cut "For part a I would pick ... For part b ..." into its parts, under a question that labels none of them."""
    starts = [index for index, unit in enumerate(units) if unit.label and unit.label.question is not None]
    for start, end in reversed(list(zip(starts, [*starts[1:], len(units)], strict=False))):
        group = units[start:end]
        if any(unit.label and (unit.label.part or unit.label.several) for unit in group):
            continue
        pieces = [piece for unit in group for piece in _cut_prose(unit)]
        parts = [piece.label.part for piece in pieces if piece.label and piece.label.part]
        if parts and parts == sorted(set(parts)):
            units[start:end] = pieces


def _cut_prose(unit: Unit) -> list[Unit]:
    """Return a unit cut before every sentence that begins with a part's name; only the unit where none does."""
    text = unit.rest
    found = list(_IN_PROSE.finditer(text))
    if not found or unit.code_cell:
        return [unit]
    before = text[: found[0].start()]
    pieces = [replace(unit, label=replace(unit.label, rest=before)) if unit.label else replace(unit, text=before)]
    for match, stop in zip(found, [*(m.start() for m in found[1:]), len(text)], strict=True):
        label = Label(rest=text[match.end() : stop], part=match["part"].lower())
        pieces.append(replace(unit, text=text[match.start() : stop], label=label, joint="\n", heading=False))
    return pieces if before.strip() or unit.label else pieces[1:]


def _is_terse(text: str) -> bool:
    return "\n" not in text and len(_hide_formulas(text).split()) <= _TERSE_WORDS


def _hide_formulas(text: str) -> str:
    """Return ``text`` with every inline formula as one long word of the same length."""
    return re.sub(r"\$[^$\n]*\$", lambda match: "x" * len(match[0]), text)


def _cut_line(unit: Unit) -> list[Unit]:
    """Return the answers that stand in one terse line, each as a unit; one where the line is a single answer."""
    label, rest, pieces = unit.label, unit.rest, []
    if label is None:
        return []
    if not label.part and (inner := find_label(rest)) and inner.part and inner.question is None:
        pieces.append(replace(unit, label=replace(label, rest="")))
        label, rest, unit = inner, inner.rest, replace(unit, text=rest)
    found = _find_next(rest, label)
    while found is not None:
        before, following = found
        if not before.strip():
            return []
        pieces.append(replace(unit, label=replace(label, rest=before)))
        label, rest = following, following.rest
        unit = replace(unit, text=rest, joint="\n")
        found = _find_next(rest, label)
    if not rest.strip() or not pieces or not label.part:
        return []
    return [*pieces, replace(unit, label=replace(label, rest=rest))]


def _find_next(rest: str, label: Label) -> tuple[str, Label] | None:
    """Return the text up to the next part's label in ``rest``, and that label."""
    for match in _BETWEEN.finditer(_hide_formulas(rest)):
        following = find_label(rest[match.end() :])
        if following and following.part and ord(following.part) == ord(label.part or "`") + 1 and following.sure:
            return rest[: match.start()], following
    return None
