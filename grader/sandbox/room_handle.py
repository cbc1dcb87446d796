"""One room, from outside: is it there, what does it say, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
from dataclasses import dataclass

from grader.sandbox import cgroups
from grader.sandbox.walls import ROOM_ROOT


class RoomError(Exception):
    """One room could not be opened: our fault, never the student's."""


@dataclass(slots=True, kw_only=True)
class Room:
    """One room: its first process and its kernel, both by pidfd, so that no other process can be meant."""

    channel: socket.socket
    init: int
    init_handle: int
    group: cgroups.Group
    guard: socket.socket | None
    kernel: int = 0
    kernel_handle: int = -1
    closed: bool = False
    run_handle: int = -1
    moving: asyncio.Future[None] | None = None

    def __post_init__(self) -> None:
        with contextlib.suppress(OSError):  # held, because a kernel that ends at once takes the room with it
            self.run_handle = os.open(self.folder, os.O_PATH | os.O_DIRECTORY)

    @property
    def folder(self) -> str:
        """Where the room's sockets are, seen from outside."""
        return f"/proc/{self.init}/root{ROOM_ROOT}/run"

    def is_alive(self) -> bool:
        """Return whether the kernel is there."""
        return not self.closed and not has_ended(self.kernel_handle)

    def signal(self, number: int) -> None:
        """Send a signal to the kernel, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            if not self.closed:
                signal.pidfd_send_signal(self.kernel_handle, number)

    def read_log(self) -> str:
        """Return the end of what the kernel wrote while it started (nothing of the student's has run yet)."""
        with contextlib.suppress(OSError):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open("kernel.log", flags, dir_fd=self.run_handle)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(1 << 20)[-2000:].decode(errors="replace")
        return ""

    def kill(self) -> None:
        """End every process of the room and wait until none is left."""
        if self.closed:
            return
        self.closed = True
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.init_handle, signal.SIGKILL)
        # The first process of a PID namespace is gone only after all others in it.
        select.select([self.init_handle], [], [], 10)
        self.channel.close()
        for handle in (self.init_handle, self.kernel_handle, self.run_handle):
            if handle >= 0:
                os.close(handle)
        self.group.remove()
        if self.guard is not None:
            self.guard.close()


def has_ended(handle: int) -> bool:
    """Return whether the process of a pidfd has ended."""
    return handle < 0 or bool(select.select([handle], [], [], 0)[0])
