"""A notebook's Markdown cells to blocks, whatever version wrote it. Nothing is run and outputs are not looked at."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from grader.documents.blocks import Block, Document
from grader.documents.markdown import read_markdown
from grader.model import Location

_PROGRAM = re.compile(r"\s*(?:import (?:torch|numpy|pandas)\b|from torch\b|class \w+\(nn\.Module\))")

# Of code in a notebook that is a report: an import, a sum worked out.
_FEW_LINES = 12


def read_notebook(text: str, file: str) -> tuple[Block, ...] | None:
    """Return the blocks of a notebook's Markdown, an empty code block for each program; None for no notebook."""
    cells = _load_cells(text)
    return None if cells is None else tuple(_read_cells(cells, file))


def holds_programs(text: str) -> bool:
    """Return whether a notebook's cells hold programs; else it is a report that was written in one."""
    sources = [
        _read_source(cell)
        for cell in _load_cells(text) or ()
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    ]
    return sum(bool(line.strip()) for source in sources for line in source.split("\n")) > _FEW_LINES


def find_printed(documents: Sequence[Document]) -> str:
    """Return the file that is a notebook as a page or a PDF, which cannot be run; "" where there is none."""
    for document in documents:
        exported = document.template and not document.file.endswith(".ipynb")
        lines = (line.text for block in document.blocks if document.extracted for line in block.lines)
        if exported or any(_PROGRAM.match(line) for line in lines):
            return document.file
    return ""


@functools.lru_cache(maxsize=1)  # a notebook is asked for its text and for its programs
def _load_cells(text: str) -> list[Any] | None:
    try:
        return _find_cells(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _find_cells(notebook: Any) -> list[Any] | None:
    """Return the list of cells; format 3 keeps it in worksheets."""
    if not isinstance(notebook, dict):
        return None
    cells = notebook.get("cells")
    if cells is None and isinstance(sheets := notebook.get("worksheets"), list):
        cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or ()]
    return cells if isinstance(cells, list) else None


def _read_cells(cells: list[Any], file: str) -> Iterator[Block]:
    for index, cell in enumerate(cells):
        if not isinstance(cell, dict):
            continue
        kind = cell.get("cell_type")
        source = _read_source(cell)
        if kind == "code":
            yield Block(kind="code", lines=(), location=Location(file=file, cell=index))
        elif kind == "heading":
            yield from read_markdown(f"# {source}", file, cell=index)
        elif kind in ("markdown", "raw"):
            yield from read_markdown(source, file, cell=index)


def _read_source(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""
