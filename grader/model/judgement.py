"""What a course's own check reports of one criterion: a result for each of the rubric's points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from grader.model.evidence import Finding, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class PointResult:
    """What came out for one point of a criterion.

    ``share`` is the part of the point's credit that was earned (0..1), None where it could not be judged and the
    student is not to blame. ``saw`` says in a few words what was observed.
    """

    point: str
    share: Decimal | None
    saw: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All points of a criterion, and what belongs to none of them.

    ``missing`` says that nothing of what was asked is in the notebook. ``review`` says why a person should look.
    ``confirmed`` says that what earned credit was worked out anew outside the notebook's process, and agreed.
    ``observed`` and ``expected`` use the keys of ``Evidence``.
    """

    results: tuple[PointResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    observed: Mapping[str, Json] = field(default_factory=dict)
    expected: Mapping[str, Json] = field(default_factory=dict)
    missing: bool = False
    review: str = ""
    confirmed: bool = False
