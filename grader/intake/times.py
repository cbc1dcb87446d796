"""When each hand-in was handed in, as the teacher lists it: a CSV of ``student_id`` and ``submitted_at``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from grader.errors import ConfigError, Problem
from grader.intake.roster import normalise_id, read_rows
from grader.model.moment import EXAMPLE, parse_moment

_STUDENT, _TIME = "student_id", "submitted_at"


def load_times(path: Path) -> dict[str, str]:
    """Return by student when the hand-in came, as the list writes it (ISO 8601 with a zone).

    A line without a time is of somebody who handed nothing in, as learning platforms write it. Raises ConfigError with
    every problem. A time without a zone is one: whose noon it is must not be guessed where marks hang on it.
    """
    rows = list(read_rows(path))
    student, time = _find_columns(path, rows)
    problems: list[Problem] = []
    times: dict[str, str] = {}
    for line, name, text in _list_cells(rows, student, time):
        message, hint = _find_fault(name, text, times)
        if message:
            problems.append(Problem(file=str(path), line=line, message=message, hint=hint))
        elif text:
            times[name] = text
    if problems:
        raise ConfigError(problems)
    return times


def check_times(path: Path, known: Collection[str]) -> None:
    """Raise ConfigError for everybody in the list at ``path`` who is not ``known``: a misspelt id would go unseen."""
    rows = list(read_rows(path))
    student, time = _find_columns(path, rows)
    problems = [
        Problem(file=str(path), line=line, message=f"{name} is neither a hand-in nor on the roster")
        for line, name, text in _list_cells(rows, student, time)
        if text and name not in known
    ]
    if problems:
        raise ConfigError(problems)


def _find_columns(path: Path, rows: Sequence[tuple[int, list[str]]]) -> tuple[int, int]:
    head = [cell.strip().casefold() for cell in rows[0][1]] if rows else []
    if missing := [name for name in (_STUDENT, _TIME) if name not in head]:
        message = f"has no column {' and no column '.join(missing)}"
        hint = f"the first line is {_STUDENT},{_TIME}"
        raise ConfigError([Problem(file=str(path), line=rows[0][0] if rows else None, message=message, hint=hint)])
    return head.index(_STUDENT), head.index(_TIME)


def _list_cells(rows: Sequence[tuple[int, list[str]]], student: int, time: int) -> Iterator[tuple[int, str, str]]:
    """Yield (line, id, time) of every row below the head line; "" for a cell that is not there."""
    for line, row in rows[1:]:
        cells = [*row, *[""] * max(0, max(student, time) + 1 - len(row))]
        yield line, normalise_id(cells[student]), cells[time].strip()


def _find_fault(name: str, text: str, times: Mapping[str, str]) -> tuple[str, str]:
    """Return what is wrong with a line and a hint, both "" where nothing is."""
    if not name:
        return "has no id in this line", ""
    if name in times:
        return f"{name} stands twice", "which time counts?"
    if text:
        try:
            parse_moment(text)
        except ValueError as error:
            return f"{text!r} {error}", f"write it as {EXAMPLE}"
    return "", ""
