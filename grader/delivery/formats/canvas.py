"""Canvas: a gradebook CSV to import (columns as lib/gradebook_importer.rb of canvas-lms reads them)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from grader.batch.gradebook import guard_cell, show_marks


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasRow:
    """One student: Canvas's own number, by which it matches; name and section are for people."""

    number: str
    name: str
    section: str
    total: Decimal


def render_canvas(title: str, available: Decimal, rows: Sequence[CanvasRow]) -> str:
    """Return the CSV. There is no row without a total: a blank cell would erase what stands there.

    ``title`` may end in the assignment's number, ``Homework 5 (98765)``, which pins it; else Canvas looks for the exact
    title and, where there is none, offers to create an assignment. No thousands separators: to Canvas
    1,234 is 1.234.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(["Student", "ID", "Section", guard_cell(title)])
    writer.writerow(["    Points Possible", "", "", show_marks(available)])
    for row in rows:
        writer.writerow([guard_cell(row.name), row.number, guard_cell(row.section), show_marks(row.total)])
    return stream.getvalue()
