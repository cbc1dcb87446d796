"""What a student handed in, before anybody has read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.model.evidence import Finding

Media = Literal["markdown", "text", "notebook", "html", "pdf", "docx", "image", "other"]

# Who says when it was handed in: the learning platform, the teacher's list, or the student's own last commit.
TimeSource = Literal["platform", "list", "commit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One regular file of a submission; ``path`` is relative to the submission's folder, with forward slashes.

    ``place`` is where it lies where that is not its path: a file, and its number in each archive from there on.
    """

    path: str
    media: Media
    size_bytes: int
    sha256: str
    place: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One student's hand-in, or a group's; ``digest`` (sha256 over sorted (path, sha256)) keys every cache.

    ``members`` are the students of a group, all credited with the same marks; () where ``student`` is one.
    ``submitted_at`` is ISO 8601 with its zone, None where it is not known; ``time_source`` is who says so.
    ``late_flag`` is a learning platform's own mark, which says nothing of how late.
    """

    student: str
    assignment: str
    folder: str
    artifacts: tuple[Artifact, ...]
    digest: str
    attempt: int = 1
    submitted_at: str | None = None
    time_source: TimeSource = "platform"
    late_flag: bool = False
    members: tuple[str, ...] = ()
    machine_read: bool = False
    findings: tuple[Finding, ...] = ()
