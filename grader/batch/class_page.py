"""The class at a glance: how the marks are spread, what is hard, what is often found, and who needs a person first.

Counters are filled one marksheet at a time. For staff; what a student could see leaves out all lists of hand-ins, what
is marked for staff, every group of fewer than ten, and every number that such a group could be worked out from: the
hand-ins settled, marked in one criterion and counted at all lie within one another, so that none is shown beside
another that it differs from by one to nine.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from grader.feedback.figures import Plot, Series
from grader.feedback.markup import clean
from grader.feedback.page import render_template
from grader.intake import natural_key
from grader.model import Mark, Marksheet

TEMPLATE = "class.html.j2"
LEAST_GROUP = 10
_BINS = (10, 5, 4, 2)
_SHARES = ("none", "up to half", "over half", "full")
# How a criterion's shares are joined where some are held by too few: the first that works is taken.
_JOINED = (
    {name: name for name in _SHARES},
    {"none": "none", "up to half": "a part", "over half": "a part", "full": "full"},
    {"none": "not full", "up to half": "not full", "over half": "not full", "full": "full"},
    {"none": "none", "up to half": "some", "over half": "some", "full": "some"},
)
_MOST_FINDINGS, _MOST_WAITING, _MOST_SLOW, _MESSAGE = 25, 100, 5, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """A hand-in that needs a person: links are relative to the page; ``pages`` is "" where none is pictured."""

    student: str
    marks: str
    criteria: str
    page: str
    marksheet: str
    pages: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionRow:
    """One criterion of the class: numbers as text, "" where there is none to show.

    ``mean`` is the mean share of its marks in percent; ``full`` and ``none`` count those with all marks and with none.
    """

    id: str
    title: str
    marked: str
    mean: str
    full: str
    none: str
    waiting: str
    plot: Plot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """How many hand-ins have a finding, with one of its messages ("" for students: it may quote one of them)."""

    code: str
    count: int
    message: str
    staff: bool


@dataclass(slots=True)
class _Criterion:
    title: str
    shares: Counter[str] = field(default_factory=Counter)
    total: Fraction = Fraction(0)
    waiting: int = 0


class ClassTally:
    """Counts a class, in memory that hardly grows with it."""

    def __init__(self) -> None:
        self.graded = self.undecided = self.failed = self.absent = 0
        self._totals = array("d")
        self._criteria: dict[str, _Criterion] = {}
        self._findings: Counter[str] = Counter()
        self._told: Counter[str] = Counter()  # of these, said to the student
        self._messages: dict[str, str] = {}
        self._waiting: list[tuple[float, str, str]] = []
        self._pictured: set[str] = set()
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
        if sheet.waiting:
            at_stake = float(sum(mark.available for mark in sheet.marks if mark.awarded is None))
            self.undecided += 1
            if any(mark.evidence.observed.get("pages") for mark in sheet.marks if mark.awarded is None):
                self._pictured.add(sheet.submission)
            self._waiting.append((at_stake, sheet.submission, ", ".join(sheet.waiting)))
            if len(self._waiting) > 4 * _MOST_WAITING:
                self._waiting = self._sort_waiting()
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
        share = Fraction(mark.awarded) / Fraction(mark.available)  # exact: the order of the hand-ins must not show
        item.total += share
        item.shares[_SHARES[0] if share == 0 else _SHARES[3] if share == 1 else _SHARES[1 + (2 * share > 1)]] += 1

    def _add_findings(self, sheet: Marksheet) -> None:
        """Count each code once a hand-in, and keep one message of it: the first by alphabet, whatever the order."""
        evidence = (item for mark in sheet.marks for item in mark.evidence.findings)
        seen = {(item.code, item.message, item.audience) for item in (*sheet.findings, *evidence)}
        self._findings.update({code for code, _, _ in seen})
        self._told.update({code for code, _, audience in seen if audience == "student"})
        for code, message, _ in seen:
            shown = clean(message[:_MESSAGE])
            self._messages[code] = min(self._messages.get(code, shown), shown)

    def add_ungraded(self, *, failed: bool) -> None:
        """Count a student without a marksheet: the grader failed, or nothing was handed in."""
        self.failed, self.absent = self.failed + failed, self.absent + (not failed)

    # --- views, the same in whatever order the hand-ins came ---

    @property
    def settled(self) -> int:
        """How many hand-ins wait for nobody."""
        return self.graded - self.undecided

    def tells_settled(self, least: int) -> bool:
        """Return whether it may be told how many are settled, and with it how many are not."""
        return not _is_small(self.settled, least) and not _is_small(self.undecided, least)

    def build_totals(self, least: int) -> Plot | None:
        """Return the spread of the settled totals, as fine as it may be; None where it may not be shown at all."""
        if len(self._totals) < max(1, least) or not self.tells_settled(least):
            return None
        for bins in _BINS:
            counts = Counter(min(int(total * bins / 100), bins - 1) for total in self._totals)
            # One bin left out would follow from the others and the sum: all are shown, or fewer and wider ones.
            if not any(_is_small(count, least) for count in counts.values()):
                width = 100 // bins
                names = [f"{n * width}+" for n in range(bins)]
                values = [counts[n] for n in range(bins)]
                return _build_bars("Settled totals", "percent of all marks", names, values)
        return None

    def build_criteria(self, least: int) -> list[CriterionRow]:
        """Return the criteria in the rubric's order."""
        return [self._build_criterion(name, item, least) for name, item in self._criteria.items()]

    def _build_criterion(self, name: str, item: _Criterion, least: int) -> CriterionRow:
        marked = sum(item.shares.values())
        shown = self._join_shares(item, least) if marked >= max(1, least) else {}
        # Of a criterion that gives all or nothing, mean and marked give the shares away: no mean without all of them.
        mean = f"{float(100 * item.total / marked):.0f} %" if set(shown) == set(_SHARES) else ""
        return CriterionRow(
            id=name,
            title=item.title,
            marked=str(marked) if shown or not least else "",
            mean=mean,
            full=str(shown["full"]) if "full" in shown else "",
            none=str(shown["none"]) if "none" in shown else "",
            waiting="" if least else str(item.waiting),
            plot=_build_bars(name, "share of the marks", list(shown), list(shown.values())) if shown else None,
        )

    def _join_shares(self, item: _Criterion, least: int) -> dict[str, int]:
        """Return how many have which share, joined as far as needed; nothing where they may not be told."""
        # Nor may those be told who are marked here, where it would say how few are not, or wait elsewhere only.
        elsewhere = self.undecided - item.waiting if self.tells_settled(least) else 0
        if _is_small(item.waiting, least) or _is_small(elsewhere, least):
            return {}
        for joined in _JOINED:
            counts = dict.fromkeys(joined.values(), 0)
            for share, name in joined.items():
                counts[name] += item.shares[share]
            if not any(_is_small(count, least) for count in counts.values()):
                return counts
        return {}

    def build_findings(self, audience: Literal["staff", "student"]) -> list[FindingRow]:
        """Return the most frequent findings; for students also none that fewer than ten do not have."""
        rows = []
        told = self._findings if audience == "staff" else self._told
        for code, count in sorted(told.items(), key=lambda item: (-item[1], item[0])):
            if audience == "staff":
                staff, message = not self._told[code], self._messages[code]
                rows.append(FindingRow(code=code, count=count, message=message, staff=staff))
            elif count >= LEAST_GROUP and not _is_small(self.graded - count, LEAST_GROUP):
                rows.append(FindingRow(code=code, count=count, message="", staff=False))
        return rows[:_MOST_FINDINGS]

    def build_waiting(self) -> list[WaitingRow]:
        """Return the hand-ins that need a person, most marks at stake first."""
        return [
            WaitingRow(
                student=student,
                marks=f"{marks:g}",
                criteria=criteria,
                page=f"./{quote(student, safe='')}/feedback.html",
                marksheet=f"./{quote(student, safe='')}/marksheet.json",
                pages=f"./{quote(student, safe='')}/pages/" if student in self._pictured else "",
            )
            for marks, student, criteria in self._sort_waiting()
        ]

    def _sort_waiting(self) -> list[tuple[float, str, str]]:
        return sorted(self._waiting, key=lambda item: (-item[0], natural_key(item[1])))[:_MOST_WAITING]

    def build_timing(self) -> tuple[float, list[tuple[str, str]]]:
        """Return the median seconds of a hand-in, and the slowest."""
        ordered = sorted(self._seconds) or [0.0]
        return ordered[len(ordered) // 2], [
            (name, f"{took:.1f} s") for took, name in sorted(self._slowest, reverse=True)
        ]


def _is_small(count: int, least: int) -> bool:
    return 0 < count < least


def _build_bars(title: str, label: str, names: Sequence[str], counts: Sequence[int]) -> Plot:
    """Return the counts as bars; where nobody is, no bar."""
    series = (Series(name="hand-ins", ys=tuple(float(count) if count else None for count in counts)),)
    return Plot(kind="bars", title=title, x_label=label, categories=tuple(names), series=series)


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
        tells_settled=tally.tells_settled(least),
        totals=tally.build_totals(least) if enough else None,
        criteria=tally.build_criteria(least) if enough else [],
        findings=tally.build_findings(audience) if enough else [],
        waiting=tally.build_waiting() if staff else [],
        most_waiting=_MOST_WAITING,
        median=f"{median:.1f} s",
        slowest=slowest if staff else [],
    )
