"""Evidence to marks. Pure: no files, no clock; Decimals only, rounded half up once per criterion."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from grader.model import Deduction, Evidence, Mark, Status

CENT = Decimal("0.01")


def round_marks(value: Decimal) -> Decimal:
    """Return marks rounded half up to two decimals."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def award_mark(*, title: str, available: Decimal, evidence: Evidence) -> Mark:
    """Return the mark for one criterion: credit times available, or None while a person must decide."""
    awarded = None
    if evidence.decided and evidence.credit is not None:
        awarded = min(round_marks(evidence.credit * available), available)
    return Mark(criterion=evidence.criterion, title=title, available=available, awarded=awarded, evidence=evidence)


def add_marks(marks: Iterable[Mark]) -> Decimal:
    """Return the sum of what is awarded, before anything is taken off."""
    return sum((mark.awarded for mark in marks if mark.awarded is not None), Decimal(0))


def total(
    marks: Iterable[Mark], deductions: Iterable[Deduction] = (), *, waits: bool = False
) -> tuple[Status, Decimal | None, Decimal]:
    """Return status, total (None while anything is undecided, or the sheet ``waits``) and the sum so far."""
    marks = tuple(marks)
    so_far = add_marks(marks) - sum((item.marks for item in deductions), Decimal(0))
    undecided = waits or any(mark.awarded is None for mark in marks)
    return ("needs_review", None, so_far) if undecided else ("final", so_far, so_far)
