"""What people decided, in ``graded/moderation.jsonl``: a line for each decision, added at the end and never changed."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from grader.batch.keys import build_digest
from grader.codec import build_decision, pack_json
from grader.codec import read_decision as read_fields
from grader.errors import ConfigError, InfrastructureError
from grader.marking import round_marks
from grader.model import DECIDED, SUBMITTED_AT, Decision, Verdict
from grader.model.moment import find_moment

FILE = "moderation.jsonl"
SCHEMA = "grader/decision/1"
WHOLE: Mapping[str, Decimal] = {"correct": Decimal(1), "wrong": Decimal(0), "missing": Decimal(0)}
"""The credit of the verdicts with which nobody need say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A decision that was not written, because ``head`` was made meanwhile by somebody else (None: there is none)."""

    wanted: Decision
    head: Decision | None


class Moderation:
    """The decisions of one graded folder, read as far as the file goes; several processes may write at once."""

    def __init__(self, out: Path) -> None:
        self.path = out / FILE
        self.problems: list[str] = []
        """A sentence for each line that does not count."""
        self._offset = 0
        self._line = 0
        self._lines: dict[tuple[str, str], list[Decision]] = {}
        self._valid: dict[tuple[str, str], list[Decision]] = {}
        self._students: dict[str, set[str]] = {}
        self._changed: set[tuple[str, str]] = set()

    def refresh(self) -> None:
        """Read what was added since. Raises InfrastructureError where the file cannot be read."""
        try:
            if self.path.stat().st_size == self._offset:
                return
            with self.path.open("rb") as stream:
                self._read(stream.fileno())
        except FileNotFoundError:
            return
        except OSError as error:
            raise InfrastructureError(f"cannot read {self.path}: {error.strerror or error}") from None

    def find(self, student: str) -> Mapping[str, Decision]:
        """Return what counts of a student, by criterion."""
        self.refresh()
        criteria = self._students.get(student, set())
        return {name: valid[-1] for name in sorted(criteria) if (valid := self._valid[student, name])}

    def find_head(self, student: str, criterion: str) -> Decision | None:
        """Return the last line on a criterion, be it a decision or an undo: what the next one must replace."""
        lines = self._lines.get((student, criterion))
        return lines[-1] if lines else None

    def find_history(self, student: str, criterion: str) -> tuple[Decision, ...]:
        """Return every line on a criterion, oldest first."""
        return tuple(self._lines.get((student, criterion), ()))

    def take_changes(self) -> set[tuple[str, str]]:
        """Read what was added, and return (student, criterion) of every line since this was last asked."""
        self.refresh()
        changed, self._changed = self._changed, set()
        return changed

    def append(self, decisions: Sequence[Decision]) -> list[Conflict]:
        """Write decisions, on the disk before this returns; return those that somebody was quicker with.

        Raises InfrastructureError where they cannot be written, ValueError for what is no decision: then none is.
        """
        for item in decisions:
            if problem := find_problem(item):
                raise ValueError(f"{item.student}, {item.criterion}: {problem}")
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise InfrastructureError(f"cannot write {self.path}: {error.strerror or error}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._read(descriptor)
            conflicts, data, heads = [], b"", dict[tuple[str, str], Decision]()
            for item in decisions:
                key = item.student, item.criterion
                head = heads.get(key) or self.find_head(*key)
                if item.replaces != (head.id if head else ""):
                    conflicts.append(Conflict(wanted=item, head=head))
                else:
                    data += pack_json({"schema": SCHEMA, **build_decision(item)}) + b"\n"
                    heads[key] = item
            if data:
                size = os.fstat(descriptor).st_size
                torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                _write_all(descriptor, b"\n" + data if torn else data)  # a torn line is closed, never changed
                os.fsync(descriptor)
                self._sync_folder()
                self._read(descriptor)
            return conflicts
        except OSError as error:
            raise InfrastructureError(f"cannot write {self.path}: {error.strerror or error}") from None
        finally:
            os.close(descriptor)

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self, descriptor: int) -> None:
        """Take in the whole lines after those that were read."""
        size = os.fstat(descriptor).st_size
        if size < self._offset:
            raise InfrastructureError(f"{self.path}: has become shorter; it is only ever added to. Restore it.")
        data = b""
        while len(data) < size - self._offset:
            part = os.pread(descriptor, size - self._offset - len(data), self._offset + len(data))
            if not part:
                break
            data += part
        end = data.rfind(b"\n") + 1
        for line in data[:end].splitlines():
            self._line += 1
            if line.strip():
                self._add(line)
        self._offset += end
        self.torn = end < len(data)

    torn = False
    """Whether the last line was cut off while it was written, so that nobody was told that it counts."""

    def _add(self, line: bytes) -> None:
        try:
            item = read_decision(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation) as error:
            self.problems.append(f"{self.path}:{self._line}: does not count: {error}")
            return
        key = item.student, item.criterion
        lines, valid = self._lines.setdefault(key, []), self._valid.setdefault(key, [])
        if item.replaces != (lines[-1].id if lines else ""):
            self.problems.append(f"{self.path}:{self._line}: does not count: does not replace the decision before it")
            return
        lines.append(item)
        if not item.undo:
            valid.append(item)
        elif valid:
            valid.pop()
        self._students.setdefault(item.student, set()).add(item.criterion)
        self._changed.add(key)


def new_decision(who: str, student: str, criterion: str, **fields: Any) -> Decision:
    """Return a decision made now."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Decision(id=secrets.token_hex(8), at=at, who=who, student=student, criterion=criterion, **fields)


def settle_verdict(decision: Decision, available: Decimal) -> Decision:
    """Return the decision with the verdict of its marks: "partial" with all of them is correct, with none wrong.

    Marks count as they are rounded. The credit is said then, so that it stays all or nothing when the rubric's marks
    change.
    """
    if decision.verdict != "partial":
        return decision
    marks = decision.marks if decision.marks is not None else (decision.credit or Decimal(0)) * available
    awarded = round_marks(marks)
    if 0 < awarded < available:
        return decision
    verdict: Verdict = "correct" if awarded else "wrong"
    return replace(decision, verdict=verdict, credit=WHOLE[verdict], marks=None)


def build_undo(moderation: Moderation, who: str, student: str, criterion: str) -> Decision:
    """Return the line that takes back the decision that counts. Raises ConfigError where none does."""
    head = moderation.find_head(student, criterion)
    if head is None or criterion not in moderation.find(student):
        raise ConfigError(f"{student}, {criterion}: nothing was decided that could be taken back")
    return new_decision(who, student, criterion, replaces=head.id, undo=True)


def digest_decisions(decisions: Mapping[str, Decision]) -> str:
    """Return the digest of what counts of one student, "" where nothing was decided."""
    return build_digest([item.id for item in decisions.values()]) if decisions else ""


def read_decision(data: Mapping[str, Any]) -> Decision:
    """Return the decision of a line. Raises ValueError, TypeError or KeyError where it says none."""
    fields = dict(data)
    if fields.pop("schema") != SCHEMA:
        raise ValueError("is of another version")
    item = read_fields(fields)
    if problem := find_problem(item):
        raise ValueError(problem)
    return item


def find_problem(item: Decision) -> str:
    """Return why this is no decision, "" where it is one."""
    if not (item.id and item.who and item.student and item.criterion):
        return "who, student and criterion must be named"
    if item.undo:
        return "" if item.replaces else "an undo must name what it takes back"
    if item.criterion == SUBMITTED_AT:
        return "" if find_moment(item.moment) else "needs the moment, as 2026-12-01T23:59:00+03:30"
    if item.verdict not in DECIDED:
        return f"verdict must be one of {', '.join(sorted(DECIDED))}"
    if item.marks is None and item.credit is None:
        return "needs marks or credit"
    if item.credit is not None and not (item.credit.is_finite() and 0 <= item.credit <= 1):
        return "credit must be between 0 and 1"
    if item.marks is not None and not (item.marks.is_finite() and item.marks >= 0):
        return "marks must be 0 or more"
    return ""


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
