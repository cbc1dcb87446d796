r"""Paths of another machine (``/content/drive/...``, ``C:\Users\...``) lead to the notebook's folder.

Only the last part of such a path counts: the course's data lies flat beside the notebook. Reading
``/content/drive/MyDrive/hw5/data.csv`` finds ``data.csv``; ``%cd /content/drive/MyDrive/hw5`` stays where the data is.
A file of the course that is read from a folder which is not here (``dataset/data.csv``) is found as well.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from ..facts import Facts
from ..hooks import after_import

_FOREIGN = re.compile(r"^(/content\b|/kaggle\b|/gdrive\b|/drive\b|(\./)?g?drive/|[A-Za-z]:[\\/])")
_WRAPPED = ("stat", "listdir", "scandir", "mkdir", "makedirs", "remove", "unlink", "access")
_EXISTS = os.path.lexists  # works on os.lstat, which stays as it is


def install(facts: Facts) -> None:
    """Wrap what opens, lists, makes and changes to a path."""
    builtins.open = io.open = _opening(io.open, facts)
    for name in _WRAPPED:
        original = getattr(os, name)
        wrapped = _mapped(original, facts)
        setattr(os, name, wrapped)
        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
            if original in able:
                able.add(wrapped)
    os.chdir = _changing_folder(os.chdir, facts)
    after_import("torch", lambda torch: _mend_save(torch, facts))


def find_local(path: Any, facts: Facts, *, reading: bool = False) -> str | None:
    """Return the path to use in place of ``path``, or None where it may stay."""
    path = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(path, str) or _EXISTS(path):
        return None
    name = re.split(r"[\\/]", path.rstrip("\\/"))[-1]
    if _FOREIGN.match(path):
        local = _find_file(name, facts, reading=reading)
    elif reading and name in facts.data:
        local = os.path.join(facts.work, name)
    else:
        return None
    if local != facts.work and _EXISTS(local):
        facts.note("path", path)
    return local


def _find_file(name: str, facts: Facts, *, reading: bool) -> str:
    """Return the notebook's own file ``name``, else (to read) the course's only file with that ending.

    A name without an ending is a folder of the student's Drive: the notebook's own folder stands for it.
    """
    here = os.path.join(facts.work, name)
    if _EXISTS(here):
        return here
    ending = PurePosixPath(name).suffix
    if not ending:
        return facts.work
    same = [other for other in facts.data if other.endswith(ending)] if reading else []
    return os.path.join(facts.work, same[0]) if len(same) == 1 else here


def _mapped(function: Callable[..., Any], facts: Facts) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        local = find_local(path, facts)
        return function(path if local is None else local, *args, **kwargs)

    return call


def _opening(function: Callable[..., Any], facts: Facts) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(file: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> Any:
        reading = isinstance(mode, str) and not set(mode) & set("wax+")
        local = find_local(file, facts, reading=reading)
        return function(file if local is None else local, mode, *args, **kwargs)

    return call


def _changing_folder(function: Callable[..., Any], facts: Facts) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(path: Any) -> None:
        local = find_local(path, facts)
        function(path if local is None else (local if os.path.isdir(local) else facts.work))

    return call


def _mend_save(torch: Any, facts: Facts) -> None:
    """``torch.save`` opens a path in C++, past Python's ``open``."""
    save = torch.save

    @functools.wraps(save)
    def save_here(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
        local = find_local(f, facts)
        return save(obj, f if local is None else local, *args, **kwargs)

    torch.save = save_here
