"""One file to a Document, by its media."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from grader.documents.blocks import Block, Document
from grader.documents.encoding import read_text
from grader.documents.extracted import JOBS, read_extracted
from grader.documents.file_names import add_file_label
from grader.documents.markdown import read_markdown, read_plain
from grader.documents.noise import is_machine_read
from grader.documents.notebook import holds_programs, read_notebook
from grader.model import Finding, Media

_READERS: Final[dict[str, Callable[[str, str], tuple[Block, ...] | None]]] = {
    "markdown": read_markdown,
    "text": read_plain,
    "notebook": read_notebook,
}


def read_document(name: str, media: Media, data: bytes) -> Document:
    """Return what the file ``name`` says. It never raises for what stands in a file: ``unreadable`` says why not."""
    document = _read(name, media, data)
    document = replace(document, findings=(*document.findings, *_find_unread(document)))
    if document.template or not document.blocks:
        return document
    return replace(document, blocks=add_file_label(name, document.blocks))


def _find_unread(document: Document) -> Iterator[Finding]:
    if document.unreadable:
        message = f"“{document.file}” could not be read: {document.unreadable}. A person will look at it."
        yield Finding(code="documents.unread", message=message)
    if document.partly:
        message = f"“{document.file}” was not read to the full: {document.partly}."
        yield Finding(code="documents.partly_read", message=message, audience="staff")


def _read(name: str, media: Media, data: bytes) -> Document:
    if media in JOBS:
        return read_extracted(name, media, data)
    if media == "image":
        return Document(file=name, unreadable="it is a picture", pages=1)
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
        template=media == "notebook" and holds_programs(decoded.text),
        findings=decoded.findings,
    )
