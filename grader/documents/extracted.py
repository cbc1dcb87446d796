"""What a child read out of a PDF, a word processor's file or an HTML page, as a Document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from grader.documents.blocks import Block, Document
from grader.documents.child import Job, ask_child
from grader.documents.encoding import clean_text, read_text
from grader.documents.markdown import read_markdown
from grader.model import Finding, Location, Media

# Hundreds of pages; answers are looked for in each line.
_MOST_LINES: Final = 20_000
JOBS: Final[Mapping[Media, Job]] = {"docx": "word", "html": "web", "pdf": "pdf"}


def read_extracted(name: str, media: Media, data: bytes) -> Document:
    """Return what the file ``name`` says, as its child reads it; ``unreadable`` says why nothing could be read."""
    findings: tuple[Finding, ...] = ()
    if media == "html":
        decoded = read_text(data)
        if decoded is None:
            return Document(file=name, unreadable="its bytes are no text in any encoding known here")
        data, findings = decoded.text.encode("utf-8", "replace"), decoded.findings
    answer = ask_child(JOBS[media], name, data)
    if fault := answer.get("fault"):
        return Document(file=name, unreadable=str(fault)[:300], pages=_count(answer))
    blocks = tuple(_build_blocks(name, answer.get("parts")))
    if sum(len(block.lines) for block in blocks) > _MOST_LINES:
        return Document(file=name, unreadable="it holds more lines than any report", pages=_count(answer))
    return Document(
        file=name,
        blocks=blocks,
        template=answer.get("template") is True,
        extracted=media == "pdf",
        findings=findings,
        pages=_count(answer),
        partly=str(answer.get("partly") or "")[:300],
    )


def _count(answer: Mapping[str, Any]) -> int:
    pages = answer.get("pages")
    return pages if isinstance(pages, int) else 0


def _build_blocks(name: str, parts: Any) -> Iterator[Block]:
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, dict):
            continue
        page = part.get("page")
        place = Location(file=name, page=page if isinstance(page, int) else None)
        if part.get("program") is True:
            yield Block(kind="code", lines=(), location=place)
            continue
        for block in read_markdown(clean_text(str(part.get("text", ""))), name):
            # Lines were counted in the text that was made of the file: nobody finds them in the file itself.
            yield replace(block, location=place)
