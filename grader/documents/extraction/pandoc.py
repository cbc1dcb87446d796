"""A document to pandoc's own tree of it, by pandoc's program in a process of its own."""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from grader.documents.extraction.faults import UnreadableError

# Of pandoc's own memory, so that it ends with a word; the process's limit is in walls.py.
_HEAP: Final = "-M400m"
_MOST_BYTES: Final = 24 * 2**20


def build_tree(form: str, data: bytes) -> list[Any]:
    """Return the blocks of a document in pandoc's input format ``form``. Raises UnreadableError.

    ``--sandbox``: pandoc opens no other file, whatever the document asks for.
    """
    command = [_find_program(), "+RTS", _HEAP, "-RTS", "--sandbox", "--quiet", "-f", form, "-t", "json"]
    with subprocess.Popen(  # noqa: S603  # our own command line; the document is its standard input
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        out, words = process.communicate(data)
    if process.returncode != 0:
        raise UnreadableError(_explain(process.returncode, words))
    if len(out) > _MOST_BYTES:
        raise UnreadableError("it holds more text than any report")
    blocks = json.loads(out)["blocks"]
    if not isinstance(blocks, list):
        raise UnreadableError("it is damaged")
    return blocks


def _explain(code: int, words: bytes) -> str:
    if code in (251, 252) or b"heap" in words.lower() or b"memory" in words.lower():  # the runtime's own exit codes
        return "reading it takes too much memory"
    if code < 0:
        return "the program that reads it was stopped"
    return "it is damaged or no such document"


def _find_program() -> str:
    """Return pandoc's path. Only the program is used: its package (GPL) is not imported."""
    spec = find_spec("pypandoc")
    if spec is None or spec.origin is None:
        raise RuntimeError("pypandoc_binary is not installed")
    return str(Path(spec.origin).parent / "files" / "pandoc")
