"""Untrusted code to an Execution: the kernel's process, its environment, the cells and the probes."""

from grader.sandbox.packages import PackageGap, build_pip_line, missing_packages
from grader.sandbox.run import find_device, run_notebook
from grader.sandbox.settings import NotebookSettings

__all__ = ["NotebookSettings", "PackageGap", "build_pip_line", "find_device", "missing_packages", "run_notebook"]
