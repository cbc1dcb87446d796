"""Tables whose columns are parts: a row for each question and a column for each part, or the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from grader.documents.blocks import Line
from grader.documents.labels import Label, find_label

_RULE = re.compile(r"[\s|:\-]+")

_TITLE = re.compile(
    r"(?:(?:my|the|your) )?(?:q|questions?|number|no\.?|nr\.?|#|parts?|problem|exercise|answers?|solutions?"
    r"|responses?|why|reasons?"
    r"|reasoning|explanations?|justification|remarks?|comments?|points|marks"
    r"|سوال|سؤال|پرسش|بخش|قسمت|شماره|ردیف|پاسخ|جواب"
    r"|دلیل|توضیح|توضیحات)?",
    re.IGNORECASE,
)


def find_cells(lines: Sequence[Line]) -> Iterator[tuple[Line, Label]]:
    """Yield every cell of a table of questions and parts, with the label that its row and its column make.

    Nothing where the table is another one.
    """
    rows = [(line, split_row(line.text)) for line in lines if not _RULE.fullmatch(line.text)]
    if len(rows) < 2:
        return
    columns = [_name(cell) for cell in rows[0][1][1:]]
    sides = [_name(cells[0]) for _, cells in rows[1:]]
    if None in columns or None in sides:
        return
    for (line, cells), side in zip(rows[1:], sides, strict=True):
        for cell, column in zip(cells[1:], columns, strict=False):
            label = _join(side, column) if side and column else None
            if label is None:
                return
            if cell:
                yield line, replace(label, rest=cell)


def names_columns(row: str) -> bool:
    """Return whether a row only says what stands in the columns: "| Question | Answer | Why |"."""
    return all(_TITLE.fullmatch(cell.strip("*_: ")) for cell in split_row(row))


def split_row(row: str) -> list[str]:
    """Return the cells of a table's row; a bar that is escaped is the cell's own."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def _name(cell: str) -> Label | None:
    """Return the question or the part that a cell names and nothing else."""
    text = cell.strip("*_ ")
    label = find_label(text) or find_label(f"{text})")
    return label if label and label.alone and bool(label.part) != bool(label.question) else None


def _join(one: Label, other: Label) -> Label | None:
    if bool(one.question) == bool(other.question):
        return None
    question = one.question or other.question
    return Label(rest="", question=question, part=one.part or other.part, full=True, word=True)
