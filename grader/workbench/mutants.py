"""A rubric's table of mutants: which criterion each wrong hand-in must fail, and the credit that it may keep.

The rubric names it (``mutants:``); it lies beside the rubric and marks nobody. Its records are strict: a slip in the
table is told with its line. ``grade check`` attacks the rubric with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from grader.codec import find_line, load_record
from grader.course import Course
from grader.errors import ConfigError, Problem
from grader.kinds.base import STRICT

Share = Annotated[Decimal, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenMutant:
    """A wrong answer to one criterion of the report. ``keeps``: the most credit it may earn, of 1.

    waits: only a person can say (what chooses nothing, what contradicts itself): then waiting is what it must come to.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    mutant: str
    criterion: str
    answer: str
    keeps: Share = Decimal(0)
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """In the first cell with ``cell`` in it, ``old`` becomes ``new``; without ``old`` the whole cell does.

    everywhere: in all such cells.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    cell: str
    new: str
    old: str = ""
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookMutant:
    """The reference notebook with something changed.

    fails: criterion: the most credit it may keep there. touches: criteria that may lose credit as well, or wait for a
    person. All others must keep full marks. waits: a person must say, as of a written one.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    mutant: str
    change: Annotated[tuple[Change, ...], Field(min_length=1)]
    fails: Mapping[str, Share]
    touches: tuple[str, ...] = ()
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantTable:
    """A whole rubrics/mutants/<assignment>.yaml.

    solution: the reference's notebook, from the course's root ("" where a rubric asks for none).
    answers: the right answer to a criterion, where the one that is written from the rubric would not do.
    small: what makes the reference's networks small, so that its mutants run in seconds.
    keeps: of mutants that ``grade check`` makes itself the most credit they may keep, by criterion and mutant's name;
    left out, anything less than full marks.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    schema: Literal["grader/mutants/1"]
    solution: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, Mapping[str, Share]] = field(default_factory=dict)
    written: tuple[WrittenMutant, ...] = ()
    small: tuple[Change, ...] = ()
    notebook: tuple[NotebookMutant, ...] = ()


def load_mutants(course: Course) -> MutantTable:
    """Return the rubric's table of mutants, an empty one where it names none. Raises ConfigError with every problem."""
    if not course.rubric.mutants:
        return MutantTable(schema="grader/mutants/1")
    path = course.root / course.rubric.mutants
    if not path.is_file():
        hint = f"looked in {course.root}; write the table, or take `mutants:` out of the rubric"
        raise ConfigError([Problem(file=str(course.rubric_path), where="mutants", message="is not there", hint=hint)])
    table, lines = load_record(MutantTable, path)
    problems = [
        Problem(file=str(path), line=find_line(where, lines), where=name, message=message)
        for where, name, message in _find_problems(table, course)
    ]
    if problems:
        raise ConfigError(problems)
    return table


def _find_problems(table: MutantTable, course: Course) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    kinds = {item.id: item.question.kind for item in course.rubric.criteria}
    written = {name for name, kind in kinds.items() if kind != "notebook"}
    notebook = set(kinds) - written
    for section, names in (("answers", table.answers), ("keeps", table.keeps)):
        for name in set(names) - written:
            yield (section, name), section, f"the rubric has no criterion {name} that a report answers"
    for number, item in enumerate(table.written):
        if item.criterion not in written:
            message = f"the rubric has no criterion {item.criterion} that a report answers"
            yield ("written", number, "criterion"), item.mutant, message
    for number, mutant in enumerate(table.notebook):
        for name in {*mutant.fails, *mutant.touches} - notebook:
            message = f"the rubric has no criterion {name} that a notebook answers"
            yield ("notebook", number), mutant.mutant, message
    keys = {
        "written": [(item.criterion, item.mutant) for item in table.written],
        "notebook": [("", item.mutant) for item in table.notebook],
    }
    for section, named in keys.items():
        for number, key in enumerate(named):
            if key in named[:number]:
                yield (section, number, "mutant"), key[1], "this name stands twice"
    if table.notebook and not (table.solution and Path(course.root / table.solution).is_file()):
        yield ("solution",), "solution", f"no notebook to change: {table.solution or 'none named'}"
