"""Bytes of an .ipynb, however battered, to its cells. Outputs and metadata are not read: the cells are run anew."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import Any, Literal

CellKind = Literal["code", "text"]

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class UnreadableNotebookError(Exception):
    """The file is no notebook; the message is a sentence to the student."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCell:
    """One cell as the student wrote it; ``index`` counts all cells from 0."""

    index: int
    kind: CellKind
    source: str


def read_notebook(content: bytes) -> tuple[SourceCell, ...]:
    """Return the cells of a notebook in any nbformat (1 to 4) and any Unicode encoding.

    Missing or duplicate ids, missing metadata and an unknown kernelspec are no obstacle. Raises
    UnreadableNotebookError, with a sentence to the student, where there are no cells to be found.
    """
    raw = _find_cells(_parse_json(_decode(content)))
    return tuple(
        SourceCell(index=index, kind="code" if cell.get("cell_type") == "code" else "text", source=_source(cell))
        for index, cell in enumerate(raw)
    )


def _decode(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    if content[:2].count(0) == 1:  # UTF-16 without a mark: every other byte of "{" and what follows is zero
        return content.decode("utf-16-be" if content[0] == 0 else "utf-16-le", errors="replace")
    return content.decode("utf-8", errors="replace")


def _parse_json(text: str) -> object:
    start = text.lstrip()
    if not start:
        raise UnreadableNotebookError("The notebook's file is empty. Save the notebook again and hand in that file.")
    if start.startswith("<"):
        raise UnreadableNotebookError(
            "This file is a web page saved under a notebook's name. In Colab or Jupyter choose "
            "File > Download > Download .ipynb, and hand in that file."
        )
    try:
        return json.loads(start)
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UnreadableNotebookError(
            f"The notebook's file is damaged or was cut off{place}, so it cannot be opened. "
            "Check that it opens in Jupyter or Colab, save it again, and hand in that file."
        ) from None


def _find_cells(data: object) -> list[dict[str, Any]]:
    if isinstance(data, dict):
        sheets = data.get("worksheets")
        if not isinstance(data.get("cells"), list) and isinstance(sheets, list):  # nbformat 3 and older
            parts = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
            return [cell for part in parts if isinstance(part, list) for cell in part if isinstance(cell, dict)]
        if isinstance(data.get("cells"), list):
            return [cell for cell in data["cells"] if isinstance(cell, dict)]
    raise UnreadableNotebookError(
        "The file holds no notebook: it has no list of cells. Hand in the .ipynb file that Jupyter or Colab saves."
    )


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))  # nbformat 3 calls a code cell's text "input"
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source.replace("\r\n", "\n") if isinstance(source, str) else ""
