"""Files onto the disk: what is as it was is left, what was changed by hand is not written over."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import ConfigError, Problem

MANIFEST = ".grade-ci.json"
"""What was written last, by sha256: how a file that was changed by hand is told from an old one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The files of one target by their path, those that are programs, and what to do with them.

    ``closed`` are the folders that hold what students can read: nothing else may lie in them.
    """

    files: Mapping[str, bytes]
    programs: Sequence[str] = ()
    closed: Sequence[str] = ()
    steps: Sequence[str] = ()


def write_setup(folder: Path, setup: Setup, *, force: bool = False) -> Iterator[str]:
    """Write the files and yield a line for each: ``wrote``, ``updated`` or ``unchanged``.

    Raises ConfigError, before anything is written, with every file that was changed by hand (unless ``force``), and for
    each that is not ours in a folder that students can read (always: it would be given to them).
    """
    known = _read_manifest(folder)
    old = [name for name in known if name not in setup.files and _is_ours(folder / name, known[name])]
    strangers = [
        item for item in _find_strangers(folder, setup) if item.file not in {str(folder / name) for name in old}
    ]
    problems = [*strangers, *(() if force else _find_changed(folder, setup, known))]
    if problems:
        raise ConfigError(problems)
    lines = [_write(folder / name, data, name in setup.programs) for name, data in sorted(setup.files.items())]
    for name in old:
        (folder / name).unlink()
        lines.append(f"removed {folder / name} (an earlier version's)")
    digests = {name: _digest(data) for name, data in setup.files.items()}
    _write(folder / MANIFEST, (json.dumps(digests, indent=1, sort_keys=True) + "\n").encode(), program=False)
    yield from lines


def _write(path: Path, data: bytes, program: bool) -> str:
    word = "wrote"
    if path.is_file() and not path.is_symlink():
        if path.read_bytes() == data:
            return f"unchanged {path}"
        word = "updated"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.chmod(0o755 if program else 0o644)
    temporary.replace(path)
    return f"{word} {path}"


def _is_ours(path: Path, digest: str) -> bool:
    return path.is_file() and not path.is_symlink() and _digest(path.read_bytes()) == digest


def _find_changed(folder: Path, setup: Setup, known: Mapping[str, str]) -> Iterator[Problem]:
    for name, data in setup.files.items():
        path = folder / name
        if not path.exists() and not path.is_symlink():
            continue
        found = _digest(path.read_bytes()) if path.is_file() and not path.is_symlink() else ""
        if found not in (_digest(data), known.get(name)):
            yield Problem(file=str(path), message="was changed by hand", hint="--force writes over it")


def _find_strangers(folder: Path, setup: Setup) -> Iterator[Problem]:
    for closed in setup.closed:
        for path in sorted((folder / closed).rglob("*")):
            name = path.relative_to(folder).as_posix()
            if (path.is_file() or path.is_symlink()) and name not in setup.files and name != MANIFEST:
                yield Problem(
                    file=str(path),
                    message="is none of the files that students may have, and lies in a folder that they can read",
                    hint="move it away; what students may have is said in the rubric (student_ci, handed_out)",
                )


def _read_manifest(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in found.items()} if isinstance(found, dict) else {}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
