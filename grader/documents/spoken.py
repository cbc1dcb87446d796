"""Labels that are spoken in running text: "For part a I would pick ...", "Now the second question. In part b ..."."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.documents.labels import Label, parse_number, parse_part
from grader.documents.units import Unit

_LEAD = (
    r"(?:(?:now|finally|last(?:ly)?|then|next|first of all|to begin(?: with)?|moving on(?: to)?|coming to|turning to"
    r"|regarding|concerning|as for|as to|for|in|on|about|to answer|answering|with|to"
    r"|در(?: مورد| رابطه با)?|برای|حالا|اما|و|درباره(?:ی)?|نهایتا)\b[,،]?\s+)*"
)
_QUESTION = (
    r"(?:the\s+)?(?:(?P<nth>first|second|third|fourth)\s+(?:question|problem|exercise)\b"
    r"|(?:question|problem|exercise|سوال|سؤال|پرسش)\s*(?:no\.?|number|شماره(?:ی)?)?\s*"
    r"(?P<number>[1-9](?![0-9])|(?:one|two|three|four|اول|دوم|سوم|چهارم)\b))"
)
_PART = (
    r"(?:the\s+)?(?:(?:part|section|قسمت|بخش)\s+[(\"']?(?P<part>[a-h]|الف|[بپجتد])[)\"']?(?![\w'])"
    r"|(?P<nth_part>first|second|third|fourth)\s+part\b)"
)
_AND = r"\s*[,،:.\-–—]?\s*(?:\b(?:in|for|of|from|as for|از|در|برای)\b\s+)?"


def _unnamed(pattern: str) -> str:
    """Return ``pattern`` with its groups named otherwise, for a second place in one expression."""
    return re.sub(r"\?P<(\w+)>", r"?P<\1_2>", pattern)


_START = r"(?:\A[\s*_:.,\-–—]*|(?<=[.!?;؟])\s+)"
_SPOKEN = re.compile(
    rf"{_START}{_LEAD}(?:{_QUESTION}(?:{_AND}{_PART})?|{_unnamed(_PART)}(?:{_AND}{_unnamed(_QUESTION)})?)\s*[,،:.]?\s*",
    re.IGNORECASE,
)
_DIGITS = {ord(digit): str(index % 10) for index, digit in enumerate("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩")}
# A formula or more than a few words: no title.
_ANSWERED = re.compile(r"[$=]|(?:\w+\W+){8}")
_ENDED = re.compile(r"[.!?؟:]\W*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """Where a part or a question is spoken of at the start of a sentence."""

    start: int
    end: int
    question: int | None
    part: str


def split_prose(units: list[Unit]) -> None:
    """Cut running text into its parts, under a question that labels none of them or in a report without labels.

    It is cut only where the parts that are named follow one another as they do on the sheet.
    """
    starts = [index for index, unit in enumerate(units) if unit.label and unit.label.question is not None]
    if not any(unit.label and unit.label.question and unit.label.sure for unit in units):
        _split(units, 0, len(units), None)
        return
    for start, end in reversed(list(zip(starts, [*starts[1:], len(units)], strict=False))):
        label = units[start].label
        if label is not None and not any(_is_labelled(unit) for unit in units[start:end]):
            _split(units, start, end, label.question)


def _is_labelled(unit: Unit) -> bool:
    return unit.label is not None and bool(unit.label.part or unit.label.several)


def _split(units: list[Unit], start: int, end: int, question: int | None) -> None:
    """Cut the units from ``start`` to ``end`` where their marks go up."""
    pieces: list[Unit] = []
    above = ""
    named: list[tuple[int, str]] = []
    current = question
    for index in range(start, end):
        marks = list(_find_marks(units, index, question is not None and index == start))
        pieces += _cut(units[index], marks)
        if not named:
            above += _read_above(units[index], marks, question is not None)
        for mark in marks:
            if mark.question is None and current is None:
                return
            current = mark.question or current
            named.append((current or 0, mark.part))
    parts = [name for name in named if name[1]]
    questions = {number for number, _ in named}
    enough = len(parts) >= (1 if question else 2)
    if question and _ANSWERED.search(above):
        return  # "In part a we had ..." speaks of a part that was answered above
    if enough and named == sorted(set(named)) and (question is None or questions == {question}):
        units[start:end] = pieces


def _read_above(unit: Unit, marks: Sequence[_Mark], labelled: bool) -> str:
    """Return what stands before the first mark, without a title."""
    text = unit.rest if labelled else unit.text
    return "" if unit.heading else text[: marks[0].start] if marks else f"{text}\n"


def _find_marks(units: Sequence[Unit], index: int, opens: bool) -> Iterator[_Mark]:
    unit = units[index]
    if unit.code_cell or unit.heading:
        return
    text = (unit.rest if opens else unit.text).translate(_DIGITS)
    before = units[index - 1].text if index and unit.joint == "\n" and not opens else ""
    for match in _SPOKEN.finditer(text):
        if match.start() == 0 and before.strip() and not _ENDED.search(before):
            continue  # the line goes on with the sentence above
        found = match.groupdict()
        number = found["nth"] or found["number"] or found["nth_2"] or found["number_2"]
        nth = parse_number(found["nth_part"] or found["nth_part_2"] or "")
        letter = found["part"] or found["part_2"]
        part = parse_part(letter) if letter else "abcdefgh"[nth - 1] if nth else ""
        yield _Mark(start=match.start(), end=match.end(), question=parse_number(number or ""), part=part)


def _cut(unit: Unit, marks: Sequence[_Mark]) -> list[Unit]:
    """Return a unit cut at its marks; only the unit where there is none."""
    if not marks:
        return [unit]
    text = unit.rest if unit.label and unit.label.question and unit.label.sure else unit.text
    before = text[: marks[0].start]
    pieces = []
    if before.strip() or text is not unit.text:
        kept = replace(unit.label, rest=before) if unit.label and text is not unit.text else None
        pieces.append(replace(unit, label=kept) if kept else replace(unit, text=before, label=None))
    for mark, stop in zip(marks, [*(other.start for other in marks[1:]), len(text)], strict=True):
        sure = bool(mark.question)
        rest = text[mark.end : stop]
        label = Label(rest=rest, question=mark.question, part=mark.part, full=sure, word=sure, spoken=True)
        joint = "\n" if pieces else unit.joint
        pieces.append(replace(unit, text=text[mark.start : stop], label=label, joint=joint, heading=False))
    return pieces
