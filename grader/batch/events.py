"""What is said between those who grade and those who watch: jobs, events and summaries, all plain JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Work = Literal["graded", "checked again", "marked again", "unchanged"]
Kind = Literal["started", "stage", "finished", "failed", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker must know to grade any hand-in of a class. Paths are absolute."""

    course: str
    rubric: str
    class_folder: str
    out: str
    times: str = ""
    """The list of when each hand-in was handed in, "" for none."""
    device: str = "cpu"
    unsafe: bool = False
    fresh: bool = False
    """Do everything again, whatever is stored."""
    repeat: int = 1
    """How often each notebook is run, to find verdicts that move."""
    prepare: bool = False
    """There are notebooks: build the rooms before the first hand-in is opened."""
    quiet_seconds: float = 900.0
    """A worker that says nothing for longer is ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of one hand-in, in few bytes: a class of thousands is held in memory.

    ``awarded`` is None while something waits; ``waiting`` is that of the Marksheet, ``ungraded`` are criteria; ``work``
    says how much had to be done: ``graded`` (read, notebook run, checked), ``checked again`` (from the stored run of
    the notebook), ``marked again`` (from stored evidence), ``unchanged``.
    """

    student: str
    status: str
    awarded: float | None
    awarded_so_far: float
    available: float
    waiting: tuple[str, ...] = ()
    ungraded: tuple[str, ...] = ()
    work: Work = "graded"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened to the hand-in that ``path`` says: a path, or what HandIn.pack made of it.

    ``text`` is the stage, or why it failed; ``worker`` names who works on it; ``summary`` comes with ``finished``.
    ``fatal`` with ``failed``: no other hand-in would fare better, so that the run must stop. A ``note`` is for whoever
    watches, and belongs to no hand-in.
    """

    kind: Kind
    path: str
    text: str = ""
    worker: str = ""
    summary: Summary | None = None
    fatal: bool = False


def build_event(event: Event) -> dict[str, Any]:
    """Return the event as a JSON object."""
    return dataclasses.asdict(event)


def read_event(data: dict[str, Any]) -> Event:
    """Return the event of a JSON object that ``build_event`` made."""
    summary = data.get("summary")
    if summary is not None:
        for name in ("waiting", "ungraded"):
            summary = {**summary, name: tuple(summary[name])}
        summary = Summary(**summary)
    return Event(**{**data, "summary": summary})
