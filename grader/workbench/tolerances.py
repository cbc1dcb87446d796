"""How far a value may move before the verdict does: found by halving, never read off the rubric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from grader.course import Course
from grader.model import Execution
from grader.rubric import Criterion
from grader.workbench.attack import try_answer
from grader.workbench.rejudge import Judged, judge_run, leave_out, list_notebook_criteria
from grader.workbench.written import write_vector

_SMALLEST, _LARGEST = 1e-14, 1e2
_RATIO = 1.1  # a limit is known to within a tenth


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a value may move in one direction.

    ``holds`` is the largest relative change (of a value of 0: the change itself) that was seen to keep the verdict,
    ``breaks`` the smallest that was seen to change it; ``breaks`` None: nothing up to 100 times the value does.
    """

    criterion: str
    value: str
    holds: float
    breaks: float | None
    device: str = ""


def find_reach(keeps: Callable[[float], bool]) -> tuple[float, float | None]:
    """Return (holds, breaks) within a tenth of each other, by halving on a scale of logarithms.

    ``keeps(change)`` says whether the verdict is kept. (0, smallest) where none is.
    """
    if not keeps(_SMALLEST):
        return 0.0, _SMALLEST
    if keeps(_LARGEST):
        return _LARGEST, None
    low, high = _SMALLEST, _LARGEST
    while high / low > _RATIO:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return low, high


def find_written_reaches(course: Course, answers: Mapping[str, str]) -> Iterator[Reach]:
    """Yield how far the numbers of a vector and the factor before a formula may move, one number at a time."""
    for item in course.rubric.criteria:
        moves = _list_moves(item.question, answers.get(item.id, ""))
        for name, write in moves:

            def keeps(change: float, write: Callable[[float], str] = write, name: str = item.id) -> bool:
                evidence = try_answer(course, answers, name, write(change))
                return evidence.decided and evidence.credit == 1

            holds, breaks = find_reach(keeps)
            yield Reach(criterion=item.id, value=name, holds=holds, breaks=breaks)


def _list_moves(question: Any, answer: str) -> list[tuple[str, Callable[[float], str]]]:
    if question.kind == "vector":
        values = list(question.answer.values)
        names = [f"{question.answer.title}[{place}] = {value:g}" for place, value in enumerate(values)]
        return [(name, _move_number(question, place)) for place, name in enumerate(names)]
    if question.kind == "formula":
        formula = answer.strip("$")
        return [("a factor before the formula", lambda change: f"$(1 + {_write_power(change)}) ({formula})$")]
    return []


def _write_power(change: float) -> str:
    r"""Return a number as 3.25 \cdot 10^{-9}: formulas are not read with many digits."""
    digits, _, exponent = f"{change:.3e}".partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}"


def _move_number(question: Any, place: int) -> Callable[[float], str]:
    def write(change: float) -> str:
        values = list(question.answer.values)
        values[place] += change * (abs(values[place]) or 1.0)
        text = write_vector(question, values)
        shown = ", ".join(f"{value:.16g}" for value in values)
        return f"{text.partition('=')[0]}= [{shown}]"

    return write


def find_probe_reaches(
    course: Course, execution: Execution, seed: bytes, tell: Callable[[str], None]
) -> Iterator[Reach]:
    """Yield how far the numbers in each part of each probe's reply may move, all of a part together.

    Nothing runs again: the replies of the reference's run are changed, and judged as they came.
    """
    for item in list_notebook_criteria(course):
        tell(f"tolerances of {item.id}")
        whole = judge_run(course, item, execution, seed)
        for name, reply in execution.replies.items():
            if not isinstance(reply.value, Mapping):
                continue
            if judge_run(course, item, leave_out(execution, {name}), seed) == whole:
                continue  # the criterion does not look at it
            for part in [key for key, inner in reply.value.items() if _has_floats(inner)]:

                def keeps(
                    change: float,
                    item: Criterion = item,
                    whole: Judged = whole,
                    name: str = name,
                    part: str = part,
                ) -> bool:
                    return judge_run(course, item, _move_reply(execution, name, part, change), seed) == whole

                holds, breaks = find_reach(keeps)
                if breaks is not None:
                    value = f"{name}.{part}"
                    yield Reach(criterion=item.id, value=value, holds=holds, breaks=breaks, device=execution.device)


def _has_floats(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_floats, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_floats, value))
    return isinstance(value, float)


def _move_reply(execution: Execution, name: str, part: str, change: float) -> Execution:
    reply = execution.replies[name]
    value = reply.value if isinstance(reply.value, Mapping) else {}
    moved = replace(reply, value={**value, part: _move(value[part], change)})
    return replace(execution, replies={**execution.replies, name: moved})


def _move(value: Any, change: float) -> Any:
    if isinstance(value, Mapping):
        return {key: _move(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_move(inner, change) for inner in value]
    if isinstance(value, float):
        return value + change * (abs(value) or 1.0)
    return value
