"""How far a value may move before the verdict does: found by halving, never read off the rubric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from grader.course import Course
from grader.kinds import KINDS, Context
from grader.model import Answer, Evidence, Execution, ProbeReply
from grader.rubric import Criterion
from grader.workbench.attack import try_answer
from grader.workbench.written import write_vector

_SMALLEST, _LARGEST = 1e-14, 1e2
_RATIO = 1.1  # a limit is known to within a tenth
_Verdict = tuple[str, Decimal | None, bool]  # with the credit, and whether it was decided


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
    for item in course.rubric.criteria:
        if item.question.kind != "notebook":
            continue
        tell(f"tolerances of {item.id}")
        whole = _judge(course, item, execution, seed)
        for name, reply in execution.replies.items():
            if not isinstance(reply.value, Mapping) or not _matters(course, item, execution, seed, whole, name):
                continue
            for part in _list_parts(reply.value):

                def keeps(
                    change: float,
                    name: str = name,
                    part: Sequence[str] = part,
                    item: Criterion = item,
                    whole: _Verdict = whole,
                ) -> bool:
                    moved = _move_reply(execution, name, part, change)
                    return _judge(course, item, moved, seed) == whole

                holds, breaks = find_reach(keeps)
                if breaks is not None:
                    place = ".".join((name, *part))
                    yield Reach(criterion=item.id, value=place, holds=holds, breaks=breaks, device=execution.device)


def _judge(course: Course, item: Criterion, execution: Execution, seed: bytes) -> _Verdict:
    context = Context(
        seed=seed,
        execution=execution,
        resolve=course.resolve,
        signs=course.rubric.notebook.signs if course.rubric.notebook else "",
    )
    evidence: Evidence = KINDS["notebook"].check(
        item.id, item.question, Answer(question=item.id, state="given"), context
    )
    return evidence.verdict, evidence.credit, evidence.decided


def _matters(course: Course, item: Criterion, execution: Execution, seed: bytes, whole: _Verdict, name: str) -> bool:
    """Whether the criterion looks at this reply at all."""
    without = {other: reply for other, reply in execution.replies.items() if other != name}
    try:
        return _judge(course, item, replace(execution, replies=without), seed) != whole
    except Exception:  # a check that cannot do without the reply looks at it
        return True


def _list_parts(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the keys on the way to every part of a reply, two levels deep, in which there are fractions."""
    for key, inner in value.items():
        if isinstance(inner, Mapping) and len(path) < 1:
            yield from _list_parts(inner, (*path, key))
        elif _has_floats(inner):
            yield (*path, key)


def _has_floats(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_floats, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_floats, value))
    return isinstance(value, float)


def _move_reply(execution: Execution, name: str, part: Sequence[str], change: float) -> Execution:
    reply = execution.replies[name]
    moved = ProbeReply(value=_move_part(reply.value, part, change), seconds=reply.seconds)
    return replace(execution, replies={**execution.replies, name: moved})


def _move_part(value: Any, part: Sequence[str], change: float) -> Any:
    if part:
        return {**value, part[0]: _move_part(value[part[0]], part[1:], change)}
    if isinstance(value, Mapping):
        return {key: _move_part(inner, (), change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_move_part(inner, (), change) for inner in value]
    if isinstance(value, float):
        return value + change * (abs(value) or 1.0)
    return value
