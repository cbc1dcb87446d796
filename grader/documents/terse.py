"""Lines such as "Q1: a) 2,3; b) 3; c) 3": several answers in one line, cut into a unit each."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from grader.documents.labels import Label, find_label
from grader.documents.units import Unit

_TERSE_WORDS = 16
_BETWEEN = re.compile(r"(?:[;|،,.]\s*|\s{2,}|\s+)(?=[(\[*]{0,3}(?:q\s?[0-9]|[0-9]|[a-h]\s?[).:\-\]]))", re.IGNORECASE)

# In a longer line a letter opens a part only behind a sentence, and with its bracket.
_BETWEEN_SENTENCES = re.compile(r"(?:[.;؛!?؟$]\s+|\s{2,})(?=[*_]{0,2}\(?[a-h]\s?\))", re.IGNORECASE)


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
        if unit.label and "\n" not in unit.text:
            pieces = _cut_line(unit)
            others = [piece.label.part for piece in pieces[1:] if piece.label]
            if len(pieces) > 1 and not any(named[questions[position], part] for part in others):
                units[position : position + 1] = pieces


def _is_terse(text: str) -> bool:
    return len(_hide_formulas(text).split()) <= _TERSE_WORDS


def _hide_formulas(text: str) -> str:
    """Return ``text`` with every inline formula as one long word of the same length."""
    return re.sub(r"\$[^$\n]*\$", lambda match: "x" * len(match[0]), text)


def _cut_line(unit: Unit) -> list[Unit]:
    """Return the answers that stand in one line, each as a unit; none where the line is a single answer."""
    label, rest, pieces = unit.label, unit.rest, []
    between = _BETWEEN if _is_terse(unit.text) else _BETWEEN_SENTENCES
    if label is None:
        return []
    if not label.part and (inner := find_label(rest)) and inner.part and inner.question is None:
        pieces.append(replace(unit, label=replace(label, rest="")))
        label, rest, unit = inner, inner.rest, replace(unit, text=rest)
    found = _find_next(rest, label, between)
    while found is not None:
        before, following = found
        if not before.strip():
            return []
        pieces.append(replace(unit, label=replace(label, rest=before)))
        label, rest = following, following.rest
        unit = replace(unit, text=rest, joint="\n")
        found = _find_next(rest, label, between)
    if not rest.strip() or not pieces or not label.part:
        return []
    return [*pieces, replace(unit, label=replace(label, rest=rest))]


def _find_next(rest: str, label: Label, between: re.Pattern[str]) -> tuple[str, Label] | None:
    """Return the text up to the next part's label in ``rest``, and that label."""
    for match in between.finditer(_hide_formulas(rest)):
        following = find_label(rest[match.end() :])
        if following and following.part and ord(following.part) == ord(label.part or "`") + 1 and following.sure:
            return (rest[: match.start()] if between is _BETWEEN else rest[: match.end()].rstrip()), following
    return None
