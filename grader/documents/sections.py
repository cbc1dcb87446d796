"""From documents to labelled passages: "Q2", "b)" and what stands under them.

This module knows how people label their answers; it does not know what the questions are about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from grader.model import Finding, Location, State

BlockKind = Literal["heading", "text", "formula", "list", "table", "code", "image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a document, raw: ``$`` mathematics and ``~~`` strikes are kept in ``text``."""

    kind: BlockKind
    text: str
    location: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file as read. ``unreadable`` says why nothing could be read (a scan, not text), else it is empty."""

    file: str
    blocks: tuple[Block, ...] = ()
    machine_read: bool = False
    unreadable: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of an answer on the sheet: question 2, part "b" (part "" for a question without parts)."""

    question: int
    part: str = ""
    title: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What was found at a place; the fields are those of an Answer without its question."""

    state: State
    text: str = ""
    location: Location | None = None
    machine_read: bool = False
    reason: str = ""


def find_passages(documents: Sequence[Document], wanted: Sequence[Place]) -> Mapping[Place, Passage]:
    """Return a passage for every wanted place (state ``missing`` where nothing stands under its label)."""
    raise NotImplementedError
