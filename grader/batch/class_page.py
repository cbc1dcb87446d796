"""The class at a glance: how the marks are spread, what is hard, what is often found, and who needs a person first.

Counters are filled one marksheet at a time. For staff; what a student could see leaves out every group of fewer than
ten, all lists of hand-ins, and what is marked for staff.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from grader.feedback.figures import Plot, Series
from grader.feedback.page import render_template
from grader.intake import natural_key
from grader.model import Mark, Marksheet

TEMPLATE = "class.html.j2"
LEAST_GROUP = 10
_BINS = 10
_SHARES = ("none", "up to half", "more than half", "full")
_MOST_FINDINGS, _MOST_WAITING, _MOST_SLOW, _MESSAGE = 25, 100, 5, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """A hand-in that needs a person: links are relative to the page."""

    student: str
    marks: str
    criteria: str
    page: str
    marksheet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionRow:
    """One criterion of the class; ``mean`` is the mean share of its marks in percent, "" where nobody is marked."""

    id: str
    title: str
    marked: int
    mean: str
    full: int
    none: int
    waiting: int
    plot: Plot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """How many hand-ins have a finding, with one of its messages."""

    code: str
    count: int
    message: str
    staff: bool


@dataclass(slots=True)
class _Criterion:
    title: str
    shares: Counter[str] = field(default_factory=Counter)
    total: float = 0.0
    waiting: int = 0


class ClassTally:
    """Counts a class, in memory that hardly grows with it."""

    def __init__(self) -> None:
        self.graded = self.failed = self.absent = 0
        self._totals = array("d")
        self._criteria: dict[str, _Criterion] = {}
        self._findings: Counter[str] = Counter()
        self._messages: dict[str, tuple[str, bool]] = {}
        self._waiting: list[tuple[float, str, str]] = []
        self._seconds = array("d")
        self._slowest: list[tuple[float, str]] = []

    def add(self, sheet: Marksheet) -> None:
        """Count one hand-in."""
        self.graded += 1
        if sheet.awarded is not None and sheet.available:
            self._totals.append(float(100 * sheet.awarded / sheet.available))
        for mark in sheet.marks:
            self._add_mark(mark)
        self._add_findings(sheet)
        waiting = [mark for mark in sheet.marks if mark.awarded is None]
        if waiting:
            at_stake = float(sum(mark.available for mark in waiting))
            self._waiting.append((at_stake, sheet.submission, ", ".join(mark.criterion for mark in waiting)))
        seconds = float(sheet.timing.get("seconds", 0))
        self._seconds.append(seconds)
        heapq.heappush(self._slowest, (seconds, sheet.submission))
        if len(self._slowest) > _MOST_SLOW:
            heapq.heappop(self._slowest)

    def _add_mark(self, mark: Mark) -> None:
        item = self._criteria.setdefault(mark.criterion, _Criterion(mark.title))
        if mark.awarded is None:
            item.waiting += 1
            return
        share = float(mark.awarded / mark.available)
        item.total += share
        item.shares[_SHARES[0] if share == 0 else _SHARES[3] if share == 1 else _SHARES[1 + (share > 0.5)]] += 1

    def _add_findings(self, sheet: Marksheet) -> None:
        """Count each code once a hand-in, and keep one message of it: the first by alphabet, whatever the order."""
        evidence = (item for mark in sheet.marks for item in mark.evidence.findings)
        seen = {(item.code, item.message[:_MESSAGE], item.audience == "staff") for item in (*sheet.findings, *evidence)}
        self._findings.update({code for code, _, _ in seen})
        for code, message, staff in seen:
            known = self._messages.get(code, (message, staff))
            self._messages[code] = min(known, (message, staff))

    def add_ungraded(self, *, failed: bool) -> None:
        """Count a student without a marksheet: the grader failed, or nothing was handed in."""
        self.failed, self.absent = self.failed + failed, self.absent + (not failed)

    # --- views, the same in whatever order the hand-ins came ---

    @property
    def undecided(self) -> int:
        """How many hand-ins wait for a person."""
        return len(self._waiting)

    def build_totals(self, least: int) -> Plot | None:
        """Return the spread of the settled totals; None where fewer than ``least`` are settled."""
        if len(self._totals) < max(1, least):
            return None
        counts = Counter(min(int(total * _BINS / 100), _BINS - 1) for total in self._totals)
        width = 100 // _BINS
        names = tuple(f"{n * width}–{(n + 1) * width}" for n in range(_BINS))
        values = tuple(None if 0 < counts[n] < least else float(counts[n]) for n in range(_BINS))
        return _build_bars("Settled totals, in percent of all marks", names, values)

    def build_criteria(self, least: int) -> list[CriterionRow]:
        """Return the criteria in the rubric's order."""
        return [self._build_criterion(name, item, least) for name, item in self._criteria.items()]

    @staticmethod
    def _build_criterion(name: str, item: _Criterion, least: int) -> CriterionRow:
        marked = sum(item.shares.values())
        plain = marked >= max(1, least)
        values = tuple(None if 0 < item.shares[share] < least else float(item.shares[share]) for share in _SHARES)
        hidden = any(value is None for value in values)
        return CriterionRow(
            id=name,
            title=item.title,
            marked=marked,
            mean=f"{100 * item.total / marked:.0f} %" if plain else "",
            full=0 if hidden else item.shares["full"],
            none=0 if hidden else item.shares["none"],
            waiting=item.waiting,
            plot=_build_bars(f"{name}: share of the marks", _SHARES, values) if plain and not hidden else None,
        )

    def build_findings(self, audience: Literal["staff", "student"]) -> list[FindingRow]:
        """Return the most frequent findings."""
        rows = []
        for code, count in sorted(self._findings.items(), key=lambda item: (-item[1], item[0])):
            message, staff = self._messages[code]
            if audience == "staff" or (not staff and count >= LEAST_GROUP):
                rows.append(FindingRow(code=code, count=count, message=message, staff=staff))
        return rows[:_MOST_FINDINGS]

    def build_waiting(self) -> list[WaitingRow]:
        """Return the hand-ins that need a person, most marks at stake first."""
        found = sorted(self._waiting, key=lambda item: (-item[0], natural_key(item[1])))
        return [
            WaitingRow(
                student=student,
                marks=f"{marks:g}",
                criteria=criteria,
                page=f"./{quote(student, safe='')}/feedback.html",
                marksheet=f"./{quote(student, safe='')}/marksheet.json",
            )
            for marks, student, criteria in found[:_MOST_WAITING]
        ]

    def build_timing(self) -> tuple[float, list[tuple[str, str]]]:
        """Return the median seconds of a hand-in, and the slowest."""
        ordered = sorted(self._seconds) or [0.0]
        return ordered[len(ordered) // 2], [
            (name, f"{took:.1f} s") for took, name in sorted(self._slowest, reverse=True)
        ]


def _build_bars(title: str, names: Sequence[str], values: Sequence[float | None]) -> Plot:
    series = (Series(name="hand-ins", ys=tuple(values)),)
    return Plot(kind="bars", title=title, y_label="hand-ins", categories=tuple(names), series=series)


def render_class_page(
    tally: ClassTally, *, title: str, templates: Sequence[Path], audience: Literal["staff", "student"] = "staff"
) -> str:
    """Return the page. For students (``student``) every group of fewer than ten is left out."""
    staff = audience == "staff"
    least = 0 if staff else LEAST_GROUP
    median, slowest = tally.build_timing()
    enough = staff or tally.graded >= LEAST_GROUP
    return render_template(
        TEMPLATE,
        templates,
        title=title,
        staff=staff,
        tally=tally,
        enough=enough,
        totals=tally.build_totals(least) if enough else None,
        criteria=tally.build_criteria(least) if enough else [],
        findings=tally.build_findings(audience) if enough else [],
        waiting=tally.build_waiting() if staff else [],
        most_waiting=_MOST_WAITING,
        median=f"{median:.1f} s",
        slowest=slowest if staff else [],
    )
