"""Wrong hand-ins thrown at a rubric: which it sees through, which wait for a person, which survive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from grader.course import Course
from grader.model import Evidence
from grader.workbench.generic import make_mutants
from grader.workbench.mutants import MutantTable
from grader.workbench.trial import Case, check_text

Outcome = Literal["killed", "person", "survives", "spills"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One mutant on one criterion and what it earned.

    ``keeps`` is the most credit it may have, ``credit`` what it got (None: it waits for a person). ``listed``: it
    stands in the rubric's table, and was not made by ``grade check``. ``spilled``: the criterion should have kept full
    marks and did not. ``waits``: a person must say, so that waiting is its end. ``why`` are the findings' codes or the
    reason.
    """

    criterion: str
    mutant: str
    answer: str
    keeps: Decimal
    credit: Decimal | None
    listed: bool
    why: str = ""
    spilled: bool = False
    waits: bool = False

    @property
    def outcome(self) -> Outcome:
        """``survives`` with more credit than it may keep; ``person`` where nobody decided it."""
        if self.spilled:
            return "spills"
        if self.credit is None:
            return "killed" if self.waits else "person"
        return "survives" if self.credit > self.keeps else "killed"


def attack_answers(
    course: Course, table: MutantTable, answers: Mapping[str, str], tell: Callable[[str], None]
) -> list[Attack]:
    """Return what became of every wrong answer, the table's first; the other answers of the hand-in are right."""
    mutants = [*table.written, *make_mutants(course, table, answers)]
    attacks = []
    for number, mutant in enumerate(mutants, 1):
        if number % 10 == 0:
            tell(f"wrong answers: {number} of {len(mutants)}")
        evidence = try_answer(course, answers, mutant.criterion, mutant.answer)
        attacks.append(
            Attack(
                criterion=mutant.criterion,
                mutant=mutant.mutant,
                answer=mutant.answer,
                keeps=mutant.keeps,
                credit=evidence.credit if evidence.decided else None,
                listed=number <= len(table.written),
                why=explain(evidence),
                waits=mutant.waits,
            )
        )
    return attacks


def try_answer(course: Course, answers: Mapping[str, str], criterion: str, text: str) -> Evidence:
    """Return the evidence on ``text`` in a hand-in whose other answers are these."""
    others = {name: answer for name, answer in answers.items() if name != criterion}
    return check_text(course, Case(criterion=criterion, answer=text, answers=others))


def explain(evidence: Evidence) -> str:
    """Return why, in a few words: a person's reason, or the findings' codes."""
    return evidence.review.reason if evidence.review else ", ".join(finding.code for finding in evidence.findings)


def count_outcomes(attacks: Sequence[Attack]) -> dict[str, dict[str, int]]:
    """Return criterion: outcome: how many."""
    counts: dict[str, dict[str, int]] = {}
    for item in attacks:
        row = counts.setdefault(item.criterion, {"killed": 0, "person": 0, "survives": 0, "spills": 0})
        row[item.outcome] += 1
    return counts
