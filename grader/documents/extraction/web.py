"""An HTML page to Markdown: a notebook's export without its programs and outputs, or any other page.

What a reader of the page would not see (scripts, styles, hidden elements, the second copy that a mathematics library
keeps of each formula) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from grader.documents.extraction.faults import UnreadableError
from grader.documents.extraction.pandoc import build_tree
from grader.documents.extraction.tree import Dialect, Node, render_tree

_FORM: Final = "html+tex_math_dollars+tex_math_single_backslash"
# nbconvert's classes, of its classic and its later templates.
_CODE_CELLS: Final = frozenset({"code_cell", "jp-CodeCell"})
_TEXT_CELLS: Final = frozenset({"text_cell", "jp-MarkdownCell"})
_UNSEEN_CLASSES: Final = frozenset(
    {"anchor-link", "headerlink", "katex-html", "MathJax_Preview", "MathJax", "MathJax_SVG", "MathJax_Display"}
    | {"input_prompt", "prompt", "jp-InputPrompt", "jp-OutputPrompt"}
)
_UNSEEN_STYLE: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.IGNORECASE
)

_ASSISTIVE: Final = re.compile(rb"</svg>\s{0,9}(?=<mjx-assistive-mml\b)")
# What a script draws is a picture.
_CANVAS: Final = re.compile(rb"<canvas\b[^<>]{0,2000}>", re.IGNORECASE)


def read_web(_name: str, data: bytes) -> dict[str, Any]:
    """Return the page's ``parts``; ``template`` is True for a notebook's export. Raises UnreadableError.

    A program of a notebook is a part without text.
    """
    blocks = build_tree(_FORM, _CANVAS.sub(rb'<img src="canvas">', _drop_drawings(data)))
    dialect = Dialect(hidden=_is_unseen)
    parts: list[dict[str, Any]] = []
    notebook = False
    for cell in _cut_cells(blocks):
        if cell is None:
            parts.append({"program": True})
            notebook = True
        else:
            parts.append({"text": render_tree(cell, dialect)})
    if b"<script" in data.lower() and not any(part.get("text", "").strip() for part in parts):
        raise UnreadableError("it shows nothing without its scripts")
    return {"parts": parts, "template": notebook}


def _drop_drawings(data: bytes) -> bytes:
    """Return the page without MathJax's drawings of formulas, behind which it keeps their MathML."""
    kept, position = [], 0
    for drawn in _ASSISTIVE.finditer(data):
        container = data.rfind(b"<mjx-container", position, drawn.start())
        start = data.find(b"<svg", max(container, position), drawn.start())
        if container >= 0 and start >= 0:
            kept.append(data[position:start])
            position = drawn.end()
    return b"".join([*kept, data[position:]])


def _cut_cells(blocks: Sequence[Node]) -> Iterator[list[Node] | None]:
    """Yield the blocks between two programs of a notebook, and None for each program."""
    loose: list[Node] = []
    for block in _unfold(blocks):
        if _has_class(block, _CODE_CELLS):
            yield loose
            yield None
            loose = []
        else:
            loose.append(block)
    yield loose


def _unfold(blocks: Sequence[Node]) -> Iterator[Node]:
    """Yield the blocks inside frames that only lay out the page; cells stay whole."""
    for block in blocks:
        framed = block["t"] == "Div" and not _is_unseen(block["c"][0])
        if framed and not _has_class(block, _CODE_CELLS | _TEXT_CELLS):
            yield from _unfold(block["c"][1])
        else:
            yield block


def _has_class(block: Node, names: frozenset[str]) -> bool:
    return block["t"] == "Div" and not names.isdisjoint(block["c"][0][1])


def _is_unseen(attributes: Any) -> bool:
    _, classes, pairs = attributes
    named = dict(pairs)
    hidden = "hidden" in named or _UNSEEN_STYLE.search(named.get("style", "")) is not None
    return hidden or not _UNSEEN_CLASSES.isdisjoint(classes)
