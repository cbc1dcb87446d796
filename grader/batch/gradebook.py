"""The gradebook as CSV: a row for every student, and nothing that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from grader.intake import natural_key
from grader.model import Marksheet

# A cell that begins so is a formula to spreadsheets (https://owasp.org/www-community/attacks/CSV_Injection), which also
# drop spaces and signs that nobody sees before it, and know the full-width forms.
_FORMULA = re.compile(r"^[\s\ufeff\u200b-\u200f\u2060]*[=+\-@\uff1d\uff0b\uff0d\uff20|%]|^[\t\r\n]")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Gradebook:
    """Gathers rows from marksheets, one at a time; of a marksheet its line is kept, since classes are large."""

    def __init__(
        self,
        criteria: Sequence[str],
        roster: Sequence[str] = (),
        *,
        late: bool = False,
        sections: Mapping[str, str] | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Take the columns of marks, the roster, its students' sections, and whom each group's marks are for.

        ``late``: the rubric has a deadline, which has columns as well.
        """
        self.criteria, self.roster = tuple(criteria), tuple(roster)
        self._late = ("submitted_at", "deducted") if late else ()
        self._sections, self._groups = dict(sections or {}), dict(groups or {})
        self._rows: dict[str, str] = {}

    def add(self, sheet: Marksheet) -> None:
        """Take a student's marks; what is undecided stays blank."""
        marks = {mark.criterion: show_marks(mark.awarded) for mark in sheet.marks}
        totals = map(show_marks, (sheet.awarded, sheet.awarded_so_far, sheet.available))
        late = (sheet.submitted_at or "", show_marks(sheet.deducted)) if self._late else ()
        waiting = " ".join(sheet.waiting)
        cells = [*totals, *late, *(marks.get(name, "") for name in self.criteria), waiting]
        self._take(sheet.submission, _export_cells(sheet.status.replace("_", " "), *cells))

    def add_ungraded(self, student: str, status: str) -> None:
        """Take a student whose hand-in has no marksheet, and why."""
        self._take(student, self._export_blank(status))

    def _take(self, student: str, row: str) -> None:
        """Keep a row for the student, or for each student of the group."""
        self._rows.update(dict.fromkeys(self._groups.get(student, (student,)), row))

    def _export_blank(self, status: str) -> str:
        return _export_cells(status, *[""] * (len(self.criteria) + len(self._late) + 4))

    def export(self) -> Iterator[str]:
        """Yield the CSV's rows (RFC 4180 but for line feeds alone, which every reader takes and which compare well)."""
        head = (
            "student",
            "status",
            "total",
            "so_far",
            "available",
            *self._late,
            *self.criteria,
            "waiting_for_a_person",
            "on_roster",
            *(["section"] if self._sections else []),
        )
        yield f"{_export_cells(*head)}\n"
        for student in self.roster or sorted(self._rows, key=natural_key):
            yield self._export_row(student, "yes" if self.roster else "")
        if self.roster:
            for student in sorted(self._rows.keys() - set(self.roster), key=natural_key):
                yield self._export_row(student, "no")

    def _export_row(self, student: str, on_roster: str) -> str:
        row = self._rows.get(student) or self._export_blank("no hand-in")
        last = _export_cells(on_roster, *([self._sections.get(student, "")] if self._sections else []))
        return f"{_export_cells(student)},{row},{last}\n"


def _export_cells(*cells: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow([guard_cell(cell) for cell in cells])
    return stream.getvalue()[:-1]


def guard_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: such a text gets an apostrophe before it."""
    shown = _UNSEEN.sub("�", text)
    guarded = f"'{shown}" if _FORMULA.match(shown) else shown
    # The writer does not quote a carriage return before Python 3.13, and readers take it for the row's end.
    return guarded.replace("\r\n", "\n").replace("\r", "\n")


def show_marks(value: Decimal | None) -> str:
    """Return marks as a plain number, exactly; "" where they are undecided."""
    return "" if value is None else f"{value.normalize():f}"
