"""Paths of another machine: ``/content/drive/...``, ``C:\\Users\\...`` and missing folders lead to the notebook's folder.

Only the last part of such a path counts: the course's data lies flat beside the notebook. Reading
``/content/drive/MyDrive/hw5/data.csv`` finds ``data.csv``; ``%cd /content/drive/MyDrive/hw5`` stays where the data is.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..facts import Facts

_FOREIGN = re.compile(r"^(/content\b|/kaggle\b|/gdrive\b|/drive\b|(\./)?g?drive/|[A-Za-z]:[\\/])")
_EXISTS = os.path.lexists


def install(facts: Facts) -> None:
    """Wrap what opens, lists, makes and changes to a path."""

    def wrap(owner: Any, name: str) -> None:
        setattr(owner, name, _mapped(getattr(owner, name), facts))

    builtins.open = io.open = _mapped(io.open, facts)  # type: ignore[assignment]
    for name in ("stat", "listdir", "scandir", "mkdir", "makedirs", "remove", "unlink", "access"):
        wrap(os, name)
    os.chdir = _changing_folder(os.chdir, facts)


def find_local(path: str, facts: Facts) -> str | None:
    """Return the path to use in place of ``path``, or None where it may stay."""
    name = re.split(r"[\\/]", path.rstrip("\\/"))[-1]
    if _FOREIGN.match(path) and not _EXISTS(path):
        if _EXISTS(os.path.join(facts.work, name)) or "." in name[1:]:
            return os.path.join(facts.work, _only_of_its_kind(name, facts))
        return facts.work  # a folder of the student's Drive
    if name in facts.data and not _EXISTS(path):  # the course's file, looked for in a folder that is not here
        return os.path.join(facts.work, name)
    return None


def _only_of_its_kind(name: str, facts: Facts) -> str:
    """Return ``name``, or the course's file that must be meant: the only one with the same ending."""
    if _EXISTS(os.path.join(facts.work, name)):
        return name
    same = [other for other in facts.data if Path(other).suffix == Path(name).suffix]
    return same[0] if len(same) == 1 and "/" not in same[0] else name


def _mapped(function: Callable[..., Any], facts: Facts) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        local = _find(path, facts)
        return function(path if local is None else local, *args, **kwargs)

    return call


def _changing_folder(function: Callable[..., Any], facts: Facts) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(path: Any) -> None:
        local = _find(path, facts)
        function(path if local is None else (local if os.path.isdir(local) else facts.work))

    return call


def _find(path: Any, facts: Facts) -> str | None:
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if not isinstance(path, str):
        return None
    local = find_local(path, facts)
    if local is not None and local != facts.work:
        facts.note("path", path)
    return local
