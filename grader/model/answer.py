"""What a student answered to one criterion, as read and not yet judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["given", "missing", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in a student's file: lines and pages count from 1, notebook cells from 0."""

    file: str
    line: int | None = None
    end_line: int | None = None
    page: int | None = None
    cell: int | None = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.page is not None:
            parts.append(f"page {self.page}")
        if self.cell is not None:
            parts.append(f"cell {self.cell}")
        if self.line is not None:
            last = f"-{self.end_line}" if self.end_line and self.end_line != self.line else ""
            parts.append(f"line {self.line}{last}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. ``text`` is raw (labels removed; ``$`` mathematics and ``~~`` strikes kept).

    ``written`` is the whole of it where ``text`` leaves out what is no answer, else "".
    ``extracted`` is True for text taken out of a PDF, whose mathematics has lost its shape (fractions, matrices).
    ``above`` is what stands under the question's own label before its parts: names and conventions, no answer.
    ``reason`` says, for staff, why a text is unreadable (a scan, a binary file, two contradicting answers).
    """

    question: str
    state: State
    text: str = ""
    location: Location | None = None
    machine_read: bool = False
    extracted: bool = False
    reason: str = ""
    written: str = ""
    above: str = ""

    @property
    def shown(self) -> str:
        """The student's own words, whole."""
        return self.written or self.text
