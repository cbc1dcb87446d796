"""The stages in order, and nothing else: submission, answers, execution, evidence, marks."""

from __future__ import annotations

import contextlib
import functools
import platform
import re
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import grader
from grader.codec import find_non_json
from grader.course import Course
from grader.deadline import OutOfTimeError, limit_seconds
from grader.intake import (
    HandIn,
    find_commit_time,
    open_submission,
    plain_hand_in,
    read_artifact,
)
from grader.kinds import KINDS, Context
from grader.kinds.addressed import build_addressed
from grader.marking import add_marks, apply_decision, apply_moment, award_mark, judge_lateness, total
from grader.model import (
    SUBMITTED_AT,
    Answer,
    Checked,
    Decision,
    Evidence,
    Execution,
    Finding,
    Marksheet,
    ProbeRequest,
    Review,
    Submission,
)
from grader.model.moment import parse_moment
from grader.pages import name_pages
from grader.reading import find_all_addressed, find_answers, find_notebook, read_documents
from grader.rubric import Criterion
from grader.sandbox import NoRoomError, find_device, find_version

if TYPE_CHECKING:
    from grader.sandbox import Lodgings

Progress = Callable[[str], None]
_READERS = ("markdown-it-py", "pypandoc_binary", "pypdfium2", "python-bidi")  # of reports
# A line that a formula was broken into, or that a piece of one makes by itself.
_FRAGMENT = re.compile(r"(?m)^\s*(?:[+\-−·×*)\]}^_]|\S{1,2}\s*$)")
_CHECK_SECONDS = 5.0  # of the processor, for one written answer; what students write takes hundredths of a second
_LATE_FLAG = Finding(
    code="intake.late_flag", message="The learning platform marks this hand-in as late.", audience="staff"
)


def open_lodgings(course: Course, *, device: str = "cpu", unsafe: bool = False, warm: bool = True) -> Lodgings | None:
    """Return where the course's notebooks run (close it in the end); None where its rubric asks for no notebook.

    ``unsafe`` is for notebooks that one trusts: they run on the open machine.
    """
    settings = course.rubric.notebook
    if settings is None:
        return None
    from grader.sandbox import open_lodging

    hidden = (course.root / "rubrics", course.root / "reference", course.rubric_path)
    found = find_device(device, find_version("torch") or "")
    data = course.root / settings.data
    return open_lodging(settings, data, seed=settings.seed, device=found, unsafe=unsafe, warm=warm, hidden=hidden)


def grade_submission(
    course: Course, hand_in: HandIn | Path, *, lodgings: Lodgings | None, progress: Progress = lambda _: None
) -> Marksheet:
    """Return the marksheet of a hand-in: never an exception for anything that a student did.

    ``lodgings`` is where its notebook runs (see ``open_lodgings``). Raises NoRoomError where notebooks cannot be run.
    """
    started = time.monotonic()
    progress("opening")
    submission = open_hand_in(course, hand_in)
    execution = execute(course, submission, lodgings, progress)
    checked = check_submission(course, submission, execution, progress)
    return mark_submission(course, submission, checked, seconds=time.monotonic() - started)


def open_hand_in(course: Course, hand_in: HandIn | Path) -> Submission:
    """Return what was handed in, with what the class file says of it. Raises ConfigError where it is gone.

    A path is a hand-in by itself.
    """
    if isinstance(hand_in, Path):
        hand_in = plain_hand_in(hand_in)
    listed = {hand_in.student, hand_in.path.name} & {*course.class_file.machine_read}
    # True where the class file lists it as machine-read, None where the report itself must tell.
    machine_read = True if listed else None
    submission = open_submission(hand_in, assignment=course.rubric.assignment, machine_read=machine_read)
    return submission if course.rubric.late is None else _with_time(course, submission, hand_in.path)


def _with_time(course: Course, submission: Submission, path: Path) -> Submission:
    """Add when it was handed in: by the teacher's list, else by the platform, else by the student's last commit."""
    if (listed := _find_listed(course, submission)) is not None:
        return replace(submission, submitted_at=listed, time_source="list")
    if submission.submitted_at is None and (committed := find_commit_time(path)) is not None:
        return replace(submission, submitted_at=committed, time_source="commit")
    return submission


def _find_listed(course: Course, submission: Submission) -> str | None:
    """Return the listed time of the hand-in; of a group's members, where it is they who are listed, the last one's."""
    members = [course.times[name] for name in submission.members if name in course.times]
    return course.times.get(submission.student) or max(members, key=parse_moment, default=None)


def check_submission(
    course: Course, submission: Submission, execution: Execution | None, progress: Progress = lambda _: None
) -> Checked:
    """Return the evidence for every criterion, from the report and from the notebook's run."""
    progress("reading the report")
    documents = read_documents(submission)
    answers = find_answers(course, submission, documents)
    progress("checking")
    context = Context(
        seed=course.seed(submission.digest),
        answers=answers,
        questions={criterion.id: criterion.question for criterion in course.rubric.criteria},
        worlds=course.rubric.worlds,
        resolve=course.resolve,
        execution=execution,
        signs=course.rubric.notebook.signs if course.rubric.notebook else "",
    )
    evidence = name_pages(
        [check(criterion, answers[criterion.id], context) for criterion in course.rubric.criteria], answers, documents
    )
    return Checked(
        submission=submission.student,
        digest=submission.digest,
        evidence=evidence,
        findings=(
            *submission.findings,
            *((_LATE_FLAG,) if submission.late_flag else ()),
            *(finding for document in documents for finding in document.findings),
            *find_all_addressed(submission, documents),
            *(execution.findings if execution else ()),
        ),
        environment=build_environment(course, execution),
        fault=bool(execution and execution.fault) or any(item.verdict == "ungraded" for item in evidence),
        notebook_seconds=round(execution.seconds, 3) if execution else 0.0,
    )


def mark_submission(
    course: Course,
    submission: Submission,
    checked: Checked,
    *,
    seconds: float,
    decisions: Mapping[str, Decision] | None = None,
) -> Marksheet:
    """Return the marksheet: what the evidence is worth by the rubric, and what people decided on top of that.

    ``decisions`` are those that count of this student, by criterion. ``seconds`` is what this took.
    """
    decided_by = decisions or {}
    moved = apply_moment(submission, decided_by)
    moment = decided_by[SUBMITTED_AT] if moved is not submission else None
    submission = moved
    rubric = course.rubric
    evidence = {item.criterion: item for item in checked.evidence}
    marks = tuple(
        apply_decision(
            award_mark(
                title=criterion.title,
                available=criterion.available,
                evidence=_with_visibility(evidence[criterion.id], criterion, course.due_passed),
            ),
            decided_by.get(criterion.id),
            checked.digest,
        )
        for criterion in rubric.criteria
    )
    decided = all(mark.awarded is not None for mark in marks)
    lateness = judge_lateness(
        rubric.late, submission, earned=add_marks(marks), available=rubric.available, decided=decided
    )
    status, awarded, so_far = total(marks, lateness.deductions, waits=lateness.review is not None)
    return Marksheet(
        submission=checked.submission,
        assignment=rubric.assignment,
        title=rubric.title,
        status=status,
        awarded=awarded,
        available=rubric.available,
        awarded_so_far=so_far,
        marks=marks,
        deductions=lateness.deductions,
        review=lateness.review,
        submitted_at=submission.submitted_at,
        moment=moment,
        findings=(*checked.findings, *lateness.findings),
        environment=checked.environment,
        digests={"submission": checked.digest, **course.digests},
        timing={"seconds": round(seconds, 3), "notebook_seconds": checked.notebook_seconds},
    )


def list_requests(course: Course, submission: Submission) -> Sequence[ProbeRequest]:
    """Return what the submission's notebook will be asked."""
    settings = course.rubric.notebook
    if settings is None:
        return ()
    found: Sequence[ProbeRequest] = course.resolve(settings.checks)(_probe_seed(course, submission))
    return found


def _probe_seed(course: Course, submission: Submission) -> int:
    return Context(seed=course.seed(submission.digest)).number("probes")


def execute(
    course: Course,
    submission: Submission,
    lodgings: Lodgings | None,
    progress: Progress = lambda _: None,
    requests: Sequence[ProbeRequest] | None = None,
) -> Execution | None:
    """Run the submission's notebook with the rubric's probes; None where there is none to run.

    ``requests`` are what ``list_requests`` gives, where the caller has asked already.
    """
    settings = course.rubric.notebook
    artifact = find_notebook(course, submission)
    if settings is None or artifact is None or lodgings is None:
        return None
    from grader.sandbox import run_notebook

    progress(f"running {Path(artifact.path).name}")
    try:
        return run_notebook(
            read_artifact(submission, artifact),
            lodgings,
            requests=list_requests(course, submission) if requests is None else requests,
            probes_source=(course.root / settings.probes).read_text(encoding="utf-8"),
            progress=progress,
        )
    except NoRoomError:  # the machine is not fit for notebooks at all: whoever runs it must hear that, once
        raise
    except Exception:  # whatever it is, it is our fault: the criteria become ungraded and the class goes on
        return Execution(outcome="not started", fault=traceback.format_exc(), device=lodgings.device)


def check(criterion: Criterion, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one criterion; the one place where a fault of ours is caught, as ``ungraded``.

    An answer over which a kind works for too long goes to a person.
    """
    kind = criterion.question.kind
    try:
        with limit_seconds(_CHECK_SECONDS) if kind != "notebook" else contextlib.nullcontext():
            evidence = KINDS[kind].check(criterion.id, criterion.question, answer, context)
        if bad := find_non_json([dict(evidence.observed), dict(evidence.expected)]):
            raise ValueError(f"evidence is no plain JSON at {bad}")
    except OutOfTimeError:
        message = f"Working this answer out took more than {_CHECK_SECONDS:g} seconds: a person looks at it."
        evidence = Evidence(
            criterion=criterion.id,
            verdict="unreadable",
            credit=None,
            findings=(Finding(code="grader.out_of_time", message=message),),
            review=Review(reason=f"the grader gave up on this answer after {_CHECK_SECONDS:g} seconds of work"),
        )
    except Exception:  # a bug of ours must never become a student's zero
        evidence = Evidence(
            criterion=criterion.id,
            verdict="ungraded",
            credit=None,
            findings=(Finding(code="grader.fault", message=traceback.format_exc(), audience="staff"),),
            review=Review(reason="the grader failed on this criterion (see the finding for staff)"),
        )
    if answer.written:
        evidence = replace(evidence, findings=(*evidence.findings, build_addressed()))
    return _with_place(_refer_extracted(evidence, answer, criterion), answer)


def _refer_extracted(evidence: Evidence, answer: Answer, criterion: Criterion) -> Evidence:
    """Leave marks off for a person where they rest on a PDF's mathematics: it can read right, seldom surely wrong.

    A mistake that the rubric knows by name is sure: what the page lost would hardly make just this one.
    """
    mathematics = KINDS[criterion.question.kind].mathematics
    if not (mathematics and answer.extracted) or evidence.review or evidence.verdict not in ("partial", "wrong"):
        return evidence
    named = {f"formula.{name}" for name in getattr(criterion.question, "misconceptions", ())}
    known = any(finding.code in named for finding in evidence.findings)
    if known and evidence.verdict == "partial" and not _FRAGMENT.search(answer.text):
        return evidence
    reason = "the text of a PDF does not keep the shape of mathematics; look at the page"
    suggested = Review(reason=reason, suggested_verdict=evidence.verdict, suggested_credit=evidence.credit)
    return replace(evidence, review=suggested)


def _with_place(evidence: Evidence, answer: Answer) -> Evidence:
    """Add the place of the answer."""
    if answer.location is None:
        return evidence
    return replace(evidence, observed={"location": str(answer.location), **evidence.observed})


def _with_visibility(evidence: Evidence, criterion: Criterion, due_passed: bool) -> Evidence:
    """Add who may see what was expected, and leave to staff the findings that students may not see (yet)."""
    shown = ("visible", "after_due") if due_passed else ("visible",)
    hidden = {code for code, value in criterion.finding_visibility.items() if value not in shown}
    visibility = "visible" if criterion.expected_visibility in shown else criterion.expected_visibility
    findings = (replace(item, audience="staff") if item.code in hidden else item for item in evidence.findings)
    return replace(evidence, expected={**evidence.expected, "visibility": visibility}, findings=tuple(findings))


def build_environment(course: Course, execution: Execution | None) -> dict[str, object]:
    """Return the versions, device, isolation and key that the marks were made with."""
    return {
        "versions": find_versions_used(course),
        "device": execution.device if execution else "none needed",
        "isolation": execution.isolation if execution else "none needed",
        "key_id": course.key_id,
    }


def find_versions_used(course: Course) -> dict[str, str]:
    """Return the version of everything that marks may depend on."""
    named = course.rubric.notebook.packages if course.rubric.notebook else ()
    return {
        "python": platform.python_version(),
        "grader": grader.__version__,
        **{name: _find_version(name) for name in (*_READERS, "numpy", "lark", "nbclient", *named)},
    }


@functools.cache
def _find_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
