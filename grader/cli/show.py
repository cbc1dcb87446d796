"""Marksheets as a teacher sees them after a run: a table in the terminal, or one JSON object."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from grader.batch.progress import ClassSummary
    from grader.model import Mark, Marksheet

MARKSHEETS_SCHEMA = "grader/marksheets/1"
_MOST_TABLES = 3


def show_all(students: Sequence[str], total: ClassSummary, out: Path, console: Console) -> None:
    """Print each of a few marksheets, else the class in a table."""
    from grader.batch.store import MARKSHEET
    from grader.codec import read_marksheet

    if len(students) > _MOST_TABLES:
        total.print_summary(console)
        console.print(f"  {out / 'class.html'}\n  {out / 'gradebook.csv'}")
        return
    for student in students:
        show_marksheet(read_marksheet((out / student / MARKSHEET).read_text(encoding="utf-8")), out, console)


MARKS = {"correct": "✓", "partial": "◐", "wrong": "✗", "missing": "–", "unreadable": "?", "ungraded": "!"}
COLOURS = {"correct": "green", "partial": "yellow", "wrong": "red", "missing": "red"}


def show_marksheet(sheet: Marksheet, out: Path, console: Console) -> None:
    """Print the table of one hand-in, its total, and where the files are."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{sheet.submission} · {sheet.title}", title_justify="left", expand=False)
    table.add_column("Question", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Awarded", justify="right", no_wrap=True)
    table.add_column("of", justify="right", no_wrap=True)
    table.add_column("Why", overflow="fold")
    for mark in sheet.marks:
        verdict = (mark.decision and mark.decision.verdict) or mark.evidence.verdict
        style = COLOURS.get(verdict, "magenta")
        if mark.awarded is None and verdict != "ungraded":
            style = "magenta"
        table.add_row(
            Text(mark.criterion),
            Text(
                f"{MARKS[verdict]} {verdict}"
                + (" by a person" if mark.decision else " → person" if mark.evidence.review else ""),
                style,
            ),
            Text(_marks(mark.awarded)),
            Text(_marks(mark.available)),
            Text(_why(mark)),
        )
    console.print(table)
    if sheet.deductions:
        console.print(f"Earned {_marks(sheet.awarded_so_far + sheet.deducted)} of {_marks(sheet.available)}.")
    for deduction in sheet.deductions:
        console.print(f"  {deduction.reason}: -{_marks(deduction.marks)}")
    waiting = [mark.criterion for mark in sheet.marks if mark.awarded is None]
    if waiting:
        open_marks = sum((mark.available for mark in sheet.marks if mark.awarded is None), Decimal(0))
        console.print(
            f"So far {_marks(sheet.awarded_so_far)} of {_marks(sheet.available)}; a person must still look at "
            f"{', '.join(waiting)} ({_marks(open_marks)} marks)."
        )
    elif sheet.review:
        console.print(f"So far {_marks(sheet.awarded_so_far)} of {_marks(sheet.available)}.")
    else:
        console.print(f"Total {_marks(sheet.awarded)} of {_marks(sheet.available)}.")
    if sheet.review:
        console.print(f"  a person must look: {sheet.review.reason}")
    for finding in sheet.findings:
        console.print(f"  note: {finding.message}")
    console.print(f"  {out / sheet.submission / 'marksheet.json'}\n  {out / sheet.submission / 'feedback.html'}")


def _marks(value: Decimal | None) -> str:
    return "–" if value is None else f"{value.normalize():f}"


def _why(mark: Mark) -> str:
    """Return a few words on why: what a person must decide, else what was found, else what was read."""
    evidence = mark.evidence
    findings = [finding for finding in evidence.findings if finding.audience == "student"]
    parts = [f"reading: {evidence.reading}"] if evidence.reading else []
    if evidence.review:
        parts.append(evidence.review.reason)
    elif evidence.verdict != "correct" and findings:
        parts.append(findings[0].message)
    else:
        parts.append(str(evidence.observed.get("text", "")))
        noted = sorted({finding.code.partition(".")[2].replace("_", " ") for finding in findings})
        parts += [f"noted: {', '.join(noted)}"] if noted and not evidence.reading else []
    return textwrap.shorten("; ".join(filter(None, parts)), 100, placeholder=" …")


def write_json(target: str, out: Path, students: Sequence[str]) -> None:
    """Write all marksheets as one JSON object to a file, or to standard output for ``-``."""
    import json

    from grader.batch.store import MARKSHEET
    from grader.codec import render_json, write_text

    found = [json.loads((out / student / MARKSHEET).read_text(encoding="utf-8")) for student in students]
    text = render_json({"schema": MARKSHEETS_SCHEMA, "marksheets": found})
    if target == "-":
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    else:
        write_text(Path(target), text)
