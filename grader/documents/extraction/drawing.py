"""Pages as pictures for a person: drawn from a PDF, or a photo made small; always drawn anew, never passed through."""

from __future__ import annotations

import base64
import io
import json
from typing import Any, Final

from PIL import Image, ImageOps

from grader.documents.extraction.pdf import open_pdf

_LONGEST: Final = 1500  # pixels: handwriting can be read, and a page takes a few hundred kilobytes
_MOST_PIXELS: Final = 60_000_000
_QUALITY: Final = 75


def draw_pages(wanted: str, data: bytes) -> dict[str, Any]:
    """Return pictures of a file's pages as base64 of JPEG; ``wanted`` is a JSON list of page numbers from 1."""
    pages = [int(number) for number in json.loads(wanted)]
    if b"%PDF-" not in data[:1024]:
        return {"pictures": [_encode(_open_photo(data))]}
    document = open_pdf(data)
    document.init_forms()
    return {"pictures": [_draw(document[number - 1]) for number in pages if 1 <= number <= len(document)]}


def _draw(page: Any) -> str:
    width, height = page.get_size()
    scale = _LONGEST / max(width, height, 1.0)
    return _encode(page.render(scale=scale, may_draw_forms=True).to_pil())


def _open_photo(data: bytes) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    photo = Image.open(io.BytesIO(data))
    photo.draft("RGB", (_LONGEST, _LONGEST))  # a JPEG is made small while it is unpacked
    photo.thumbnail((_LONGEST, _LONGEST))
    return ImageOps.exif_transpose(photo)


def _encode(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "JPEG", quality=_QUALITY)
    return base64.b64encode(stream.getvalue()).decode("ascii")
