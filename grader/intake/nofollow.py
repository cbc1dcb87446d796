"""Files and folders opened relative to the folder above them, without following a link that a student may have laid."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import ConfigError
from grader.intake.names import unescape_name
from grader.intake.refusal import UnopenedError, quote


@contextmanager
def opened_root(path: Path) -> Iterator[int]:
    """Open a folder that staff have named. Raises ConfigError where it cannot be opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"{path}: the folder cannot be opened ({error.strerror})") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_file(descriptor: int, name: str, shown: str = "") -> Iterator[int]:
    """Open the regular file ``name`` of an opened folder. Raises UnopenedError for anything else, and OSError."""
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=descriptor)
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise UnopenedError("not_a_file", f"{quote(shown)} is no ordinary file, so it was not opened.")
        yield opened
    finally:
        os.close(opened)


def open_folder(name: str, descriptor: int) -> int:
    """Return the folder ``name`` of an opened folder, opened. Raises OSError."""
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)


@contextmanager
def opened_above(descriptor: int, shown: str) -> Iterator[tuple[int, str]]:
    """Open the folder that holds ``shown`` (an escaped path below ``descriptor``); yield it and the last name."""
    *folders, name = [unescape_name(part) for part in shown.split("/")]
    inner = os.dup(descriptor)
    try:
        for folder in folders:
            inner, above = open_folder(folder, inner), inner
            os.close(above)
        yield inner, name
    finally:
        os.close(inner)
