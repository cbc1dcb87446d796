"""A class as it was handed to us: the names in a folder or in an archive, looked at in one way."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import ConfigError
from grader.intake.formats import CLASS_LIST_BYTES, open_archive
from grader.intake.handin import HandIn, Part
from grader.intake.names import escape_name, is_ignored, natural_key, unescape_name
from grader.intake.refusal import UnopenedError

_MOST_BYTES = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The top of a class's folder or archive; names are escaped, and in natural order.

    ``name`` is what it is called. ``folder`` lies on the disk, ``archive`` in it ("" for none), ``inside`` in that.
    ``read`` returns a file's bytes; ``walk`` yields the path of every file below.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    folders: tuple[str, ...]
    read: Callable[[str], bytes]
    walk: Callable[[], Iterator[str]]
    archive: str = ""
    inside: str = ""

    def part(self, name: str, shown: str = "") -> Part:
        """Return the file or folder ``name`` as a part of a hand-in."""
        if self.archive:
            return Part(place=self.archive, inside=self.inside + name, shown=shown)
        return Part(place=name, shown=shown)

    def hand_in(self, student: str, parts: Sequence[Part], **others: Any) -> HandIn:
        """Return a hand-in of these parts; one folder on the disk is a hand-in as a whole."""
        if not self.archive and len(parts) == 1 and parts[0].place in self.folders and not parts[0].shown:
            folder = str(Path(self.folder) / unescape_name(parts[0].place))
            return HandIn(student=student, folder=folder, class_folder=self.folder, **others)
        return HandIn(student=student, folder=self.folder, class_folder=self.folder, parts=tuple(parts), **others)


def show(name: str) -> str:
    """Return a name as one compares it: letters and their signs in one piece."""
    return unicodedata.normalize("NFC", name)


def list_folder(folder: Path) -> Tree:
    """Return what lies in a folder, hidden files left out. Raises ConfigError where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            visible = [(escape_name(entry.name), _is_folder(entry)) for entry in entries if not is_ignored(entry.name)]
    except OSError as error:
        raise ConfigError(f"{escape_name(str(folder))}: the folder cannot be read ({error.strerror})") from None
    visible.sort(key=lambda item: natural_key(item[0]))

    def read(name: str) -> bytes:
        with (folder / unescape_name(name)).open("rb") as stream:
            return stream.read(_MOST_BYTES)

    return Tree(
        name=show(escape_name(folder.name)),
        folder=str(folder),
        files=tuple(name for name, is_folder in visible if not is_folder),
        folders=tuple(name for name, is_folder in visible if is_folder),
        read=read,
        walk=lambda: _walk(folder),
    )


def _walk(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        for name in sorted(name for name in files if not is_ignored(name)):
            yield "/".join(escape_name(part) for part in (Path(root) / name).relative_to(folder).parts)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def list_archive(path: Path) -> Tree:
    """Return what lies in the archive at ``path``. Raises ConfigError where it cannot be opened."""
    try:
        with closing(open_archive(path.open("rb"), path.name, list_bytes=CLASS_LIST_BYTES)) as archive:
            kept = [item for item in archive.members if not (item.is_folder or item.is_ignored)]
    except UnopenedError as error:
        raise ConfigError(f"{escape_name(str(path))}: {error}") from None
    names = [item.name for item in kept if item.refused is None or item.refused[0] != "zip_slip"]
    return _build_tree(path, names, escape_name(path.stem), "")


def _build_tree(path: Path, names: Sequence[str], name: str, inside: str) -> Tree:
    below = [item.removeprefix(inside) for item in names if item.startswith(inside)]
    return Tree(
        name=show(name),
        folder=str(path.parent),
        files=tuple(sorted({item for item in below if "/" not in item}, key=natural_key)),
        folders=tuple(sorted({item.partition("/")[0] for item in below if "/" in item}, key=natural_key)),
        read=lambda file: _read_member(path, inside + file),
        walk=lambda: iter(below),
        archive=escape_name(path.name),
        inside=inside,
    )


def enter_only_folder(tree: Tree, path: Path) -> Tree | None:
    """Return the one folder that an archive's tree consists of; None where there is more, or less."""
    if tree.files or len(tree.folders) != 1:
        return None
    folder = tree.folders[0]
    return _build_tree(path, [tree.inside + item for item in tree.walk()], folder, f"{tree.inside}{folder}/")


def _read_member(path: Path, name: str) -> bytes:
    try:
        with closing(open_archive(path.open("rb"), path.name, list_bytes=CLASS_LIST_BYTES)) as archive:
            number = next(number for number, item in enumerate(archive.members) if item.name == name)
            return b"".join(archive.read(number))
    except UnopenedError as error:
        raise ConfigError(f"{escape_name(str(path))}: {error}") from None
