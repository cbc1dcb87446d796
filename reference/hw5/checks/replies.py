"""What probes sent back, read with suspicion: a reply comes from the student's own process and may be anything."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.model import Execution, Finding, Judgement, PointResult

Numbers = NDArray[np.float64]

ODD = "a reply of the notebook's process is not what a probe sends: look at what the notebook does to its own process"
# Errors for which a notebook that is right can fail here: what our machine lacks.
_OURS = re.compile(
    r"ModuleNotFoundError|URLError|HTTPError|ConnectionError|ConnectionRefused|gaierror|socket\.timeout|OfflineError"
    r"|No module named|CUDA|NVIDIA|cuda|network is unreachable|name resolution",
)
# What a student's function does to a probe that is no fault of ours.
_THEIRS = re.compile(
    r"SystemExit|KeyboardInterrupt|time|interrupt|ended|died|killed|RecursionError|Memory", re.IGNORECASE
)


class OddReplyError(Exception):
    """A reply without the shape that our probes give it."""


def find_reply(execution: Execution, name: str) -> tuple[Mapping[str, Any] | None, str]:
    """Return (reply, "") or (None, why there is none). Raises OddReplyError for a reply that is no probe's."""
    reply = execution.replies.get(name)
    if reply is None:
        return None, "the notebook's process had ended before it could be asked"
    if reply.error:
        return None, reply.error
    if not isinstance(reply.value, Mapping) or not all(isinstance(key, str) for key in reply.value):
        raise OddReplyError
    return reply.value, ""


def is_ours(error: str) -> bool:
    """Return whether an error is one that a right notebook can have on our machine."""
    return bool(_OURS.search(error))


def is_theirs(error: str) -> bool:
    """Return whether a probe without a reply was stopped by what the student's function did (time, exit, memory)."""
    return bool(_THEIRS.search(error))


def read_map(value: Any, key: str) -> Mapping[str, Any]:
    """Return the mapping under ``key``. Raises OddReplyError."""
    found = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(found, Mapping):
        raise OddReplyError
    return found


def read_list(value: Any, key: str) -> Sequence[Any]:
    """Return the list under ``key``. Raises OddReplyError."""
    found = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(found, list | tuple):
        raise OddReplyError
    return found


def read_count(value: Any, key: str) -> int:
    """Return the whole number, 0 or more, under ``key``. Raises OddReplyError."""
    found = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise OddReplyError
    return found


def read_numbers(value: Any, length: int) -> Numbers:
    """Return ``length`` finite numbers. Raises OddReplyError."""
    if not isinstance(value, list | tuple) or len(value) != length:
        raise OddReplyError
    if any(isinstance(item, bool) or not isinstance(item, int | float) for item in value):
        raise OddReplyError
    try:
        numbers = np.array(value, dtype=np.float64)
    except OverflowError:  # a whole number of hundreds of digits
        raise OddReplyError from None
    if not np.isfinite(numbers).all():
        raise OddReplyError
    return numbers


def find_number(value: Any) -> float | None:
    """Return a finite number, or the last of a list of numbers (a function that returns its history); else None."""
    if isinstance(value, list | tuple) and value:
        value = value[-1]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def find_error(value: Any) -> str:
    """Return what the student's code raised during a probe, ``TypeError: ... (line)``, or an empty text."""
    error = value.get("error") if isinstance(value, Mapping) else None
    if error is None:
        return ""
    if not isinstance(error, Mapping):
        raise OddReplyError
    line = error.get("line")
    place = f" (at `{line}`)" if isinstance(line, str) and line else ""
    return f"{error.get('type')}: {error.get('message')}"[:300] + place


def earned(point: str, saw: str, *findings: Finding) -> PointResult:
    """Return a point with its full credit."""
    return PointResult(point=point, share=Decimal(1), saw=saw, findings=findings)


def lost(point: str, saw: str, code: str, message: str, share: Decimal | float = 0) -> PointResult:
    """Return a point that lost credit (all of it, or down to ``share``), with the finding that says why."""
    exact = Decimal(str(share)).quantize(Decimal("0.01"))
    return PointResult(point=point, share=exact, saw=saw, findings=(Finding(code=f"notebook.{code}", message=message),))


def unknown(point: str, saw: str) -> PointResult:
    """Return a point that could not be judged, and not for a fault of the student's."""
    return PointResult(point=point, share=None, saw=saw)


def lose_all(question: Any, saw: str, code: str, message: str, **more: Any) -> Judgement:
    """Return a judgement in which every point is lost for one reason."""
    return Judgement(results=tuple(lost(point.id, saw, code, message) for point in question.points), **more)


def judge_none(question: Any, saw: str) -> Judgement:
    """Return a judgement in which nothing could be judged."""
    return Judgement(results=tuple(unknown(point.id, saw) for point in question.points))


def read_odd(question: Any) -> Judgement:
    """Return the judgement on a reply that no probe sends: no credit by itself, and a person looks."""
    return lose_all(
        question,
        "no usable reply",
        "odd_reply",
        "What came back from your notebook's process is not what your functions return. A person will look at it.",
        review=ODD,
    )


def describe(numbers: Numbers | Sequence[float]) -> str:
    """Return up to four numbers, short."""
    shown = ", ".join(f"{value:.4g}" for value in list(numbers)[:4])
    return f"[{shown}{', ...' if len(numbers) > 4 else ''}]"


def join(parts: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""
