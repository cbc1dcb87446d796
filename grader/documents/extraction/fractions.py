"""Fractions, which a PDF draws as two texts and a bar between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grader.documents.extraction.glyphs import Bar, Glyph
from grader.documents.extraction.lines import gather
from grader.documents.extraction.signs import AXIS
from grader.documents.extraction.writing import write_line

_ROW: Final = 2.2  # a table's rows in sizes; fractions on lines of their own stand further apart
_MOST_FRACTIONS: Final = 300  # on a page


def join_fractions(glyphs: Sequence[Glyph], bars: Sequence[Bar]) -> Sequence[Glyph]:
    """Return the characters, each fraction as one: what stands close above and below a bar no wider than both."""
    found = list(glyphs)
    for bar in sorted(bars, key=lambda item: item.right - item.left)[:_MOST_FRACTIONS]:
        near = [item for item in found if bar.left - 1 <= (item.left + item.right) / 2 <= bar.right + 1]
        inside = [item for item in near if _is_close(item, bar, item.size) and not item.struck]
        size = max((item.size for item in inside), default=0.0)  # an index stands as far off as its letter's size says
        inside = [item for item in near if _is_close(item, bar, size) and not item.struck]
        above = [item for item in inside if item.base > bar.middle]
        below = [item for item in inside if item.base <= bar.middle]
        if above and below and _is_fraction(above, below, bar) and not _is_rule(bar, bars, size):
            text = rf"\frac{{{_write_part(above)}}}{{{_write_part(below)}}}"
            whole = Glyph(text=text, left=bar.left, right=bar.right, base=bar.middle - AXIS * size, size=size)
            place = found.index(inside[0])
            found[place] = whole
            rest = set(map(id, inside))
            found = [item for item in found if id(item) not in rest]
    return found


def _is_rule(bar: Bar, bars: Sequence[Bar], size: float) -> bool:
    """Tell a rule between a table's rows: another one of the same width stands a row above or below it."""
    return any(
        abs(bar.left - other.left) < 1
        and abs(bar.right - other.right) < 1
        and 0.8 * size < abs(bar.middle - other.middle) < _ROW * size
        for other in bars
    )


def _is_close(item: Glyph, bar: Bar, size: float) -> bool:
    return abs(item.base + AXIS * item.size - bar.middle) < 1.5 * size


def _is_fraction(above: Sequence[Glyph], below: Sequence[Glyph], bar: Bar) -> bool:
    """Tell a fraction's bar from a table's rule: both parts are centred on it, and one of them is as wide as it is."""
    size = max(item.size for item in above)
    spans = [(min(item.left for item in part), max(item.right for item in part)) for part in (above, below)]
    centred = all(abs(left + right - bar.left - bar.right) < size for left, right in spans)
    widest = max(right - left for left, right in spans)
    return centred and abs(bar.right - bar.left - widest) < 0.5 * size


def _write_part(glyphs: Sequence[Glyph]) -> str:
    return " ".join(write_line(line, False) for line in gather(glyphs))
