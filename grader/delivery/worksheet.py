"""A CSV file of somebody else's in which single cells are changed, and every other byte stays as it is."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from grader.errors import ConfigError, Problem

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ENCODINGS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_MOST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its value, and where it stands in the text, quotes included."""

    value: str
    start: int
    end: int


class Worksheet:
    """The rows of a CSV file; ``set`` notes a change, ``render`` gives the file's bytes with all of them."""

    def __init__(self, path: Path) -> None:
        """Read the file: UTF-8 or UTF-16 with a mark; commas, semicolons or tabs. Raises ConfigError."""
        self.path = path
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ConfigError([Problem(file=str(path), message=f"is larger than {_MOST_BYTES} bytes")])
            data = path.read_bytes()
        except OSError as error:
            raise ConfigError([Problem(file=str(path), message=f"cannot be read: {error.strerror}")]) from None
        self._mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
        self._encoding = _ENCODINGS.get(self._mark, "utf-8")
        try:
            self._text = data[len(self._mark) :].decode(self._encoding)
        except UnicodeDecodeError as error:
            message = f"is not {self._encoding.upper()} at byte {error.start}"
            raise ConfigError([Problem(file=str(path), message=message, hint="save it as UTF-8")]) from None
        head = re.sub('"[^"]*"', "", self._text.split("\n", 1)[0])
        self.delimiter = max(",;\t", key=head.count)
        self.rows = [row for row in self._parse() if any(cell.value.strip() for cell in row)]
        self._changes: dict[Cell, str] = {}
        if not self.rows:
            raise ConfigError([Problem(file=str(path), message="holds no row")])

    @property
    def head(self) -> list[str]:
        """The titles of the columns."""
        return [cell.value.strip() for cell in self.rows[0]]

    def set(self, cell: Cell, value: str) -> None:
        """Give a cell another value."""
        self._changes[cell] = value

    def render(self) -> bytes:
        """Return the file with the changes."""
        parts, place = [], 0
        for cell, value in sorted(self._changes.items(), key=lambda item: item[0].start):
            old = self._text[cell.start : cell.end]
            quoted = old.startswith('"') or re.search(f'[{self.delimiter}"\r\n]|^\\s|\\s$', value) is not None
            parts += [self._text[place : cell.start], '"{}"'.format(value.replace('"', '""')) if quoted else value]
            place = cell.end
        return self._mark + "".join([*parts, self._text[place:]]).encode(self._encoding)

    def _parse(self) -> list[list[Cell]]:
        """Return every row (RFC 4180). Raises ConfigError for a quote that is never closed."""
        text, delimiter = self._text, self.delimiter
        plain = re.compile(f"[^{delimiter}\r\n]*")
        rows: list[list[Cell]] = []
        row: list[Cell] = []
        place = 0
        while place <= len(text):
            start = place
            if text.startswith('"', place):
                place = self._skip_quoted(place)
            place = max(place, plain.match(text, place).end())  # type: ignore[union-attr]  # it matches always
            raw = text[start:place]
            value = raw[1:-1].replace('""', '"') if len(raw) > 1 and raw[0] == raw[-1] == '"' else raw
            row.append(Cell(value, start, place))
            if text.startswith(delimiter, place):
                place += 1
                continue
            rows.append(row)
            row = []
            place += 2 if text.startswith("\r\n", place) else 1
        return rows

    def _skip_quoted(self, place: int) -> int:
        line = self._text.count("\n", 0, place) + 1
        while True:
            place = self._text.find('"', place + 1)
            if place < 0:
                raise ConfigError([Problem(file=str(self.path), line=line, message="a quote here is never closed")])
            if not self._text.startswith('"', place + 1):
                return place + 1
            place += 1
