"""A person's decision on top of the machine's verdict: pure; what the machine said is never erased."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from grader.codec import pack_json
from grader.marking.award import round_marks
from grader.model import SUBMITTED_AT, Decision, Evidence, Mark, Submission
from grader.model.moment import find_moment

# What a person looks at to decide. Where an answer stands and how a table is drawn may change with the grader.
_LOOKED_AT = ("text", "answer", "latex")


def digest_evidence(evidence: Evidence, handed_in: str) -> str:
    """Return the sha256 of what a decision rests on: the answer, its reading, the verdict and the credit.

    ``handed_in`` is the submission's digest, which stands in for an answer that the evidence does not quote.
    """
    review = evidence.review
    suggested = None if review is None else [review.suggested_verdict, _show(review.suggested_credit)]
    answer = {key: evidence.observed[key] for key in _LOOKED_AT if key in evidence.observed}
    if not answer.get("answer"):
        answer["handed_in"] = handed_in
    codes = sorted({finding.code for finding in evidence.findings})
    parts = [evidence.criterion, evidence.verdict, _show(evidence.credit), evidence.reading, suggested, answer, codes]
    return hashlib.sha256(pack_json(parts)).hexdigest()


def digest_moment(handed_in: str) -> str:
    """Return the sha256 of what a decision on the moment of handing in rests on: the files, by their digest."""
    return hashlib.sha256(pack_json([SUBMITTED_AT, handed_in])).hexdigest()


def apply_decision(mark: Mark, decision: Decision | None, handed_in: str) -> Mark:
    """Return the mark as a person decided; where the evidence is not what was seen, the mark waits (again).

    A stale decision is not applied and is kept in ``earlier``; where the grader by now gives the same marks by itself
    (it has learned the answer), nobody must look again. Marks are rounded half up, and never more than available.
    """
    if decision is None:
        return mark
    marks = decision.marks if decision.marks is not None else (decision.credit or Decimal(0)) * mark.available
    awarded = min(max(round_marks(marks), Decimal(0)), mark.available)
    if decision.seen != digest_evidence(mark.evidence, handed_in):
        return replace(mark, awarded=awarded if mark.awarded == awarded else None, earlier=decision)
    return replace(mark, awarded=awarded, decision=decision)


def apply_moment(submission: Submission, decisions: Mapping[str, Decision]) -> Submission:
    """Return the submission with the moment that a person decided, where nothing better is known of the same files."""
    decision = decisions.get(SUBMITTED_AT)
    if decision is None or find_moment(submission.submitted_at) or decision.seen != digest_moment(submission.digest):
        return submission
    return replace(submission, submitted_at=decision.moment, time_source="list")


def _show(credit: Decimal | None) -> str | None:
    return None if credit is None else f"{Decimal(str(float(credit))).normalize():f}"
