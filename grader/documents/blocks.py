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
    answer, and text without one says nothing.
    """

    file: str
    blocks: tuple[Block, ...] = ()
    machine_read: bool = False
    template: bool = False
    unreadable: str = ""
    findings: tuple[Finding, ...] = ()
