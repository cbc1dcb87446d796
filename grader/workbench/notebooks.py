"""The reference notebook with something changed, run as students' notebooks are: in sealed rooms, with every probe."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from grader.course import Course
from grader.errors import InfrastructureError, Problem
from grader.model import Evidence, Execution
from grader.pipeline import check_submission, execute, list_requests, open_hand_in
from grader.sandbox import Lodgings
from grader.workbench.attack import Attack, explain
from grader.workbench.mutants import Change, MutantTable, NotebookMutant
from grader.workbench.rejudge import find_unneeded, list_notebook_criteria

SMALL = "(none: small networks alone)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A notebook that was run and judged. ``seed`` is what its hidden inputs followed from."""

    evidence: Mapping[str, Evidence]
    execution: Execution
    seed: bytes


def change_notebook(content: bytes, changes: Sequence[Change]) -> bytes:
    """Return a notebook after ``changes``. Raises ValueError for one that fits no cell: a mistake in the table."""
    notebook = json.loads(content)
    cells: list[dict[str, Any]] = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    for item in changes:
        found = [place for place, source in enumerate(sources) if item.cell in source and item.old in source]
        if not found:
            raise ValueError(f"no cell of the reference holds {item.cell!r} and {item.old!r}")
        for place in found if item.everywhere else found[:1]:
            sources[place] = sources[place].replace(item.old, item.new) if item.old else item.new
    for cell, source in zip(cells, sources, strict=True):
        cell["source"], cell["outputs"], cell["execution_count"] = source, [], None
    return json.dumps(notebook, ensure_ascii=False).encode()


def find_change_problems(course: Course, table: MutantTable) -> list[Problem]:
    """Return the changes of the table that fit nowhere, without running anything."""
    if not table.notebook:
        return []
    content, problems = (course.root / table.solution).read_bytes(), []
    for mutant in table.notebook:
        try:
            change_notebook(change_notebook(content, table.small), mutant.change)
        except ValueError as error:
            hint = "look at the reference's cells: `cell` and `old` are copied from one"
            problems.append(Problem(file=course.rubric.mutants, where=mutant.mutant, message=str(error), hint=hint))
    return problems


def run_reference(course: Course, table: MutantTable, lodgings: Lodgings) -> Ran:
    """Return the reference notebook as it is, run and judged. Raises InfrastructureError for a fault of ours."""
    return _run(course, (course.root / table.solution).read_bytes(), lodgings)


def find_reference_problems(course: Course, table: MutantTable, ran: Ran) -> list[Problem]:
    """Return where the reference's own notebook earns less than all."""
    return [
        Problem(
            file=str(course.root / table.solution),
            where=name,
            message=f"the reference {_say(item)} on {ran.execution.device}",
            hint=explain(item),
        )
        for name, item in ran.evidence.items()
        if not (item.decided and item.credit == 1)
    ]


def attack_notebooks(
    course: Course,
    table: MutantTable,
    lodgings: Lodgings,
    *,
    reference: Ran,
    tell: Callable[[str], None],
    jobs: int | None = None,
) -> list[Attack]:
    """Return what became of every notebook of the table, in its order. Raises InfrastructureError for a fault of ours.

    ``reference`` is the run of the reference as it is: what it took long to answer, and only criteria that a mutant
    may touch look at, that mutant is not asked. ``jobs`` notebooks run at a time (the machine's cores by default).
    """
    small = change_notebook((course.root / table.solution).read_bytes(), table.small)
    criteria = list_notebook_criteria(course)

    @functools.cache
    def find_left(touched: frozenset[str]) -> frozenset[str]:
        kept = [item for item in criteria if item.id not in touched]
        return find_unneeded(course, reference.execution, reference.seed, kept)

    # Small networks alone must cost nothing: else a mutant would be blamed for it.
    mutants = [*([NotebookMutant(mutant=SMALL, change=(), fails={})] if table.small else ()), *table.notebook]
    left = [find_left(frozenset(mutant.touches) - set(mutant.fails)) for mutant in mutants]
    done = 0

    def attack(mutant: NotebookMutant, unasked: frozenset[str]) -> list[Attack]:
        nonlocal done
        changed = change_notebook(small, mutant.change)
        found = list(_judge(mutant, _run(course, changed, lodgings, unasked)))
        if any(item.outcome in ("survives", "spills") for item in found):
            # Hidden inputs follow from the bytes: with others (a line end more) it shows whether that was chance.
            found = _settle(found, list(_judge(mutant, _run(course, changed + b"\n", lodgings))))
        done += 1
        tell(f"notebooks: {done} of {len(mutants)}")
        return found

    with ThreadPoolExecutor(jobs or min(8, os.cpu_count() or 1)) as pool:
        return [attack for found in pool.map(attack, mutants, left) for attack in found]


def _settle(first: Sequence[Attack], second: Sequence[Attack]) -> list[Attack]:
    """Return what two runs of a mutant came to, with what the hidden inputs of the first let through told apart."""
    bad = {item.criterion for item in first if item.outcome in ("survives", "spills")}
    still = {item.criterion for item in second if item.outcome in ("survives", "spills")}
    known = {item.criterion for item in second}
    again = [
        replace(item, why=f"only with other hidden inputs: {item.why}")
        if item.criterion in bad and item.criterion not in still
        else item
        for item in second
    ]
    return [*again, *(item for item in first if item.criterion in still and item.criterion not in known)]


def _run(course: Course, content: bytes, lodgings: Lodgings, unasked: Collection[str] = ()) -> Ran:
    with tempfile.TemporaryDirectory(prefix="grade-check-") as folder:
        hand_in = Path(folder) / "reference"
        hand_in.mkdir()
        (hand_in / "notebook.ipynb").write_bytes(content)
        submission = open_hand_in(course, hand_in)
        requests = [item for item in list_requests(course, submission) if item.name not in unasked]
        execution = execute(course, submission, lodgings, requests=requests)
        checked = check_submission(course, submission, execution)
    if execution is None or execution.fault:
        fault = execution.fault if execution else "there is no notebook to run"
        raise InfrastructureError(f"a notebook of grade check was not run: {fault.strip()[-300:]}")
    wanted = {item.id for item in course.rubric.criteria if item.question.kind == "notebook"}
    evidence = {item.criterion: item for item in checked.evidence if item.criterion in wanted}
    return Ran(evidence=evidence, execution=execution, seed=course.seed(submission.digest))


def _judge(mutant: NotebookMutant, ran: Ran) -> Iterator[Attack]:
    """Yield an attack for each criterion that must fail, and one for each that lost although it should not have.

    A check of the course that failed itself counts as such a loss.
    """
    for name, item in ran.evidence.items():
        credit = item.credit if item.decided else None
        if item.verdict == "ungraded" and name not in set(mutant.touches) - set(mutant.fails):
            yield _build(mutant, name, item, keeps=Decimal(1), credit=credit, spilled=True)
        elif name in mutant.fails:
            yield _build(mutant, name, item, keeps=mutant.fails[name], credit=credit)
        elif name not in mutant.touches and credit != 1:
            yield _build(mutant, name, item, keeps=Decimal(1), credit=credit, spilled=True)


def _build(
    mutant: NotebookMutant, name: str, item: Evidence, *, keeps: Decimal, credit: Decimal | None, spilled: bool = False
) -> Attack:
    return Attack(
        criterion=name,
        mutant=mutant.mutant,
        answer="",
        keeps=keeps,
        credit=credit,
        listed=True,
        spilled=spilled,
        why=explain(item),
        waits=mutant.waits,
    )


def _say(item: Evidence) -> str:
    return f"earns {item.credit} of 1" if item.decided else "waits for a person"
