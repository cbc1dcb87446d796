"""One hand-in as it was found: who handed it in, and where its files lie. Plain data that can be sent to a worker."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.intake.names import escape_name, unescape_name
from grader.model import Finding

_ARCHIVE_ENDINGS = (".tar.gz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file or folder of a hand-in: ``place`` below the hand-in's folder, escaped.

    ``inside`` is where it lies in the archive at ``place``, "" for what lies on the disk. ``shown`` is the path that a
    file is shown by, and for a folder what comes before its files' paths ("" or with a "/").
    """

    place: str
    inside: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandIn:
    """What one student, or one group, handed in.

    ``student`` is the id that it is graded under; ``members`` are those of a group, () for one student. Without
    ``parts`` the whole ``folder`` is meant. ``submitted_at`` is ISO 8601 with a zone, None where nobody has said it;
    ``late_flag`` is a learning platform's own mark. ``findings`` say what was handed in and cannot be opened.
    """

    student: str
    folder: str
    class_folder: str
    parts: tuple[Part, ...] = ()
    members: tuple[str, ...] = ()
    submitted_at: str | None = None
    late_flag: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def path(self) -> Path:
        """Where it lies: its folder, or the first of its files."""
        folder = Path(self.folder)
        return folder / unescape_name(self.parts[0].place) if self.parts else folder

    def pack(self) -> str:
        """Return one line of text from which ``read_hand_in`` makes it again; a path where that says it all."""
        if self == plain_hand_in(self.path):
            return str(self.path)
        return json.dumps(dataclasses.asdict(self))


def plain_hand_in(path: Path) -> HandIn:
    """Return the hand-in that a folder or a single file is by itself, named after it."""
    path = path if path.name not in ("", "..") else path.resolve()
    parent, name = str(path.parent), escape_name(path.name)
    if path.is_dir() or path.is_symlink() or not path.is_file():
        return HandIn(student=name, folder=str(path), class_folder=parent)
    return HandIn(student=find_stem(name), folder=parent, class_folder=parent, parts=(Part(place=name, shown=name),))


def find_stem(name: str) -> str:
    """Return a file's name without its ending, an archive's without both."""
    ending = next((ending for ending in _ARCHIVE_ENDINGS if name.lower().endswith(ending)), "")
    return name[: -len(ending)] if ending and name[: -len(ending)] else Path(name).stem


def read_hand_in(text: str) -> HandIn:
    """Return the hand-in that ``pack`` made ``text`` of."""
    if not text.startswith("{"):
        return plain_hand_in(Path(text))
    data: dict[str, Any] = json.loads(text)
    parts = tuple(Part(**part) for part in data["parts"])
    findings = tuple(Finding(**finding) for finding in data["findings"])
    return HandIn(**{**data, "parts": parts, "members": tuple(data["members"]), "findings": findings})
