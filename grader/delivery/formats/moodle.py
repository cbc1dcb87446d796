"""Moodle's offline grading worksheet, as a teacher downloaded it, with grades and comments filled in."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from grader.batch.gradebook import show_marks
from grader.delivery.formats.words import list_criteria, list_remarks, name_criterion, show_total
from grader.delivery.worksheet import Cell, Worksheet
from grader.errors import ConfigError, Problem
from grader.feedback.student_view import StudentView

# Moodle writes the titles in the teacher's language; these are its own words in some. Else --grade-column names them.
_GRADE = (
    "grade",
    "bewertung",
    "note",
    "calificación",
    "nota",
    "valutazione",
    "cijfer",
    "not",
    "оценка",
    "نمره",
    "الدرجة",
)
_MOST = ("maximum grade", "beste bewertung", "note maximale", "calificación máxima", "nota máxima", "حداکثر نمره")
_COMMENTS = ("feedback comments", "feedback als kommentar", "feedback par commentaires", 
             "comentarios de retroalimentación", "commento di feedback", "نظرات بازخورد", "بازخورد")  # fmt: skip
_PARTICIPANT = re.compile(r"[^\d\s][^\d]*?(\d+)")
_OURS = "<!-- graded -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodleEntry:
    """What goes into one row: the participant's number, the total, the comment in HTML."""

    participant: str
    total: Decimal
    comment: str


class MoodleSheet:
    """The worksheet, with its columns found. Raises ConfigError where one is not."""

    def __init__(self, sheet: Worksheet, *, grade_column: str | None = None, comment_column: str | None = None) -> None:
        """Find the columns: participants by what their cells look like, the others by title."""
        self._sheet = sheet
        self._grade = self._find(grade_column, _GRADE, "--grade-column")
        self._comment = self._find_known(comment_column, _COMMENTS, "--comment-column")
        self._most = self._find_known(None, _MOST)
        self._rows = self._find_rows()

    @property
    def participants(self) -> Mapping[str, Sequence[Cell]]:
        """The rows by the participant's number."""
        return self._rows

    @property
    def takes_comments(self) -> bool:
        """Whether there is a column for comments."""
        return self._comment is not None

    def find_most(self, participant: str) -> Decimal | None:
        """Return what the sheet says a full mark is; None where it does not say."""
        if self._most is None:
            return None
        text = self._rows[participant][self._most].value.strip().replace(",", ".")
        return Decimal(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None

    def may_comment(self, participant: str) -> bool:
        """Return whether there is room for a comment of ours: no person has written one."""
        if self._comment is None:
            return False
        before = self._rows[participant][self._comment].value.strip()
        return not before or _OURS in before

    def fill(self, entry: MoodleEntry, *, decimal_comma: bool) -> None:
        """Write a row's grade, and its comment where there is none of a person's."""
        row = self._rows[entry.participant]
        shown = show_marks(entry.total)
        self._sheet.set(row[self._grade], shown.replace(".", ",") if decimal_comma else shown)
        if self._comment is not None and self.may_comment(entry.participant):
            self._sheet.set(row[self._comment], entry.comment)

    def _find(self, wanted: str | None, known: Sequence[str], option: str) -> int:
        found = self._find_known(wanted, known, option)
        if found is not None:
            return found
        hint = f"name it: {option} TITLE, one of: {', '.join(self._sheet.head)}"
        message = "no column is known to hold the grades"
        raise ConfigError([Problem(file=str(self._sheet.path), line=1, message=message, hint=hint)])

    def _find_known(self, wanted: str | None, known: Sequence[str], option: str = "") -> int | None:
        """Return the column of that title; without one the first whose title is known, None where none is."""
        head = [title.casefold() for title in self._sheet.head]
        if wanted is None:
            return next((number for number, title in enumerate(head) if title in known), None)
        if head.count(wanted.strip().casefold()) == 1:
            return head.index(wanted.strip().casefold())
        hint = f"{option} takes one of: {', '.join(self._sheet.head)}"
        raise ConfigError([Problem(file=str(self._sheet.path), line=1, message=f"no column {wanted!r}", hint=hint)])

    def _find_rows(self) -> Mapping[str, Sequence[Cell]]:
        body = self._sheet.rows[1:]
        width = len(self._sheet.head)
        for line, row in enumerate(body, 2):
            if len(row) != width:
                message = f"row {line} has {len(row)} cells, the first row {width}"
                raise ConfigError([Problem(file=str(self._sheet.path), message=message)])
        for column in range(width):
            numbers = [_PARTICIPANT.fullmatch(row[column].value.strip()) for row in body]
            if body and all(numbers) and len({found[1] for found in numbers if found}) == len(body):
                return {found[1]: row for found, row in zip(numbers, body, strict=True) if found}
        message = "no column holds the participants (Participant 12345 in every row, each another)"
        hint = "download the grading worksheet again: Assignment, View all submissions, Download grading worksheet"
        raise ConfigError([Problem(file=str(self._sheet.path), message=message, hint=hint)])


def render_comment(view: StudentView) -> str:
    """Return a short comment in HTML, all text escaped: total, remarks, and the marks of each criterion."""
    rows = "".join(
        f"<li>{html.escape(name_criterion(item))}: "
        f"{'waits for a person' if item.awarded is None else show_marks(item.awarded)} of {show_marks(item.available)}"
        f"{f'. {html.escape(item.next)}' if item.next else ''}</li>"
        for item in list_criteria(view)
    )
    remarks = "".join(f"<p>{html.escape(remark)}</p>" for remark in list_remarks(view))
    return f"{_OURS}<p><strong>{html.escape(show_total(view))}</strong></p>{remarks}<ul>{rows}</ul>".replace("\n", " ")
