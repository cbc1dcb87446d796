"""The bytes of one file of a Submission, from the folder or the archive that it lies in."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO

from grader.errors import ConfigError
from grader.intake.archive import Archive
from grader.intake.formats import CLASS_LIST_BYTES, open_archive
from grader.intake.listing import MAX_FILE_BYTES
from grader.intake.nofollow import opened_above, opened_file, opened_root
from grader.intake.refusal import UnopenedError
from grader.model import Artifact, Submission

Key = tuple[object, ...]


def read_artifact(submission: Submission, artifact: Artifact) -> bytes:
    """Return an artifact's bytes, at most MAX_FILE_BYTES, links not followed.

    Raises ConfigError where the file is gone or has changed since it was listed.
    """
    data = _read(submission, artifact)
    if data is None:  # perhaps another archive stood in this place a moment ago, and is still open
        _shelf.clear()
        data = _read(submission, artifact)
    if data is None:
        raise ConfigError(f"{submission.folder}/{artifact.path}: the file has changed while it was being graded")
    return data


def _read(submission: Submission, artifact: Artifact) -> bytes | None:
    """Return the bytes that were listed; None where they are not there."""
    file, *members = artifact.place or (artifact.path,)
    try:
        with (
            opened_root(Path(submission.folder)) as root,
            opened_above(root, file) as (folder, name),
            opened_file(folder, name) as opened,
            os.fdopen(os.dup(opened), "rb") as stream,
        ):
            data = _read_member(stream, file, members) if members else stream.read(MAX_FILE_BYTES + 1)
    except (OSError, UnopenedError, IndexError):
        return None
    return data if hashlib.sha256(data).hexdigest() == artifact.sha256 else None


class _Shelf:
    """The archive that was read last, still open: a hand-in's files, or a class's hand-ins, are read in turn."""

    def __init__(self) -> None:
        self._key: Key | None = None
        self._archive: Archive | None = None

    def find(self, stream: IO[bytes], file: str, numbers: Sequence[str]) -> Archive:
        """Return the archive that lies in ``stream`` below these numbers. Raises UnopenedError or IndexError."""
        found = os.fstat(stream.fileno())
        key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, *numbers)
        if self._archive is None or self._key != key:
            self.clear()
            self._archive, self._key = _open_below(stream, file, numbers), key
        return self._archive

    def clear(self) -> None:
        """Close what is open."""
        archive, self._archive = self._archive, None
        if archive is not None:
            archive.close()


_shelf = _Shelf()


def open_class_archive(descriptor: int, file: str) -> Archive:
    """Return the archive of a class that is opened as ``descriptor``; it stays open. Raises UnopenedError."""
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        return _shelf.find(stream, file, ())


def _open_below(stream: IO[bytes], file: str, numbers: Sequence[str]) -> Archive:
    archive = open_archive(os.fdopen(os.dup(stream.fileno()), "rb"), file, list_bytes=CLASS_LIST_BYTES)
    for number in map(int, numbers):
        with closing(archive):
            name, inner = archive.members[number].name, io.BytesIO(b"".join(archive.read(number)))
        archive = open_archive(inner, name)
    return archive


def _read_member(stream: IO[bytes], file: str, members: Sequence[str]) -> bytes:
    *numbers, last = members
    return b"".join(_shelf.find(stream, file, numbers).read(int(last)))
