"""A PDF page's characters with their places, as pdfium finds them.

Lengths are in points (1/72 inch), y grows upwards. pdfium turns Persian around by rules of its own, so its order counts
only between lines; within one, places do.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from grader.documents.extraction.signs import (
    find_sign,
    is_extension,
    is_piece,
    is_sign,
    level_signs,
    place_accents,
)

_MOST_CHARACTERS: Final = 60_000
_MOST_OBJECTS: Final = 20_000
_THICKEST_STRIKE: Final = 0.15  # of the letters' size
_HYPHENS: Final = (0x02, 0xFFFE)  # how pdfium names the one that parts a word at a line's end
_TALLEST_OUTLINE: Final = 60.0
_FEWEST_STEPS: Final = 5  # a box has five
_INVISIBLE: Final = 3  # a text render mode: what a recogniser lays over a scan, or a student hides


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """One character: its place from ``left`` to ``right``, its ``base`` line and the ``size`` of its letters.

    ``height`` and ``middle`` are those of a large sign or bracket, 0 for a letter; one that ``hangs`` stands below the
    base line that its font gives it.
    """

    text: str
    left: float
    right: float
    base: float
    size: float
    height: float = 0.0
    middle: float = 0.0
    hangs: bool = False
    struck: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture on a page: its upper edge, and the share of the page that it covers."""

    top: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A thin horizontal bar: what strikes text out, or parts a fraction."""

    left: float
    right: float
    middle: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A shape of a letter's size: some programs draw formulas so. ``steps`` are its lines and curves."""

    left: float
    right: float
    bottom: float
    top: float
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What stands on a page: visible characters, pictures, shapes, and how much is hidden or drawn as lines."""

    glyphs: tuple[Glyph, ...]
    bars: tuple[Bar, ...]
    pictures: tuple[Picture, ...]
    outlines: tuple[Outline, ...]
    hidden: int
    unmapped: int
    paths: int
    notes: int
    width: float
    height: float


def read_page(page: pdfium.PdfPage) -> Drawn:
    """Return what stands on a page."""
    bars, pictures, outlines, paths = _read_objects(page)
    text = page.get_textpage()
    shown = _Visibility(text)
    glyphs: list[Glyph] = []
    hidden = unmapped = 0
    for index in range(min(text.count_chars(), _MOST_CHARACTERS)):
        if raw.FPDFText_IsGenerated(text, index) == 1:
            continue
        if not shown.is_visible(index):
            hidden += 1
            continue
        glyph = _read_large(text, index) or _read_glyph(text, index)
        if glyph is None:
            continue
        known = glyph.hangs or raw.FPDFText_HasUnicodeMapError(text, index) != 1
        unmapped += _is_unmapped(glyph.text) or not known
        glyphs.append(glyph)
    return Drawn(
        glyphs=tuple(_strike(list(place_accents(list(level_signs(glyphs)))), bars)),
        bars=tuple(bars),
        pictures=pictures,
        outlines=outlines,
        hidden=hidden,
        unmapped=unmapped,
        paths=paths,
        notes=_count_notes(page),
        width=page.get_width(),
        height=page.get_height(),
    )


class _Visibility:
    """Tells visible characters from those of an invisible text object; neighbours share their object."""

    def __init__(self, text: pdfium.PdfTextPage) -> None:
        self._text = text
        self._known: dict[int, bool] = {}

    def is_visible(self, index: int) -> bool:
        found = raw.FPDFText_GetTextObject(self._text, index)
        key = ctypes.cast(found, ctypes.c_void_p).value or 0
        if key not in self._known:
            self._known[key] = not key or raw.FPDFTextObj_GetTextRenderMode(found) != _INVISIBLE
        return self._known[key]


def _read_large(text: pdfium.PdfTextPage, index: int) -> Glyph | None:
    """Return a sign of TeX's extension font; None for all else."""
    code = int(raw.FPDFText_GetUnicode(text, index))
    if code in _HYPHENS or (code >= 32 and raw.FPDFText_HasUnicodeMapError(text, index) != 1):
        return None
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    raw.FPDFText_GetFontInfo(text, index, name, len(name), flags)
    sign = find_sign(code) if is_extension(name.value.decode("latin-1")) else ""
    return Glyph(text=sign, hangs=True, **_find_place(text, index), **_find_height(text, index)) if sign else None


def _find_height(text: pdfium.PdfTextPage, index: int) -> dict[str, Any]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    raw.FPDFText_GetCharBox(text, index, left, right, bottom, top)
    return {"height": top.value - bottom.value, "middle": (bottom.value + top.value) / 2}


def _read_glyph(text: pdfium.PdfTextPage, index: int) -> Glyph | None:
    """Return one character; None for a control sign, a piece of one, and for one drawn on its side, as margins have."""
    code = _read_code(text, index)
    if is_piece(code):
        return None
    if code < 32 or 0xD800 <= code < 0xE000:
        return None if code else Glyph(text="\ufffd", **_find_place(text, index))
    if abs(raw.FPDFText_GetCharAngle(text, index) % 3.14159) > 0.3:
        return None
    place = _find_place(text, index)
    # A space without width stands where pdfium puts it, often inside a Persian word; gaps show where words end.
    if chr(code).isspace() and place["right"] - place["left"] < 0.01:
        return None
    return Glyph(text=chr(code), **place, **(_find_height(text, index) if is_sign(chr(code)) else {}))


def _read_code(text: pdfium.PdfTextPage, index: int) -> int:
    """Return a character's number. pdfium gives mathematical letters in halves, in Persian lines the second first.

    The second half alone is passed over.
    """
    code = int(raw.FPDFText_GetUnicode(text, index))
    if code in _HYPHENS:
        return ord("-")
    if not 0xD800 <= code < 0xDC00:
        return code
    for near in (index + 1, index - 1):
        low = int(raw.FPDFText_GetUnicode(text, near)) if near >= 0 else 0
        if 0xDC00 <= low < 0xE000:
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
    return code


def _find_place(text: pdfium.PdfTextPage, index: int) -> dict[str, Any]:
    box, x, y = raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetLooseCharBox(text, index, box)
    raw.FPDFText_GetCharOrigin(text, index, x, y)
    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(text, index, matrix)
    size = abs(raw.FPDFText_GetFontSize(text, index) * (matrix.d or 1.0))
    return {"left": box.left, "right": box.right, "base": y.value, "size": size if size > 0 else 1.0}


def _is_unmapped(text: str) -> bool:
    """Tell whether a character has no meaning outside its font: private use, or "no such character"."""
    return text == "\ufffd" or "\ue000" <= text <= "\uf8ff"


def _read_objects(
    page: pdfium.PdfPage,
) -> tuple[list[Bar], tuple[Picture, ...], tuple[Outline, ...], int]:
    """Return thin horizontal bars (strikes, rules), pictures, shapes, and how many other lines are drawn."""
    bars: list[Bar] = []
    pictures: list[Picture] = []
    outlines: list[Outline] = []
    paths = 0
    area = max(page.get_width() * page.get_height(), 1.0)
    for count, item in enumerate(page.get_objects(max_depth=8)):
        if count >= _MOST_OBJECTS:
            break
        if item.type not in (raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE):
            continue
        left, bottom, right, top = item.get_bounds()
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            pictures.append(Picture(top=top, share=abs((right - left) * (top - bottom)) / area))
        elif top - bottom < 3 and right - left > 2:
            bars.append(Bar(left=left, right=right, middle=(top + bottom) / 2, height=top - bottom))
        else:
            paths += 1
            steps = raw.FPDFPath_CountSegments(item)
            if top - bottom < _TALLEST_OUTLINE and steps > _FEWEST_STEPS:
                outlines.append(Outline(left=left, right=right, bottom=bottom, top=top, steps=steps))
    return bars, tuple(pictures), tuple(outlines), paths


def _strike(glyphs: list[Glyph], bars: list[Bar]) -> Iterator[Glyph]:
    """Mark the characters that a bar goes through: between their base line and the height of small letters."""
    for glyph in glyphs:
        middle = (glyph.left + glyph.right) / 2
        struck = any(
            bar.left - 0.5 <= middle <= bar.right + 0.5
            and 0.1 < (bar.middle - glyph.base) / glyph.size < 0.5
            and bar.height <= _THICKEST_STRIKE * glyph.size
            and bar.right - bar.left > 0.3 * glyph.size
            for bar in bars
        )
        yield replace(glyph, struck=True) if struck else glyph


def _count_notes(page: pdfium.PdfPage) -> int:
    """Return how many notes, drawings, stamps and filled fields lie over the page."""
    kinds = (
        *(raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_INK, raw.FPDF_ANNOT_STAMP, raw.FPDF_ANNOT_STRIKEOUT),
        raw.FPDF_ANNOT_WIDGET,  # a form's field, whose text is none of the page's
    )
    found = 0
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), 1000)):
        note = raw.FPDFPage_GetAnnot(page, index)
        found += raw.FPDFAnnot_GetSubtype(note) in kinds
        raw.FPDFPage_CloseAnnot(note)
    return found
