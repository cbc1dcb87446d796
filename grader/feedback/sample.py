"""A made-up marksheet that holds everything a page may hold: templates are tried on it before anything is graded."""

from __future__ import annotations

from decimal import Decimal

from grader.feedback.student_view import StudentView, student_view
from grader.kinds.presence import PRESENCE
from grader.model import Deduction, Evidence, Finding, Json, Mark, Marksheet, Review, Verdict

_CURVES = {
    "title": "Training loss",
    "x_label": "epoch",
    "y_label": "mean loss",
    "series": [
        {"name": "your network", "x": [1, 2, 3, 4, 5], "y": [0.69, 0.61, 0.42, 0.2, 0.08]},
        {"name": "reference", "x": [1, 2, 3, 4, 5], "y": [0.68, 0.5, 0.21, 0.06, 0.03]},
    ],
}
_BARS = {
    "kind": "bars",
    "title": "Attention scores",
    "categories": ["key 1", "key 2"],
    "series": [{"name": "yours", "values": [-2, 6]}, {"name": "expected", "values": [-2, 6.5]}],
}
_CELL = {"index": 7, "outcome": "raised", "error": "NameError: name 'x' is not defined", "source": "print(x)\n"}
_TABLE = {"columns": ["point", "result"], "rows": [["loss falls", "yes"], ["parameters move", "no"]]}


def build_sample() -> StudentView:
    """Return a view with every verdict, a repair, formulas, tables, plots, cells and Persian text."""
    marks = (
        _mark(
            "q1", "correct", "1", {"text": "options 2 and 3", "answer": "گزینهٔ دوم", "location": "report.md, line 3"}
        ),
        _mark(
            "q2a",
            "partial",
            "0.5",
            {"answer": "~~no~~ $y$", "latex": [r"\frac{1}{2} y", r"\unknown"], "next": "Go on."},
        ),
        _mark("q2b", "wrong", "0", {"plot": _BARS, "cells": [_CELL], "table": _TABLE, "movement": _TABLE}),
        _mark("q2c", "missing", "0", {}),
        _mark("q3", "unreadable", None, {"latex": "x", "repairs": ["We read `tsi` as t,i."]}),
        _mark("q4_train", "ungraded", None, {"plot": _CURVES}),
        _mark("bonus", "correct", "1", {"text": "$x$ and more", "table": "not a table"}, PRESENCE),
    )
    return student_view(
        Marksheet(
            submission="sample",
            assignment="sample",
            title="Sample",
            status="needs_review",
            awarded=None,
            available=Decimal(7),
            awarded_so_far=Decimal("1.5"),
            marks=marks,
            deductions=(Deduction(code="late", reason="1 day late; 1 mark a day", marks=Decimal(1)),),
            review=Review(reason="sample"),
            findings=(Finding(code="sample.note", message="A note about the whole hand-in."),),
            environment={"device": "cpu", "versions": {"python": "3.11"}},
        )
    )


def _mark(
    criterion: str, verdict: Verdict, credit: str | None, observed: dict[str, Json], provenance: str = ""
) -> Mark:
    earned = None if credit is None else Decimal(credit)
    evidence = Evidence(
        criterion=criterion,
        verdict=verdict,
        credit=earned,
        reading="one_step",
        observed=observed,
        expected={"visibility": "visible", "text": "options 2 and 3", "latex": r"\hat{y} - y", "table": _TABLE},
        findings=(Finding(code="sample.finding", message="A finding with $x_1$ in it."),),
        review=Review(reason="sample") if earned is None else None,
        provenance=provenance,
    )
    return Mark(criterion=criterion, title="A part", available=Decimal(1), awarded=earned, evidence=evidence)
