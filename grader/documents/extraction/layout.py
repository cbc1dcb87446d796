"""Characters with places to lines of text: words, indices and exponents, strikes, and Persian in reading order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import median
from typing import Final

import bidi

from grader.documents.extraction.glyphs import Glyph, Picture

_PERSIAN: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LATIN: Final = re.compile("[A-Za-z\u0370-\u03ff]")
# Letters that a font draws in one piece or in the form of their place in the word.
_FORMS: Final = re.compile("[\ufb00-\ufb06\ufb1d-\ufdff\ufe70-\ufefc]")
_SPACE: Final = 0.2  # of the letters' size; narrower gaps lie inside words
_SMALL: Final = 0.85  # a script is written in smaller letters than its line
_SHIFT: Final = 0.08  # and on another base line, in sizes of the line's letters
_HEADING: Final = 1.15
_PARAGRAPH: Final = 1.75  # lines further apart than this many sizes part paragraphs
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}
_LONE_LABEL: Final = re.compile(r"\W{0,3}\w{1,4} ?[(\[]")
PICTURE: Final = "![a picture on the page](picture)"


@dataclass(slots=True)
class _Line:
    """Characters on one base line, with their scripts."""

    glyphs: list[Glyph] = field(default_factory=list)
    base: float = 0.0
    size: float = 0.0

    def takes(self, glyph: Glyph) -> bool:
        """Tell whether a character goes on with this line: on its base line, or as a script beside its last one."""
        if not self.glyphs:
            return True
        size = max(self.size, glyph.size)
        shift = abs(glyph.base - self.base) / size
        if shift < _SHIFT:
            return True
        # An index and an exponent stand one above the other, both beside the letter that they belong to.
        letter = next((item for item in reversed(self.glyphs) if item.size > _SMALL * self.size), self.glyphs[-1])
        beside = any(-0.5 < (glyph.left - item.right) / size < 1.0 for item in (self.glyphs[-1], letter))
        smaller = min(self.size, glyph.size) / size < _SMALL
        return shift < 0.75 and beside and (smaller or shift < 0.4)

    def add(self, glyph: Glyph) -> None:
        """Add a character; the larger letters make the line."""
        if glyph.size > self.size * 1.05:
            self.base, self.size = glyph.base, glyph.size
        self.glyphs.append(glyph)


def build_text(glyphs: Sequence[Glyph], pictures: Sequence[Picture]) -> str:
    """Return a page's text as Markdown: larger lines are headings, large pictures are named where they stand."""
    lines = [line for line in _gather(glyphs) if any(not glyph.text.isspace() for glyph in line.glyphs)]
    if not lines:
        return "\n\n".join(PICTURE for _ in pictures)
    usual = median(glyph.size for line in lines for glyph in line.glyphs)
    tops = sorted((picture.top for picture in pictures), reverse=True)
    out: list[str] = []
    before: _Line | None = None
    for line in lines:
        while tops and tops[0] > line.base:
            out += ["", PICTURE, ""]
            tops.pop(0)
        heading = line.size > _HEADING * usual and len(line.glyphs) < 120
        if before is not None and (heading or _is_apart(before, line)):
            out.append("")
        text = _write(line)
        out.append(f"## {text}" if heading else text)
        before = line
    return "\n".join([*out, *(f"\n{PICTURE}" for _ in tops)])


def _gather(glyphs: Iterable[Glyph]) -> Iterator[_Line]:
    """Yield lines in the file's order, in which columns stay apart."""
    line = _Line()
    for glyph in glyphs:
        if glyph.text.isspace() and not line.glyphs:
            continue
        if not line.takes(glyph):
            yield line
            line = _Line()
        line.add(glyph)
    if line.glyphs:
        yield line


def _is_apart(before: _Line, line: _Line) -> bool:
    """Tell whether a paragraph ends between two lines; upwards, a new column or page begins."""
    drop = (before.base - line.base) / max(before.size, line.size)
    return not 0 <= drop < _PARAGRAPH


def _write(line: _Line) -> str:
    ordered = sorted(line.glyphs, key=lambda glyph: (glyph.left + glyph.right) / 2)
    persian = sum(bool(_PERSIAN.match(glyph.text)) for glyph in ordered)
    if not persian:
        ordered = line.glyphs
    text = "".join(_dress(_spell(ordered, line), persian > 0))
    if persian:
        latin = sum(bool(_LATIN.match(glyph.text)) for glyph in ordered)
        text = _order(text, right_to_left=persian >= latin)
    return _FORMS.sub(lambda form: unicodedata.normalize("NFKC", form[0]), text).strip()


def _spell(glyphs: Sequence[Glyph], line: _Line) -> Iterator[tuple[str, str, bool]]:
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


def _find_script(glyph: Glyph, line: _Line) -> str:
    shift = (glyph.base - line.base) / line.size
    if abs(shift) < _SHIFT or glyph.size > _SMALL * line.size:
        return ""
    return "^" if shift > 0 else "_"


def _dress(spelt: Iterator[tuple[str, str, bool]], persian: bool) -> Iterator[str]:
    """Yield text with ``_{}`` and ``^{}`` around scripts and ``~~`` around what is struck out.

    A line with Persian is turned around afterwards, where marks of several signs would not survive: it carries one
    sign without a direction for them until then.
    """
    strike = _STRIKE if persian else "~~"
    for struck, items in groupby(spelt, key=lambda item: item[2]):
        pieces = []
        for script, run in groupby(items, key=lambda item: item[1]):
            text = "".join(item[0] for item in run)
            inner = text.strip()
            pieces.append(f"{script}{{{inner}}}" if script and inner and not persian else text)
        text = "".join(pieces)
        inner = text.strip()
        if not struck or not inner:
            yield text
            continue
        start = text.index(inner)
        yield text[:start] + strike + inner + strike + text[start + len(inner) :]


# A sign that no report holds, and that takes the direction of what stands around it.
_STRIKE: Final = "\u2980"


def _order(visual: str, *, right_to_left: bool) -> str:
    """Return a line in reading order, from the order in which it is drawn.

    The rules that turn text into the order on the page turn it back as well.
    """
    ordered = str(bidi.get_display(visual, base_dir="R" if right_to_left else "L"))
    return _mend_brackets(ordered.replace(_STRIKE, "~~"))


def _mend_brackets(text: str) -> str:
    """Turn around the brackets that stand the wrong way: programs differ in which of the two they name in Persian.

    A lone bracket behind a label ("b)") closes it.
    """
    mended, lone = _pair(text)
    label = _LONE_LABEL.match(text)
    if label is None or not lone:
        return mended
    turned, left = _pair(text[label.end() :])
    return f"{text[: label.end() - 1]}{_CLOSERS[label[0][-1]]}{turned}" if left < lone else mended


def _pair(text: str) -> tuple[str, int]:
    """Return ``text`` with ")x(" as "(x)", and how many brackets have no partner."""
    signs, lone = list(text), 0
    for opener, closer in _CLOSERS.items():
        waiting: list[int] = []  # closers that nothing opened
        opened = 0
        for place, sign in enumerate(text):
            if sign == opener and waiting:
                signs[waiting.pop()], signs[place] = opener, closer
            elif sign == opener:
                opened += 1
            elif sign == closer and opened:
                opened -= 1
            elif sign == closer:
                waiting.append(place)
        lone += opened + len(waiting)
    return "".join(signs), lone
