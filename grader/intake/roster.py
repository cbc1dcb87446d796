"""Who is in the class: a CSV as learning platforms and spreadsheets write it, or with the columns of our own."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from grader.errors import ConfigError, Problem

_MOST_BYTES = 20_000_000
_JOINERS = "\u200c\u200d"
# What the column of ids is called, without case, spaces and signs; the first of these that a file has is taken. Canvas
# has "ID" (its own number) beside "SIS User ID", and a person's name below "Student".
_NAMES = ("studentid", "studentnumber", "sisuserid", "sisid", "idnumber", "id", "username", "identifier", "student",
          "شمارهدانشجویی", "شمارهدانشجو", "کدملی")  # fmt: skip


# By what else a hand-in may name its student, what is known of a student besides, and what these columns are called.
KEYS = ("github", "email", "canvas_id", "moodle_id", "name")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "github": ("github", "githublogin", "githubusername"),
    "email": ("email", "emailaddress", "mail", "ایمیل"),
    "canvas_id": ("canvasid", "canvasuserid"),
    "moodle_id": ("moodleid", "identifier"),
    "name": ("name", "fullname", "studentname", "نام", "نامونامخانوادگی"),
    "section": ("section", "بخش"),
    "group": ("group", "groupname", "team", "گروه"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """One row; ``fields`` has what stands in the columns that are known, by their names here."""

    student_id: str
    line: int
    fields: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Roster:
    """The class, in the file's order."""

    file: str
    students: tuple[Student, ...]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Everybody's id."""
        return tuple(student.student_id for student in self.students)

    @cached_property
    def sections(self) -> Mapping[str, str]:
        """Everybody's section, by id; empty where the file has none."""
        return {item.student_id: item.fields["section"] for item in self.students if "section" in item.fields}

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The members' ids of each group."""
        found: dict[str, tuple[str, ...]] = {}
        for item in self.students:
            if group := item.fields.get("group"):
                found[group] = (*found.get(group, ()), item.student_id)
        return found

    def find(self, column: str, value: str) -> str | None:
        """Return the id of the one student who has ``value`` in ``column`` ("" for any that names people)."""
        if column == "":
            return next((found for name in ("student_id", *KEYS) if (found := self.find(name, value))), None)
        return self._index.get((column, _fold(value)))

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], str]:
        pairs = [(name, _fold(value), item.student_id) for item in self.students for name, value in _list_keys(item)]
        count = Counter((name, value) for name, value, _ in pairs)
        return {(name, value): student for name, value, student in pairs if value and count[name, value] == 1}

    def find_group(self, value: str) -> str | None:
        """Return the group's name as the file writes it."""
        return next((name for name in self.groups if _fold(name) == _fold(value)), None)


def _list_keys(student: Student) -> Iterator[tuple[str, str]]:
    yield "student_id", student.student_id
    yield from ((name, student.fields[name]) for name in KEYS if name in student.fields)


def _fold(value: str) -> str:
    """Return a value as it is compared: without regard to case, or to how many spaces stand in a name."""
    return " ".join(normalise_id(unicodedata.normalize("NFKC", value)).casefold().split())


def load_roster(path: Path) -> Roster:
    """Return the roster in the file at ``path``: a column of ids, and those of ``_COLUMNS`` that it has.

    Commas, semicolons or tabs; UTF-8 or UTF-16 with a byte-order mark; a head line with a column of ids, or one column
    without a head line. Persian and Arabic digits become ASCII, since folder names are written so. Raises ConfigError
    with every problem.
    """
    rows = list(read_rows(path))
    if not rows:
        raise ConfigError([Problem(file=str(path), message="holds no student")])
    column, first = _find_column(path, rows)
    others = _find_others(rows[0][1]) if first else {}
    students = [_read_student(line, row, column, others) for line, row in rows[first:]]
    problems = [Problem(file=str(path), line=line, message=text) for line, text in sorted(_list_problems(students))]
    if problems:
        raise ConfigError(problems)
    if not students:
        raise ConfigError([Problem(file=str(path), line=rows[0][0], message="holds no student below this line")])
    return Roster(file=str(path), students=tuple(students))


def _read_student(line: int, row: Sequence[str], column: int, others: Mapping[str, int]) -> Student:
    cells = [*row, *[""] * (max((column, *others.values())) + 1 - len(row))]
    fields = {name: normalise_id(cells[place]) for name, place in others.items()}
    if "moodle_id" in fields:  # as "Participant 101"
        fields["moodle_id"] = fields["moodle_id"].rpartition(" ")[2]
    return Student(student_id=normalise_id(cells[column]), line=line, fields=fields)


def _list_problems(students: Sequence[Student]) -> Iterator[tuple[int, str]]:
    """Yield (line, what is wrong) for ids that are missing or doubled, and for other keys of two students."""
    seen: dict[tuple[str, str], int] = {}
    for student in students:
        if not student.student_id:
            yield student.line, "has no id in this line"
        elif "/" in student.student_id or student.student_id.startswith("."):
            yield student.line, "the id has a slash or begins with a dot, and no folder can be named so"
        for name, value in _list_keys(student):
            key = (name, value if name == "student_id" else _fold(value))
            if name == "name" or not key[1]:
                continue
            if key in seen:
                yield student.line, f"the {'id' if name == 'student_id' else name} stands in line {seen[key]} too"
            seen.setdefault(key, student.line)


def _find_others(head: Sequence[str]) -> dict[str, int]:
    """Return the places of the other columns that are known; Canvas calls its own number "ID"."""
    names = [_plain(cell) for cell in head]
    found = {}
    for column, known in _COLUMNS.items():
        canvas = ("id",) if column == "canvas_id" and "sisuserid" in names else ()
        place = next((names.index(name) for name in (*known, *canvas) if name in names), None)
        if place is not None:
            found[column] = place
    return found


def _plain(cell: str) -> str:
    return "".join(char for char in cell.casefold() if char.isalnum())


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
    names = [_plain(cell) for cell in head]
    for name in _NAMES:
        if name in names:
            return names.index(name), 1
    if all(len(row) == 1 for _, row in rows):
        return 0, 0
    hint = f"call it one of: {', '.join(_NAMES[:9])}"
    raise ConfigError([Problem(file=str(path), line=line, message="no column holds the students' ids", hint=hint)])
