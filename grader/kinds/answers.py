"""What every kind says of an answer before it is judged: not handed in, not readable, nothing left to read."""

from __future__ import annotations

from decimal import Decimal

from grader.documents.wording import one_line, to_plain
from grader.model import Answer, Evidence, Finding, Json, Review

MAX_SHOWN = 2_000


def build_shown(answer: Answer) -> dict[str, Json]:
    """Return the student's own words and their place, for ``Evidence.observed``."""
    location = {"location": str(answer.location)} if answer.location else {}
    return {"answer": answer.shown[:MAX_SHOWN], **location}


def find_absent(kind: str, criterion: str, answer: Answer, limit: int) -> Evidence | None:
    """Return the evidence for an answer that is missing, unreadable or longer than ``limit``, None for one to judge."""
    if answer.state == "missing":
        return build_missing(kind, criterion, answer, "No answer was found for this part.")
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


def build_missing(kind: str, criterion: str, answer: Answer, message: str = "") -> Evidence:
    """Return the evidence for a text that holds no answer: all struck out, or nothing but the question."""
    finding = Finding(code=f"{kind}.missing", message=message or "Nothing in this part answers the question.")
    observed = {**build_shown(answer), "text": one_line(to_plain(answer.shown))} if answer.shown else {}
    return Evidence(
        criterion=criterion,
        verdict="missing",
        credit=Decimal(0),
        observed=observed,
        findings=(finding,),
        provenance=kind,
    )
