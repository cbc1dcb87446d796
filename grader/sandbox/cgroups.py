"""Memory and process limits of a room as a whole, where this machine lets us set them (control groups v2, else v1)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PREFIX = "grader-"
_LIMITS_V1 = {"memory": "memory.limit_in_bytes", "pids": "pids.max"}


@dataclass(slots=True, kw_only=True)
class Group:
    """The groups of one room: by controller, the folder (one and the same for all in v2)."""

    folders: dict[str, Path]

    @property
    def holds_memory(self) -> bool:
        """Whether the kernel itself holds the room to its memory."""
        return "memory" in self.folders

    def add(self, processes: Sequence[int]) -> None:
        """Put processes that are still there, and all that they start, into the group. Raises OSError."""
        for folder in set(self.folders.values()):
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    (folder / "cgroup.procs").write_text(str(process), encoding="ascii")

    def ran_out_of_memory(self) -> bool:
        """Return whether a process of the room was ended because the room's memory was used up."""
        folder = self.folders.get("memory")
        if folder is None:
            return False
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                rows = dict(line.split() for line in (folder / name).read_text(encoding="ascii").splitlines())
                return int(rows.get("oom_kill", "0")) > 0
        return False

    def remove(self) -> None:
        """Remove the groups; the room's processes must have ended."""
        for folder in set(self.folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()


def open_group(name: str, memory_bytes: int, processes: int) -> Group:
    """Return a new group with the limits that can be set here; without any where none can be."""
    limits = {"memory": str(memory_bytes), "pids": str(processes)}
    folders: dict[str, Path] = {}
    base = _find_delegated()
    try:
        if base is not None:
            folder = base / f"{PREFIX}{os.getpid()}-{name}"
            folder.mkdir()
            folders = dict.fromkeys(limits, folder)
            for controller, limit in limits.items():
                (folder / f"{controller}.max").write_text(limit, encoding="ascii")
            with contextlib.suppress(OSError):
                (folder / "memory.swap.max").write_text("0", encoding="ascii")
            return Group(folders=folders)
        for controller, limit in limits.items():
            folder = ROOT / controller / f"{PREFIX}{os.getpid()}-{name}"
            with contextlib.suppress(OSError):
                folder.mkdir()
                folders[controller] = folder
                (folder / _LIMITS_V1[controller]).write_text(limit, encoding="ascii")
    except OSError:
        Group(folders=folders).remove()
        return Group(folders={})
    return Group(folders=folders)


def _find_delegated() -> Path | None:
    """Return our own v2 group where memory and pids are delegated to us, else None."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        own = next((line[3:] for line in lines if line.startswith("0::")), None)
        if own is not None and (ROOT / "cgroup.controllers").is_file():
            folder = ROOT / own.lstrip("/")
            enabled = (folder / "cgroup.subtree_control").read_text(encoding="ascii").split()
            if {"memory", "pids"} <= set(enabled) and os.access(folder, os.W_OK):
                return folder
    return None


def remove_left_groups() -> int:
    """Remove the groups of graders that are no longer there (killed), and return how many there were."""
    count = 0
    bases = [ROOT / controller for controller in _LIMITS_V1] + list(filter(None, [_find_delegated()]))
    for folder in (found for base in bases for found in base.glob(f"{PREFIX}*-*")):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            with contextlib.suppress(OSError):
                folder.rmdir()
                count += 1
    return count
