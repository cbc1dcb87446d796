"""Who is in the class: the ids of a roster, a CSV as learning platforms and spreadsheets write it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.errors import ConfigError, Problem

_MOST_BYTES = 20_000_000
_JOINERS = "\u200c\u200d"
# What the column of ids is called, without case, spaces and signs; the first of these that a file has is taken. Canvas
# has "ID" (its own number) beside "SIS User ID", and a person's name below "Student".
_NAMES = ("studentid", "studentnumber", "sisuserid", "sisid", "idnumber", "id", "username", "identifier", "student",
          "شمارهدانشجویی", "شمارهدانشجو", "کدملی")  # fmt: skip


def load_roster(path: Path) -> tuple[str, ...]:
    """Return the students' ids in the file's order; nothing else of it is kept.

    Commas, semicolons or tabs; UTF-8 or UTF-16 with a byte-order mark; a head line with a column of ids, or one column
    without a head line. Persian and Arabic digits become ASCII, since folder names are written so. Raises ConfigError
    with every problem.
    """
    rows = list(read_rows(path))
    if not rows:
        raise ConfigError([Problem(file=str(path), message="holds no student")])
    column, first = _find_column(path, rows)
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for line, row in rows[first:]:
        student = normalise_id(row[column]) if column < len(row) else ""
        if not student:
            problems.append(Problem(file=str(path), line=line, message="has no id in this line"))
        elif student in seen:
            problems.append(Problem(file=str(path), line=line, message=f"the id stands in line {seen[student]} too"))
        seen.setdefault(student, line)
    if problems:
        raise ConfigError(problems)
    if not seen:
        raise ConfigError([Problem(file=str(path), line=rows[0][0], message="holds no student below this line")])
    return tuple(seen)


def normalise_id(text: str) -> str:
    """Return an id with ASCII digits, and without spaces around it or signs that nobody sees.

    The joiners of Persian spelling stay within a word, as they do in the names of folders.
    """
    kept = (char for char in text if char in _JOINERS or unicodedata.category(char) not in ("Cc", "Cf"))
    shown = "".join(kept).strip().strip(_JOINERS).strip()
    return "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in shown)


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) of every row that is not empty, with the line that it begins in."""
    text = _read_text(path)
    head = re.sub('"[^"]*"', "", next(iter(text.lstrip("\r\n ").splitlines()), ""))
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:  # a quote that is never closed, for one: it would swallow the students after it
        raise ConfigError([Problem(file=str(path), line=line, message=f"is no CSV: {error}")]) from None


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError([Problem(file=str(path), message=f"is larger than {_MOST_BYTES} bytes")])
        data = path.read_bytes()
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(file=str(path), message=f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8"
        raise ConfigError([Problem(file=str(path), message=f"is not UTF-8 at byte {error.start}", hint=hint)]) from None


def _find_column(path: Path, rows: Sequence[tuple[int, list[str]]]) -> tuple[int, int]:
    """Return the column of ids, and the row of the first student."""
    line, head = rows[0]
    names = ["".join(char for char in cell.casefold() if char.isalnum()) for cell in head]
    for name in _NAMES:
        if name in names:
            return names.index(name), 1
    if all(len(row) == 1 for _, row in rows):
        return 0, 0
    hint = f"call it one of: {', '.join(_NAMES[:9])}"
    raise ConfigError([Problem(file=str(path), line=line, message="no column holds the students' ids", hint=hint)])
