"""Signs of mathematics that are drawn larger than letters or over them: sums, tall brackets, accents.

TeX's extension fonts do not say which characters they draw: the table is the one of Computer Modern's (Knuth, Computer
Modern Typefaces, 1986; Latin Modern has the same), whose signs hang below their base line.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from grader.documents.extraction.glyphs import Glyph

_FONT: Final = re.compile(r"(?:\A|\+)(?:CMEX|LMEX|LMMathExtension|EUEX|txex|pxex|NewTXMath.*ex)", re.IGNORECASE)
# Codes 0 to 127 in rows of 16; a space: a piece of a bracket, a root, or nothing.
_TABLE: Final = (
    "()[]⌊⌋⌈⌉{}⟨⟩|‖/\\"
    "()()[]⌊⌋⌈⌉{}⟨⟩/\\"
    "()[]⌊⌋⌈⌉{}⟨⟩/\\/\\"
    "                "
    "    ⟨⟩⊔⊔∮∮⊙⊙⊕⊕⊗⊗"
    "∑∏∫⋃⋂⊎⋀⋁∑∏∫⋃⋂⊎⋀⋁"
    "∐∐ˆˆˆ˜˜˜[]⌊⌋⌈⌉{}"
    "                "
)
_ACCENTS: Final = {
    "ˆ": "\u0302",
    "˜": "\u0303",
    "¯": "\u0304",
    "˙": "\u0307",
    "¨": "\u0308",
    "\u20d7": "\u20d7",
    "^": "\u0302",
}

_SIGNS: Final = frozenset("()[]{}⟨⟩|‖∑∏∫⋃⋂⨁")
# The axis on which signs and fractions stand, above the base line, in sizes.
AXIS: Final = 0.25
_LARGER: Final = 1.1
_TALLER: Final = 1.3
_LOOK_BACK: Final = 12


def is_sign(text: str) -> bool:
    """Return whether a character is a sign that some programs draw larger than the letters beside it."""
    return text in _SIGNS


def is_extension(font: str) -> bool:
    """Return whether a font of this name is one of TeX's extension fonts."""
    return _FONT.search(font) is not None


def find_sign(code: int) -> str:
    """Return what an extension font draws for a code, "" for what stands for no character by itself."""
    return _TABLE[code].strip() if 0 <= code < len(_TABLE) else ""


def is_piece(code: int) -> bool:
    """Return whether a character is a piece of a tall bracket (also in Adobe's private area), which says nothing."""
    return 0x239B <= code <= 0x23B3 or 0xF8E5 <= code <= 0xF8FE


def place_accents(glyphs: Sequence[Glyph]) -> Iterator[Glyph]:
    """Yield the characters; an accent that is drawn over the letter beside it as a combining one behind that letter."""
    for index, glyph in enumerate(glyphs):
        before = glyphs[index - 1] if index else None
        after = glyphs[index + 1] if index + 1 < len(glyphs) else None
        if glyph.text not in _ACCENTS:
            yield glyph
            if before is not None and _is_over(before, glyph):
                yield replace(glyph, text=_ACCENTS[before.text])
        elif after is None or not _is_over(glyph, after):
            over = before is not None and _is_over(glyph, before)
            yield replace(before, text=_ACCENTS[glyph.text]) if before is not None and over else glyph


def _is_over(accent: Glyph, letter: Glyph) -> bool:
    """Tell whether an accent's middle lies over a letter."""
    if accent.text not in _ACCENTS or not letter.text.isalpha() or abs(accent.base - letter.base) > letter.size:
        return False
    room = 0.1 * letter.size
    return letter.left - room < (accent.left + accent.right) / 2 < letter.right + room


def level_signs(glyphs: Sequence[Glyph]) -> Iterator[Glyph]:
    """Yield the characters, signs that are larger than the letters before them on these letters' base line."""
    sizes: deque[float] = deque(maxlen=_LOOK_BACK)
    for glyph in glyphs:
        if not glyph.height:
            sizes.append(glyph.size)
            yield glyph
            continue
        size = min(max(sizes, default=glyph.size), glyph.size)
        large = glyph.hangs or glyph.size > _LARGER * size or glyph.height > _TALLER * size
        yield replace(glyph, base=glyph.middle - AXIS * size, size=size) if large else replace(glyph, height=0.0)
