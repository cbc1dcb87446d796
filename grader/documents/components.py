"""Vectors written one component at a time: "o_1 = 6, o_2 = 1, o_3 = 2", "x = 6, y = 1, z = 2", "6i + j + 2k"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_VALUE = r"-?\s?\d+(?:\.\d+)?"
_COMPONENT = re.compile(
    rf"(?<![\w.·*])(?P<base>[a-z]\w*?)(?:_?\s?\{{?(?P<index>\d)\}}?|\[(?P<bracket>\d)\])\s*=\s*(?P<value>{_VALUE})(?![\w.]|\s*[*·+/\-(])"
)
_AXES = re.compile(
    rf"(?<!\w)x\s*=\s*({_VALUE})\W+(?:and\s+)?y\s*=\s*({_VALUE})\W+(?:and\s+)?z\s*=\s*({_VALUE})(?![\w.])"
)
_UNITS = re.compile(
    r"(?<![\w.])(-?\s?\d*(?:\.\d+)?)\s?\*?\s?(?:e_\{?1\}?|i)\s*([+\-]\s?\d*(?:\.\d+)?)\s?\*?\s?(?:e_\{?2\}?|j)"
    r"\s*([+\-]\s?\d*(?:\.\d+)?)\s?\*?\s?(?:e_\{?3\}?|k)(?!\w)"
)


class Row(NamedTuple):
    """A vector's values, the name of its components ("" for none) and where it stands."""

    values: tuple[float, ...]
    name: str
    start: int
    end: int


def find_components(folded: str) -> list[Row]:
    """Return the vectors of at least three components that a folded text writes component by component."""
    rows = [Row(tuple(map(_number, match.groups())), "", *match.span()) for match in _AXES.finditer(folded)]
    rows += [Row(tuple(map(_number, match.groups())), "", *match.span()) for match in _UNITS.finditer(folded)]
    run: list[re.Match[str]] = []
    for match in [*_COMPONENT.finditer(folded), None]:
        if match and run and _follows(run[-1], match, folded):
            run.append(match)
            continue
        rows += _row(run)
        run = [match] if match else []
    return rows


def _follows(one: re.Match[str], two: re.Match[str], folded: str) -> bool:
    """Return whether ``two`` is the next component of the same vector, with nothing told between them."""
    between = re.sub(r"\b(?:and|و)\b", "", folded[one.end() : two.start()])
    return one["base"] == two["base"] and _index(two) == _index(one) + 1 and not re.search(r"\w", between)


def _index(match: re.Match[str]) -> int:
    return int(match["index"] or match["bracket"])


def _row(run: Sequence[re.Match[str]]) -> list[Row]:
    if len(run) < 3 or _index(run[0]) > 1:
        return []
    return [Row(tuple(_number(m["value"]) for m in run), run[0]["base"], run[0].start(), run[-1].end())]


def _number(text: str) -> float:
    compact = text.replace(" ", "")
    return float(compact + "1") if compact in ("", "+", "-") else float(compact)
