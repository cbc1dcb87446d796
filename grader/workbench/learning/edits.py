"""A course's files as they are, byte by byte, and as they would be with something put in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.codec import load_text, write_bytes
from grader.errors import InfrastructureError

_MARK = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A file as it was and as it would be, with its own line ends; ``mark`` is its byte-order mark or ""."""

    path: Path
    name: str
    before: str
    after: str
    mark: str = ""

    @property
    def diff(self) -> str:
        """A unified diff, with plain line ends."""
        lines = difflib.unified_diff(_split(self.before), _split(self.after), f"a/{self.name}", f"b/{self.name}")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").splitlines(keepends=True)


def read_exactly(path: Path) -> tuple[str, str]:
    """Return a file's byte-order mark and its text, both "" for one that is not there. Raises ConfigError."""
    if not path.exists():
        return "", ""
    load_text(path)  # its refusals
    data = path.read_bytes().decode("utf-8")
    return (_MARK, data[1:]) if data.startswith(_MARK) else ("", data)


def write_edits(edits: Iterable[Edit], mode: int) -> None:
    """Write every file whole; each keeps its mode, a new one gets ``mode``, and a link stays a link.

    Raises InfrastructureError where one has changed since it was read: then none is written.
    """
    edits = tuple(edits)
    for edit in edits:
        if read_exactly(edit.path) != (edit.mark, edit.before):
            raise InfrastructureError(f"{edit.path} has changed meanwhile: nothing was written, run it again")
    for edit in edits:
        target = edit.path.resolve()
        kept = target.stat().st_mode & 0o777 if target.exists() else mode
        write_bytes(target, (edit.mark + edit.after).encode("utf-8"), kept)
