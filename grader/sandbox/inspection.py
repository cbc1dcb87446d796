"""The look around a room before any notebook: what is not as it must be, as sentences for whoever runs the machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.sandbox.kernel import KernelDiedError, KernelSilentError, KernelStartError, LiveKernel

if TYPE_CHECKING:
    from grader.sandbox.rooms import Rooms

_SECONDS = 30
_MODULES = ["grader", "reference", "rubrics", "pydantic", "nbclient"]
_VARIABLES = {"PWD", "SHLVL", "_", "LC_CTYPE", "OLDPWD"}  # shells set these
# IPython's, set by the kernel itself.
_KERNEL_VARIABLES = {"CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "GIT_PAGER", "PAGER", "TERM", "JPY_PARENT_PID"}


def inspect(rooms: Rooms) -> list[str]:
    """Open a room, look around in it from within, and return what is wrong (nothing, if all is well)."""
    try:
        return find_faults(asyncio.run(_look(rooms)), set(rooms.environment))
    except (KernelStartError, KernelDiedError, KernelSilentError) as error:
        return [f"a room could not be opened: {error}".rstrip(": ")]


async def _look(rooms: Rooms) -> dict[str, Any]:
    kernel = LiveKernel(rooms, rooms.settings)
    try:
        await kernel.start()
        paths = [str(Path(__file__)), *rooms.hidden, str(Path.home() / ".ssh"), "/etc/shadow", "/var", "/sys/fs/cgroup"]
        return await kernel.ask("inspect_request", {"modules": _MODULES, "paths": paths}, _SECONDS)
    finally:
        await kernel.stop()


def find_faults(seen: dict[str, Any], environment: set[str]) -> list[str]:
    """Return what is wrong with a room that looks like ``seen``."""
    if "error" in seen:
        return [f"a room could not be inspected: {seen['error']}"]
    checks = {
        "a notebook would run as root or as another user than the room's": seen["uid"] == 1000,
        "a notebook would have capabilities": seen["capabilities"] == 0,
        "a notebook could gain privileges": seen["no_new_privileges"] == "1",
        "no system-call filter is in place": seen["seccomp"] == "2",
        f"a notebook could import {', '.join(seen['modules'])}": not seen["modules"],
        f"a notebook could see {', '.join(seen['paths'])}": not seen["paths"],
        f"a notebook could write to {', '.join(seen['writable'])}": not seen["writable"],
        f"a notebook could not write to {', '.join(seen['unwritable'])}": not seen["unwritable"],
        "a notebook would have a network": set(seen["interfaces"]) <= {"lo"},
        f"a notebook could open sockets of family {seen['families']}": not seen["families"],
        "a notebook could see other processes": len(seen["processes"]) <= 4,
    }
    set_by_libraries = {name for name in seen["environment"] if name.startswith(("KMP_", "OMP_"))}
    strange = set(seen["environment"]) - environment - _VARIABLES - _KERNEL_VARIABLES - set_by_libraries
    checks[f"a notebook would see the variables {', '.join(sorted(strange))}"] = not strange
    return [sentence for sentence, holds in checks.items() if not holds]
