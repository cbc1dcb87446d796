"""What ``grade check`` found, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.codec import build_number
from grader.workbench.attack import Attack, count_outcomes
from grader.workbench.examine import Examination
from grader.workbench.tolerances import Reach
from grader.workbench.trial import show_text

_LONGEST = 200
_OUTCOMES = ("killed", "person", "survives", "spills")


def build_examination(found: Examination) -> dict[str, Any]:
    """Return everything as a JSON object; ``credit`` null: it waits for a person."""
    return {
        "schema": "grader/check/1",
        "rubric": str(found.course.rubric_path),
        "in_order": found.in_order,
        "problems": [
            {"file": item.file, "line": item.line, "where": item.where, "message": item.message, "hint": item.hint}
            for item in found.problems
        ],
        "formulas": [
            {
                "criterion": item.criterion,
                "reading": item.reading,
                "oracle": item.oracle,
                "gap": item.gap,
                "wrong": item.wrong,
            }
            for item in found.proofs
        ],
        "mutants": [_build_attack(item) for item in found.attacks],
        "tolerances": [
            {
                "criterion": item.criterion,
                "value": item.value,
                "device": item.device,
                "holds": item.holds,
                "breaks": item.breaks,
            }
            for item in found.reaches
        ],
        "seconds": {name: round(value, 2) for name, value in found.seconds.items()},
    }


def _build_attack(item: Attack) -> dict[str, Any]:
    return {
        "criterion": item.criterion,
        "mutant": item.mutant,
        "listed": item.listed,
        "outcome": item.outcome,
        "keeps": build_number(item.keeps),
        "credit": build_number(item.credit),
        "answer": item.answer,
        "why": item.why,
    }


def print_examination(found: Examination, console: Console) -> None:
    """Print what is to be mended first, then the table of mutants, then how far values may move."""
    for problem in found.problems:
        console.print(Text(show_text(str(problem))))
    for proof in found.proofs:
        if proof.wrong:
            console.print(f"{proof.criterion} {proof.reading}: {proof.wrong}")
    if found.proofs and not any(proof.wrong for proof in found.proofs):
        gap = max(proof.gap for proof in found.proofs)
        console.print(f"{len(found.proofs)} accepted formulas are what automatic differentiation gives, to {gap:.0e}")
    if found.attacks:
        console.print(_build_counts(found))
    for title, attacks in (
        ("To be mended: wrong hand-ins that earn too much, or cost marks elsewhere", found.to_mend),
        ("To be looked at: made by grade check, and earn more than `keeps` of the table of mutants says",
         [item for item in found.attacks if item.outcome == "survives" and not item.listed]),
        ("Listed, and a person's time", [item for item in found.attacks if item.listed and item.outcome == "person"]),
    ):  # fmt: skip
        if attacks:
            console.print(_build_attacks(title, attacks))
    if found.reaches:
        console.print(_build_reaches(found.reaches))
    console.print(_summarise(found), soft_wrap=True)


def _build_counts(found: Examination) -> Table:
    table = Table(title="Wrong hand-ins: those listed, and those made by grade check", title_justify="left")
    table.add_column("Criterion")
    for name in ("listed: killed", "person", "survives", "made: killed", "person", "survives", "spills"):
        table.add_column(name, justify="right")
    listed = count_outcomes([item for item in found.attacks if item.listed])
    made = count_outcomes([item for item in found.attacks if not item.listed])
    for criterion in found.course.rubric.criteria:
        counts = [part.get(criterion.id, dict.fromkeys(_OUTCOMES, 0)) for part in (listed, made)]
        if any(any(part.values()) for part in counts):
            cells = [part[outcome] for part in counts for outcome in _OUTCOMES[:3]] + [counts[0]["spills"]]
            table.add_row(criterion.id, *(str(cell or "") for cell in cells))
    return table


def _build_attacks(title: str, attacks: Sequence[Attack]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("Criterion", "Mutant", "Answer", "May keep", "Earns", "Why"):
        table.add_column(column, overflow="fold")
    for item in attacks:
        earned = "a person" if item.credit is None else f"{item.credit.normalize():f}"
        cells = (item.criterion, item.mutant, item.answer[:_LONGEST], f"{item.keeps.normalize():f}", earned, item.why)
        table.add_row(*(Text(show_text(cell)) for cell in cells))
    return table


def _build_reaches(reaches: Sequence[Reach]) -> Table:
    table = Table(title="How far a value may move before the verdict does (relative to it)", title_justify="left")
    for column in ("Criterion", "Value", "On", "Verdict kept to", "Verdict moves at"):
        table.add_column(column, overflow="fold")
    for item in reaches:
        breaks = "never" if item.breaks is None else f"{item.breaks:.1e}"
        table.add_row(item.criterion, Text(item.value), item.device, f"{item.holds:.1e}", breaks)
    return table


def _summarise(found: Examination) -> str:
    took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found.seconds.items())
    if found.in_order:
        rubric, path = found.course.rubric, found.course.rubric_path
        return f"{path}: {len(rubric.criteria)} criteria, {rubric.available} marks: in order ({took})"
    wrong = sum(bool(proof.wrong) for proof in found.proofs)
    parts = [
        f"{count} {name}"
        for count, name in (
            (len(found.problems), "problems"),
            (wrong, "accepted formulas that are not what their oracle gives"),
            (len(found.to_mend), "listed mutants that survive or spill"),
        )
        if count
    ]
    return f"to be mended: {'; '.join(parts)} ({took})"
