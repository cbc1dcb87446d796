"""What a hand-in was found to be worth before marks are spoken of: the part that is stored and marked again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.model.evidence import Evidence, Finding, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Evidence for every criterion of one submission, with what it was made with.

    ``submission`` is the student's id and ``digest`` the submission's. ``fault`` is True where our side failed: then
    this must not be taken for the last word. ``notebook_seconds`` is for the timing object only.
    """

    submission: str
    digest: str
    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...] = ()
    environment: Mapping[str, Json] = field(default_factory=dict)
    fault: bool = False
    notebook_seconds: float = 0.0
