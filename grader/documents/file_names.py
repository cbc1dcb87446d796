"""Files' names as labels: all of ``Q2.docx`` answers question 2, and of 1.md, 2.md and 3.md each its own question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath, PurePosixPath
from typing import Final

from grader.documents.blocks import Block, Document, Line
from grader.documents.labels import Label, find_label
from grader.documents.units import Unit
from grader.model import Location

_NAME: Final = re.compile(
    r"(?:(?:hw|homework|تمرین)[ _\-]*\d*[ _\-]+)?(?:questions?|q|problem|سوال|سؤال|پرسش)[ _\-.]*(?P<number>[1-9۱-۹])"
    r"(?:[ _\-.()]*(?P<part>[a-h]))?(?:[ _\-.(][^\d]*)?",
    re.IGNORECASE,
)
_IN_A_SET: Final = re.compile(
    r"(?:.*[\W_])?(?:q|question|problem|exercise|ex|task|answer|سوال|سؤال|پرسش)?[\W_]{0,2}(?P<number>[1-9])(?:[\W_]\D*)?",
    re.IGNORECASE,
)


def find_file_label(file: str) -> str:
    """Return the label that a file's name is ("Q2", "Q2 a)"), "" for a name that names no single question."""
    named = _NAME.fullmatch(PurePosixPath(file).stem)
    if named is None:
        return ""
    number = str(int(named["number"]))
    return f"Q{number} {named['part'].lower()})" if named["part"] else f"Q{number}"


def add_file_label(file: str, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Return ``blocks`` under a heading with the file's label, where no line of theirs names a question."""
    label = find_file_label(file)
    if not label or any(_line_names_question(line.text) for block in blocks for line in block.lines):
        return blocks
    heading = Block(kind="heading", lines=(Line(text=f"# {label}", number=1),), location=Location(file=file))
    return (heading, *blocks)


def _line_names_question(line: str) -> bool:
    label = find_label(line)
    return label is not None and label.question is not None and (label.word or label.full)


def label_files(units: Sequence[list[Unit]], documents: Sequence[Document], questions: Iterable[int]) -> None:
    """Set the question's label above each file that names no question, where several files are named after them."""
    wanted = set(questions)
    numbers = [_read_number(document) for document in documents]
    named = [number for number in numbers if number in wanted]
    if len(named) < 2 or len(set(named)) < len(named):
        return
    for index, (document, number) in enumerate(zip(documents, numbers, strict=True)):
        if number in wanted and not document.template and not any(_unit_names_question(unit) for unit in units[index]):
            label = Label(rest="", question=number, word=True)
            location = Location(file=document.file, line=1, end_line=1)
            units[index].insert(0, Unit(document=index, text="", location=location, joint="", label=label))


def _read_number(document: Document) -> int | None:
    match = _IN_A_SET.fullmatch(PurePath(document.file).stem)
    return int(match["number"]) if match else None


def _unit_names_question(unit: Unit) -> bool:
    return unit.label is not None and unit.label.question is not None and unit.label.sure
