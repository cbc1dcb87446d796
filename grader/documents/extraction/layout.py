"""A page's characters, bars and pictures to its text in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Final

from grader.documents.extraction.fractions import join_fractions
from grader.documents.extraction.glyphs import Bar, Glyph, Picture
from grader.documents.extraction.lines import Line, gather
from grader.documents.extraction.order import is_persian
from grader.documents.extraction.writing import write_line

_HEADING: Final = 1.15
_PARAGRAPH: Final = 1.75  # lines further apart than this many sizes part paragraphs
PICTURE: Final = "![a picture on the page](picture)"


def build_text(glyphs: Sequence[Glyph], bars: Sequence[Bar], pictures: Sequence[Picture]) -> str:
    """Return a page's text as Markdown: larger lines are headings, large pictures are named where they stand."""
    lines = list(gather(join_fractions(glyphs, bars)))
    if not lines:
        return "\n\n".join(PICTURE for _ in pictures)
    right_to_left = _is_right_aligned(lines)
    usual = median(glyph.size for line in lines for glyph in line.glyphs)
    tops = sorted((picture.top for picture in pictures), reverse=True)
    out: list[str] = []
    before: Line | None = None
    for line in lines:
        while tops and tops[0] > line.base:
            out += ["", PICTURE, ""]
            tops.pop(0)
        heading = median(glyph.size for glyph in line.glyphs) > _HEADING * usual and len(line.glyphs) < 120
        if before is not None and (heading or _is_apart(before, line)):
            out.append("")
        text = write_line(line, right_to_left)
        out.append(f"## {text}" if heading else text)
        before = line
    return "\n".join([*out, *(f"\n{PICTURE}" for _ in tops)])


def _is_apart(before: Line, line: Line) -> bool:
    """Tell whether a paragraph ends between two lines; upwards, a new column or page begins."""
    drop = (before.base - line.base) / max(before.size, line.size)
    return not 0 <= drop < _PARAGRAPH


def _is_right_aligned(lines: Sequence[Line]) -> bool:
    """Tell whether Persian lines begin on the right; some programs set them from the left, words in the other order."""
    persian = [line.glyphs for line in lines if any(is_persian(glyph.text) for glyph in line.glyphs)]
    lefts = Counter(round(min(glyph.left for glyph in glyphs) / 4) for glyphs in persian)
    rights = Counter(round(max(glyph.right for glyph in glyphs) / 4) for glyphs in persian)
    return not persian or max(rights.values()) >= max(lefts.values())
