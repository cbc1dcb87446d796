"""What every kind says of an answer before it is judged: not handed in, not readable, nothing left to read."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from grader.documents.wording import one_line, to_plain
from grader.model import Answer, Evidence, Finding, Json, Review

MAX_SHOWN = 2_000


def build_shown(answer: Answer) -> dict[str, Json]:
    """Return the student's own words and their place, for ``Evidence.observed``."""
    location = {"location": str(answer.location)} if answer.location else {}
    return {"answer": answer.text[:MAX_SHOWN], **location}


def find_absent(kind: str, criterion: str, answer: Answer, limit: int) -> Evidence | None:
    """Return the evidence for an answer that is missing, unreadable or longer than ``limit``, None for one to judge."""
    if answer.state == "missing":
        return build_missing(kind, criterion, answer, (), "No answer was found for this part.")
    too_long = len(answer.text) > limit
    if answer.state == "unreadable" or too_long:
        reason = f"The answer has more than {limit} characters." if too_long else "The answer could not be read."
        review = Review(reason=answer.reason or reason)
        return Evidence(
            criterion=criterion,
            verdict="unreadable",
            credit=None,
            observed=build_shown(answer),
            review=review,
            provenance=kind,
        )
    return None


def build_missing(
    kind: str, criterion: str, answer: Answer, findings: Sequence[Finding], message: str = ""
) -> Evidence:
    """Return the evidence for a text that holds no answer: all struck out, or all addressed to the grader."""
    finding = Finding(code=f"{kind}.missing", message=message or "Nothing in this part answers the question.")
    observed = {**build_shown(answer), "text": one_line(to_plain(answer.text))} if answer.text else {}
    return Evidence(
        criterion=criterion,
        verdict="missing",
        credit=Decimal(0),
        observed=observed,
        findings=(*findings, finding),
        provenance=kind,
    )


def build_addressed(kind: str) -> Finding:
    """Return the note to staff about text that speaks to the grader."""
    message = "Part of the text speaks to the grader; it was not counted."
    return Finding(code=f"{kind}.addressed_to_grader", audience="staff", message=message)
