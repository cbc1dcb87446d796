"""One hand-in, from what is stored of it to what is stored of it: only what must be done is done."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.batch.events import Job, Summary, Work
from grader.batch.keys import CourseKeys
from grader.batch.moderation import Moderation, digest_decisions
from grader.batch.page_files import show_pages
from grader.batch.store import Record, Store
from grader.codec import (
    build_checked,
    build_execution,
    build_marksheet,
    build_number,
    pack_json,
    read_checked,
    read_execution,
    render_json,
)
from grader.course import Course, load_course
from grader.errors import ConfigError
from grader.feedback import render_feedback
from grader.intake import HandIn
from grader.model import Checked, Evidence, Execution, Finding, Marksheet, Review, Submission
from grader.pipeline import check_submission, execute, list_requests, mark_submission, open_hand_in
from grader.reading import find_notebook

if TYPE_CHECKING:
    from grader.sandbox import Lodgings

Progress = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Desk:
    """What is at hand for grading one hand-in after another: the course, the store, and the rooms for notebooks."""

    job: Job
    course: Course
    keys: CourseKeys
    store: Store
    moderation: Moderation
    lodgings: Lodgings | None = None


def open_desk(job: Job, lodgings: Lodgings | None = None) -> Desk:
    """Return the desk for a job. Raises ConfigError where the course is in no order."""
    return build_desk(job, load_job_course(job), lodgings)


def load_job_course(job: Job) -> Course:
    """Return the course that a job is about. Raises ConfigError."""
    return load_course(
        [],
        root=Path(job.course),
        rubric=Path(job.rubric),
        class_folder=Path(job.class_folder),
        times=Path(job.times) if job.times else None,
    )


def build_desk(job: Job, course: Course, lodgings: Lodgings | None = None) -> Desk:
    """Return the desk for a job whose course is loaded."""
    keys = CourseKeys(course, device=job.device, unsafe=job.unsafe)
    out = Path(job.out)
    return Desk(job=job, course=course, keys=keys, store=Store(out), moderation=Moderation(out), lodgings=lodgings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a hand-in needs: whether anything, and whether perhaps a room for its notebook."""

    work: bool
    notebook: bool = False
    record: Record | None = None


def find_need(desk: Desk, hand_in: HandIn) -> Need:
    """Return what must be done for a hand-in. Raises ConfigError where it is gone."""
    submission = open_hand_in(desk.course, hand_in)
    record = desk.store.find_record(submission.student)
    if record is not None and is_current(desk, submission, record) and not desk.job.fresh:
        if desk.store.is_shown(record):
            return Need(work=False, record=record)
        if desk.store.is_whole(record):
            return Need(work=True, record=record)
    notebook = find_notebook(desk.course, submission) is not None
    if notebook and record is not None and not desk.job.fresh:
        notebook = not is_checked(desk, submission, record)
    return Need(work=True, notebook=notebook, record=record)


def is_current(desk: Desk, submission: Submission, record: Record) -> bool:
    """Return whether a record is what would come of grading the submission now."""
    decided = digest_decisions(desk.moderation.find(submission.student))
    return _is_last_word(desk, record) and record.keys.get("whole") == desk.keys.whole(submission, decided)


def is_checked(desk: Desk, submission: Submission, record: Record) -> bool:
    """Return whether the stored evidence is what would be found now."""
    return _is_last_word(desk, record) and record.keys.get("evidence") == desk.keys.evidence(submission)


def _is_last_word(desk: Desk, record: Record) -> bool:
    return not record.fault and record.repeat >= desk.job.repeat


def grade_unit(desk: Desk, hand_in: HandIn, progress: Progress = lambda _: None) -> Summary:
    """Bring the stored marksheet and page of a hand-in up to date, and say what they are.

    Raises NoRoomError where notebooks cannot be run here, InfrastructureError where nothing can be written.
    """
    started = time.monotonic()
    progress("opening")
    submission = open_hand_in(desk.course, hand_in)
    earlier = desk.store.find_record(submission.student)
    known = None if desk.job.fresh else earlier
    if known is not None and is_current(desk, submission, known) and desk.store.is_whole(known):
        desk.store.show(known)
        return replace(read_summary(known.summary), work="unchanged")
    work, checked, objects, keys = _find_evidence(desk, submission, known, progress)
    seconds = time.monotonic() - started
    decisions = desk.moderation.find(submission.student)
    sheet = mark_submission(desk.course, submission, checked, seconds=seconds, decisions=decisions)
    progress("writing")
    decided = digest_decisions(decisions)
    keys = {**keys, "whole": desk.keys.whole(submission, decided), "decisions": decided, "course": desk.keys.course}
    record = _build_record(desk, submission, checked, sheet, earlier, objects, keys, work)
    desk.store.write_record(record)
    desk.store.show(record)
    show_pages(desk.store, submission, checked.evidence, anew=work != "marked again")
    return read_summary(record.summary)


def _find_evidence(
    desk: Desk, submission: Submission, known: Record | None, progress: Progress
) -> tuple[Work, Checked, dict[str, str], dict[str, str]]:
    """Return the evidence, from the store where it is there, with the names and keys of what it rests on."""
    if known is not None and is_checked(desk, submission, known):
        stored = desk.store.get_json(known.objects.get("evidence"))
        if stored is not None:
            kept = {name: value for name, value in known.objects.items() if name in ("run", "evidence")}
            return "marked again", read_checked(stored), kept, dict(known.keys)
    work, execution, objects, keys = _find_run(desk, submission, known, progress)
    checked = check_submission(desk.course, submission, execution, progress)
    if execution is not None and desk.job.repeat > 1:
        checked = _repeat(desk, submission, checked, progress)
    objects["evidence"] = desk.store.put(pack_json(build_checked(checked)))
    keys["evidence"] = desk.keys.evidence(submission)
    # What had to be read again, not only marked, without a notebook: that is all there was to do.
    return work, checked, objects, keys


def _find_run(
    desk: Desk, submission: Submission, known: Record | None, progress: Progress
) -> tuple[Work, Execution | None, dict[str, str], dict[str, str]]:
    """Return the notebook's run, from the store where it is there."""
    notebook = find_notebook(desk.course, submission)
    if notebook is None or desk.lodgings is None:
        return ("checked again" if known is not None else "graded"), None, {}, {}
    try:
        requests = list_requests(desk.course, submission)
    except Exception:  # a fault of ours: ``execute`` meets it again, and says so in the evidence
        return "graded", execute(desk.course, submission, desk.lodgings, progress), {}, {}
    key = desk.keys.run(notebook, requests)
    if known is not None and known.keys.get("run") == key:
        stored = desk.store.get_json(known.objects.get("run"))
        if stored is not None:
            return "checked again", read_execution(stored), {"run": known.objects["run"]}, {"run": key}
    execution = execute(desk.course, submission, desk.lodgings, progress, requests)
    if execution is None or execution.fault:
        return "graded", execution, {}, {}
    # What is stored is what later runs see: the same must be seen now (a tuple in a reply is a list tomorrow).
    data = pack_json(build_execution(execution))
    return "graded", read_execution(json.loads(data)), {"run": desk.store.put(data)}, {"run": key}


def _repeat(desk: Desk, submission: Submission, checked: Checked, progress: Progress) -> Checked:
    """Run the notebook again and again, and leave to a person what does not come out the same each time."""
    seen = {item.criterion: [item] for item in checked.evidence}
    for number in range(2, desk.job.repeat + 1):
        progress(f"run {number} of {desk.job.repeat}")
        execution = execute(desk.course, submission, desk.lodgings, progress)
        again = check_submission(desk.course, submission, execution)
        if again.fault:
            return replace(checked, fault=True)
        for item in again.evidence:
            seen[item.criterion].append(item)
    return replace(checked, evidence=tuple(_settle(runs) for runs in seen.values()))


def _settle(runs: Sequence[Evidence]) -> Evidence:
    """Return the evidence of the first run, for a person to decide where another run gave another verdict."""
    told = [f"{item.verdict} ({_show_credit(item.credit)})" for item in runs]
    if len(set(told)) == 1:
        return runs[0]
    counts = ", ".join(f"{told.count(text)} times {text}" for text in dict.fromkeys(told))
    message = f"The verdict is not the same each time that the notebook runs: {counts} in {len(runs)} runs."
    finding = Finding(code="notebook.not_reproducible", message=message, audience="staff")
    reason = f"not reproducible: {counts}"
    review = runs[0].review or Review(reason=reason, suggested_verdict=runs[0].verdict, suggested_credit=runs[0].credit)
    return replace(runs[0], findings=(*runs[0].findings, finding), review=review)


def _show_credit(credit: Decimal | None) -> str:
    return "no credit" if credit is None else f"credit {credit.normalize():f}"


def _build_record(
    desk: Desk,
    submission: Submission,
    checked: Checked,
    sheet: Marksheet,
    earlier: Record | None,
    objects: Mapping[str, str],
    keys: Mapping[str, str],
    work: Work,
) -> Record:
    """Store the marksheet and its page, and return the record that names them."""
    marksheet = _store_marksheet(desk.store, build_marksheet(sheet), earlier)
    page = desk.store.put(render_feedback(sheet, desk.course.root).encode("utf-8", "surrogateescape"))
    return Record(
        student=submission.student,
        keys=keys,
        objects={**objects, "marksheet": marksheet, "page": page},
        summary=dataclasses.asdict(build_summary(sheet, work)),
        repeat=max(desk.job.repeat, earlier.repeat if earlier is not None and work == "marked again" else 1),
        fault=checked.fault,
        history=_add_history(earlier, marksheet),
    )


def _store_marksheet(store: Store, data: dict[str, Any], earlier: Record | None) -> str:
    """Return the name of the marksheet; the earlier one's where nothing but the time taken would be new."""
    before = store.get_json(earlier.objects.get("marksheet")) if earlier is not None else None
    if earlier is not None and before is not None and {**before, "timing": None} == {**data, "timing": None}:
        return str(earlier.objects["marksheet"])
    return store.put(render_json(data).encode(), durable=True)


def _add_history(earlier: Record | None, marksheet: str) -> tuple[Mapping[str, Any], ...]:
    if earlier is None:
        return ()
    if earlier.objects.get("marksheet") in (None, marksheet):
        return earlier.history
    return (
        *earlier.history,
        {"marksheet": earlier.objects["marksheet"], "until": _now(), "reason": "was graded again"},
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def build_summary(sheet: Marksheet, work: Work) -> Summary:
    """Return what came of one hand-in."""
    return Summary(
        student=sheet.submission,
        status=sheet.status,
        awarded=build_number(sheet.awarded),
        awarded_so_far=build_number(sheet.awarded_so_far) or 0,
        available=build_number(sheet.available) or 0,
        waiting=sheet.waiting,
        ungraded=tuple(
            mark.criterion for mark in sheet.marks if mark.evidence.verdict == "ungraded" and not mark.decision
        ),
        work=work,
        seconds=float(sheet.timing["seconds"]),
    )


def read_summary(data: Mapping[str, Any]) -> Summary:
    """Return the summary of a record. Raises ConfigError where it is not of this version."""
    try:
        return Summary(**{**data, "waiting": tuple(data["waiting"]), "ungraded": tuple(data["ungraded"])})
    except (KeyError, TypeError) as error:
        raise ConfigError(f"not a stored summary that this version reads: {error}") from None
