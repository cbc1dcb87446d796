"""Marks: Decimals, awarded against available, and the sheet that holds them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from grader.model.decision import SUBMITTED_AT, Decision
from grader.model.evidence import Evidence, Finding, Json, Review

Status = Literal["final", "needs_review"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Marks for one criterion; ``awarded`` is None while it is undecided.

    ``decision`` is a person's, which ``awarded`` comes from where there is one. ``earlier`` is one that was made on
    other evidence: it does not count, and a person must look again.
    """

    criterion: str
    title: str
    available: Decimal
    awarded: Decimal | None
    evidence: Evidence
    decision: Decision | None = None
    earlier: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """Marks taken off the sum of a sheet, and the words that say why; ``marks`` is never more than there was."""

    code: str
    reason: str
    marks: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Marksheet:
    """All marks of one submission; the one source of every page, mail and export.

    ``awarded`` (None while something waits) and ``awarded_so_far`` are what the marks come to after ``deductions``.
    ``review`` says why a person must look at the sheet as a whole. ``submitted_at`` is when it was handed in, None
    where nobody asks or nobody knows; ``moment`` is the person's decision that says so.
    """

    submission: str
    assignment: str
    title: str
    status: Status
    awarded: Decimal | None
    available: Decimal
    awarded_so_far: Decimal
    marks: tuple[Mark, ...]
    deductions: tuple[Deduction, ...] = ()
    review: Review | None = None
    submitted_at: str | None = None
    moment: Decision | None = None
    findings: tuple[Finding, ...] = ()
    environment: Mapping[str, Json] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    timing: Mapping[str, Json] = field(default_factory=dict)

    @property
    def deducted(self) -> Decimal:
        """The marks that all deductions take off together."""
        return sum((item.marks for item in self.deductions), Decimal(0))

    @property
    def waiting(self) -> tuple[str, ...]:
        """What a person must decide: criteria by id, and ``submitted_at`` where the sheet as a whole waits for that."""
        criteria = tuple(mark.criterion for mark in self.marks if mark.awarded is None)
        return (*criteria, SUBMITTED_AT) if self.review else criteria
