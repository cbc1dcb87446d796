"""What is written of the class as a whole: gradebook.csv and class.html, from the stored marksheets, one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.batch.class_page import ClassTally, render_class_page
from grader.batch.gradebook import Gradebook
from grader.batch.keys import build_digest
from grader.batch.store import Store
from grader.codec import read_marksheet
from grader.course import Course
from grader.intake import student_id

GRADEBOOK, PAGE, STUDENT_PAGE = "gradebook.csv", "class.html", "class-for-students.html"
_STATE = "whole.json"


def write_whole(
    store: Store, course: Course, marksheets: Mapping[str, str], folders: Sequence[Path], roster: Sequence[str] = ()
) -> None:
    """Write gradebook and class pages, unless they are as they should be.

    ``marksheets`` are those of everybody of whom the store has one, ``folders`` the hand-ins that there are: who handed
    in and has no marksheet is in it as well.
    """
    handed_in = {student_id(folder) for folder in folders}
    state = _describe(store, course, marksheets, handed_in, roster)
    if store.find_state(_STATE) == state and _is_whole(store, state):
        return
    book = Gradebook(
        [criterion.id for criterion in course.rubric.criteria], roster, late=course.rubric.late is not None
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
    for _ in set(roster) - marksheets.keys() - handed_in:
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
    store: Store, course: Course, marksheets: Mapping[str, str], handed_in: set[str], roster: Sequence[str]
) -> dict[str, object]:
    """Return what gradebook and pages depend on; with the files' digests as they were written the last time."""
    failed = {student: store.find_failure(student) for student in sorted(handed_in - marksheets.keys())}
    key = build_digest(dict(marksheets), failed, sorted(handed_in), list(roster), course.digests, course.rubric.title)
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
