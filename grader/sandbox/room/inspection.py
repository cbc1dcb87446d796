"""What the room looks like from within: the grader asks before any notebook, and opens none if a wall is missing."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import sys
from pathlib import Path
from typing import Any


def inspect_room(modules: list[str], paths: list[str]) -> dict[str, Any]:
    """Return what this process may do, which of ``modules`` it can import and which of ``paths`` it can see."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return {
        "uid": os.getuid(),
        "capabilities": int(status["CapEff"], 16),
        "no_new_privileges": status["NoNewPrivs"].strip(),
        "seccomp": status["Seccomp"].strip(),
        "modules": [name for name in modules if name in sys.modules or _find(name)],
        "paths": [path for path in paths if os.path.lexists(path)],
        "writable": [folder for folder in ("/", "/usr", "/dev", "/in", "/room", *sys.path) if _can_write(folder)],
        "unwritable": [folder for folder in (os.getcwd(), "/tmp", os.environ["HOME"]) if not _can_write(folder)],  # noqa: S108
        "interfaces": [name for _, name in socket.if_nameindex()],
        "families": [family for family in (17, 38, 40) if _can_open(family)],  # PACKET, ALG, VSOCK
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "environment": sorted(os.environ),
    }


def _find(name: str) -> bool:
    with contextlib.suppress(ImportError, ValueError):
        return importlib.util.find_spec(name) is not None
    return False


def _can_write(folder: str) -> bool:
    name = os.path.join(folder, ".inspection")
    try:
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    except OSError:
        return False
    os.unlink(name)
    return True


def _can_open(family: int) -> bool:
    for kind in (socket.SOCK_RAW, socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
        with contextlib.suppress(OSError):
            socket.socket(family, kind).close()
            return True
    return False
