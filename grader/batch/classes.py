"""What was graded here, and how: enough to mark it again, to deliver it and to review it without being told anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.batch.events import Job
from grader.batch.store import Store
from grader.errors import NothingFoundError
from grader.intake import HandIn, read_hand_in

CLASSES_SCHEMA = "grader/classes/1"
_STATE = "classes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedClass:
    """The hand-ins of one class folder, the job that they were graded by, and the roster's file ("" for none)."""

    job: Job
    hand_ins: tuple[HandIn, ...]
    roster: str = ""


def keep_classes(store: Store, classes: Sequence[GradedClass]) -> None:
    """Remember the classes of a run, beside those of earlier runs into the same folder.

    Of a class that was known its job is the new one. Hand-ins that were found before and not now are kept where the
    store has a marksheet of them; one that was found elsewhere this time belongs there, since its marks do.
    """
    known = {item.job.class_folder: item for item in _read(store)}
    marked = store.list_marksheets()
    for item in classes:
        before = known.get(item.job.class_folder)
        found = {hand_in.student: hand_in for hand_in in before.hand_ins if hand_in.student in marked} if before else {}
        found |= {hand_in.student: hand_in for hand_in in item.hand_ins}
        job = dataclasses.replace(item.job, fresh=False, prepare=False)
        roster = item.roster or (before.roster if before else "")
        known[job.class_folder] = GradedClass(job=job, hand_ins=tuple(found.values()), roster=roster)
    current = {hand_in.student for item in classes for hand_in in item.hand_ins}
    folders = {item.job.class_folder for item in classes}
    for folder in known.keys() - folders:
        rest = tuple(hand_in for hand_in in known[folder].hand_ins if hand_in.student not in current)
        known[folder] = dataclasses.replace(known[folder], hand_ins=rest)
    data = [
        {
            "job": dataclasses.asdict(item.job),
            "hand_ins": [hand_in.pack() for hand_in in item.hand_ins],
            "roster": item.roster,
        }
        for item in known.values()
        if item.hand_ins
    ]
    state: dict[str, Any] = {"schema": CLASSES_SCHEMA, "classes": data}
    if store.find_state(_STATE) != state:
        store.write_state(_STATE, state)


def load_classes(store: Store) -> tuple[GradedClass, ...]:
    """Return what was graded into this folder. Raises NothingFoundError where nothing was."""
    found = _read(store)
    if not found:
        raise NothingFoundError(
            f"{store.out}: no graded class here (grade a class first: grade PATH --out {store.out})"
        )
    return found


def _read(store: Store) -> tuple[GradedClass, ...]:
    state = store.find_state(_STATE)
    if not isinstance(state, dict) or state.get("schema") != CLASSES_SCHEMA:
        return ()
    out = str(Path(store.out).resolve())  # the folder may have been moved
    return tuple(
        GradedClass(
            job=Job(**{**item["job"], "out": out}),
            hand_ins=tuple(map(read_hand_in, item["hand_ins"])),
            roster=item["roster"],
        )
        for item in state["classes"]
    )
