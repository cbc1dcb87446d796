"""The gradebook as CSV: a row for every student, and nothing that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from grader.intake import natural_key
from grader.model import Marksheet

# A cell that begins so is a formula to spreadsheets (https://owasp.org/www-community/attacks/CSV_Injection), which also
# drop spaces and signs that nobody sees before it, and know the full-width forms.
_FORMULA = re.compile(r"^[\s\ufeff\u200b-\u200f\u2060]*[=+\-@\uff1d\uff0b\uff0d\uff20|%]|^[\t\r\n]")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the gradebook holds of one student: texts, and ``marks`` in the order of the criteria."""

    status: str
    total: str = ""
    so_far: str = ""
    available: str = ""
    marks: tuple[str, ...] = ()
    waiting: str = ""


class Gradebook:
    """Gathers rows from marksheets, one at a time; a marksheet itself is not kept."""

    def __init__(self, criteria: Sequence[str], roster: Sequence[str] = ()) -> None:
        self.criteria, self.roster = tuple(criteria), tuple(roster)
        self._rows: dict[str, Row] = {}

    def add(self, sheet: Marksheet) -> None:
        """Take a student's marks; what is undecided stays blank."""
        marks = {mark.criterion: show_marks(mark.awarded) for mark in sheet.marks}
        self._rows[sheet.submission] = Row(
            status=sheet.status.replace("_", " "),
            total=show_marks(sheet.awarded),
            so_far=show_marks(sheet.awarded_so_far),
            available=show_marks(sheet.available),
            marks=tuple(marks.get(name, "") for name in self.criteria),
            waiting=" ".join(mark.criterion for mark in sheet.marks if mark.awarded is None),
        )

    def add_ungraded(self, student: str, status: str) -> None:
        """Take a student whose hand-in has no marksheet, and why."""
        self._rows[student] = Row(status=status)

    def export(self) -> str:
        """Return the CSV (RFC 4180 but for line feeds alone, which every reader takes and which compare well)."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        criteria = map(guard_cell, self.criteria)
        writer.writerow(
            ["student", "status", "total", "so_far", "available", *criteria, "waiting_for_a_person", "on_roster"]
        )
        for student in self.roster or sorted(self._rows, key=natural_key):
            writer.writerow(self._export_row(student, "yes" if self.roster else ""))
        if self.roster:
            for student in sorted(self._rows.keys() - set(self.roster), key=natural_key):
                writer.writerow(self._export_row(student, "no"))
        return stream.getvalue()

    def _export_row(self, student: str, on_roster: str) -> list[str]:
        row = self._rows.get(student) or Row(status="no hand-in")
        marks = row.marks or ("",) * len(self.criteria)
        cells = [student, row.status, row.total, row.so_far, row.available, *marks, row.waiting, on_roster]
        return [guard_cell(cell) for cell in cells]


def guard_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: such a text gets an apostrophe before it."""
    shown = _UNSEEN.sub("�", text)
    guarded = f"'{shown}" if _FORMULA.match(shown) else shown
    # The writer does not quote a carriage return before Python 3.13, and readers take it for the row's end.
    return guarded.replace("\r\n", "\n").replace("\r", "\n")


def show_marks(value: Decimal | None) -> str:
    """Return marks as a plain number, exactly; "" where they are undecided."""
    return "" if value is None else f"{value.normalize():f}"
