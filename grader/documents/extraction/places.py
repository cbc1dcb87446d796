"""Lines that stand in a file elsewhere than on the page, and formulas drawn as shapes, put where a reader sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from grader.documents.extraction.glyphs import Glyph, Outline
from grader.documents.extraction.lines import SHIFT, Line
from grader.documents.extraction.signs import AXIS

DRAWN: Final = "![a formula drawn as shapes](picture)"
_FEWEST: Final = 3  # shapes in a formula
_MANY_STEPS: Final = 60  # or a single one of so many lines and curves
_MOST: Final = 1_000  # shapes that are put together one by one, and lines that are put back
_ROW: Final = 14.0
_NEAR: Final = 1.6  # sizes above or below a line within which a stray one belongs to it


def draw_formulas(outlines: Sequence[Outline]) -> Iterator[Line]:
    """Yield a line for every cluster of shapes that can be a formula; bullets and arrows are none."""
    for cluster in _cluster(outlines):
        if len(cluster) < _FEWEST and sum(item.steps for item in cluster) < _MANY_STEPS:
            continue
        left, right = min(item.left for item in cluster), max(item.right for item in cluster)
        bottom, top = min(item.bottom for item in cluster), max(item.top for item in cluster)
        size = min(12.0, top - bottom)
        line = Line()
        line.add(Glyph(text=DRAWN, left=left, right=right, base=(bottom + top) / 2 - AXIS * size, size=size))
        yield line


def _cluster(outlines: Sequence[Outline]) -> list[list[Outline]]:
    """Put shapes together that stand close: a letter's width apart, or one above the other; many of them by rows."""
    if len(outlines) > _MOST:
        rows: dict[int, list[Outline]] = {}
        for item in outlines:
            rows.setdefault(round(item.bottom / _ROW), []).append(item)
        return list(rows.values())
    clusters: list[list[Outline]] = []
    for item in sorted(outlines, key=lambda item: item.left):
        near = [cluster for cluster in clusters if any(_is_near(item, other) for other in cluster[-20:])]
        joined = [*(other for cluster in near for other in cluster), item]
        clusters = [cluster for cluster in clusters if cluster not in near] + [joined]
    return clusters


def _is_near(one: Outline, other: Outline) -> bool:
    height = max(one.top - one.bottom, other.top - other.bottom, 6.0)
    aside = max(one.left, other.left) - min(one.right, other.right)
    apart = max(one.bottom, other.bottom) - min(one.top, other.top)
    return aside < 1.2 * height and apart < 0.5 * height


def place_lines(lines: Sequence[Line], drawn: Sequence[Line]) -> list[Line]:
    """Return the lines with those that stand in the file behind what is below them on the page put back.

    A line that begins right of all before it begins a new column. ``drawn`` lines have no place in the file.
    """
    kept: list[Line] = []
    strays: list[Line] = []
    right = 0.0
    for line in _join_columns(lines):
        if kept and line.base > kept[-1].base + line.size and line.left < right - line.size:
            strays.append(line)
            continue
        right = line.right if kept and line.base > kept[-1].base + line.size else max(right, line.right)
        kept.append(line)
    if len(strays) > _MOST:  # no page of text: a drawing with labels
        kept, strays = list(lines), []
    for line in sorted([*strays, *drawn], key=lambda item: -item.base):
        _insert(kept, line)
    for line in kept:
        line.glyphs = _settle(line.glyphs)
    return kept


def _join_columns(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines, numbers that stand one above the other as one vector; at the margin they are a list."""
    column: list[Line] = []
    margin = min((line.left for line in lines), default=0.0)
    for line in lines:
        if column and not (_is_number(line) and _stands_below(column[-1], line)):
            yield from _join(column)
            column = []
        if not _is_number(line) or line.left < margin + 3 * line.size:
            yield line
        else:
            column.append(line)
    yield from _join(column)


def _is_number(line: Line) -> bool:
    return re.fullmatch(r"[-−+]?\d+(?:[.,]\d+)?", "".join(glyph.text for glyph in line.glyphs).strip()) is not None


def _stands_below(above: Line, line: Line) -> bool:
    aside = abs(above.left + above.right - line.left - line.right) / 2
    return aside < above.size and 0.8 < (above.base - line.base) / above.size < 2


def _join(column: Sequence[Line]) -> Iterator[Line]:
    """Yield the line of a column of numbers, on the base line of its middle."""
    if len(column) < 2:
        yield from column
        return
    size = column[0].size
    numbers = ", ".join("".join(glyph.text for glyph in line.glyphs) for line in column)
    joined = Line()
    middle = (column[0].base + column[-1].base) / 2
    left, right = min(line.left for line in column), max(line.right for line in column)
    joined.add(Glyph(text=f"[{numbers}]", left=left, right=right, base=middle, size=size))
    yield joined


def _settle(glyphs: list[Glyph]) -> list[Glyph]:
    """Return a line's characters with a fraction that the file has behind what follows it before that."""
    settled: list[Glyph] = []
    for glyph in glyphs:
        place = len(settled)
        if glyph.text.startswith("\\frac"):
            while place and settled[place - 1].left > (glyph.left + glyph.right) / 2:
                place -= 1
        settled.insert(place, glyph)
    return settled


def _insert(lines: list[Line], stray: Line) -> None:
    """Put a line into the gap of one on its base line, else below the nearest one that it stands beside or under."""
    level = [line for line in lines if abs(line.base - stray.base) < SHIFT * max(line.size, stray.size)]
    for line in level:
        if not any(stray.left < (item.left + item.right) / 2 < stray.right for item in line.glyphs):
            place = next((index for index, item in enumerate(line.glyphs) if item.left > stray.left), len(line.glyphs))
            line.glyphs[place:place] = stray.glyphs
            line.size = max(line.size, stray.size)  # its scripts are as small as its own letters say
            return
    beside = [
        index
        for index, line in enumerate(lines)
        if abs(line.base - stray.base) < _NEAR * max(line.size, stray.size)
        and not any(stray.left < (item.left + item.right) / 2 < stray.right for item in line.glyphs)
    ]
    above = [index for index, line in enumerate(lines) if line.base >= stray.base]
    if beside:
        nearest = min(beside, key=lambda index: abs(lines[index].base - stray.base))
    else:
        nearest = min(above, key=lambda index: lines[index].base, default=-1)
    while (
        nearest + 1 < len(lines) and nearest >= 0 and lines[nearest + 1].stray and lines[nearest + 1].base >= stray.base
    ):
        nearest += 1
    stray.stray = True
    lines.insert(nearest + 1, stray)
