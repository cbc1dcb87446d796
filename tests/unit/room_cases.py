"""What the tests of rooms share: small notebooks, a room seen from outside, and what may not be seen inside."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from grader.model import Execution
from grader.sandbox import Lodgings, Rooms, run_notebook
from grader.sandbox.cgroups import PREFIX
from grader.sandbox.cgroups import ROOT as GROUPS
from grader.sandbox.watch import find_processes

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"warm": {"warm": True}, "cold": {"warm": False}, "unsafe": {"unsafe": True}}
ISOLATION = {
    "warm": "bubblewrap room, warm kernel",
    "cold": "bubblewrap room, cold kernel",
    "unsafe": "none (--unsafe-no-sandbox)",
}


def notebook(*cells: str) -> bytes:
    """Return a notebook of ``cells`` whose kernel nobody knows."""
    rows = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": rows, "metadata": {"kernelspec": {"name": "8f1c-no-such-kernel"}}}).encode()


def run(lodgings: Lodgings, *cells: str, **options: object) -> Execution:
    """Run a notebook of ``cells``."""
    return run_notebook(notebook(*cells), lodgings, **options)


def codes(execution: Execution, *, besides: str = "notebook.no_sandbox") -> list[str]:
    """Return the codes of an execution's findings, without the one that every notebook outside rooms gets."""
    return [finding.code for finding in execution.findings if finding.code != besides]


def with_settings(lodgings: Lodgings, **changes: object) -> Lodgings:
    """Return the same rooms with other settings, of those that the grader itself holds a notebook to."""
    assert all(name.endswith("_seconds") or name in ("value_bytes", "packages") for name in changes), (
        "told at the start"
    )
    lodgings.start()  # else the copy would start a keeper that nobody ends
    view = copy.copy(lodgings)
    view.settings = replace(lodgings.settings, **changes)
    return view


def keeper_tree(rooms: Rooms) -> set[int]:
    """Return the processes of rooms that are started: their keeper's and all below."""
    return set(find_processes(rooms._keeper.pid))


def own_groups() -> list[str]:
    """Return the control groups of this process's rooms."""
    return [str(path) for path in GROUPS.glob(f"**/{PREFIX}{os.getpid()}-*")]


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Return whether ``holds`` comes true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def processes_that_name(text: bytes) -> Iterator[bytes]:
    """Yield the command lines of living processes with ``text`` in their arguments or their environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
            command = (folder / "cmdline").read_bytes()
            if command and int(folder.name) != os.getpid() and text in command + (folder / "environ").read_bytes():
                yield command


# Cells that look for the grader, the reference and the rubrics from within.
IMPORTS = """
found = []
for name in ("grader", "grader.cli", "reference", "reference.hw5", "rubrics", "homework_grader"):
    try:
        __import__(name)
    except ImportError:
        continue
    found.append(name)
import importlib.metadata, sys
found += [item.name for item in importlib.metadata.distributions() if "grader" in str(item.name)]
found += [name for name in sys.modules if name.partition(".")[0] in ("grader", "reference", "rubrics")]
print(found)
"""


def listing_cell() -> str:
    """Return a cell that prints every file of the grader, the reference or the rubrics that can be listed.

    Files are known by their last two names (``cli/entry.py``); what a room shows on purpose is left out.
    """
    wanted = set()
    for folder in ("grader", "reference", "rubrics", "templates"):
        for path in (ROOT / folder).rglob("*"):
            shown = {"room", "keeper", "data", "__pycache__"} & set(path.relative_to(ROOT).parts)
            common = path.name == "__init__.py"  # others' packages have such names too, and ours have more files
            if path.is_file() and not shown and not common:
                wanted.add(f"{path.parent.name}/{path.name}")
    return f"""
import os
wanted = {sorted(wanted)!r}
wanted, seen, count = set(wanted), [], 0
for folder, folders, files in os.walk("/"):
    if folder == "/":
        folders[:] = [name for name in folders if name not in ("proc", "sys")]
    count += len(files)
    parent = os.path.basename(folder)
    seen += [os.path.join(folder, name) for name in files if f"{{parent}}/{{name}}" in wanted or "_grader" in name]
    seen += [os.path.join(folder, name) for name in folders if name in ("grader", "rubrics") or "_grader" in name]
print(count > 1000, seen)
"""
