"""Reports in a file for each question, whose names alone say which: q1.md, Question 2.pdf."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from grader.documents.blocks import Document
from grader.documents.labels import Label
from grader.documents.units import Unit
from grader.model import Location

_NAMED = re.compile(
    r"(?:.*[\W_])?(?:q|question|problem|exercise|ex|task|answer|سوال|سؤال|پرسش)?[\W_]{0,2}(?P<number>[1-9])(?:[\W_]\D*)?",
    re.IGNORECASE,
)


def label_files(units: Sequence[list[Unit]], documents: Sequence[Document], questions: Iterable[int]) -> None:
    """Set the question's label above each file that names no question, where several files are named after them."""
    wanted = set(questions)
    numbers = [_read_number(document) for document in documents]
    named = [number for number in numbers if number in wanted]
    if len(named) < 2 or len(set(named)) < len(named):
        return
    for index, (document, number) in enumerate(zip(documents, numbers, strict=True)):
        if number in wanted and not document.template and not any(_names_question(unit) for unit in units[index]):
            label = Label(rest="", question=number, word=True)
            location = Location(file=document.file, line=1, end_line=1)
            units[index].insert(0, Unit(document=index, text="", location=location, joint="", label=label))


def _read_number(document: Document) -> int | None:
    match = _NAMED.fullmatch(PurePath(document.file).stem)
    return int(match["number"]) if match else None


def _names_question(unit: Unit) -> bool:
    return unit.label is not None and unit.label.question is not None and unit.label.sure
