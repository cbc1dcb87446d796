"""One file to a Document, by its media."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from grader.documents.blocks import Block, Document
from grader.documents.encoding import read_text
from grader.documents.markdown import read_markdown, read_plain
from grader.documents.noise import is_machine_read
from grader.documents.notebook import read_notebook
from grader.model import Media

_READERS: Final[dict[str, Callable[[str, str], tuple[Block, ...] | None]]] = {
    "markdown": read_markdown,
    "text": read_plain,
    "notebook": read_notebook,
}
# Files that may hold an answer which nobody has read yet: a person looks, and nothing counts as missing.
_NOT_READ: Final[dict[str, str]] = {
    "pdf": "a PDF is not read yet",
    "docx": "a word processor's file is not read yet",
    "html": "an HTML page is not read yet",
    "image": "a picture is not read",
}


def read_document(name: str, media: Media, data: bytes) -> Document:
    """Return what the file ``name`` says. It never raises for what stands in a file: ``unreadable`` says why not."""
    if media in _NOT_READ:
        return Document(file=name, unreadable=_NOT_READ[media])
    reader = _READERS.get(media)
    if reader is None:
        return Document(file=name)
    decoded = read_text(data)
    if decoded is None:
        return Document(file=name, unreadable="its bytes are no text in any encoding known here")
    blocks = reader(decoded.text, name)
    if blocks is None:
        return Document(file=name, unreadable="it is no notebook (broken JSON)", findings=decoded.findings)
    lines = [line.text for block in blocks for line in block.lines]
    return Document(
        file=name,
        blocks=blocks,
        machine_read=media != "notebook" and is_machine_read(lines),
        template=media == "notebook",
        findings=decoded.findings,
    )
