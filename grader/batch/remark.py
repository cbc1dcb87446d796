"""Marks made anew for those of whom a person decided something: from stored evidence, no notebook is run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from grader.batch.classes import load_classes
from grader.batch.moderation import Moderation, digest_decisions
from grader.batch.run import keep_run
from grader.batch.store import Store
from grader.batch.unit import Desk, grade_unit, is_checked, load_job_course, open_desk
from grader.batch.whole import write_whole
from grader.intake import HandIn, load_roster
from grader.pipeline import open_hand_in


def find_unmarked(store: Store, moderation: Moderation) -> set[str]:
    """Return whose marks were made before the decisions on them: a server or a run was stopped in between."""
    return {student for student in store.list_marksheets() if is_unmarked(store, moderation, student)}


def is_unmarked(store: Store, moderation: Moderation, student: str) -> bool:
    """Return whether the marks of ``student`` were made before what counts by now was decided."""
    record = store.find_record(student)
    return record is not None and record.keys.get("decisions", "") != digest_decisions(moderation.find(student))


def mark_again(out: Path, students: Collection[str]) -> tuple[str, ...]:
    """Mark the hand-ins of ``students`` again, and write what is written of the class; return who was left.

    Left are those whose evidence is out of date: their class must be graded again. Raises BusyError where a grader is
    at work, NothingFoundError where nothing was graded here, ConfigError where the course is in no order.
    """
    store = Store(out)
    left = []
    with store.held():
        classes = load_classes(store)
        for item in classes:
            wanted = [hand_in for hand_in in item.hand_ins if hand_in.student in students]
            if wanted:
                desk = open_desk(item.job)
                left += [hand_in.student for hand_in in wanted if not _mark(desk, hand_in)]
        course = load_job_course(classes[0].job)
        marksheets = store.list_marksheets()
        keep_run(store, course.digests, marksheets)
        path = next((item.roster for item in classes if item.roster), "")
        roster = load_roster(Path(path)) if path else None
        write_whole(store, course, marksheets, [hand_in for item in classes for hand_in in item.hand_ins], roster)
    return tuple(left)


def _mark(desk: Desk, hand_in: HandIn) -> bool:
    submission = open_hand_in(desk.course, hand_in)
    record = desk.store.find_record(submission.student)
    if record is None or not is_checked(desk, submission, record):
        return False
    if desk.store.get(record.objects.get("evidence")) is None:
        return False
    grade_unit(desk, hand_in)
    return True
