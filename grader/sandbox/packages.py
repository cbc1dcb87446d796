"""Which installed packages a notebook may import, and a folder that holds these and nothing else.

The kernel starts without ``site`` (no site-packages, no ``.pth`` file is read), with this folder on its path. So the
grader, the reference and the rubrics cannot be imported there, whether the grader is installed editable or as a wheel.
"""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from grader.sandbox.settings import NotebookSettings

KERNEL_PACKAGE = "ipykernel"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageGap:
    """A package of the rubric that is not installed (``found`` None) or is there in another version."""

    name: str
    wanted: str
    found: str | None

    def __str__(self) -> str:
        have = "is not installed" if self.found is None else f"is installed as {self.found}"
        return f"{self.name} {have}, the rubric wants {self.wanted}"


def missing_packages(settings: NotebookSettings) -> tuple[PackageGap, ...]:
    """Return the rubric's packages that are missing here or differ from the pinned version, in the rubric's order."""
    gaps = []
    for name, wanted in settings.packages.items():
        found = find_version(name)
        # "2.13.0+cpu" is PyTorch's 2.13.0 built without CUDA: the same release.
        if found is None or found.partition("+")[0] != wanted.partition("+")[0]:
            gaps.append(PackageGap(name=name, wanted=wanted, found=found))
    return tuple(gaps)


def build_pip_line(gaps: Sequence[PackageGap]) -> str:
    """Return the command that mends ``gaps``."""
    return "pip install " + " ".join(f"{gap.name}=={gap.wanted}" for gap in gaps)


@functools.cache
def find_version(name: str) -> str | None:
    """Return the installed version of a package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def find_versions(packages: Mapping[str, str]) -> dict[str, str]:
    """Return Python's version and the installed version of every pinned package that is there."""
    found = {name: find_version(name) for name in packages}
    return {"python": platform.python_version()} | {name: text for name, text in found.items() if text}


def build_site(folder: Path, packages: Mapping[str, str]) -> None:
    """Fill ``folder`` with links to ``packages``, the kernel, and everything that these require."""
    for name, target in _find_entries((*sorted(packages), KERNEL_PACKAGE)):
        link = folder / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)


def find_entries(packages: Mapping[str, str]) -> tuple[Path, ...]:
    """Return every top-level module, package and metadata folder of ``packages``, the kernel and their requirements."""
    entries = _find_entries((*sorted(packages), KERNEL_PACKAGE))
    return tuple(Path(target) for _, target in entries)


@functools.lru_cache(maxsize=8)
def _find_entries(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return (name in the folder, target) of every top-level module, package and metadata folder in the closure."""
    entries: dict[str, str] = {}
    for found in _find_closure(names):
        for path in found.files or ():
            entry = _top_level(path.parts)
            if entry is not None and entry not in entries:
                target = os.path.join(str(found.locate_file("")), entry)
                if os.path.lexists(target):
                    entries[entry] = target
    return tuple(sorted(entries.items()))


def _top_level(parts: tuple[str, ...]) -> str | None:
    """Return the part of a recorded path to link: a file or folder of site-packages, or the cache of one module."""
    if parts[0] in ("..", "/") or (len(parts) == 1 and parts[0].endswith(".pth")):
        return None
    if parts[0] == "__pycache__":  # without its cache, a large single-file module is compiled anew in every kernel
        return os.path.join(*parts)
    return parts[0]


def _find_closure(names: Sequence[str]) -> list[Distribution]:
    """Return ``names`` and everything they require here (markers evaluated); what is not installed is left out."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(name, "") for name in names]
    while waiting:
        name, extra = waiting.pop()
        if (canonicalize_name(name), extra) in seen:
            continue
        seen.add((canonicalize_name(name), extra))
        try:
            package = found.setdefault(canonicalize_name(name), distribution(name))
        except PackageNotFoundError:
            continue
        for line in package.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(needed.name, wanted) for wanted in ("", *needed.extras)]
    return list(found.values())


def find_device(device: str, torch_version: str) -> str:
    """Return ``cuda`` or ``cpu`` for ``auto``: a GPU is taken when its device file is there and torch can use it."""
    if device == "auto":
        return "cuda" if os.path.exists("/dev/nvidia0") and not torch_version.endswith("+cpu") else "cpu"
    return device
