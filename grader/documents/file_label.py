"""A file's name as a label: all of ``Q2.docx`` is an answer to question 2, though no line in it says so."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from grader.documents.blocks import Block, Line
from grader.documents.labels import find_label
from grader.model import Location

_NAME: Final = re.compile(
    r"(?:(?:hw|homework|تمرین)[ _\-]*\d*[ _\-]+)?(?:questions?|q|problem|سوال|سؤال|پرسش)[ _\-.]*(?P<number>[1-9۱-۹])"
    r"(?:[ _\-.()]*(?P<part>[a-h]))?(?:[ _\-.(][^\d]*)?",
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
    if not label or any(_names_question(line.text) for block in blocks for line in block.lines):
        return blocks
    heading = Block(kind="heading", lines=(Line(text=f"# {label}", number=1),), location=Location(file=file))
    return (heading, *blocks)


def _names_question(line: str) -> bool:
    label = find_label(line)
    return label is not None and label.question is not None and (label.word or label.full)
