"""Run one notebook from bytes to an Execution: the cells in order, a look after each, then the probes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grader.model import CellRun, Execution, Finding, ProbeRequest
from grader.model.execution import Outcome
from grader.sandbox import findings
from grader.sandbox.kernel import KernelStartError
from grader.sandbox.notebooks import SourceCell, UnreadableNotebookError, read_notebook
from grader.sandbox.outputs import findings_on_file
from grader.sandbox.packages import build_pip_line, find_versions, missing_packages
from grader.sandbox.remedy import NoRoomError
from grader.sandbox.rooms import Rooms
from grader.sandbox.session import Progress, Session
from grader.sandbox.settings import NotebookSettings
from grader.sandbox.unsafe import UnsafeLodgings

Lodgings = Rooms | UnsafeLodgings


def open_lodging(
    settings: NotebookSettings,
    data: Path,
    *,
    seed: int,
    device: str = "cpu",
    unsafe: bool = False,
    warm: bool = True,
    hidden: Sequence[Path] = (),
) -> Lodgings:
    """Return where notebooks of one course run: sealed rooms, or the open machine if ``unsafe``.

    ``data`` holds the files to lie beside the notebook (used when ``settings.data`` is set), ``hidden`` the places that
    a room must not show. ``device`` is ``cpu`` or ``cuda``. Nothing is started before the first notebook.
    """
    if unsafe:
        return UnsafeLodgings(settings, data, seed=seed, device=device)
    return Rooms(settings, data, seed=seed, device=device, warm=warm, hidden=hidden)


def run_notebook(
    notebook: bytes,
    lodgings: Lodgings,
    *,
    requests: Sequence[ProbeRequest] = (),
    probes_source: str = "",
    progress: Progress | None = None,
) -> Execution:
    """Run ``notebook`` in a place of its own, ask ``requests`` of what it left, and say what happened.

    Never raises for what a student wrote: a file that is no notebook gives outcome ``not started`` and the finding
    ``notebook.unreadable``. What we lack (a package, a kernel) gives ``not started`` and ``fault``. Raises NoRoomError
    where no sealed room can be built at all.
    """
    started = time.monotonic()
    settings = lodgings.settings
    versions = find_versions(settings.packages)
    blank = Execution(outcome="not started", device=lodgings.device, versions=versions, isolation=lodgings.isolation)
    try:
        cells = read_notebook(notebook)
    except UnreadableNotebookError as error:
        return replace(blank, findings=(Finding(code="notebook.unreadable", message=str(error)),))
    gaps = missing_packages(settings)
    if any(gap.found is None for gap in gaps):
        names = "; ".join(str(gap) for gap in gaps)
        return replace(blank, fault=f"The notebook was not run: {names}. To mend it: {build_pip_line(gaps)}")
    try:
        session = _run(lodgings, settings, cells, requests, probes_source, progress or (lambda text: None))
    except (KernelStartError, OSError) as error:
        return replace(blank, fault=f"The notebook was not run: {error}", seconds=time.monotonic() - started)
    return replace(
        blank,
        outcome=find_outcome(session.cells),
        isolation=lodgings.isolation,
        cells=tuple(session.cells),
        replies=session.replies,
        findings=(
            *session.findings,
            *((findings.no_sandbox(),) if isinstance(lodgings, UnsafeLodgings) else ()),
            *findings_on_file(cells, session.cells),
            *(findings.other_version(gap) for gap in gaps),
        ),
        seconds=time.monotonic() - started,
    )


def _run(
    lodgings: Lodgings,
    settings: NotebookSettings,
    cells: Sequence[SourceCell],
    requests: Sequence[ProbeRequest],
    probes_source: str,
    progress: Progress,
) -> Session:
    """Run the cells and ask the probes; once more, from the start, where the machine failed us the first time."""
    failed: KernelStartError | None = None
    for again in (True, False):
        try:
            lodgings.start()
        except NoRoomError as error:
            if failed is None:
                raise
            raise failed from error  # there were rooms a moment ago: this notebook waits, the class goes on
        with lodgings.take() as lodging:
            session = Session(lodging, settings, cells, progress)
            try:
                asyncio.run(session.run(requests, probes_source))
            except KernelStartError as error:
                failed = error
                lodgings.broken = True  # so that the next start is one from scratch
                if not again:
                    raise
            else:
                break
    return session


def find_outcome(cells: Sequence[CellRun]) -> Outcome:
    """Return the worst that happened to a cell."""
    seen = {cell.outcome for cell in cells}
    for outcome in ("killed", "timed out", "raised"):
        if outcome in seen:
            return outcome
    return "timed out" if "not run" in seen else "finished"
