"""Presence questions: is there an answer, and can it be read? What it says is not judged.

For students' own CI, which holds no key (see delivery/ci/bundle.py), and for parts that staff mark by hand elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.kinds.base import STRICT, Context, Kind
from grader.model import Answer, Evidence, Finding, Review

PRESENCE = "presence"
"""Provenance of a credit that says no more than that an answer is there."""
_SAYS_SOMETHING = re.compile(r"[^\W_]")
_PLACEHOLDER = re.compile(r"\W*(?:todo|tbd|to do|your answer(?: here)?|answer here|xxx+|پاسخ)\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceQuestion:
    """A part that must be there."""

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["presence"]
    # What to do where nothing was found, as a student reads it.
    next: str = "Begin the answer on a line of its own with its number and letter, such as `2b)`."


def check_presence(criterion: str, question: PresenceQuestion, answer: Answer, context: Context) -> Evidence:
    """Return full credit for an answer that is there and can be read, whatever it says."""
    if answer.state == "unreadable":
        return Evidence(
            criterion=criterion,
            verdict="unreadable",
            credit=None,
            observed={"text": "something is there, but it could not be read", "answer": answer.shown},
            findings=(Finding(code="presence.unreadable", message=f"This part could not be read: {answer.reason}."),),
            review=Review(reason=answer.reason or "the answer could not be read"),
        )
    if answer.state == "missing" or _is_blank(answer.shown):
        blank = answer.state == "given"
        return Evidence(
            criterion=criterion,
            verdict="missing",
            credit=Decimal(0),
            observed={"text": "its place is empty" if blank else "not found", "next": question.next},
        )
    findings = (
        Finding(
            code="presence.from_pdf",
            message="This was read from a PDF, whose text does not keep the shape of formulas. Hand in the source "
            "(Word, Markdown, LaTeX) beside it if you have it.",
        ),
    )
    return Evidence(
        criterion=criterion,
        verdict="correct",
        credit=Decimal(1),
        observed={"text": "found", "answer": answer.shown},
        findings=findings if answer.extracted else (),
        provenance=PRESENCE,
    )


def _is_blank(text: str) -> bool:
    """Return whether nothing was said: no letter, no digit, or a placeholder alone."""
    return not _SAYS_SOMETHING.search(text) or (len(text) < 60 and _PLACEHOLDER.fullmatch(text) is not None)


KIND = Kind(name="presence", question=PresenceQuestion, check=check_presence)
