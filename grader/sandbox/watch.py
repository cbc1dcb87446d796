"""Watches a room from outside: processor time always, memory where no control group holds it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from grader.sandbox.room_handle import Room
from grader.sandbox.settings import NotebookSettings

_SECONDS = 0.25
_FILE_BYTES = 1024  # of the kernel's memory for a file, however empty
_FOLDERS = ("tmp", "dev/shm", "room/work", "room/home", "room/run")
_TICKS = os.sysconf("SC_CLK_TCK")


async def watch(room: Room, settings: NotebookSettings, close: Callable[[str], None]) -> None:
    """Call ``close("processor")`` or ``close("memory")`` when the room as a whole goes beyond its limits."""
    while room.is_alive():
        await asyncio.sleep(_SECONDS)
        processes = find_room_processes(room)
        if sum(map(read_processor_seconds, processes)) > settings.cpu_seconds:
            close("processor")
            return
        if not room.group.holds_memory:
            if sum(map(read_memory, processes)) + read_file_memory(room.init) > settings.memory_bytes:
                close("memory")
                return


def find_room_processes(room: Room) -> list[int]:
    """Return a room's processes: a warm kernel is no child of the room's first process."""
    return list(dict.fromkeys((*find_processes(room.init), *find_processes(room.kernel))))


def find_processes(process: int) -> Iterator[int]:
    """Yield a process and all below it."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text(encoding="ascii").split():
                yield from find_processes(int(child))


def read_processor_seconds(process: int) -> float:
    """Return what a process and its ended children have used, in seconds."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / _TICKS
    return 0.0


def read_memory(process: int) -> int:
    """Return a process's share of memory (PSS) in bytes."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def read_file_memory(process: int) -> int:
    """Return the memory that the files of a process's room take up, in bytes."""
    total = 0
    for folder in _FOLDERS:
        with contextlib.suppress(OSError):
            found = os.statvfs(f"/proc/{process}/root/{folder}")
            total += (found.f_blocks - found.f_bfree) * found.f_frsize + (found.f_files - found.f_ffree) * _FILE_BYTES
    return total
