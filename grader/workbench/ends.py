"""The two ends of a rubric, and its hints: what is right earns everything, nothing earns nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from grader.codec import find_line, load_record
from grader.course import Course
from grader.errors import Problem
from grader.model import Evidence
from grader.pipeline import check_submission, open_hand_in
from grader.rubric import Rubric
from grader.workbench.attack import explain, try_answer
from grader.workbench.written import write_report


def find_end_problems(course: Course, answers: dict[str, str], tell: Callable[[str], None]) -> list[Problem]:
    """Return where right answers lose, an empty hand-in gains, or a misconception's formula gets another's hint."""
    lines = load_record(Rubric, course.rubric_path)[1]
    places = {item.id: index for index, item in enumerate(course.rubric.criteria)}
    tell("the reference's answers")
    ends = (*_check_right(course, answers), *_check_empty(course, answers))
    found: list[tuple[str, tuple[str | int, ...], str, str]] = [(name, (), text, hint) for name, text, hint in ends]
    tell("misconceptions")
    found += _check_misconceptions(course, answers)
    return [
        Problem(
            file=str(course.rubric_path),
            line=find_line(("criteria", places[name], *where), lines),
            where=name,
            message=message,
            hint=hint,
        )
        for name, where, message, hint in found
    ]


def _grade_report(course: Course, answers: dict[str, str]) -> Mapping[str, Evidence]:
    with tempfile.TemporaryDirectory(prefix="grade-check-") as folder:
        hand_in = write_report(course, answers, Path(folder) / "reference")
        return {item.criterion: item for item in check_submission(course, open_hand_in(course, hand_in), None).evidence}


def _check_right(course: Course, answers: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield (criterion, what is wrong, what to do) for right answers, in a whole report as students hand it in."""
    for name, item in _grade_report(course, answers).items():
        if name in answers and not (item.decided and item.credit == 1):
            earned = f"earns {item.credit}" if item.decided else "waits for a person"
            hint = f"mend the rubric, or write the right answer under `answers: {name}:` of {course.rubric.mutants}"
            yield name, f"the reference's answer {earned}: {answers[name][:80]!r} ({explain(item)})", hint


def _check_empty(course: Course, answers: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the same for hand-ins in which nothing stands: an empty report, and one of headings alone."""
    blank = {name: "" for name in answers}
    for label, evidence in (
        ("an empty hand-in", _grade_report(course, {})),
        ("bare headings", _grade_report(course, blank)),
    ):
        for name, item in evidence.items():
            if item.decided and item.credit == 0:
                continue
            earned = f"earns {item.credit}" if item.decided else f"waits for a person ({explain(item)})"
            yield name, f"{label} {earned}", "what is not there is worth nothing and needs nobody's time"


def _check_misconceptions(
    course: Course, answers: dict[str, str]
) -> Iterator[tuple[str, tuple[str | int, ...], str, str]]:
    for item in course.rubric.criteria:
        if item.question.kind != "formula":
            continue
        known = item.question.misconceptions
        for name, rule in known.items():
            for formula in rule.formulas:
                evidence = try_answer(course, answers, item.id, f"${formula}$")
                codes = {finding.code.removeprefix("formula.") for finding in evidence.findings}
                others = sorted((codes & set(known)) - {name})
                if name in codes and not others:
                    continue
                got = f"gets the hint of {others[0]}" if others else f"does not get its own hint ({explain(evidence)})"
                where = ("question", "misconceptions", name)
                yield item.id, where, f"misconception {name}: ${formula}$ {got}", "give it to one misconception only"
