"""What a document is made of once it is read: blocks of raw text with their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.model import Finding, Location

BlockKind = Literal["heading", "text", "formula", "list", "table", "code", "image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file and its number, counted from 1; HTML may make several lines of one."""

    text: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a document, raw: ``$`` mathematics and ``~~`` strikes are kept in its lines."""

    kind: BlockKind
    lines: tuple[Line, ...]
    location: Location

    @property
    def text(self) -> str:
        """The block's lines as one text."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file as read. ``unreadable`` says why nothing could be read (a scan, not text), else it is empty.

    ``template`` is True for a notebook, most of whose text is not the student's: there only text under a label is an
    answer, and text without one says nothing. ``extracted`` is True for text taken out of a PDF: its mathematics lost
    its shape (a fraction, an exponent). ``pages`` counts the pages that can be drawn for a person.
    ``partly`` says what of the file was not read: answers that are not found may stand there.
    """

    file: str
    blocks: tuple[Block, ...] = ()
    machine_read: bool = False
    template: bool = False
    extracted: bool = False
    pages: int = 0
    unreadable: str = ""
    partly: str = ""
    findings: tuple[Finding, ...] = ()
