"""Which hand-ins a PATH means: one folder, one file, or the folders of a class.

The rule, in this order:

1. A file is a hand-in by itself, named after its stem; an archive is one with the files that it holds.
2. A folder that holds class.yaml, or is named ``submissions``, is a class.
3. A folder that holds rubrics/ and submissions/ is a course: its class is submissions/.
4. A folder or an archive directly inside a class is a hand-in, also when it is empty or holds only folders.
5. What a learning platform gives as the class's download is a class, whatever lies beside its folders (Moodle,
   Gradescope, Classroom 50). Canvas's holds everybody's files in one heap: an error says so.
6. Any other folder that holds only folders (at least one), or only archives and folders (at least two archives), is a
   class, and an empty one beside rubrics/ too.
7. Every other folder, also an empty one, is a hand-in.

The hand-ins of a class are its folders and archives; other loose files in it are not. An empty hand-in is a hand-in
with everything missing; a class without one is an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from grader.errors import ConfigError, NothingFoundError
from grader.intake.classfile import CLASS_FILE
from grader.intake.media import find_media, is_archive
from grader.intake.names import escape_name, is_ignored, natural_key

_CLASS_NAME = "submissions"
# moodle/moodle mod/assign/classes/downloader.php; older ones end with "_".
_MOODLE = re.compile(r".+_\d+_assignsubmission_\w+")
# instructure/canvas-lms lib/content_zipper.rb: name, perhaps LATE, user, attachment, the file's own name.
_CANVAS = re.compile(r"[^_]+(?:_LATE)?_(\d+)_\d+_.+")
_GRADESCOPE_LIST, _GRADESCOPE_FOLDER = "submission_metadata.yml", re.compile(r"submission_\d+")
_CLASSROOM = re.compile(r".+_submissions_\d{4}(_\d\d){2}_T_.+")  # `gh teacher download`


def find_submissions(paths: Sequence[Path]) -> list[Path]:
    """Return the hand-ins that ``paths`` mean, in order and each once.

    Raises ConfigError where a path is not there or no hand-in, NothingFoundError where a class folder holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found.update(dict.fromkeys(_find_under(_resolve(path), path)))
    return list(found)


def is_class_folder(folder: Path) -> bool:
    """Tell whether an existing ``folder`` holds hand-ins, by rules 2 and 4 to 7 above."""
    if _says_class(folder):
        return True
    if _says_class(folder.parent):
        return False
    files, folders = _list(folder)
    if _is_download(folder, files, folders):
        return True
    if not files and not folders:
        return (folder.parent / "rubrics").is_dir()
    archives = _list_archives(files)
    return len(archives) == len(files) and (len(archives) > 1 or (not files and bool(folders)))


def _list_archives(files: Sequence[str]) -> list[str]:
    return [name for name in files if is_archive(name, b"")]


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
        if find_media(path.name, b"") == "other" and not is_archive(path.name, b""):
            raise ConfigError(f"{named}: not a hand-in (name a folder, an archive, a report or a notebook)")
        return [path]
    if not _says_class(path) and (path / "rubrics").is_dir() and (path / _CLASS_NAME).is_dir():
        path = path / _CLASS_NAME
    if not is_class_folder(path):
        return [path]
    files, folders = _list(path)
    found = [*folders, *_list_archives(files)]
    if not found:
        raise NothingFoundError(f"{named}: no hand-in in this class folder (one folder a student is expected)")
    return [path / name for name in sorted(found, key=natural_key)]


def _says_class(folder: Path) -> bool:
    return folder.name == _CLASS_NAME or (folder / CLASS_FILE).is_file()


def _is_download(folder: Path, files: Sequence[str], folders: Sequence[str]) -> bool:
    """Return whether a folder is a learning platform's download of a class. Raises ConfigError for Canvas's."""
    named = [_CANVAS.fullmatch(name) for name in files]
    students = {found[1] for found in named if found}
    if len(students) > 1 and all(named) and not folders:
        raise ConfigError(
            f"{folder}: Canvas's download holds the files of {len(students)} students in one heap. Sort it first, a "
            f"folder for each (named by Canvas's user id), and grade that:\n"
            f"  cd DOWNLOAD && for f in *_*; do id=$(sed -E 's/^[^_]+(_LATE)?_([0-9]+)_.*/\\2/' <<<\"$f\"); "
            f'mkdir -p ../class/$id && cp "$f" ../class/$id/; done'
        )
    return bool(folders) and (
        all(_MOODLE.fullmatch(name) for name in folders)
        or (_GRADESCOPE_LIST in files and all(_GRADESCOPE_FOLDER.fullmatch(name) for name in folders))
        or _CLASSROOM.fullmatch(folder.name) is not None
    )


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
