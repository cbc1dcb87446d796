"""Which hand-ins a PATH means: one folder, one file, or the folders of a class.

The rule, in this order:

1. A file is a hand-in by itself, named after its stem.
2. A folder that holds class.yaml, or is named ``submissions``, is a class.
3. A folder that holds rubrics/ and submissions/ is a course: its class is submissions/.
4. A folder directly inside a class is a hand-in, also when it is empty or holds only folders.
5. Any other folder that holds only folders (at least one) is a class, and an empty one beside rubrics/ too.
6. Every other folder, also an empty one, is a hand-in.

The hand-ins of a class are its folders; loose files in it are not. An empty hand-in is a hand-in with everything
missing; a class without a folder is an error.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from grader.errors import ConfigError, NothingFoundError
from grader.intake.classfile import CLASS_FILE
from grader.intake.media import find_media
from grader.intake.names import escape_name, is_ignored, natural_key

_CLASS_NAME = "submissions"


def find_submissions(paths: Sequence[Path]) -> list[Path]:
    """Return the hand-ins that ``paths`` mean, in order and each once.

    Raises ConfigError where a path is not there or no hand-in, NothingFoundError where a class folder holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found.update(dict.fromkeys(_find_under(_resolve(path), path)))
    return list(found)


def is_class_folder(folder: Path) -> bool:
    """Tell whether an existing ``folder`` holds hand-ins, by rules 2, 4, 5 and 6 above."""
    if _says_class(folder):
        return True
    if _says_class(folder.parent):
        return False
    files, folders = _list(folder)
    if not files and not folders:
        return (folder.parent / "rubrics").is_dir()
    return not files and bool(folders)


def _resolve(path: Path) -> Path:
    """Return what the user named, a link resolved: links are only distrusted inside a class."""
    try:
        resolved = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise ConfigError(f"{path}: there is no such file or folder") from None
    if not (resolved.is_dir() or resolved.is_file()):
        raise ConfigError(f"{path}: neither a folder nor an ordinary file")
    return resolved


def _find_under(path: Path, named: Path) -> list[Path]:
    if path.is_file():
        if find_media(path.name, b"") == "other":
            raise ConfigError(f"{named}: not a hand-in (name a folder, or a report or notebook such as .md or .ipynb)")
        return [path]
    if not _says_class(path) and (path / "rubrics").is_dir() and (path / _CLASS_NAME).is_dir():
        path = path / _CLASS_NAME
    if not is_class_folder(path):
        return [path]
    _, folders = _list(path)
    if not folders:
        raise NothingFoundError(f"{named}: no hand-in in this class folder (one folder a student is expected)")
    return [path / name for name in sorted(folders, key=natural_key)]


def _says_class(folder: Path) -> bool:
    return folder.name == _CLASS_NAME or (folder / CLASS_FILE).is_file()


def _list(folder: Path) -> tuple[list[str], list[str]]:
    """Return the visible names in ``folder``: (files and everything else, folders and links to folders)."""
    try:
        with os.scandir(folder) as entries:
            visible = [(entry.name, _is_folder(entry)) for entry in entries if not is_ignored(entry.name)]
    except OSError as error:
        raise ConfigError(f"{escape_name(str(folder))}: the folder cannot be read ({error.strerror})") from None
    return [name for name, is_folder in visible if not is_folder], [name for name, is_folder in visible if is_folder]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
