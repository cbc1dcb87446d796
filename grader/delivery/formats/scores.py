"""Classroom 50's scores.csv, for staff: a row for every student, with the header that its own tools write."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.batch.gradebook import guard_cell

_HEAD = ("username", "first_name", "last_name", "email", "section", "score", "max_score", "datetime", "submission_tag",
         "submitted_by", "review_url", "late", "override")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One student; ``score`` of ``most`` in points, ``fields`` what the roster knows."""

    username: str
    fields: Mapping[str, str]
    score: int
    most: int
    submitted: str
    tag: str
    review: str
    late: bool


def render_scores(rows: Sequence[ScoreRow]) -> str:
    """Return the CSV, guarded against formulas."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_HEAD)
    for row in rows:
        first, _, last = row.fields.get("name", "").rpartition(" ")
        cells = (row.username, first or last, last if first else "", row.fields.get("email", ""),
                 row.fields.get("section", ""), str(row.score), str(row.most), row.submitted, row.tag, row.username,
                 row.review, "true" if row.late else "false", "")  # fmt: skip
        writer.writerow([guard_cell(cell) for cell in cells])
    return stream.getvalue()
