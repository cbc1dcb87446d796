"""One process for each room: builds it, says where it is, and tears it down when the grader lets go."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any, NoReturn

from . import calls, messages

_BUILD_SECONDS = 30
_EMPTY = ["/bin/sh", "-c", "echo ok; exec sleep infinity >/dev/null 2>&1"]
_COLD = ["/bin/sh", "-c", 'echo ok; exec "$0" "$@" >/room/run/kernel.log 2>&1']


def mind(
    request: dict[str, Any], grader: socket.socket, warm: socket.socket | None, settings: dict[str, Any]
) -> NoReturn:
    """Keep one room until the grader closes ``grader``, or the room ends by itself. Never returns."""
    status = 1
    try:
        if request["uid"]:
            calls.become(request["uid"])
        calls.end_with_parent()  # after the change of user, which forgets it
        calls.adopt_orphans()
        calls.keep_rights_from_programs()
        _keep(request, grader, warm, settings)
        status = 0
    except BaseException as error:
        with contextlib.suppress(OSError):
            messages.send(grader, {"error": f"{type(error).__name__}: {error}"})
    finally:
        _end_children()
        os._exit(status)


def _keep(request: dict[str, Any], grader: socket.socket, warm: socket.socket | None, settings: dict[str, Any]) -> None:
    forked = request["warm"] and warm is not None
    command = _EMPTY if forked else [*_COLD, *settings["cold"]]
    init = _build(command, request["connection"], settings)
    room = os.pidfd_open(init)
    messages.send(grader, {"init": init}, [room])
    if forked and warm is not None:
        order = {"uid": request["uid"]}
        messages.send(warm, order, [room, grader.fileno()])
    else:
        kernel = _find_child(init)
        messages.send(grader, {"kernel": kernel}, [os.pidfd_open(kernel)])
    select.select([grader.fileno(), room], [], [])
    signal.pidfd_send_signal(room, signal.SIGKILL)


def _build(command: list[str], connection: str, settings: dict[str, Any]) -> int:
    """Build a room with ``command`` in it and return its first process. Raises RuntimeError with bubblewrap's words."""
    status, status_end = os.pipe()
    ready, ready_end = os.pipe()
    words, words_end = os.pipe()
    filter_file = os.open("/room/seccomp.bpf", os.O_RDONLY)
    told, told_end = os.pipe()
    os.write(told_end, connection.encode())
    os.close(told_end)
    argv = [*settings["inner"], "--json-status-fd", str(status_end), "--seccomp", str(filter_file)]
    argv += ["--perms", "0600", "--file", str(told), "/room/run/kernel.json", "--", *command]
    subprocess.Popen(  # noqa: S603  # our own command line
        argv,
        stdin=subprocess.DEVNULL,
        stdout=ready_end,
        stderr=words_end,
        pass_fds=(status_end, filter_file, told),
        env=settings["environment"],
    )
    for descriptor in (status_end, ready_end, words_end, filter_file, told):
        os.close(descriptor)
    init = 0
    deadline = time.monotonic() + _BUILD_SECONDS
    if line := _read_line(status, deadline):
        init = int(json.loads(line)["child-pid"])
    if not init or _read_line(ready, deadline) != "ok":
        raise RuntimeError(f"bubblewrap built no room: {_read_rest(words)}")
    # The status pipe stays open: bubblewrap still writes to it when the room ends.
    return init


def _read_line(descriptor: int, deadline: float) -> str:
    text = b""
    while not text.endswith(b"\n"):
        if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise RuntimeError(f"bubblewrap built no room within {_BUILD_SECONDS} seconds")
        byte = os.read(descriptor, 1)
        if not byte:
            return ""
        text += byte
    return text.decode().strip()


def _read_rest(descriptor: int) -> str:
    if not select.select([descriptor], [], [], 1.0)[0]:
        return "it said nothing"
    return os.read(descriptor, 2000).decode(errors="replace").strip()


def _find_child(process: int) -> int:
    """Return the one child of a room's first process."""
    for _ in range(1000):
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
            found = file.read().split()
        if found:
            return int(found[0])
        time.sleep(0.002)
    raise RuntimeError("the room's kernel ended at once")


def _end_children() -> None:
    """Kill and reap every process that is ours (also those that bubblewrap left behind)."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children", encoding="ascii") as file:
                children = [int(name) for name in file.read().split()]
        except OSError:
            children = []
        for child in children:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)
    print("processes of a room did not end", file=sys.stderr)
