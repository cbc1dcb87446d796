"""Under which key a piece of work is stored: a digest of everything that its result depends on, and of nothing else.

Three pieces, each resting on the one before: the notebook's run, the evidence, the marksheet with its page. What a
piece is made from is in its key, so that a changed mark leaves evidence and runs as they are, a changed answer key
leaves runs as they are, and a changed probe runs notebooks again but leaves report-only hand-ins alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

import grader
from grader.codec import build_fields, pack_json
from grader.course import Course, digest_folder, digest_pairs
from grader.feedback.page import packaged_templates
from grader.model import Artifact, Json, ProbeRequest, Submission
from grader.pipeline import find_versions_used
from grader.rubric import Rubric

FORM = "grader/store/1"
_SETTINGS_OF_CHECKS = ("checks", "signs", "template")  # named in the rubric's notebook part; a run does not see them


def build_digest(*parts: Json) -> str:
    """Return the sha256 of JSON values."""
    return hashlib.sha256(pack_json([FORM, *parts])).hexdigest()


class CourseKeys:
    """The keys of one course's hand-ins, on one device."""

    def __init__(self, course: Course, *, device: str, unsafe: bool) -> None:
        self._course = course
        rubric = TypeAdapter(Rubric).dump_python(course.rubric, mode="json")
        notebook = {key: value for key, value in (rubric["notebook"] or {}).items() if key not in _SETTINGS_OF_CHECKS}
        for criterion in rubric["criteria"]:  # what marking adds to the evidence
            del criterion["available"], criterion["expected_visibility"], criterion["finding_visibility"]
        del rubric["available"], rubric["title"], rubric["late"]
        settings = course.rubric.notebook
        data = digest_folder(course.root / settings.data) if settings and settings.data else ""
        machine: list[Json] = [find_versions_used(course), device, unsafe]
        self._run: list[Json] = [notebook, data, digest_folder(Path(grader.__file__).parent / "sandbox"), machine]
        if settings and settings.probes:
            self._run.append((course.root / settings.probes).read_text(encoding="utf-8"))
        digests = {name: course.digests[name] for name in ("reference", "grader")}
        self._evidence: list[Json] = [rubric, data, digests, course.key_id, machine]
        self._whole: list[Json] = [
            *self._evidence,
            course.digests["rubric"],
            course.due_passed,
            _digest_templates(course.root),
        ]
        self.course = digest_course(course)
        self._evidence_digest = build_digest(self._evidence)
        self._whole_digest = build_digest(self._whole)

    def run(self, notebook: Artifact, requests: Sequence[ProbeRequest]) -> str:
        """Return the key of a notebook's run."""
        asked = [build_fields(request) for request in requests]
        return build_digest("run", self._run, notebook.sha256, Path(notebook.path).name, asked)

    def evidence(self, submission: Submission) -> str:
        """Return the key of a hand-in's evidence."""
        return build_digest("evidence", self._evidence_digest, _describe(submission))

    def whole(self, submission: Submission, decisions: str = "") -> str:
        """Return the key of a hand-in's marksheet and page; ``decisions`` digests what people decided of it."""
        time = [submission.submitted_at, submission.time_source]
        return build_digest(
            "marksheet", self._whole_digest, _describe(submission), time, *([decisions] if decisions else [])
        )


def digest_course(course: Course) -> str:
    """Return the digest of what a marksheet and its page are made from besides the hand-in and the machine.

    Two marksheets of one hand-in with the same digest say the same, unless a person decided in between.
    """
    names = ("rubric", "reference", "grader")
    return build_digest(
        "course",
        [course.digests[name] for name in names],
        course.due_passed,
        course.key_id,
        _digest_templates(course.root),
    )


def _describe(submission: Submission) -> list[Json]:
    """Return what was handed in: also the files that were not opened."""
    findings = [finding.message for finding in submission.findings]
    return [submission.student, submission.digest, submission.machine_read, submission.late_flag, findings]


def _digest_templates(root: Path) -> str:
    return build_digest(_digest_pages(root / "templates"), _digest_pages(packaged_templates()))


def _digest_pages(folder: Path) -> str:
    """Return the digest of the templates of a page; those of mail are read when mail is written."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("mail."))
    return digest_pairs(
        (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files
    )
