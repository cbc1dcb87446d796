"""What was found out about one criterion: a verdict with its reasons, before any marks are spoken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Verdict = Literal["correct", "partial", "wrong", "missing", "unreadable", "ungraded"]
Audience = Literal["student", "staff"]

# JSON values only (str, int, float, bool, None, list, dict): evidence is stored, compared and rendered.
Json = Any

DECIDED: frozenset[str] = frozenset({"correct", "partial", "wrong", "missing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One observation with a stable code (``formula.missing_transpose``) and a sentence for its audience."""

    code: str
    message: str
    audience: Audience = "student"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Why a person should decide or confirm, and what the grader would suggest."""

    reason: str
    suggested_verdict: Verdict | None = None
    suggested_credit: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A verdict on one criterion with everything that it rests on.

    ``credit`` (0..1) is None exactly when no fair decision was possible (unreadable, ungraded). ``reading`` names the
    accepted interpretation that matched. ``observed`` and ``expected`` are JSON objects; the keys that the feedback
    knows are listed in ``grader/kinds/base.py``.
    """

    criterion: str
    verdict: Verdict
    credit: Decimal | None
    reading: str | None = None
    observed: Mapping[str, Json] = field(default_factory=dict)
    expected: Mapping[str, Json] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    review: Review | None = None
    provenance: str = ""

    def __post_init__(self) -> None:
        undecidable = self.verdict in ("unreadable", "ungraded")
        if undecidable != (self.credit is None):
            raise ValueError(f"{self.criterion}: credit {self.credit} does not go with verdict {self.verdict}")
        if self.credit is not None and not 0 <= self.credit <= 1:
            raise ValueError(f"{self.criterion}: credit {self.credit} is not between 0 and 1")

    @property
    def decided(self) -> bool:
        """True when marks may be awarded without a person."""
        return self.verdict in DECIDED and self.review is None
