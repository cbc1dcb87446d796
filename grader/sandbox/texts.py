"""What a notebook printed, made fit to be stored: plain, short, and the same in every run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_CELL_FILE = re.compile(r"\((?:<ipython-input[^>\n]{0,200}>|\d{1,20}\.py), line (\d+)\)")  # ipykernel's name for a cell
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")


def clean_text(text: str, hidden_folders: Sequence[str] = ()) -> str:
    """Return ``text`` without terminal codes, overwritten progress lines, memory addresses and names of our folders."""
    text = _drop_overwritten(_ANSI.sub("", text).replace("\r\n", "\n"))
    text = _CONTROL.sub("", text)
    for folder in hidden_folders:
        text = text.replace(f"{folder}/", "").replace(folder, ".")
    text = _CELL_FILE.sub(r"(line \1)", _ADDRESS.sub("0x...", text))
    return text.encode("utf-8", errors="replace").decode("utf-8")  # lone surrogates cannot be written to a file


def _drop_overwritten(text: str) -> str:
    """Return ``text`` with only the last state of lines that were written over, in time that grows with its length."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def cut_text(text: str, limit: int) -> str:
    """Return the beginning of ``text`` that fits in ``limit`` bytes of UTF-8."""
    return text.encode("utf-8", errors="replace")[:limit].decode("utf-8", errors="ignore")


def find_output_text(message_type: str, content: dict[str, Any]) -> str:
    """Return the words in one output message: what was printed or shown as text. Warnings (stderr) are left out."""
    if message_type == "stream":
        text = content.get("text") if content.get("name") == "stdout" else ""
    elif message_type in ("execute_result", "display_data"):
        text = (content.get("data") or {}).get("text/plain")
        text = "".join(map(str, text)) if isinstance(text, list) else text
        text = f"{text}\n" if text else ""
    else:
        text = ""
    return text if isinstance(text, str) else ""
