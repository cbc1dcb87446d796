"""Notebook questions: a function of the course judges what came back from running the notebook, point by point.

This file knows nothing of networks. It resolves the function that the rubric names, asks it for a result per point,
turns these into credit, a verdict and a table, and keeps apart what the student did, what we could not read, and what
failed on our side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from grader.kinds.base import STRICT, Context, Kind
from grader.model import Answer, Evidence, Execution, Finding, Judgement, PointResult, Review, Verdict

WORDS = {Decimal(1): "yes", Decimal(0): "no", None: "not judged"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that a criterion looks at, and the part of its credit that it is worth."""

    __pydantic_config__: ClassVar[Any] = STRICT
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    # What earns it, as a student reads it.
    title: Annotated[str, Field(min_length=1)]
    credit: Annotated[Decimal, Field(gt=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far a number may lie from ours: ``|observed - expected| <= atol + rtol * |expected|``."""

    __pydantic_config__: ClassVar[Any] = STRICT
    quantity: str
    dtype: Literal["float32", "float64"]
    device: Literal["cpu", "cuda"]
    rtol: Annotated[float, Field(ge=0, lt=1)]
    atol: Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookQuestion:
    """A criterion that a notebook answers."""

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["notebook"]
    # The course's function, `reference.<assignment>.<module>:<function>`.
    check: Annotated[str, Field(pattern=r"^[a-z_][\w.]*:[a-z_]\w*$")]
    # What is looked at; the credits must sum to 1.
    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    # Numbers that the course's function judges by, such as where full credit begins.
    limits: Mapping[str, Decimal] = field(default_factory=dict)
    tolerances: tuple[Tolerance, ...] = ()
    # What the credit rests on: `recomputed` where the course's function works the values out anew from inputs that the
    # grader chose and says whether they agreed; `kernel` where the word of the notebook's own process has to do. With
    # any sign of tampering a person confirms `kernel`, and `recomputed` where this run's values did not agree.
    rests_on: Literal["kernel", "recomputed"] = "kernel"

    def __post_init__(self) -> None:
        total = sum((point.credit for point in self.points), Decimal(0))
        if total != 1:
            raise ValueError(f"the credits of the points must sum to 1, not {total}")
        if len({point.id for point in self.points}) != len(self.points):
            raise ValueError("two points have the same id")


def check_notebook(criterion: str, question: NotebookQuestion, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one criterion of a notebook. Raises only where the course's own files are at fault."""
    if answer.state == "missing":
        observed = {"text": "no notebook was handed in", "next": "Hand in the notebook (.ipynb) with your report."}
        return Evidence(criterion=criterion, verdict="missing", credit=Decimal(0), observed=observed)
    if answer.state == "unreadable":
        return _undecided(criterion, "unreadable", answer.reason or "the notebook could not be read")
    execution = context.execution
    if execution is None:
        return _undecided(criterion, "ungraded", "the notebook was not run")
    if execution.fault:
        return _undecided(criterion, "ungraded", f"our side failed: {execution.fault.strip().splitlines()[-1][:300]}")
    if execution.outcome == "not started":
        return _unreadable_notebook(criterion, execution)
    if context.resolve is None:
        raise ValueError("a notebook question needs the course's functions")
    judgement = context.resolve(question.check)(question, execution, context.number("probes"))
    evidence = _weigh(criterion, question, judgement)
    found = context.resolve(context.signs)(execution, context.number("probes")) if context.signs else ()
    stands = question.rests_on == "recomputed" and judgement.confirmed
    return evidence if not found or stands or not evidence.credit else _refer(evidence, found)


def _refer(evidence: Evidence, signs: Sequence[str]) -> Evidence:
    """Return the evidence for a person to confirm, with the signs of tampering as a finding for staff."""
    message = (
        f"Signs that the notebook meddled with its own process: {'; '.join(signs)}. Whether it did, and what this part "
        "is worth, is for a person to say: look at the notebook's code."
    )
    finding = Finding(code="notebook.tampered", message=message, audience="staff")
    review = Review(
        reason="there are signs that the notebook meddled with its own process (see the finding for staff)",
        suggested_verdict=evidence.verdict,
        suggested_credit=evidence.credit,
    )
    return replace(evidence, findings=(*evidence.findings, finding), review=review)


def _undecided(criterion: str, verdict: Verdict, reason: str, findings: tuple[Finding, ...] = ()) -> Evidence:
    return Evidence(
        criterion=criterion,
        verdict=verdict,
        credit=None,
        observed={"text": "the notebook could not be judged"},
        findings=findings,
        review=Review(reason=reason),
    )


def _unreadable_notebook(criterion: str, execution: Execution) -> Evidence:
    reason = execution.findings[0].message if execution.findings else "the notebook's file could not be opened"
    finding = Finding(code="notebook.unreadable", message=reason)
    return _undecided(criterion, "unreadable", reason, (finding,))


def _weigh(criterion: str, question: NotebookQuestion, judgement: Judgement) -> Evidence:
    """Return the evidence that the points' results add up to."""
    by_point = {result.point: result for result in judgement.results}
    if judgement.missing:
        lost = (PointResult(point=point.id, share=Decimal(0), saw="not in the notebook") for point in question.points)
        by_point = {result.point: result for result in lost} | by_point
    absent = [point.id for point in question.points if point.id not in by_point]
    if absent:
        raise ValueError(f"{question.check} says nothing of the rubric's points {', '.join(absent)}")
    results = [by_point[point.id] for point in question.points]
    known = sum(
        (point.credit * result.share for point, result in zip(question.points, results, strict=True) if result.share),
        Decimal(0),
    )
    unknown = any(result.share is None for result in results)
    verdict: Verdict = "missing" if judgement.missing else _name_verdict(known)
    findings = (*(item for result in results for item in result.findings), *judgement.findings)
    return Evidence(
        criterion=criterion,
        verdict="ungraded" if unknown else verdict,
        credit=None if unknown else known,
        observed=_show(question, results, judgement),
        expected={"text": "; ".join(point.title for point in question.points), **judgement.expected},
        findings=tuple(dict.fromkeys(findings)),
        review=_find_review(results, known, judgement, verdict),
        provenance=question.check,
    )


def _name_verdict(credit: Decimal) -> Verdict:
    return "correct" if credit == 1 else "partial" if credit else "wrong"


def _find_review(results: list[PointResult], known: Decimal, judgement: Judgement, verdict: Verdict) -> Review | None:
    unknown = [result for result in results if result.share is None]
    if unknown:
        what = "; ".join(f"{result.point}: {result.saw}" for result in unknown)
        return Review(reason=f"could not be judged on this machine: {what}")
    if judgement.review:
        return Review(reason=judgement.review, suggested_verdict=verdict, suggested_credit=known)
    return None


def _show(question: NotebookQuestion, results: list[PointResult], judgement: Judgement) -> dict[str, Any]:
    rows = [
        [point.title, WORDS.get(result.share, "in part"), result.saw]
        for point, result in zip(question.points, results, strict=True)
    ]
    earned = sum(result.share == 1 for result in results)
    advice = _advise(question, results, judgement)
    return {
        "text": f"{earned} of {len(results)} points",
        **({"next": advice} if advice else {}),
        "table": {"columns": ["what was looked at", "earned", "what was seen"], "rows": rows},
        **judgement.observed,
    }


def _advise(question: NotebookQuestion, results: list[PointResult], judgement: Judgement) -> str:
    """Return what to do next: the first point that was lost, since later ones often follow from it; "" if none was."""
    if judgement.missing:
        return "Fill in that cell, restart the kernel and run all cells."
    pairs = zip(question.points, results, strict=True)
    lost = next((point.title for point, result in pairs if result.share is not None and result.share < 1), None)
    if lost is None:
        return ""
    return f'Begin with "{lost}"; then restart the kernel, run all cells and look again.'


KIND = Kind(name="notebook", question=NotebookQuestion, check=check_notebook)
