"""What is written of the class as a whole: gradebook.csv and class.html, from the stored marksheets, one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from grader.batch.class_page import ClassTally, render_class_page
from grader.batch.gradebook import Gradebook
from grader.batch.keys import build_digest
from grader.batch.store import Store
from grader.codec import read_marksheet
from grader.course import Course
from grader.intake import HandIn, Roster
from grader.model import Json

GRADEBOOK, PAGE, STUDENT_PAGE = "gradebook.csv", "class.html", "class-for-students.html"
_STATE = "whole.json"


def write_whole(
    store: Store,
    course: Course,
    marksheets: Mapping[str, str],
    hand_ins: Sequence[HandIn],
    roster: Roster | None = None,
) -> None:
    """Write gradebook and class pages, unless they are as they should be.

    ``marksheets`` are those of everybody of whom the store has one, ``hand_ins`` those that there are: who handed in
    and has no marksheet is in it as well. Of a member of a group the group's counts, whatever was marked before.
    """
    handed_in = {hand_in.student for hand_in in hand_ins}
    groups = {hand_in.student: hand_in.members for hand_in in hand_ins if hand_in.members}
    members = {member for group in groups.values() for member in group}
    marksheets = {student: name for student, name in marksheets.items() if student not in members - handed_in}
    state = _describe(store, course, marksheets, handed_in, [groups, roster and [roster.ids, roster.sections]])
    if store.find_state(_STATE) == state and _is_whole(store, state):
        return
    ids, sections = (roster.ids, roster.sections) if roster else ((), {})
    book = Gradebook(
        [criterion.id for criterion in course.rubric.criteria],
        ids,
        late=course.rubric.late is not None,
        sections=sections,
        groups=groups,
    )
    tally, graded = ClassTally(), set[str]()
    for student, marksheet in marksheets.items():
        data = store.get(marksheet)
        if data is not None:
            sheet = read_marksheet(data.decode("utf-8", "surrogateescape"))
            book.add(sheet)
            tally.add(sheet)
            graded.add(student)
    for student in sorted({*handed_in, *marksheets} - graded):
        failed = store.find_failure(student) is not None
        book.add_ungraded(student, "failed" if failed else "not graded")
        tally.add_ungraded(failed=True)
    for _ in set(ids) - marksheets.keys() - handed_in - members:
        tally.add_ungraded(failed=False)
    templates = [course.root / "templates"]
    title = course.rubric.title
    texts = {
        GRADEBOOK: "".join(book.export()),
        PAGE: render_class_page(tally, title=title, templates=templates),
        STUDENT_PAGE: render_class_page(tally, title=title, templates=templates, audience="student"),
    }
    for name, text in texts.items():
        store.write_output(name, text)
    state["files"] = {name: _digest(text.encode("utf-8", "surrogateescape")) for name, text in texts.items()}
    store.write_state(_STATE, state)


def _describe(
    store: Store, course: Course, marksheets: Mapping[str, str], handed_in: set[str], listed: Json
) -> dict[str, object]:
    """Return what gradebook and pages depend on; with the files' digests as they were written the last time."""
    failed = {student: store.find_failure(student) for student in sorted(handed_in - marksheets.keys())}
    key = build_digest(dict(marksheets), failed, sorted(handed_in), listed, course.digests, course.rubric.title)
    before = store.find_state(_STATE) or {}
    return {"key": key, "files": before.get("files", {})}


def _is_whole(store: Store, state: dict[str, object]) -> bool:
    files = state["files"]
    if not isinstance(files, dict) or set(files) != {GRADEBOOK, PAGE, STUDENT_PAGE}:
        return False
    try:
        return all(_digest((store.out / name).read_bytes()) == digest for name, digest in files.items())
    except OSError:
        return False


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
