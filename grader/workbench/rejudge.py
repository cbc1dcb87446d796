"""A run that is judged once more after something in it was changed: nothing runs again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from decimal import Decimal

from grader.course import Course
from grader.kinds import KINDS, Context
from grader.model import Answer, Execution
from grader.rubric import Criterion

Judged = tuple[str, Decimal | None, bool] | None
"""Verdict, credit and whether it was decided; None where the course's own check cannot do without something."""
_SLOW_SECONDS = 0.5


def list_notebook_criteria(course: Course) -> list[Criterion]:
    """Return the criteria that a notebook answers."""
    return [item for item in course.rubric.criteria if item.question.kind == "notebook"]


def judge_run(course: Course, criterion: Criterion, execution: Execution, seed: bytes) -> Judged:
    """Return what a run comes to under one criterion; ``seed`` is what its hidden inputs followed from."""
    settings = course.rubric.notebook
    context = Context(seed=seed, execution=execution, resolve=course.resolve, signs=settings.signs if settings else "")
    answer = Answer(question=criterion.id, state="given")
    try:
        evidence = KINDS["notebook"].check(criterion.id, criterion.question, answer, context)
    except Exception:  # the course's code, without what it asked for
        return None
    return evidence.verdict, evidence.credit, evidence.decided


def leave_out(execution: Execution, names: Collection[str]) -> Execution:
    """Return the run without the replies of these names."""
    return replace(execution, replies={name: r for name, r in execution.replies.items() if name not in names})


def find_unneeded(course: Course, execution: Execution, seed: bytes, criteria: Iterable[Criterion]) -> frozenset[str]:
    """Return the slow requests without which these criteria come to the same, so that they need not be asked."""
    wanted = [(item, judge_run(course, item, execution, seed)) for item in criteria]
    left: set[str] = set()
    for name, reply in execution.replies.items():
        if reply.seconds < _SLOW_SECONDS:
            continue
        without = leave_out(execution, {*left, name})
        if all(judge_run(course, item, without, seed) == judged for item, judged in wanted):
            left.add(name)
    return frozenset(left)
