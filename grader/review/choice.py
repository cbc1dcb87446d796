"""What somebody chose, read from a form: a verdict with marks or credit, or the moment of handing in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from grader.batch.moderation import WHOLE, new_decision, settle_verdict
from grader.batch.waiting import Item
from grader.model import DECIDED, SUBMITTED_AT, Decision
from grader.model.moment import find_moment

LONGEST = 4_000


class ChoiceError(ValueError):
    """What was chosen is no decision: a sentence for the person who chose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One choice, for one answer or for a group. ``verdict`` "suggested" takes each answer's own suggestion."""

    verdict: str
    marks: Decimal | None = None
    moment: str = ""
    comment: str = ""
    reason: str = ""

    def decide(self, who: str, item: Item, group: str) -> Decision:
        """Return the decision on an item as it was seen. Raises ChoiceError where the choice does not fit it.

        ``group`` names the decisions that are made as one.
        """
        fields = self._find_fields(item)
        decision = new_decision(
            who, item.student, item.criterion, seen=item.seen, replaces=item.head, group=group, **fields
        )
        return settle_verdict(decision, item.mark.available) if item.mark else decision

    def _find_fields(self, item: Item) -> dict[str, Any]:
        said = {"comment": self.comment, "reason": self.reason}
        if item.criterion == SUBMITTED_AT:
            return {**said, "moment": self.moment}
        if self.verdict == "suggested":
            review = item.review
            if review is None or review.suggested_verdict not in DECIDED:
                raise ChoiceError("The grader suggests nothing here.")
            credit = review.suggested_credit
            credit = WHOLE.get(review.suggested_verdict) if credit is None else credit
            if credit is None:
                raise ChoiceError("The grader suggests no marks here: choose how many.")
            return {**said, "verdict": review.suggested_verdict, "credit": credit}
        if self.verdict in WHOLE:
            return {**said, "verdict": self.verdict, "credit": WHOLE[self.verdict]}
        if item.mark is not None and self.marks is not None and self.marks > item.mark.available:
            raise ChoiceError(f"There are {item.mark.available} marks here, not {self.marks}.")
        return {**said, "verdict": "partial", "marks": self.marks}


def read_choice(form: Mapping[str, str]) -> Choice:
    """Return what a form says. Raises ChoiceError where it says nothing that could be decided."""
    comment, reason = (" ".join(form.get(name, "").split()) for name in ("comment", "reason"))
    if max(len(comment), len(reason)) > LONGEST:
        raise ChoiceError(f"A comment or a reason is longer than {LONGEST} characters.")
    verdict = form.get("verdict", "")
    if verdict == "moment":
        moment = form.get("moment", "").strip()
        if not find_moment(moment):
            raise ChoiceError("Write when it was handed in, with its zone: 2026-12-01T23:59:00+03:30")
        return Choice(verdict=verdict, moment=moment, comment=comment, reason=reason)
    if verdict == "partial":
        return Choice(verdict=verdict, marks=_read_marks(form.get("marks", "")), comment=comment, reason=reason)
    if verdict not in (*WHOLE, "suggested"):
        raise ChoiceError("Choose a verdict.")
    return Choice(verdict=verdict, comment=comment, reason=reason)


def _read_marks(text: str) -> Decimal:
    try:
        marks = Decimal(text.strip().replace(",", ".").replace("٫", "."))
    except InvalidOperation:
        raise ChoiceError("Write how many marks: 2.5") from None
    if not marks.is_finite() or marks < 0:
        raise ChoiceError("Marks are 0 or more.")
    return marks
