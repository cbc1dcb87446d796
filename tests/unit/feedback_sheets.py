"""Marksheets made by hand for the tests of the feedback: realistic ones, and one in which everything is hostile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from grader.model import Evidence, Finding, Mark, Marksheet, Review, Verdict

CASES = Path(__file__).resolve().parents[1] / "cases" / "feedback.yaml"

# Words that only staff may see: no page of a student holds one of them.
STAFF = (
    "STAFF-FINDING",
    "STAFF-REASON",
    "STAFF-EXPECTED",
    "STAFF-PROVENANCE",
    "STAFF-DATA",
    "STAFF-DIGEST",
    "STAFF-KEY",
    "STAFF-TRACE",
    "STAFF-READING",
    "suggested",
    "isolation",
)


def mark(
    criterion: str,
    title: str,
    available: str,
    verdict: Verdict,
    credit: str | None = None,
    *,
    observed: dict[str, Any] | None = None,
    expected: dict[str, Any] | None = None,
    says: Sequence[str] = (),
    reading: str | None = None,
    waits: bool = False,
) -> Mark:
    """Return a mark whose evidence also carries every kind of detail that only staff may see."""
    earned = None if credit is None else Decimal(credit)
    review = Review(reason="STAFF-REASON", suggested_verdict="correct", suggested_credit=Decimal(1))
    findings = [Finding(code=f"test.says_{number}", message=text) for number, text in enumerate(says)]
    evidence = Evidence(
        criterion=criterion,
        verdict=verdict,
        credit=earned,
        reading=reading,
        observed={"values": "STAFF-DATA", **(observed or {})},
        expected={"visibility": "visible", "values": "STAFF-DATA", **(expected or {})},
        findings=(*findings, Finding(code="test.staff", message="STAFF-FINDING", audience="staff")),
        review=review if waits or earned is None else None,
        provenance="STAFF-PROVENANCE",
    )
    awarded = None if evidence.review else Decimal(available) * (earned or 0)
    return Mark(criterion=criterion, title=title, available=Decimal(available), awarded=awarded, evidence=evidence)


def sheet(*marks: Mark, submission: str = "student-a", notes: tuple[str, ...] = ()) -> Marksheet:
    """Return the marksheet of these marks."""
    waiting = any(item.awarded is None for item in marks)
    earned = sum((item.awarded or Decimal(0) for item in marks), Decimal(0))
    return Marksheet(
        submission=submission,
        assignment="hw5",
        title="Homework 5: recurrent networks and attention",
        status="needs_review" if waiting else "final",
        awarded=None if waiting else earned,
        available=sum((item.available for item in marks), Decimal(0)),
        awarded_so_far=earned,
        marks=marks,
        findings=(
            *(Finding(code="intake.note", message=note) for note in notes),
            Finding(code="intake.staff", message="STAFF-FINDING", audience="staff"),
        ),
        environment={
            "versions": {"python": "3.11.7", "torch": "2.13.0", "numpy": "2.4.6", "lark": "STAFF-DATA"},
            "device": "cpu",
            "isolation": "bubblewrap room, warm kernel",
            "key_id": "STAFF-KEY",
        },
        digests={"submission": "STAFF-DIGEST"},
        timing={"seconds": 123.456},
    )


def realistic() -> Marksheet:
    """Return the marksheet of tests/cases/feedback.yaml."""
    rows = yaml.safe_load(CASES.read_text(encoding="utf-8"))
    marks = [mark(**{"criterion" if key == "id" else key: value for key, value in row.items()}) for row in rows]
    return sheet(*marks, notes=("The folder holds report.md and report.txt; report.md was read.",))


def everywhere(words: str) -> Marksheet:
    """Return a marksheet in which every text that may come from a student is ``words``."""
    plot = {"title": words, "x_label": words, "y_label": words}
    line = {**plot, "series": [{"name": words, "x": [1, 2], "y": [1, 2]}, {"name": words, "x": [1], "y": [2]}]}
    bars = {**plot, "kind": "bars", "categories": [words, words], "series": [{"name": words, "values": [1, -1]}] * 2}
    side = {
        "text": words,
        "answer": words,
        "location": words,
        "repairs": [words],
        "next": words,
        "table": {"columns": [words, words], "rows": [[words, words]]},
        "cells": [{"index": words, "outcome": words, "error": words, "source": words}],
    }
    marks = [
        mark("q1", words, "1", "wrong", "0", observed={**side, "plot": line}, expected={**side, "plot": bars}),
        mark("q2", words, "1", "correct", "1", observed={**side, "plot": bars}, says=[words], reading=words),
        mark("q3", words, "1", "unreadable", observed=side, says=[words]),
    ]
    found = sheet(*marks, submission=words, notes=(words,))
    return replace(found, title=words, environment={"device": words, "versions": {"python": words}})
