"""What a person decided about one criterion of one hand-in, or about when it was handed in."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from grader.model.evidence import Verdict

SUBMITTED_AT = "submitted_at"
"""Stands in the place of a criterion where the moment of handing in was decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One line of the moderation file.

    ``id`` names the line, ``at`` is ISO 8601, ``who`` the assistant. ``seen`` is the digest of the evidence that the
    person looked at (``grader.marking.digest_evidence``). Decided is ``verdict`` with ``marks``, or with ``credit``
    (0..1) where ``marks`` is None; for SUBMITTED_AT it is ``moment``, ISO 8601 with its zone. ``comment`` is for the
    student, ``reason`` for staff. ``replaces`` is the id of the line before it on the same student and criterion, ""
    for the first. ``undo`` takes back the line that it replaces. ``group`` names the decisions that were made as one.
    """

    id: str
    at: str
    who: str
    student: str
    criterion: str
    seen: str = ""
    verdict: Verdict | None = None
    credit: Decimal | None = None
    marks: Decimal | None = None
    moment: str = ""
    comment: str = ""
    reason: str = ""
    group: str = ""
    replaces: str = ""
    undo: bool = False
