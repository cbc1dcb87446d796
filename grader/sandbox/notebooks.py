"""Bytes of an .ipynb, however battered, to its cells and the words that were stored beneath them; nothing is run."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

CellKind = Literal["code", "text"]

MOST_BYTES = 64 * 2**20  # the largest real notebooks hold about 10 MB of pictures
MOST_PARTS = 2_000_000  # "[", "{" and ",": each may cost 300 bytes of memory, a letter of a picture only one
MOST_CELLS = 10_000
MOST_CODE = 1_000_000
STORED_CHARACTERS = 20_000

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_FILES = (
    (
        (b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ"),
        "a packed archive (zip)",
    ),
    ((b"%PDF",), "a PDF document"),
    ((b"\x89PNG", b"\xff\xd8\xff", b"GIF8"), "a picture"),
    ((b"\xd0\xcf\x11\xe0", b"{\\rtf"), "a text processor's document"),
    ((b"version https://git-lfs",), "a Git LFS pointer (the name of a file that was never uploaded)"),
    ((b"From: <Saved by", b"MIME-Version:"), "a web page"),
)
_EDGES = " \t\r\n\ufeff\x00\x1a"  # around the JSON: marks, blank lines, and the zeros of a disk that was full
_CONFLICTS = ("\n<<<<<<< ", "\n>>>>>>> ")  # no line of JSON begins so
_LINK = re.compile(r"https?://[^\s\"']+")
_PROGRAM = re.compile(
    r"#!|#\s*(?:%%|-\*-|coding)|(?:import|from) \w|(?:def|class) \w+.*:|\w+ = |print\(|[%!]\w|\"\"\"|'''"
)
_HALF_LETTER = re.compile("[\ud800-\udfff]")
_DOWNLOAD = "In Colab or Jupyter choose File > Download > Download .ipynb, and hand in that file."
_LANGUAGES = {
    "ir": "R",
    "r": "R",
    "octave": "Octave",
    "matlab": "MATLAB",
    "scala": "Scala",
    "java": "Java",
    "c++": "C++",
}
_OTHER_LANGUAGES = ("julia", "javascript", "typescript", "bash", "sql", "ruby", "rust", "haskell", "kotlin", "lua")


class UnreadableNotebookError(Exception):
    """The file is no notebook; the message is a sentence to the student."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCell:
    """One cell as the student wrote it; ``index`` counts all cells from 0.

    ``stored`` holds the words of a code cell's outputs in the file (standard output and text of results, at most
    STORED_CHARACTERS of them), None where no output is stored, and ``stored_error`` the name of a stored error.
    ``count`` is the number in the brackets beside the cell. ``language`` names a language that the file claims to be
    written in when it is not Python, else it is empty.
    """

    index: int
    kind: CellKind
    source: str
    language: str = ""
    count: int | None = None
    stored: str | None = None
    stored_error: str = ""


def read_notebook(content: bytes) -> tuple[SourceCell, ...]:
    """Return the cells of a notebook in any nbformat (1 to 4) and any Unicode encoding.

    Missing or duplicate ids, missing metadata and an unknown kernelspec are no obstacle. Raises
    UnreadableNotebookError, with a sentence to the student, where there are no cells to be found, and where the file
    is larger than any notebook is: memory and time stay bounded whatever the bytes are.
    """
    if len(content) > MOST_BYTES:
        _refuse_large(f"{len(content) / 2**20:.0f} MB")
    notebook = _find_notebook(_parse_json(_decode(content)))
    language = _find_language(notebook)
    return tuple(_build_cell(index, cell, language) for index, cell in enumerate(_find_cells(notebook)))


def _refuse_large(amount: str) -> NoReturn:
    raise UnreadableNotebookError(
        f"The notebook's file is too large ({amount}; at most {MOST_BYTES // 2**20} MB and {MOST_CELLS:,} cells are "
        "read). Clear its outputs (Edit > Clear all outputs), save it, and hand in that file."
    )


def _refuse_other(what: str) -> NoReturn:
    raise UnreadableNotebookError(f"This file is {what} saved under a notebook's name. {_DOWNLOAD}")


def _decode(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    for starts, what in _OTHER_FILES:
        if content.startswith(starts):
            _refuse_other(what)
    # Without a mark: "{" and what follows are ASCII, so all but one byte of each letter are zero.
    for width, name in ((4, "utf-32"), (2, "utf-16")):
        if content[:width].count(0) == width - 1:
            return content.decode(f"{name}-be" if content[0] == 0 else f"{name}-le", errors="replace")
    return content.decode("utf-8", errors="replace")


def _parse_json(text: str) -> object:
    text = text.strip(_EDGES)
    if not text:
        raise UnreadableNotebookError("The notebook's file is empty. Save the notebook again and hand in that file.")
    if text.startswith("<<<<<<< ") or any(mark in text for mark in _CONFLICTS):
        _refuse_conflict()
    if sum(map(text.count, "[{,")) > MOST_PARTS:
        _refuse_large("millions of separate values")
    # Lenient where Python's json is strict without need: raw line ends in strings, numbers of thousands of digits.
    decoder = json.JSONDecoder(strict=False, parse_int=_parse_number, parse_float=_parse_number)
    try:
        value, end = decoder.raw_decode(text)
    except json.JSONDecodeError as error:
        _refuse_text(text, error)
    except RecursionError:
        _refuse_damaged("it holds lists within lists without end")
    except MemoryError:
        _refuse_large("more than memory holds")
    if text[end:].strip(_EDGES + "]},;"):  # a bracket too many harms nothing
        _refuse_rest(text, end)
    return value


def _parse_number(digits: str) -> float:
    """Return a number; the only one that matters is an execution count, so that a huge one may be any."""
    return 0 if len(digits) > 300 else float(digits)


def _refuse_text(text: str, error: json.JSONDecodeError) -> NoReturn:
    """Say what a text that is no JSON is instead."""
    if text.startswith("<"):
        _refuse_other("a web page")
    if not text.startswith("{"):
        if text.startswith("[InternetShortcut]") or (_LINK.match(text) and len(text) < 2000):
            _refuse_link()
        if any(_PROGRAM.match(line) for line in text[:2000].splitlines()):
            _refuse_other("a Python program (.py)")
    before = text[: error.pos].rstrip()
    extra = "a comma too many " if before.endswith(",") and text[error.pos : error.pos + 1] in ("]", "}") else ""
    _refuse_damaged(f"{extra}in line {error.lineno}")


def _refuse_damaged(place: str) -> NoReturn:
    raise UnreadableNotebookError(
        f"The notebook's file is damaged or was cut off ({place}), so it cannot be opened. "
        "Check that it opens in Jupyter or Colab, save it again, and hand in that file."
    )


def _refuse_conflict() -> NoReturn:
    raise UnreadableNotebookError(
        "The notebook's file holds Git's conflict markers (<<<<<<< and >>>>>>>), so it cannot be opened. "
        "Choose one of the two versions (git checkout --ours or --theirs), save it, and hand in that file."
    )


def _refuse_link() -> NoReturn:
    raise UnreadableNotebookError(f"This file is only a link to a notebook, not the notebook itself. {_DOWNLOAD}")


def _refuse_rest(text: str, end: int) -> NoReturn:
    if text[end:].lstrip(_EDGES + ",").startswith("{"):
        raise UnreadableNotebookError(
            "The notebook's file holds two notebooks, one after the other, so it cannot be told which one counts. "
            "Save the right one under a new name, check that it opens in Jupyter or Colab, and hand in that file."
        )
    _refuse_damaged(f"something follows its end in line {text.count(chr(10), 0, end) + 1}")


def _find_notebook(data: object) -> dict[str, Any]:
    """Return the record that has the cells; the Jupyter server's own answers wrap it once."""
    notebook = _record(data)
    if isinstance(notebook.get("content"), dict) and "cells" not in notebook:
        notebook = notebook["content"]
    if isinstance(notebook.get("cells"), list) or isinstance(notebook.get("worksheets"), list):
        return notebook
    if isinstance(notebook.get("url"), str) or "doc_id" in notebook:  # what Google Drive keeps on a desktop
        _refuse_link()
    raise UnreadableNotebookError(
        "The file holds no notebook: it has no list of cells. Hand in the .ipynb file that Jupyter or Colab saves."
    )


def _find_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    cells = notebook.get("cells")
    if not isinstance(cells, list):  # nbformat 3 and 2
        cells = [_record(sheet).get("cells") for sheet in notebook["worksheets"]]
    found: list[dict[str, Any]] = []
    for cell in _walk(cells):
        if len(found) == MOST_CELLS:
            _refuse_large(f"more than {MOST_CELLS:,} cells")
        found.append(cell)
    return found


def _walk(values: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield the cells in lists and groups, in order, however deep they lie."""
    stack = [values]
    while stack:
        value: Any = stack.pop()
        if isinstance(value, list):
            stack.extend(reversed(value))
        elif isinstance(value, dict):
            if isinstance(value.get("cells"), list) and "cell_type" not in value:
                stack.append(value["cells"])
            else:
                yield value


def _find_language(notebook: dict[str, Any]) -> str:
    """Return the name of a language other than Python that the metadata claim; a kernel of unknown name claims none."""
    metadata = _record(notebook.get("metadata"))
    spec = _record(metadata.get("kernelspec"))
    claims = (_record(metadata.get("language_info")).get("name"), spec.get("language"), spec.get("name"))
    for claim in claims:
        name = claim.lower()[:40] if isinstance(claim, str) else ""
        if "python" in name:
            return ""
        if name in _LANGUAGES:
            return _LANGUAGES[name]
        for language in _OTHER_LANGUAGES:
            if name.startswith(language):  # also julia-1.9
                return language.capitalize()
    return ""


def _record(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _build_cell(index: int, cell: dict[str, Any], language: str) -> SourceCell:
    # Older formats call a code cell's text "input" (2 and 3) or "code" (1), and a text cell's "text" (1).
    names = ("source", "input", "code", "text")
    source = _clean_source(_join(next((cell[name] for name in names if name in cell), ""), MOST_CODE + 1))
    kind = str(cell.get("cell_type", "")).lower()[:20]
    if kind != "code" and (kind or not {"outputs", "execution_count", "input"} & cell.keys()):
        return SourceCell(index=index, kind="text", source=source[:MOST_CODE])
    if len(source) > MOST_CODE:
        _refuse_large(f"cell {index} holds more than {MOST_CODE:,} letters of code")
    count = cell.get("execution_count", cell.get("prompt_number"))
    stored, error = _read_outputs(cell.get("outputs"))
    return SourceCell(
        index=index,
        kind="code",
        source=source,
        language=language,
        count=int(count) if isinstance(count, float) and 0 < count < 1e9 else None,
        stored=stored,
        stored_error=error,
    )


def _join(value: object, limit: int) -> str:
    """Return the words in a string or in lists of strings, up to ``limit`` letters."""
    parts: list[str] = []
    stack = [value]
    while stack and limit > 0:
        part = stack.pop()
        if isinstance(part, str):
            parts.append(part[:limit])
            limit -= len(parts[-1])
        elif isinstance(part, list):
            stack.extend(reversed(part))
    return "".join(parts)


def _clean_source(source: str) -> str:
    """Return code that can be sent and stored: line ends as Python has them, no zeros, no half of a letter."""
    source = source.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if _HALF_LETTER.search(source):
        return source.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return source


def _read_outputs(outputs: object) -> tuple[str | None, str]:
    """Return the words of a cell's outputs in the file (None for no output) and the name of its error."""
    if not isinstance(outputs, list) or not outputs:
        return None, ""
    texts: list[str] = []
    left, error = STORED_CHARACTERS, ""
    for output in outputs:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") in ("error", "pyerr"):
            error = _clean_source(_join(output.get("ename"), 100)) or "error"
        elif left > 0:
            texts.append(_clean_source(_read_output(output, left)))
            left -= len(texts[-1])
    return "".join(texts), error


def _read_output(output: dict[str, Any], limit: int) -> str:
    """Return what one output says in words, in nbformat 4 or as "pyout" and its kin in the older ones."""
    if output.get("output_type") == "stream":
        name = output.get("name", output.get("stream", "stdout"))
        return _join(output.get("text"), limit) if name == "stdout" else ""
    data = output.get("data")
    text = _join(data.get("text/plain") if isinstance(data, dict) else output.get("text"), limit)
    return f"{text}\n" if text else ""
