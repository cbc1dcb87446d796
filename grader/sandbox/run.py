"""Run one notebook from bytes to an Execution: the cells in order, a look after each, then the probes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grader.model import CellRun, Execution, Finding, ProbeRequest
from grader.model.execution import Outcome
from grader.sandbox import findings
from grader.sandbox.kernel import KernelStartError
from grader.sandbox.notebooks import UnreadableNotebookError, read_notebook
from grader.sandbox.packages import build_pip_line, find_versions, missing_packages
from grader.sandbox.scratch import open_scratch
from grader.sandbox.session import Progress, Session
from grader.sandbox.settings import NotebookSettings


def run_notebook(
    notebook: bytes,
    settings: NotebookSettings,
    *,
    requests: Sequence[ProbeRequest] = (),
    probes_source: str = "",
    data_folder: Path,
    seed: int,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Execution:
    """Run ``notebook`` in a process and a folder of its own, ask ``requests`` of what it left, and say what happened.

    ``data_folder`` holds the files to lie beside the notebook (used when ``settings.data`` is set). ``device`` is
    ``cpu``, ``cuda`` or ``auto``. Never raises for what a student wrote: a file that is no notebook gives outcome
    ``not started`` and the finding ``notebook.unreadable``. What we lack (a package, a kernel) gives ``not started``
    and ``fault``.
    """
    started = time.monotonic()
    versions = find_versions(settings.packages)
    device = find_device(device, versions.get("torch", ""))
    blank = Execution(outcome="not started", device=device, versions=versions)
    try:
        cells = read_notebook(notebook)
    except UnreadableNotebookError as error:
        return replace(blank, findings=(Finding(code="notebook.unreadable", message=str(error)),))
    gaps = missing_packages(settings)
    if any(gap.found is None for gap in gaps):
        names = "; ".join(str(gap) for gap in gaps)
        return replace(blank, fault=f"The notebook was not run: {names}. To mend it: {build_pip_line(gaps)}")
    try:
        with open_scratch(settings, data_folder, seed, device) as scratch:
            session = Session(scratch, settings, cells, progress or (lambda text: None))
            asyncio.run(session.run(requests, probes_source))
    except (KernelStartError, OSError) as error:
        return replace(blank, fault=f"The notebook was not run: {error}", seconds=time.monotonic() - started)
    return replace(
        blank,
        outcome=find_outcome(session.cells),
        cells=tuple(session.cells),
        replies=session.replies,
        findings=(*session.findings, *(findings.other_version(gap) for gap in gaps)),
        seconds=time.monotonic() - started,
    )


def find_device(device: str, torch_version: str) -> str:
    """Return ``cuda`` or ``cpu`` for ``auto``: a GPU is taken when its device file is there and torch can use it."""
    if device == "auto":
        return "cuda" if os.path.exists("/dev/nvidia0") and not torch_version.endswith("+cpu") else "cpu"
    return device


def find_outcome(cells: Sequence[CellRun]) -> Outcome:
    """Return the worst that happened to a cell."""
    seen = {cell.outcome for cell in cells}
    for outcome in ("killed", "timed out", "raised"):
        if outcome in seen:
            return outcome
    return "timed out" if "not run" in seen else "finished"
