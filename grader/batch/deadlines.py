"""Before a class is graded: nobody in the list of times, and nobody with an extension, whom nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grader.course import Course
from grader.intake import HandIn, Intake, Roster, check_times, find_hand_ins, is_class_folder
from grader.late_policy import check_extensions

Classes = Sequence[tuple[Course, Sequence[HandIn]]]


def check_deadlines(classes: Classes, *, times: Path | None, roster: Roster | None) -> list[str]:
    """Return what whoever grades should hear. Raises ConfigError for every student whom nobody knows.

    ``times`` may name all of the class, also when only some of it are graded; an extension is looked for on the roster.
    """
    policies = [(course, course.rubric.late) for course, _ in classes if course.rubric.late is not None]
    for course, policy in policies:
        if roster is not None:
            check_extensions(policy, course.rubric_path, roster.ids)
    if times is None:
        return []
    known = {name for _, hand_ins in classes for name in _list_class(hand_ins, roster)}
    check_times(times, known | {*(roster.ids if roster else ())})
    return [] if policies else [f"--times {times}: the rubric has no deadline (`late:`), so times change nothing"]


def _list_class(hand_ins: Sequence[HandIn], roster: Roster | None) -> list[str]:
    """Return the ids of all who are in the class that hand-ins belong to, graded now or not."""
    parent = Path(hand_ins[0].class_folder)
    intake = Intake(roster=roster, allow_strangers=True)
    others = find_hand_ins([parent], intake) if is_class_folder(parent) else []
    return [name for item in (*hand_ins, *others) for name in (item.student, *item.members)]
