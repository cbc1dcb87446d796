"""Before a class is graded: nobody in the list of times, and nobody with an extension, whom nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grader.course import Course
from grader.intake import check_times, find_submissions, is_class_folder, student_id
from grader.late_policy import check_extensions

Classes = Sequence[tuple[Course, Sequence[Path]]]


def check_deadlines(classes: Classes, *, times: Path | None, roster: Sequence[str]) -> list[str]:
    """Return what whoever grades should hear. Raises ConfigError for every student whom nobody knows.

    ``times`` may name all of the class, also when only some of it are graded; an extension is looked for on the roster.
    """
    policies = [(course, course.rubric.late) for course, _ in classes if course.rubric.late is not None]
    for course, policy in policies:
        if roster:
            check_extensions(policy, course.rubric_path, roster)
    if times is None:
        return []
    check_times(times, {*roster, *(name for _, folders in classes for name in _list_class(folders))})
    return [] if policies else [f"--times {times}: the rubric has no deadline (`late:`), so times change nothing"]


def _list_class(folders: Sequence[Path]) -> list[str]:
    """Return the ids of all who are in the class that hand-ins belong to, graded now or not."""
    parent = folders[0].parent
    return [student_id(path) for path in (find_submissions([parent]) if is_class_folder(parent) else folders)]
