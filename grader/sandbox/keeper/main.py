"""The keeper's loop: one request a room; everything ends when the grader's end of the socket is closed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from typing import Any

from . import calls, messages
from .minder import mind
from .zygote import start_zygote

_END_SECONDS = 10


def main(descriptor: int) -> None:
    """Serve the grader at the other end of ``descriptor``.

    The first message holds ``preload`` (modules), ``inner`` (the command that builds a room) and ``environment``.
    """
    grader = socket.socket(fileno=descriptor)
    calls.adopt_orphans()
    settings, _ = messages.receive(grader) or sys.exit("no settings")
    warm, report = start_zygote(settings["preload"], grader) if settings["warm"] else (None, {})
    messages.send(grader, {"warm": warm is not None, **report})
    serve(grader, warm, settings)
    if warm is not None:
        warm.close()
    end()


def end() -> None:
    """Wait for the minders, whose sockets the grader has closed as well; kill what is still there after a while."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(0, signal.SIGKILL))  # the whole process group
    signal.alarm(_END_SECONDS)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def serve(grader: socket.socket, warm: socket.socket | None, settings: dict[str, Any]) -> None:
    """Fork a minder for each request until the grader is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for minders
    while (received := messages.receive(grader)) is not None:
        request, descriptors = received
        room = socket.socket(fileno=descriptors[0])
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            grader.close()
            mind(request, room, warm, settings)
        room.close()
