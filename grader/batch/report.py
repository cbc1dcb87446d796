"""What the store tells: where every hand-in stands, and whose marks changed between two runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grader.batch.events import Job
from grader.batch.store import Store
from grader.batch.unit import Desk, build_desk, find_need, read_summary
from grader.course import Course
from grader.errors import ConfigError
from grader.intake import HandIn

StateName = Literal["done", "waiting for a person", "out of date", "failed", "not graded"]
# In a marksheet's digests, and what a change of each means to whoever asks why marks changed.
_REASONS = {
    "submission": "the hand-in",
    "rubric": "the rubric",
    "reference": "the reference",
    "grader": "the grader",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where one hand-in stands; ``why`` says more where there is more to say."""

    student: str
    name: StateName
    why: str = ""


def find_states(course: Course, job: Job, hand_ins: Sequence[HandIn]) -> Iterator[State]:
    """Yield where each hand-in stands, in order."""
    desk = build_desk(job, course)
    for hand_in in hand_ins:
        yield _find_state(desk, hand_in)


def _find_state(desk: Desk, hand_in: HandIn) -> State:
    student = hand_in.student
    failure = desk.store.find_failure(student)
    if failure is not None:
        return State(student=student, name="failed", why=failure.strip().splitlines()[0] if failure.strip() else "")
    need = find_need(desk, hand_in)
    if need.record is None:
        return State(student=student, name="not graded")
    summary = read_summary(need.record.summary)
    if need.record.fault:
        return State(student=student, name="failed", why=f"ungraded: {', '.join(summary.ungraded)}")
    if need.work:
        return State(student=student, name="out of date", why="its notebook may run again" if need.notebook else "")
    if summary.waiting:
        return State(student=student, name="waiting for a person", why=", ".join(summary.waiting))
    return State(student=student, name="done")


def find_changes(out: Path, runs: Sequence[int]) -> Iterator[str]:
    """Yield a line for every hand-in whose marks differ between two runs, and one on what was compared.

    Raises ConfigError where there are no two such runs.
    """
    store = Store(out)
    known = store.list_runs()
    if len(runs) > 2:
        raise ConfigError("grade diff takes at most two runs")
    wanted = [*runs, known[-1]][:2] if runs and known else known[-2:]
    if len(wanted) < 2:
        raise ConfigError(f"{out}: {len(known)} run{'s' * (len(known) != 1)} stored; two are needed to compare")
    if missing := [number for number in wanted if number not in known]:
        raise ConfigError(f"{out}: there is no run {missing[0]} (stored: {known[0]} to {known[-1]})")
    before, after = (store.find_run(number) or {} for number in wanted)
    yield f"Run {wanted[0]} ({before.get('at')}) to run {wanted[1]} ({after.get('at')}):"
    yield from _compare_runs(store, before.get("marksheets", {}), after.get("marksheets", {}))


def _compare_runs(store: Store, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    changed = same = 0
    for student in sorted({*before, *after}):
        first, second = before.get(student), after.get(student)
        if first == second:
            continue
        lines = list(_compare(student, store.get_json(first), store.get_json(second)))
        changed, same = changed + bool(lines), same + (not lines)
        yield from lines
    yield f"{changed} changed; {same} more were marked again and came out the same."


def _compare(student: str, before: Any, after: Any) -> Iterator[str]:
    """Yield how one student's marks changed; nothing where they did not."""
    if before is None or after is None:
        yield f"{student}: {'new' if before is None else 'gone'}" + (f", {_show_total(after)}" if after else "")
        return
    earlier = {item["id"]: item for item in before["criteria"]}
    later = {item["id"]: item for item in after["criteria"]}
    rows = [
        f"  {name}: {_show(earlier.get(name))} -> {_show(later.get(name))}"
        for name in dict.fromkeys([*earlier, *later])
        if _show(earlier.get(name)) != _show(later.get(name))
    ]
    if _show_deductions(before) != _show_deductions(after):
        rows.append(f"  deducted: {_show_deductions(before)} -> {_show_deductions(after)}")
    if rows:
        yield f"{student}: {_show_total(before)} -> {_show_total(after)}; changed: {_find_reason(before, after)}"
        yield from rows


def _find_reason(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    found = [text for key, text in _REASONS.items() if before["digests"].get(key) != after["digests"].get(key)]
    if before.get("submitted_at") != after.get("submitted_at"):
        found.append("when it was handed in")
    if before["environment"] != after["environment"]:
        found.append("the environment")
    return ", ".join(found) or "nothing but the notebook's run"


def _show(item: Any) -> str:
    if item is None:
        return "not there"
    awarded = "waits" if item["awarded"] is None else f"{item['awarded']:g}"
    return f"{awarded} of {item['available']:g} ({item['verdict']})"


def _show_deductions(sheet: Mapping[str, Any]) -> str:
    """Return the marks taken off (an earlier grader's marksheet has none), or that it waits to be known."""
    if sheet.get("review"):
        return "waits"
    return f"{sum(item['marks'] for item in sheet.get('deductions', ())):g}"


def _show_total(sheet: Mapping[str, Any]) -> str:
    if sheet["awarded"] is None:
        return f"{sheet['awarded_so_far']:g} so far"
    return f"{sheet['awarded']:g}"
