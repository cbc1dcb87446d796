"""A typed PDF to the text of its pages; a scan is recognised as one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from grader.documents.extraction.faults import UnreadableError
from grader.documents.extraction.glyphs import Drawn, Glyph, read_page
from grader.documents.extraction.layout import build_text
from grader.documents.extraction.margins import drop_margins
from grader.documents.extraction.order import is_persian

MOST_PAGES: Final = 200
_SECONDS: Final = 6.0  # of the ten that the child has: what was read by then is worth more than nothing
_LEAST_CHARACTERS: Final = 50  # on a page; a scan's text layer, if any, has a stray sign or a page number
_LARGE_PICTURE: Final = 0.03  # of the page: an answer can stand in it, in a logo none
_WHOLE_PAGE: Final = 0.4
_OUTLINES: Final = 150  # letters drawn as lines
_FOOT: Final = 0.2  # of the page's height


def read_pdf(_name: str, data: bytes) -> dict[str, Any]:
    """Return the text of each page under ``parts``, and ``partly`` where something stays unread.

    Raises UnreadableError for a scan, an encrypted or a damaged file.
    """
    document = open_pdf(data)
    pages = _read_pages(document)
    if scan := _find_scan(pages):
        raise UnreadableError(scan, pages=len(document))
    texts = drop_margins([_build(page, number) for number, page in enumerate(pages, 1)])
    parts = [{"page": number, "text": text} for number, text in enumerate(texts, 1)]
    return {"parts": parts, "partly": _find_unread(pages, len(document)), "pages": len(document)}


def open_pdf(data: bytes) -> pdfium.PdfDocument:
    """Return the opened file. Raises UnreadableError."""
    try:
        document = pdfium.PdfDocument(data)
        if len(document) == 0:
            raise UnreadableError("it has no pages")
    except pdfium.PdfiumError:
        encrypted = raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD
        raise UnreadableError("it is encrypted" if encrypted else "it is damaged or no PDF") from None
    return document


def _read_pages(document: pdfium.PdfDocument) -> list[Drawn]:
    pages: list[Drawn] = []
    end = time.monotonic() + _SECONDS
    for index in range(min(len(document), MOST_PAGES)):
        if time.monotonic() > end:
            break
        page = document[index]
        pages.append(read_page(page))
        page.close()
    return pages


def _find_scan(pages: list[Drawn]) -> str:
    """Return why a person must look at the pages themselves, "" where their text can be read."""
    signs = sum(len(page.glyphs) for page in pages)
    pictures = any(_is_drawn(page) for page in pages)
    if any(page.notes for page in pages):
        return "somebody has written over its pages, or it is a form"
    if sum(page.hidden for page in pages) > signs and pictures:
        return "it is a scan with a machine's reading laid over it"
    if signs == 0 or (pictures and all(len(page.glyphs) < _LEAST_CHARACTERS for page in pages)):
        return "it is a scan (pictures of pages, no text)" if pictures else "it holds no text"
    if sum(page.unmapped for page in pages) > 0.1 * signs:
        return "its fonts do not say which letters they draw"
    return ""


def _is_drawn(page: Drawn) -> bool:
    """Tell whether a page is a picture of a page, or its letters are drawn as lines."""
    return sum(picture.share for picture in page.pictures) > _WHOLE_PAGE or page.paths > _OUTLINES


def _build(page: Drawn, number: int) -> str:
    glyphs = _drop_number(page, number)
    pictures = [item for item in page.pictures if item.share > _LARGE_PICTURE]
    return build_text(glyphs, page.bars, pictures, page.outlines)


def _drop_number(page: Drawn, number: int) -> Sequence[Glyph]:
    """Return a page's characters without its number in the middle of its foot."""
    lowest = min((glyph.base for glyph in page.glyphs), default=0.0)
    foot = [glyph for glyph in page.glyphs if glyph.base - lowest < 1 and not glyph.text.isspace()]
    if lowest > _FOOT * page.height or "".join(glyph.text for glyph in foot).strip("-–— ") != str(number):
        return page.glyphs
    middle = (min(glyph.left for glyph in foot) + max(glyph.right for glyph in foot)) / 2
    return (
        [glyph for glyph in page.glyphs if glyph not in foot] if abs(middle / page.width - 0.5) < 0.05 else page.glyphs
    )


def _find_unread(pages: list[Drawn], count: int) -> str:
    """Return what of the file was not read and may hold answers, "" for nothing."""
    scanned = [
        str(number) for number, page in enumerate(pages, 1) if len(page.glyphs) < _LEAST_CHARACTERS and _is_drawn(page)
    ]
    told = [f"only the first {len(pages)} of {count} pages were read"] if len(pages) < count else []
    if any(is_persian(glyph.text) for page in pages for glyph in page.glyphs):
        told.append("the order of Persian in a PDF is not certain")
    if scanned:
        told.append(f"page {', '.join(scanned[:10])} is a picture")
    return "; ".join(told)
