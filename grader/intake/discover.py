"""Which hand-ins a PATH means: one folder, one file, the folders of a class, or a learning platform's download.

The rule, in this order:

1. A file is a hand-in by itself, named after its stem; an archive is one with the files that it holds, but for 5.
2. A folder that holds class.yaml, or is named ``submissions``, is a class.
3. A folder that holds rubrics/ and submissions/ is a course: its class is submissions/.
4. A folder or an archive directly inside a class is a hand-in, also when it is empty or holds only folders.
5. What a learning platform gives as the class's download is a class, as a folder or as the archive that it comes in
   (grader.intake.layouts).
6. Any other folder that holds only folders (at least one), or only archives and folders (at least two archives), is a
   class, and an empty one beside rubrics/ too.
7. Every other folder, also an empty one, is a hand-in.

With a layout or a pattern of names, every PATH is a class. The hand-ins of a plain class are its folders and archives;
other loose files in it are not. An empty hand-in is a hand-in with everything missing; a class without one is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.errors import ConfigError, NothingFoundError
from grader.intake.classfile import CLASS_FILE
from grader.intake.handin import HandIn, plain_hand_in
from grader.intake.layouts import (
    LAYOUTS,
    Found,
    Sorted,
    Tree,
    enter_only_folder,
    find_layout,
    list_archive,
    list_folder,
    pattern,
    plain,
)
from grader.intake.matching import assign_students
from grader.intake.media import find_media, is_archive
from grader.intake.names import escape_name
from grader.intake.roster import Roster

_CLASS_NAME = "submissions"
# What teachers and platforms lay beside hand-ins, and nobody hands in.
_BESIDE = frozenset({".csv", ".yaml", ".yml", ".json", ".xlsx"})
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """How hand-ins are found: by what their places look like, unless ``layout`` or ``name_pattern`` says.

    ``tell`` hears in words what was recognised, and what belongs to no hand-in.
    """

    layout: str | None = None
    name_pattern: re.Pattern[str] | None = None
    roster: Roster | None = None
    allow_strangers: bool = False
    tell: Callable[[str], None] = lambda _: None


def find_hand_ins(paths: Sequence[Path], intake: Intake | None = None) -> list[HandIn]:
    """Return the hand-ins that ``paths`` mean, in order and each once.

    Raises ConfigError where a path is not there or no hand-in, and for strangers and doubles (see assign_students);
    NothingFoundError where a class holds none.
    """
    intake = intake or Intake()
    found: dict[HandIn, Found] = {}
    for path in paths:
        for item in _find_under(_resolve(path), path, intake):
            found.setdefault(item.hand_in, item)
    return assign_students(list(found.values()), intake.roster, allow_strangers=intake.allow_strangers)


def is_class_folder(folder: Path) -> bool:
    """Tell whether an existing ``folder`` holds hand-ins, by rules 2 and 4 to 7 above."""
    return _says_class(folder) or _looks_like_class(folder, list_folder(folder))


def _resolve(path: Path) -> Path:
    """Return what the user named, a link resolved: links are only distrusted inside a class."""
    try:
        resolved = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise ConfigError(f"{path}: there is no such file or folder") from None
    if not (resolved.is_dir() or resolved.is_file()):
        raise ConfigError(f"{path}: neither a folder nor an ordinary file")
    return resolved


def _find_under(path: Path, named: Path, intake: Intake) -> Iterator[Found]:
    if path.is_file():
        return _find_in_file(path, named, intake)
    if not _says_class(path) and (path / "rubrics").is_dir() and (path / _CLASS_NAME).is_dir():
        path = path / _CLASS_NAME
    tree = list_folder(path)
    if _is_told(intake) or _says_class(path) or _looks_like_class(path, tree):
        return _find_in_class(tree, named, intake)
    return iter([plain.build_alone(plain_hand_in(path))])


def _is_told(intake: Intake) -> bool:
    return intake.layout is not None or intake.name_pattern is not None


def _find_in_file(path: Path, named: Path, intake: Intake) -> Iterator[Found]:
    if is_archive(path.name, b""):
        tree = _find_class_in_archive(path, intake)
        if tree is not None:
            return _find_in_class(tree, named, intake)
    elif find_media(path.name, b"") == "other" or _is_told(intake):
        raise ConfigError(f"{named}: not a hand-in (name a folder, an archive, a report or a notebook)")
    return iter([plain.build_alone(plain_hand_in(path))])


def _find_class_in_archive(path: Path, intake: Intake) -> Tree | None:
    """Return the class that an archive holds; None where it is one hand-in, or cannot be opened."""
    try:
        tree = list_archive(path)
    except ConfigError:
        if _is_told(intake):
            raise
        return None  # whoever opens it says why
    if intake.name_pattern:
        return tree
    inner = enter_only_folder(tree, path)
    if intake.layout:
        layout = LAYOUTS[intake.layout]
        return inner if inner is not None and layout.claims(inner, True) and not layout.claims(tree, False) else tree
    return next((item for item in (inner, tree) if item is not None and find_layout(item, sure=False)), None)


def _find_in_class(tree: Tree, named: Path, intake: Intake) -> Iterator[Found]:
    if intake.name_pattern is not None:
        title, found = "files by their names", pattern.sort(tree, intake.name_pattern)
    else:
        layout = LAYOUTS[intake.layout] if intake.layout else find_layout(tree, sure=True) or LAYOUTS["plain"]
        title, found = layout.title, layout.sort(tree)
    if not found.found:
        raise NothingFoundError(f"{named}: no hand-in in this class folder (expected: {title})")
    word = "as was asked" if _is_told(intake) else "recognised"
    count = f"{len(found.found)} hand-in{'s' * (len(found.found) > 1)}"
    intake.tell(f"{word}: {title} ({count}) in {escape_name(str(named))}")
    _tell_left(found, intake)
    return iter(found.found)


def _tell_left(found: Sorted, intake: Intake) -> None:
    left = [name for name in found.left if PurePosixPath(name).suffix.lower() not in _BESIDE]
    if left:
        more = f" and {len(left) - _MOST_TOLD} more" if len(left) > _MOST_TOLD else ""
        intake.tell(f"belongs to no hand-in and was left out: {', '.join(left[:_MOST_TOLD])}{more}")


def _says_class(folder: Path) -> bool:
    return folder.name == _CLASS_NAME or (folder / CLASS_FILE).is_file()


def _looks_like_class(folder: Path, tree: Tree) -> bool:
    if _says_class(folder.parent):
        return False
    if find_layout(tree, sure=False) is not None:
        return True
    if not tree.files and not tree.folders:
        return (folder.parent / "rubrics").is_dir()
    archives = [name for name in tree.files if is_archive(name, b"")]
    return len(archives) == len(tree.files) and (len(archives) > 1 or (not tree.files and bool(tree.folders)))
