"""A rubric's ``late:`` section: until when a hand-in is due, for whom later, and what being late costs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from grader.errors import ConfigError, Problem
from grader.kinds.base import STRICT
from grader.model.moment import EXAMPLE, parse_moment

Unit = Literal["marks", "percent_of_available", "percent_of_awarded"]


def _read_moment(value: Any) -> datetime:
    try:
        return parse_moment(value if isinstance(value, str) else "")
    except ValueError as error:
        raise PydanticCustomError("moment", "{reason}", {"reason": str(error), "hint": f"as {EXAMPLE}"}) from None


Moment = Annotated[datetime, BeforeValidator(_read_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
_Marks = Annotated[Decimal, Field(gt=0, max_digits=6, decimal_places=2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatePolicy:
    """When a hand-in is due, and what a late one loses: ``per_day`` for each day of 24 hours and for a part of one.

    The grace moves the deadline, and so the end of every late day. ``per_day`` and ``most`` (the most that is ever
    taken off) are in ``unit``: marks, percent of the whole sheet's marks, or percent of what was awarded.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    deadline: Moment
    per_day: _Marks
    unit: Unit = "marks"
    most: _Marks | None = None
    grace_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    # A hand-in that is later than so many days earns nothing; left out, there is no such day.
    nothing_after_days: Annotated[int, Field(ge=1)] | None = None
    # Deadlines of single students, by id.
    extensions: Mapping[str, Moment] = field(default_factory=dict)

    def due(self, student: str) -> datetime:
        """Return when ``student`` had to hand in, the grace not counted."""
        return self.extensions.get(student, self.deadline)


Where = tuple[str | int, ...]


def find_late_problems(policy: LatePolicy, lines: Mapping[Where, int]) -> Iterator[tuple[Where, str, str]]:
    """Yield (path, name, message) for what no field can tell by itself; ``lines`` are those of the rubric's paths."""
    for name in ("per_day", "most"):
        value = getattr(policy, name)
        if policy.unit != "marks" and value is not None and value > 100:
            yield ("late", name), f"late.{name}", f"is {value}, more than 100 percent"
    if policy.most is not None and policy.most < policy.per_day:
        yield ("late", "most"), "late.most", f"is {policy.most}, less than one day's {policy.per_day}"
    for student, moment in policy.extensions.items():
        where: Where = ("late", "extensions", student)
        if where not in lines:  # YAML has made a number of it, which has no leading zeros
            yield (
                where[:2],
                "late.extensions",
                f'an id was read as the number {student} (write ids in quotes: "0{student}")',
            )
        if moment < policy.deadline:
            yield where, f"late.extensions.{student}", f"is before the deadline ({policy.deadline.isoformat()})"


def check_extensions(policy: LatePolicy, rubric: Path, roster: Collection[str]) -> None:
    """Raise ConfigError for extensions of students who are not on the roster: a misspelt id would go unseen."""
    problems = [
        Problem(file=str(rubric), where=f"late.extensions.{student}", message="is not on the roster")
        for student in policy.extensions
        if student not in roster
    ]
    if problems:
        raise ConfigError(problems)
