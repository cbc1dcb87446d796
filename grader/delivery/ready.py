"""Which marksheets may leave: those that are final, and current for today's rubric, templates and grader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.batch.classes import GradedClass, load_classes
from grader.batch.keys import digest_course
from grader.batch.moderation import Moderation, digest_decisions
from grader.batch.store import Record, Store
from grader.batch.unit import load_job_course, read_summary
from grader.codec import read_marksheet
from grader.course import Course
from grader.errors import ConfigError, InfrastructureError
from grader.intake import Roster, load_roster, natural_key
from grader.model import Marksheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A marksheet that may leave; ``students`` are whom it is for: one, or every member of the group."""

    name: str
    students: tuple[str, ...]
    provisional: bool
    marksheet: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A student, or a group's hand-in, whose marks stay here, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What of one graded folder may leave, and what may not. Texts are read when they are asked for."""

    store: Store
    course: Course
    roster: Roster | None
    ready: tuple[Ready, ...]
    held: tuple[Held, ...]
    classes: tuple[GradedClass, ...] = field(repr=False)

    def load_marksheet(self, item: Ready) -> Marksheet:
        """Return the marksheet. Raises InfrastructureError where the store has lost it."""
        return read_marksheet(self._load(item.marksheet).decode("utf-8", "surrogateescape"))

    def load_page(self, item: Ready) -> bytes:
        """Return the feedback page, as it was written. Raises InfrastructureError where the store has lost it."""
        return self._load(item.page)

    def _load(self, name: str) -> bytes:
        data = self.store.get(name)
        if data is None:
            raise InfrastructureError(f"{self.store.folder}: an object is torn or gone; grade the class again")
        return data


def open_delivery(
    out: Path, *, roster: Path | None = None, include_provisional: bool = False, only: Sequence[str] = ()
) -> Delivery:
    """Return what of a graded folder may leave, by student in natural order.

    ``include_provisional`` also takes marksheets on which a person must still decide, marked so; never one where our
    side failed, nor one that is out of date. ``roster`` overrules the one that the class was graded with; everybody on
    it who has no marksheet is held. ``only`` names students (or a group's hand-in); the rest is neither ready nor held.
    Raises NothingFoundError where nothing was graded, ConfigError for a course or a roster that is in no order, for
    several assignments in one folder, and for a student in ``only`` of whom nothing is known.
    """
    store = Store(out)
    classes = load_classes(store)
    moderation = Moderation(out)
    course, digests = _load_courses(out, classes)
    path = roster or next((Path(item.roster) for item in classes if item.roster), None)
    people = load_roster(path) if path else None
    ready: list[Ready] = []
    held: list[Held] = []
    seen: set[str] = set()
    for item in classes:
        for hand_in in item.hand_ins:
            students = hand_in.members or (hand_in.student,)
            seen.update({hand_in.student, *students})
            if only and not {hand_in.student, *students} & set(only):
                continue
            found = _judge(store, moderation, hand_in.student, digests[item.job.class_folder], include_provisional)
            if isinstance(found, str):
                held.append(Held(name=hand_in.student, reason=found))
                continue
            record, provisional = found
            wanted = tuple(name for name in students if not only or name in only or hand_in.student in only)
            ready.append(
                Ready(
                    name=hand_in.student,
                    students=wanted,
                    provisional=provisional,
                    marksheet=record.objects["marksheet"],
                    page=record.objects["page"],
                )
            )
    absent = [name for name in people.ids if name not in seen] if people else []
    held.extend(Held(name=name, reason="handed in nothing") for name in absent if not only or name in only)
    if unknown := set(only) - seen - set(absent):
        raise ConfigError(f"--only {', '.join(sorted(unknown))}: nobody of that id was graded into {out}")
    return Delivery(
        store=store,
        course=course,
        roster=people,
        ready=tuple(sorted(ready, key=lambda item: natural_key(item.name))),
        held=tuple(sorted(held, key=lambda item: natural_key(item.name))),
        classes=classes,
    )


def _load_courses(out: Path, classes: Sequence[GradedClass]) -> tuple[Course, Mapping[str, str]]:
    """Return the course, and today's digest of the course by class folder."""
    courses = {item.job.class_folder: load_job_course(item.job) for item in classes}
    assignments = sorted({course.rubric.assignment for course in courses.values()})
    if len(assignments) > 1:
        raise ConfigError(f"{out} holds several assignments ({', '.join(assignments)}): grade each into its own --out")
    digests = {folder: digest_course(course) for folder, course in courses.items()}
    return next(iter(courses.values())), digests


def _judge(
    store: Store, moderation: Moderation, name: str, digest: str, include_provisional: bool
) -> tuple[Record, bool] | str:
    """Return the record and whether it is provisional, else why it stays."""
    if store.find_failure(name) is not None:
        return "could not be graded the last time (grade it again)"
    record = store.find_record(name)
    if record is None:
        return "not graded yet"
    summary = read_summary(record.summary)
    if record.fault or summary.ungraded:
        return f"ungraded for our fault: {', '.join(summary.ungraded) or 'a part'} (grade it again)"
    if record.keys.get("course") != digest:
        return "out of date: rubric, reference, templates or grader have changed since (grade the class again)"
    if record.keys.get("decisions", "") != digest_decisions(moderation.find(name)):
        return "a person decided since: grade again"
    if not store.is_shown(record):
        return "the files in its folder are not those that were written (grade it again)"
    if summary.status != "final":
        waiting = ", ".join(summary.waiting) or "the whole"
        return (record, True) if include_provisional else f"waits for a person: {waiting}"
    return record, False


def show_held(held: Sequence[Held]) -> Iterator[str]:
    """Yield a line for each reason, with how many and who, so that a class of thousands can be read."""
    reasons: dict[str, list[str]] = {}
    for item in held:
        reasons.setdefault(item.reason, []).append(item.name)
    for reason, names in sorted(reasons.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
        yield f"{len(names)} held: {reason}: {shown}"
