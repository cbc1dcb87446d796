"""``grade check`` as a whole: everything that is wrong with a course, and what became of every wrong hand-in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.course import Course, find_root, load_course
from grader.errors import ConfigError, Problem
from grader.feedback import load_templates
from grader.pipeline import open_lodgings
from grader.sandbox import find_device, find_version
from grader.workbench.attack import Attack, attack_answers
from grader.workbench.ends import find_end_problems
from grader.workbench.mutants import MutantTable, load_mutants
from grader.workbench.notebooks import attack_notebooks, find_change_problems, find_reference_problems, run_reference
from grader.workbench.probes import find_probe_problems
from grader.workbench.proofs import Proof, prove_formulas
from grader.workbench.tolerances import Reach, find_probe_reaches, find_written_reaches
from grader.workbench.written import write_answers

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found. ``seconds`` says what each part took."""

    course: Course
    problems: tuple[Problem, ...] = ()
    proofs: tuple[Proof, ...] = ()
    attacks: tuple[Attack, ...] = ()
    reaches: tuple[Reach, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def to_mend(self) -> list[Attack]:
        """Listed wrong hand-ins that earn more than they may, or take marks where they should not."""
        return [item for item in self.attacks if item.listed and item.outcome in ("survives", "spills")]

    @property
    def in_order(self) -> bool:
        """Whether nothing is to be mended; a wrong answer that ``grade check`` made itself is a hint only."""
        return not (self.problems or self.to_mend or any(proof.wrong for proof in self.proofs))


def open_course(root: Path | None, rubric: Path | None) -> Course:
    """Return the course, looked into anew. Raises ConfigError with the problems of rubric and templates together."""
    found = find_root([], root)
    try:
        return load_course([], root=found, rubric=rubric, class_folder=None, again=True)
    except ConfigError as error:
        others = _find_template_problems(found)
        if not others:
            raise
        own = error.problems or (Problem(file=str(rubric or found / "rubrics"), message=str(error)),)
        raise ConfigError([*own, *others]) from None


def examine(course: Course, *, notebooks: bool, tell: Tell = lambda _: None, jobs: int | None = None) -> Examination:
    """Return everything that is found in a course that could be loaded; ``notebooks`` runs those as well.

    ``jobs`` notebooks run at a time (the machine's cores by default). Raises InfrastructureError for a fault of ours
    or of the machine, NoRoomError where notebooks cannot be run.
    """
    started = time.monotonic()
    tell("templates")
    problems = [*_find_template_problems(course.root), *find_probe_problems(course)]
    proofs = prove_formulas(course, tell)
    try:
        table = load_mutants(course)
    except ConfigError as error:
        return Examination(course=course, problems=(*problems, *error.problems), proofs=tuple(proofs))
    misplaced = find_change_problems(course, table)
    answers = write_answers(course, table)
    problems += [*misplaced, *find_end_problems(course, answers, tell)]
    attacks = attack_answers(course, table, answers, tell)
    tell("how far values may move")
    reaches = find_written_reaches(course, answers)
    found = Examination(
        course=course,
        problems=tuple(problems),
        proofs=tuple(proofs),
        attacks=tuple(attacks),
        reaches=tuple(reaches),
        seconds={"static": time.monotonic() - started},
    )
    if not (notebooks and table.solution):
        return found
    return _add_notebooks(found, table, tell, attack=not misplaced, jobs=jobs)


def _add_notebooks(
    found: Examination, table: MutantTable, tell: Tell, *, attack: bool, jobs: int | None
) -> Examination:
    """Return the same with what the notebooks came to; the reference runs on a GPU as well, where there is one."""
    course, seconds = found.course, dict(found.seconds)
    problems, attacks, reaches = [*found.problems], [*found.attacks], [*found.reaches]
    for device in dict.fromkeys(("cpu", find_device("auto", find_version("torch") or ""))):
        lodgings = open_lodgings(course, device=device)
        if lodgings is None:
            break
        try:
            started = time.monotonic()
            tell(f"the reference's notebook on {device}")
            ran = run_reference(course, table, lodgings)
            lost = find_reference_problems(course, table, ran)
            problems += lost
            seconds[f"reference on {device}"] = time.monotonic() - started
            started = time.monotonic()
            reaches += find_probe_reaches(course, ran.execution, ran.seed, tell)
            seconds[f"tolerances on {device}"] = time.monotonic() - started
            if attack and device == "cpu" and not lost:  # mutants of a reference that loses marks say nothing
                started = time.monotonic()
                attacks += attack_notebooks(course, table, lodgings, reference=ran, tell=tell, jobs=jobs)
                seconds["mutants"] = time.monotonic() - started
        finally:
            lodgings.close()
    return replace(found, problems=tuple(problems), attacks=tuple(attacks), reaches=tuple(reaches), seconds=seconds)


def _find_template_problems(root: Path) -> list[Problem]:
    try:
        load_templates(root)
    except ConfigError as error:
        return [*error.problems] or [Problem(file=str(root / "templates"), message=str(error))]
    return []
