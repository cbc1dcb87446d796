"""Untrusted code to an Execution: the kernel's process, its environment, the cells and the probes."""

from grader.sandbox.packages import PackageGap, build_pip_line, find_version, missing_packages
from grader.sandbox.rooms import NoRoomError, Rooms
from grader.sandbox.run import Lodgings, find_device, open_lodging, run_notebook
from grader.sandbox.settings import NotebookSettings

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
