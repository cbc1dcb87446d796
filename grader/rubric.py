"""The rubric: which criteria there are, what they are worth and how each is checked."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from grader.codec import build_json_schema, find_line, load_record
from grader.documents.clues import Place
from grader.documents.phrases import check_phrases
from grader.errors import ConfigError, Problem
from grader.kinds import KINDS
from grader.kinds.base import STRICT
from grader.kinds.formula import FormulaWorld, find_bank_problems
from grader.late_policy import LatePolicy, find_late_problems
from grader.sandbox.settings import NotebookSettings

Resolve = Callable[[str], Any]
# Where in the file (for its line), what is concerned, and the message.
Complaint = tuple[tuple[str | int, ...], str, str]
# The union of every kind's question record, told apart by its `kind`; a new row in KINDS is enough.
_QUESTIONS: Any = functools.reduce(operator.or_, (kind.question for kind in KINDS.values()))


Visibility = Literal["visible", "after_due", "staff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricPlace:
    """Where on the sheet the answer is asked for: question 2, part b."""

    __pydantic_config__: ClassVar[Any] = STRICT
    question: Annotated[int, Field(ge=1, le=99)]
    part: Annotated[str, Field(pattern=r"^[a-z]?$")] = ""
    # Phrases that tell an answer to this part from those to the others, where a report has no labels
    # (see documents/clues.py).
    clues: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_phrases(self.clues)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One line of the marksheet."""

    __pydantic_config__: ClassVar[Any] = STRICT
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Annotated[str, Field(min_length=1)]
    available: Annotated[Decimal, Field(gt=0, max_digits=6, decimal_places=2)]
    question: Annotated[_QUESTIONS, Field(discriminator="kind")]
    # Where a report answers it; left out for what a notebook answers.
    place: RubricPlace | None = None
    # Who may see what was expected: students at once, students after the due date, or staff only.
    expected_visibility: Visibility = "visible"
    # The same of single findings, by their code (`vector.step_right`): what is not named here students see at once.
    finding_visibility: Mapping[str, Visibility] = field(default_factory=dict)
    # What a student's own CI does with it, before the deadline: `found` says whether the answer is there and can be
    # read, `marked` marks it too (its key can then be read by students), `hidden` leaves it out.
    student_ci: Literal["found", "marked", "hidden"] = "found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """A whole rubrics/<assignment>.yaml."""

    __pydantic_config__: ClassVar[Any] = STRICT
    schema: Literal["grader/rubric/1"]
    assignment: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    title: str
    # The marks of the whole sheet; the criteria must sum to it.
    available: Decimal
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    worlds: Mapping[str, FormulaWorld] = field(default_factory=dict)
    notebook: NotebookSettings | None = None
    # Left out, nothing is late.
    late: LatePolicy | None = None
    # The path from the root of the wrong hand-ins that `grade check` attacks this rubric with (docs/workbench.md).
    mutants: str = ""

    @property
    def places(self) -> dict[str, Place]:
        """The places of all criteria that a report answers, by criterion id."""
        return {
            item.id: Place(question=item.place.question, part=item.place.part, title=item.title, clues=item.place.clues)
            for item in self.criteria
            if item.place
        }


def load_rubric(
    path: Path,
    resolve: Resolve,
    is_proved: Callable[[Rubric], bool] = lambda _: False,
    find_missing: Callable[[Rubric], Iterable[Complaint]] = lambda _: (),
) -> Rubric:
    """Return the rubric at ``path``. Raises ConfigError with every problem in it, each with its line.

    ``is_proved`` knows rubrics that were found in order before: their formulas are not evaluated again.
    ``find_missing`` tells what the rubric names and the course does not hold; it is asked every time.
    """
    rubric, lines = load_record(Rubric, path)
    found = [*find_missing(rubric)]
    if not is_proved(rubric):
        found += _find_problems(rubric, resolve)
        found += find_late_problems(rubric.late, lines) if rubric.late else ()
    problems = [
        Problem(file=str(path), line=find_line(where, lines), where=name, message=message)
        for where, name, message in found
    ]
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0))
    return rubric


def _find_problems(rubric: Rubric, resolve: Resolve) -> Iterator[Complaint]:
    """Yield (path, name, message) for what no field can tell by itself."""
    total = sum((criterion.available for criterion in rubric.criteria), Decimal(0))
    if total != rubric.available:
        yield ("available",), "available", f"is {rubric.available}, but the criteria sum to {total}"
    ids: dict[str, int] = {}
    places: dict[Place, str] = {}
    for index, criterion in enumerate(rubric.criteria):
        where = ("criteria", index)
        if criterion.id in ids:
            yield (*where, "id"), criterion.id, "this id stands twice"
        ids.setdefault(criterion.id, index)
        place = rubric.places.get(criterion.id)
        if place and places.setdefault(place, criterion.id) != criterion.id:
            yield (*where, "place"), criterion.id, f"has the same place as {places[place]}"
        for message in _find_criterion_problems(criterion, rubric, resolve):
            yield (*where, "question"), criterion.id, message


def _find_criterion_problems(criterion: Criterion, rubric: Rubric, resolve: Resolve) -> Iterator[str]:
    question = criterion.question
    if criterion.student_ci == "marked":
        yield from _find_public_problems(criterion)
    if question.kind == "notebook":
        if rubric.notebook is None:
            yield "is a notebook question, but the rubric has no `notebook:` section"
        yield from _find_unresolved(question.check, resolve)
    elif criterion.place is None:
        yield "needs a `place:` (question and part), since a report answers it"
    if question.kind == "formula":
        yield from find_bank_problems(criterion.id, question, rubric.worlds, resolve)


def _find_public_problems(criterion: Criterion) -> Iterator[str]:
    """Yield why a criterion cannot be marked in students' own CI, where everything it is marked by can be read."""
    kind = criterion.question.kind
    if kind in ("notebook", "formula"):
        yield f"`student_ci: marked` cannot be: a {kind} question is marked by the reference, which students never get"
    if criterion.expected_visibility != "visible":
        yield (
            "`student_ci: marked` shows its key to students before the deadline, but "
            f"`expected_visibility` is {criterion.expected_visibility}"
        )


def _find_unresolved(name: str, resolve: Resolve) -> Iterator[str]:
    try:
        resolve(name)
    except ConfigError as error:
        yield str(error)


def main() -> None:
    """Print the rubric's JSON schema: ``python -m grader.rubric > rubrics/rubric.schema.json``."""
    print(build_json_schema(Rubric), end="")


if __name__ == "__main__":
    main()
