"""A line's characters to text: words, indices and exponents, strikes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from grader.documents.extraction.glyphs import Glyph
from grader.documents.extraction.lines import SHIFT, SMALL, Line, is_combining
from grader.documents.extraction.order import STRIKE, is_persian, order

_LATIN: Final = re.compile("[A-Za-z\u0370-\u03ff\U0001d400-\U0001d7ff]")
# What may carry an index or an exponent: letters, also with accents, and closing brackets.
_CARRIES: Final = re.compile("[A-Za-z)\\]}\u00c0-\u03ff\u22a4\ue012\U0001d400-\U0001d7ff]")
# A Persian part's letter at the right edge, in the order in which it is drawn: there the line begins.
_LABEL_AT_EDGE: Final = re.compile(r"[()\[\].:\-–]\s?(?:فلا|[بپجتد])\s*\Z")
# Letters that a font draws in one piece or in the form of their place in the word, and those of mathematics.
_FORMS: Final = re.compile("[\U0001d400-\U0001d7ff\ufb00-\ufb06\ufb1d-\ufdff\ufe70-\ufefc]")
_SCRIPTS: Final = {"_": "\ue010", "^": "\ue011"}
_SCRIPT_END: Final = "\ue012"
_SPACE: Final = 0.2  # of the letters' size; narrower gaps lie inside words


def write_line(line: Line, right_to_left: bool) -> str:
    """Return a line's text in reading order; ``right_to_left`` is where the page's Persian lines begin."""
    ordered = sorted(line.glyphs, key=lambda glyph: (glyph.left + glyph.right) / 2)
    persian = sum(is_persian(glyph.text) for glyph in ordered)
    if not persian:
        ordered = line.glyphs
    text = "".join(_dress(_spell(ordered, line), persian > 0))
    if persian:
        latin = sum(bool(_LATIN.match(glyph.text)) for glyph in ordered)
        begins_right = persian >= latin or _LABEL_AT_EDGE.search(text) is not None
        text = order(text, right_to_left=right_to_left and begins_right)
        text = text.replace(_SCRIPT_END, "}").replace(_SCRIPTS["_"], "_{").replace(_SCRIPTS["^"], "^{")
    return _FORMS.sub(lambda form: unicodedata.normalize("NFKC", form[0]), text).strip()


def _spell(glyphs: Sequence[Glyph], line: Line) -> Iterator[tuple[str, str, bool]]:
    """Yield (text, script "", "_" or "^", struck) of each character and of the spaces between them."""
    before: Glyph | None = None
    for glyph in glyphs:
        script = _find_script(glyph, line)
        if before is not None and not glyph.text.isspace() and not before.text.isspace():
            gap = (glyph.left - before.right) / line.size
            if not script and (gap > _SPACE or gap < -2):
                yield " ", "", glyph.struck and before.struck
        if not glyph.text.isspace():
            yield glyph.text, script, glyph.struck
        elif before is not None and not before.text.isspace():
            yield " ", "", glyph.struck
        before = glyph


def _find_script(glyph: Glyph, line: Line) -> str:
    shift = (glyph.base - line.base) / line.size
    if is_combining(glyph):
        return ""
    if abs(shift) < SHIFT or glyph.size > SMALL * line.size:
        return ""
    return "^" if shift > 0 else "_"


def _dress(spelt: Iterator[tuple[str, str, bool]], persian: bool) -> Iterator[str]:
    """Yield text with ``_{}`` and ``^{}`` around scripts and ``~~`` around what is struck out.

    A line with Persian is turned around afterwards, where marks of several signs would not survive: until then a
    strike is one sign without a direction, and scripts of Latin letters stand between signs that count as Latin.
    """
    strike = STRIKE if persian else "~~"
    before = ""
    for struck, items in groupby(spelt, key=lambda item: item[2]):
        pieces = []
        for script, run in groupby(items, key=lambda item: item[1]):
            text = "".join(item[0] for item in run)
            inner = text.strip()
            if inner and not inner.strip("\u2032\u2033'"):
                script = ""  # a prime is raised by its own shape
            if script and inner and not persian:
                text = f"{script}{{{inner}}}"
            elif script and inner and _CARRIES.match(before) and not any(map(is_persian, inner)):
                text = f"{_SCRIPTS[script]}{inner}{_SCRIPT_END}"
            pieces.append(text)
            before = text.strip()[-1:] or before
        text = "".join(pieces)
        inner = text.strip()
        if not struck or not inner:
            yield text
            continue
        start = text.index(inner)
        yield text[:start] + strike + inner + strike + text[start + len(inner) :]
