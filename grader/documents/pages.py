"""Pages of a file as pictures, for a person to look at."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Final

from grader.documents.child import ask_child

MOST_PAGES: Final = 20
_JPEG: Final = b"\xff\xd8\xff"


def draw_pages(data: bytes, pages: Sequence[int]) -> tuple[bytes, ...]:
    """Return JPEG pictures of ``pages`` (numbers from 1) of a PDF, or of a photo; none where it cannot be drawn.

    They are drawn in the child, so that no byte of the student's own picture reaches whoever looks at it.
    """
    answer = ask_child("draw", json.dumps(list(pages)), data)
    drawn = answer.get("pictures")
    pictures = [_decode(item) for item in drawn[:MOST_PAGES]] if isinstance(drawn, list) else []
    return tuple(picture for picture in pictures if picture.startswith(_JPEG))


def _decode(item: object) -> bytes:
    try:
        return base64.b64decode(item, validate=True) if isinstance(item, str) else b""
    except binascii.Error:
        return b""
