"""Untrusted code to an Execution: the kernel's process, its environment, the cells and the probes."""

from typing import TYPE_CHECKING, Any

from grader.sandbox.packages import PackageGap, build_pip_line, find_device, find_version, missing_packages
from grader.sandbox.remedy import NoRoomError
from grader.sandbox.settings import NotebookSettings

if TYPE_CHECKING:
    from grader.sandbox.rooms import Rooms
    from grader.sandbox.run import Lodgings, open_lodging, run_notebook

__all__ = [
    "Lodgings",
    "NoRoomError",
    "NotebookSettings",
    "PackageGap",
    "Rooms",
    "build_pip_line",
    "find_device",
    "find_version",
    "missing_packages",
    "open_lodging",
    "run_notebook",
]


def __getattr__(name: str) -> Any:
    """Import what runs kernels when it is first asked for: Jupyter's imports cost more than marking a report does."""
    if name not in ("Lodgings", "Rooms", "open_lodging", "run_notebook"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from grader.sandbox import run

    return getattr(run, name)
