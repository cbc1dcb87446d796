"""One run over a class: what must be done, who does it, and what is kept of the whole."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from grader.batch.events import Event, Job, Summary
from grader.batch.local import find_jobs, run_local
from grader.batch.store import Store
from grader.batch.unit import Desk, build_desk, find_need, read_summary
from grader.batch.worker import prepare, serve_one
from grader.course import Course
from grader.errors import ConfigError, InfrastructureError
from grader.intake import HandIn, read_hand_in
from grader.pipeline import open_lodgings

RUN_SCHEMA = "grader/run/1"
Executor = Callable[[Job, Sequence[str]], Generator[Event]]


class StoppedError(InfrastructureError):
    """No hand-in of this run would have fared better: no room for notebooks, no space on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run has to do: ``unchanged`` are as they should be, with what is known of them, ``pending`` need work."""

    desk: Desk
    unchanged: Mapping[HandIn, Summary]
    pending: tuple[HandIn, ...]
    notebooks: bool


def build_plan(
    course: Course, job: Job, hand_ins: Sequence[HandIn], tell: Callable[[int], None] = lambda _: None
) -> Plan:
    """Return what must be done for ``hand_ins``; ``tell`` hears how many have been looked at."""
    desk = build_desk(job, course)
    unchanged: dict[HandIn, Summary] = {}
    pending: list[HandIn] = []
    notebooks = False
    for number, hand_in in enumerate(hand_ins, 1):
        try:
            need = find_need(desk, hand_in)
            known = read_summary(need.record.summary) if need.record is not None and not need.work else None
        except ConfigError:  # taken away meanwhile: whoever grades it says so
            pending.append(hand_in)
            continue
        if known is None:
            pending.append(hand_in)
        else:
            unchanged[hand_in] = replace(known, work="unchanged")
        notebooks = notebooks or need.notebook
        tell(number)
    return Plan(desk=desk, unchanged=unchanged, pending=tuple(pending), notebooks=notebooks)


def run_plan(
    plan: Plan, tell: Callable[[Event], None], *, jobs: int | None = None, executor: Executor | None = None
) -> None:
    """Do what the plan says and ``tell`` what happens, as it happens; what fails is remembered in the store.

    A single hand-in is graded in this process, a class by ``jobs`` workers (by default what the machine allows), or by
    ``executor``. Raises StoppedError where going on makes no sense.
    """
    desk = plan.desk
    job = replace(desk.job, prepare=plan.notebooks, quiet_seconds=find_quiet_seconds(desk.course))
    for hand_in, summary in plan.unchanged.items():
        tell(Event(kind="finished", path=hand_in.pack(), summary=summary))
    paths = [hand_in.pack() for hand_in in plan.pending]

    def hear(event: Event) -> None:
        if event.kind == "failed" and event.fatal:
            raise StoppedError(event.text)
        if event.kind == "failed":
            desk.store.write_failure(read_hand_in(event.path).student, event.text)
        tell(event)

    if executor is None and len(paths) == 1:
        _run_here(replace(desk, job=job), paths[0], hear)
    elif paths:
        settings = desk.course.rubric.notebook
        number = jobs or find_jobs(settings, notebooks=plan.notebooks, device=job.device)
        events = executor(job, paths) if executor is not None else run_local(job, paths, number)
        with contextlib.closing(events):
            for event in events:
                hear(event)


def _run_here(desk: Desk, path: str, tell: Callable[[Event], None]) -> None:
    """Grade one hand-in in this process: there is no class that it could bring down."""
    tell(Event(kind="started", path=path))
    lodgings = open_lodgings(desk.course, device=desk.job.device, unsafe=desk.job.unsafe)
    try:
        prepare(lodgings, desk.job, tell)
        serve_one(replace(desk, lodgings=lodgings), path, tell)
    finally:
        if lodgings is not None:
            lodgings.close()


def find_quiet_seconds(course: Course) -> float:
    """Return how long a worker may be silent: it speaks at every cell and every probe."""
    settings = course.rubric.notebook
    longest = max(settings.cell_timeout_seconds, settings.probe_timeout_seconds) if settings else 0.0
    return longest + 600.0  # rooms are built, a report is read and checked


# --- the state of the whole ------------------------------------------------------------------------------------------


def keep_run(store: Store, digests: Mapping[str, str], marksheets: Mapping[str, str]) -> int | None:
    """Keep which marksheets everybody has now, unless they are as they were; return the run's number."""
    last = max(store.list_runs(), default=0)
    before: dict[str, Any] = store.find_run(last) or {}
    if before.get("marksheets") == marksheets:
        return None
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return store.write_run({"schema": RUN_SCHEMA, "at": at, "digests": dict(digests), "marksheets": dict(marksheets)})
