"""The one place that decides what a student may see of a marksheet.

Whatever reaches students (page, mail, exports) is made from a StudentView, never from a Marksheet. A StudentView is
built up from the parts that are allowed, so that a new key of the evidence is hidden until somebody lets it through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Literal

from grader.feedback.figures import Plot, Table, find_plot, find_table
from grader.feedback.markup import clean
from grader.kinds.presence import PRESENCE
from grader.model import DECIDED, Evidence, Finding, Json, Mark, Marksheet

StudentVerdict = Literal["correct", "partial", "wrong", "missing", "waiting"]

STEPS = 4
"""How many steps the list at the top of the page holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A notebook cell worth showing; ``index`` counts all cells from 0."""

    index: str
    outcome: str
    error: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page shows of one side, what was read or what was expected. All text is raw and must be escaped.

    ``movement`` shows parameters before and after the cells that left them where they were.
    """

    text: str = ""
    answer: str = ""
    location: str = ""
    latex: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    table: Table | None = None
    movement: Table | None = None
    plot: Plot | None = None
    cells: tuple[Cell, ...] = ()
    undrawn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionView:
    """One criterion; ``awarded`` is None and ``waiting`` says why while a person must look at it."""

    anchor: str
    label: str
    group: str
    title: str
    available: Decimal
    awarded: Decimal | None
    verdict: StudentVerdict
    observed: Shown
    expected: Shown | None
    reading: str = ""
    messages: tuple[str, ...] = ()
    next: str = ""
    waiting: str = ""
    word: str = ""
    """What to call the verdict where its usual word would say too much: "found" for an answer that was not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The criteria of one question of the sheet."""

    anchor: str
    title: str
    available: Decimal
    awarded: Decimal
    waiting: Decimal
    criteria: tuple[CriterionView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something to do next, and the marks that it is about."""

    anchor: str
    label: str
    title: str
    text: str
    lost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DeductionView:
    """Marks taken off the sum, and why."""

    text: str
    marks: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentView:
    """Everything that a student may see of one submission.

    Marks add up: earned + deducted + lost + waiting = available. ``undated``: when it was handed in is not known.
    """

    submission: str
    title: str
    settled: bool
    available: Decimal
    earned: Decimal
    deducted: Decimal
    lost: Decimal
    waiting: Decimal
    waiting_count: int
    steps: tuple[Step, ...]
    more_steps: int
    deductions: tuple[DeductionView, ...]
    undated: bool
    groups: tuple[Group, ...]
    notes: tuple[str, ...]
    environment: str

    @property
    def formative(self) -> bool:
        """Whether some answers were looked for and not judged (students' own CI)."""
        return any(item.word for group in self.groups for item in group.criteria)


def student_view(marksheet: Marksheet) -> StudentView:
    """Return what a student may see of ``marksheet``; everything else is left behind."""
    criteria = [_build_criterion(mark) for mark in marksheet.marks]
    waiting = [item.available for item in criteria if item.awarded is None]
    steps = _build_steps(criteria)
    return StudentView(
        submission=clean(marksheet.submission, 80),
        title=clean(marksheet.title, 200),
        settled=marksheet.awarded is not None,
        available=marksheet.available,
        earned=marksheet.awarded_so_far,
        deducted=marksheet.deducted,
        lost=marksheet.available - marksheet.awarded_so_far - marksheet.deducted - sum(waiting, Decimal(0)),
        waiting=sum(waiting, Decimal(0)),
        waiting_count=len(waiting),
        steps=tuple(steps[:STEPS]),
        more_steps=max(0, len(steps) - STEPS),
        deductions=tuple(
            DeductionView(text=clean(item.reason, 400), marks=item.marks) for item in marksheet.deductions
        ),
        undated=marksheet.review is not None,
        groups=tuple(
            _build_group(number, name, list(items))
            for number, (name, items) in enumerate(groupby(criteria, lambda item: item.group), 1)
        ),
        notes=_messages(marksheet.findings),
        environment=_build_environment(marksheet.environment),
    )


def _build_criterion(mark: Mark) -> CriterionView:
    evidence = mark.evidence
    undecided = mark.awarded is None
    decision = mark.decision
    overruled = decision is not None and decision.verdict != evidence.verdict
    observed = build_shown(
        {
            key: value
            for key, value in evidence.observed.items()
            if not (undecided or overruled) or key not in ("table", "movement")
        }
    )
    # Where a verdict waits for a person's word, findings, advice and the table of points are that verdict in words.
    # Where a person decided otherwise they are words that no longer hold.
    hinting = overruled or (undecided and evidence.verdict in DECIDED)
    messages = () if hinting else _messages(evidence.findings)
    if decision is not None and decision.comment:  # never who wrote it, nor the reason, which is for staff
        messages = (clean(decision.comment, 1500), *messages)
    advice = clean(evidence.observed.get("next") or "", 600)
    # Full marks and nothing found: there is nothing to do next.
    silent = hinting or advice in messages or (mark.awarded == mark.available and not messages)
    question = re.fullmatch(r"q(\d+)([a-z]?)(?:_\w*)?", mark.criterion)
    return CriterionView(
        anchor="part-" + re.sub(r"[^A-Za-z0-9]+", "-", mark.criterion),
        label=f"{question[1]}{question[2]}" if question else "",
        group=f"Question {question[1]}" if question else "Your answers",
        title=clean(mark.title, 200),
        available=mark.available,
        awarded=mark.awarded,
        verdict=_verdict(mark),
        observed=observed,
        expected=build_shown(evidence.expected) if evidence.expected.get("visibility") == "visible" else None,
        # The reading and the verdict of an undecided answer are no more than the grader's suggestion to staff.
        reading="" if undecided or overruled else clean(evidence.reading or "", 80).replace("_", " "),
        messages=messages,
        next="" if silent else advice,
        waiting=_waiting(evidence, observed) if undecided else "",
        word="found" if not undecided and evidence.provenance == PRESENCE else "",
    )


def _verdict(mark: Mark) -> StudentVerdict:
    """Return the verdict that goes with the marks; a person may have given marks where the grader could not."""
    if mark.awarded is None:
        return "waiting"
    verdict = mark.decision.verdict if mark.decision and mark.decision.verdict else mark.evidence.verdict
    if verdict in DECIDED:
        return verdict  # type: ignore[return-value]  # DECIDED holds the four words that both types share
    if mark.awarded == mark.available:
        return "correct"
    return "partial" if mark.awarded else "wrong"


def _waiting(evidence: Evidence, observed: Shown) -> str:
    """Return a kind sentence in place of the reason and the suggestion that staff see."""
    if evidence.verdict == "ungraded":
        return "Something on our side kept us from marking this. It costs you nothing: a person will look at it."
    if observed.repairs:
        return "Some signs were hard to read, so a person will check how we read your answer before it is marked."
    return "We could not mark this with certainty, so a person will look at it. You need not do anything."


def build_shown(side: Mapping[str, Json]) -> Shown:
    """Return what may be drawn of one side of the evidence, cleaned; whether a student may see it is not asked here."""
    table, plot = find_table(side.get("table")), find_plot(side.get("plot"))
    undrawn = [key for key, found in (("table", table), ("plot", plot)) if side.get(key) and found is None]
    return Shown(
        text=clean(side.get("text") or "", 1000),
        answer=clean(side.get("answer") or ""),
        location=clean(side.get("location") or "", 300),
        latex=tuple(clean(item) for item in _list(side.get("latex")) if item),
        repairs=tuple(clean(item, 400) for item in _list(side.get("repairs"))),
        table=table,
        movement=find_table(side.get("movement")),
        plot=plot,
        cells=tuple(_build_cell(item) for item in _list(side.get("cells"))[:12] if isinstance(item, Mapping)),
        undrawn=tuple(undrawn),
    )


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else [] if value is None else [value]


def _build_cell(item: Mapping[str, Json]) -> Cell:
    return Cell(
        index=clean(item.get("index", ""), 8),
        outcome=clean(item.get("outcome") or "", 40),
        error=_error(clean(item.get("error") or "")),
        source=clean(item.get("source") or ""),
    )


def _error(text: str) -> str:
    """Return an error as a student needs it: the last line of a traceback, without the folders of our machine."""
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and ("Traceback" in text or "  File " in text):
        lines = lines[-1:]
    return re.sub(r"(?<![\w.])/(?:tmp|var|root|home|work|opt|usr)/[^\s'\":]*/", "…/", "\n".join(lines))[:600]


def _messages(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the sentences meant for students, each once."""
    return tuple(dict.fromkeys(clean(item.message, 1500) for item in findings if item.audience == "student"))


def _build_steps(criteria: Sequence[CriterionView]) -> list[Step]:
    """Return what to do next: where most marks were lost first, then advice that goes with full marks."""
    steps = [
        Step(
            anchor=item.anchor,
            label=item.label,
            title=item.title,
            text=_step(item),
            lost=item.available - item.awarded,
        )
        for item in criteria
        if item.awarded is not None and (item.awarded < item.available or item.next)
    ]
    return sorted(steps, key=lambda step: -step.lost)


def _step(item: CriterionView) -> str:
    if item.next:
        return item.next
    if item.verdict == "missing":
        return "We found no answer. If you gave one, tell your teacher where it stands."
    return item.messages[0] if item.messages else "Compare your answer with what was expected."


def _build_group(number: int, title: str, criteria: Sequence[CriterionView]) -> Group:
    return Group(
        anchor=f"group-{number}",
        title=title,
        available=sum((item.available for item in criteria), Decimal(0)),
        awarded=sum((item.awarded or Decimal(0) for item in criteria), Decimal(0)),
        waiting=sum((item.available for item in criteria if item.awarded is None), Decimal(0)),
        criteria=tuple(criteria),
    )


def _build_environment(environment: Mapping[str, Json]) -> str:
    """Return one line on what the marks were made with: the device and the versions that can change a result."""
    versions = environment.get("versions")
    known = versions if isinstance(versions, Mapping) else {}
    wanted = {"python": "Python", "torch": "torch", "numpy": "NumPy"}
    said = [f"{word} {known[name]}" for name, word in wanted.items() if known.get(name, "absent") != "absent"]
    device = environment.get("device")
    unsafe = str(environment.get("isolation", "")).startswith("none (")
    parts = [f"on {device}"] if device else []
    parts += ["without a sealed room"] if unsafe else []
    parts += [f"with {', '.join(said)}"] if said else []
    return clean(f"Checked {' '.join(parts)}.", 200) if parts else ""
