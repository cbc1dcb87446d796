"""Marks: Decimals, awarded against available, and the sheet that holds them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from grader.model.evidence import Evidence, Finding, Json

Status = Literal["final", "needs_review"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Marks for one criterion; ``awarded`` is None while it is undecided."""

    criterion: str
    title: str
    available: Decimal
    awarded: Decimal | None
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Marksheet:
    """All marks of one submission; the one source of every page, mail and export."""

    submission: str
    assignment: str
    title: str
    status: Status
    awarded: Decimal | None
    available: Decimal
    awarded_so_far: Decimal
    marks: tuple[Mark, ...]
    findings: tuple[Finding, ...] = ()
    environment: Mapping[str, Json] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    timing: Mapping[str, Json] = field(default_factory=dict)
