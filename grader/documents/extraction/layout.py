"""A page's characters, bars and pictures to its text in Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from grader.documents.extraction.fractions import join_fractions
from grader.documents.extraction.glyphs import Bar, Glyph, Outline, Picture
from grader.documents.extraction.lines import Line, gather
from grader.documents.extraction.order import is_persian
from grader.documents.extraction.places import draw_formulas, place_lines
from grader.documents.extraction.writing import write_line

_HEADING: Final = 1.15
_PARAGRAPH: Final = 1.75  # lines further apart than this many sizes part paragraphs, unless all are set so wide
_WIDER: Final = 1.3  # an index or exponent moves its line by so much
_WIDEST: Final = 2.5
_FULL: Final = 0.88  # of the text's width: a line that goes on below
# What a larger line must be to head something: a formula is often set larger than the text around it.
_TITLE: Final = re.compile(
    r"(?=[^=∂∑∇]*\Z)(?:.*[^\W\d_]{3}|\W*[A-Za-z]? ?\d+(?:\W|\Z)(?!\Z)|\W*[A-Za-z]{1,3} ?\d+\W*\Z)"
)
# What begins anew even below a full line: a label, a list's entry, a displayed formula.
_BEGINS: Final = re.compile(
    r"\W{0,3}(?:[A-Za-z]|[A-Za-z]?\d{1,2}|i{1,3}|iv|الف|[بپجتد])\s?(?:[).:،]|[-–](?=\s))|\s*[-–•●▪*=+∂]|\\frac"
    r"|\W{0,3}(?:q\s?\d|question|problem|exercise|task|part|answer|سوال|سؤال|پرسش|مسئله|قسمت|بخش|پاسخ|جواب)\b",
    re.IGNORECASE,
)
PICTURE: Final = "![a picture on the page](picture)"


def build_text(
    glyphs: Sequence[Glyph], bars: Sequence[Bar], pictures: Sequence[Picture], outlines: Sequence[Outline]
) -> str:
    """Return a page's text as Markdown: larger lines are headings, pictures and drawn formulas are named."""
    lines = place_lines(list(gather(join_fractions(glyphs, bars))), list(draw_formulas(outlines)))
    if not lines:
        return "\n\n".join(PICTURE for _ in pictures)
    right_to_left = _is_right_aligned(lines)
    usual = median(glyph.size for line in lines for glyph in line.glyphs)
    full = _find_full(lines, right_to_left)
    most = max(_PARAGRAPH, _WIDER * _find_pitch(lines, full))
    tops = sorted((picture.top for picture in pictures), reverse=True)
    out: list[str] = []
    before: Line | None = None
    for line, wrapped in zip(lines, [False, *full], strict=False):
        while tops and tops[0] > line.base:
            out += ["", PICTURE, ""]
            tops.pop(0)
        text = write_line(line, right_to_left)
        larger = median(glyph.size for glyph in line.glyphs) > _HEADING * usual and len(line.glyphs) < 120
        heading = larger and _TITLE.match(text) is not None
        apart = before is not None and (heading or _find_drop(before, line) >= most)
        if wrapped and not apart and not out[-1].startswith("#") and out[-1] and not _BEGINS.match(text):
            out[-1] += f" {text}"  # the line goes on
            before = line
            continue
        if apart:
            out.append("")
        out.append(f"## {text}" if heading else text)
        before = line
    return "\n".join([*out, *(f"\n{PICTURE}" for _ in tops)])


def _find_drop(before: Line, line: Line) -> float:
    """Return by how many sizes a line stands below the one before; infinite upwards, in a new column or page."""
    drop = (before.base - line.base) / max(before.size, line.size)
    return drop if drop >= 0 else float("inf")


def _find_full(lines: Sequence[Line], right_to_left: bool) -> list[bool]:
    """Return which lines fill the text's width, so that the next one goes on with them."""
    room = (1 - _FULL) * (max(line.right for line in lines) - min(line.left for line in lines))
    if right_to_left and any(is_persian(glyph.text) for line in lines for glyph in line.glyphs):
        left = min(line.left for line in lines)
        return [line.left < left + room for line in lines]
    right = max(line.right for line in lines)
    return [line.right > right - room for line in lines]


def _find_pitch(lines: Sequence[Line], full: Sequence[bool]) -> float:
    """Return how far apart, in sizes, the lines of a paragraph stand: the least below a line that fills the width.

    0 where there is none, or where they would stand wider than any text is set.
    """
    drops = [_find_drop(*pair) for pair, fills in zip(pairwise(lines), full, strict=False) if fills]
    return min((drop for drop in drops if 0.5 < drop < _WIDEST), default=0.0)


def _is_right_aligned(lines: Sequence[Line]) -> bool:
    """Tell whether Persian lines begin on the right; some programs set them from the left, words in the other order."""
    persian = [line.glyphs for line in lines if any(is_persian(glyph.text) for glyph in line.glyphs)]
    lefts = Counter(round(min(glyph.left for glyph in glyphs) / 4) for glyphs in persian)
    rights = Counter(round(max(glyph.right for glyph in glyphs) / 4) for glyphs in persian)
    return not persian or max(rights.values()) >= max(lefts.values())
