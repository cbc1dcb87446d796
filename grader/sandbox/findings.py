"""What a run tells the student and staff, in words. None of these costs marks by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.model import CellRun, Finding
from grader.sandbox.packages import PackageGap, build_pip_line
from grader.sandbox.settings import NotebookSettings
from grader.sandbox.texts import clean_text

_MOST_DETAILS = 3
_MOST_LETTERS = 60
_TURNS = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069]")  # letters of no width, and turns of direction

NOTES = {
    "cuda": (
        "notebook.cuda_on_cpu",
        "Your notebook asks for a GPU (cuda). There was none here, so everything ran on the CPU instead; nothing is "
        "deducted. Code that also runs elsewhere picks the device once: "
        "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu').",
    ),
    "path": (
        "notebook.path_mapped",
        "Your notebook uses {details}: that exists only on your own machine or Drive. The course's file, in the "
        "notebook's own folder, was used instead; nothing is deducted.",
    ),
    "network": (
        "notebook.network",
        "Your notebook tried to reach {details}. Notebooks are graded without a network, so that call failed.",
    ),
}


def build_for_notes(code: str, details: Sequence[str]) -> Finding:
    """Return what a stand-in's notes (a key of NOTES, and what was asked for) mean to the student."""
    name, message = NOTES[code]
    more = f" and {len(details) - _MOST_DETAILS} more" if len(details) > _MOST_DETAILS else ""
    return Finding(code=name, message=message.format(details=", ".join(details[:_MOST_DETAILS]) + more))


def timed_out(cell: int, seconds: float, *, alive: bool) -> Finding:
    """Say that a cell was stopped."""
    rest = "" if alive else " It did not react to being stopped, so the cells after it were not run."
    return Finding(
        code="notebook.timed_out",
        message=f"Cell {cell} ran longer than {seconds:g} seconds and was stopped.{rest} "
        "Look for a loop that never ends, or train on less.",
    )


def out_of_time(cell: int, seconds: float) -> Finding:
    """Say that the notebook as a whole took too long."""
    return Finding(
        code="notebook.out_of_time",
        message=f"All cells together took longer than {seconds:g} seconds; cell {cell} was stopped, and those after "
        "it were not run.",
    )


def kernel_died(cell: int, cause: str, settings: NotebookSettings) -> Finding:
    """Say that the process ended: by itself, or because of the limit that ``cause`` names."""
    rest = "The cells after it were not run; what ran before it counts."
    if cause in ("memory", "processor", "output"):
        what = {
            "memory": f"needed more memory than {_size(settings.memory_bytes)}",
            "processor": f"brought the notebook's processor time above {settings.cpu_seconds:g} seconds",
            "output": f"printed many times more than {_size(settings.output_bytes_per_notebook)}",
        }[cause]
        return Finding(code=f"notebook.{cause}_limit", message=f"Cell {cell} {what} and was stopped. {rest}")
    return Finding(
        code="notebook.kernel_died",
        message=f"The notebook's process ended while cell {cell} ran (out of memory, a call that ends Python, or a "
        f"crash in a library). {rest}",
    )


# What a cell raises at a limit of the room: the error's name, a part of its message, and the limit in words.
_LIMITS = (
    ("MemoryError|RuntimeError|_ArrayMemoryError", r"^$|allocate|memory", "memory", "memory", "memory_bytes"),
    ("OSError", r"Errno 12\]", "memory", "memory", "memory_bytes"),
    ("OSError|.*", r"No space left on device|Errno 28", "disk", "disk space", "disk_bytes"),
    ("OSError|.*", r"File too large|Errno 27", "file", "space in one file", "file_bytes"),
    ("OSError|.*", r"Too many open files|Errno 24", "files", "open files", "open_files"),
    (
        "BlockingIOError|RuntimeError|OSError",
        r"Resource temporarily unavailable|can't start new thread|Errno 11",
        "processes",
        "processes and threads",
        "processes",
    ),
)


def find_limit(run: CellRun, settings: NotebookSettings) -> Finding | None:
    """Return what to say of a cell that failed because it met a limit of the room, else None."""
    for name, message, code, words, limit in _LIMITS:
        if run.error_name and re.fullmatch(name, run.error_name) and re.search(message, run.error_message):
            if code == "memory" and run.error_name == "RuntimeError" and "alloc" not in run.error_message:
                continue
            value = getattr(settings, limit)
            amount = _size(value) if limit.endswith("_bytes") else f"{value:,}"
            return Finding(
                code=f"notebook.{code}_limit",
                message=f"Cell {run.index} asked for more {words} than there is here ({amount}) and failed for it.",
            )
    return None


def _size(count: int) -> str:
    """Return a number of bytes as people write it."""
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def output_cut(cell: int, limit: int) -> Finding:
    """Say that output was dropped."""
    return Finding(
        code="notebook.output_cut",
        message=f"Cell {cell} printed more than {limit:,} bytes; what came after that was dropped. "
        "Nothing is deducted.",
    )


def all_output_cut(cell: int, limit: int) -> Finding:
    """Say that output was dropped because there was so much of it before."""
    return Finding(
        code="notebook.all_output_cut",
        message=f"All cells together printed more than {limit:,} bytes; what came after that, from cell {cell} on, was "
        "dropped. Nothing is deducted.",
    )


def no_sandbox() -> Finding:
    """Say on the page, too, that a notebook was run on the open machine."""
    return Finding(
        code="notebook.no_sandbox",
        message="Your notebook was run without a sealed room (--unsafe-no-sandbox). Whoever ran it trusted it.",
    )


def other_version(gap: PackageGap) -> Finding:
    """Tell staff that a package is not the rubric's."""
    return Finding(
        code="notebook.package_version",
        message=f"{gap}: marks may differ from those on another machine. To mend it: {build_pip_line([gap])}",
        audience="staff",
    )


def shorten(text: str) -> str:
    """Return text of a student's as it can stand within a sentence: one short line, nothing that turns it around."""
    line = " ".join(_TURNS.sub("", clean_text(text)).split())
    return line if len(line) <= _MOST_LETTERS else line[: _MOST_LETTERS - 1].rstrip() + "…"


def _list_cells(cells: Sequence[int]) -> str:
    """Return "cell 3", "cells 3 and 5", "cells 3, 5, 8 and 2 more"."""
    names = [str(cell) for cell in cells[:_MOST_DETAILS]]
    if len(cells) > _MOST_DETAILS:
        names.append(f"{len(cells) - _MOST_DETAILS} more")
    joined = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return f"cell{'s' if len(cells) > 1 else ''} {joined}"


def outputs_differ(rows: Sequence[tuple[int, str, str]]) -> Finding:
    """Show staff stored outputs that the code does not print: cell, what the file says, what happened here."""
    shown = "; ".join(
        f"cell {cell}: the file says “{shorten(said)}”, {here}" for cell, said, here in rows[:_MOST_DETAILS]
    )
    more = f"; and {len(rows) - _MOST_DETAILS} more" if len(rows) > _MOST_DETAILS else ""
    return Finding(
        code="notebook.outputs_differ",
        message=f"Stored outputs are not what the code prints here ({shown}{more}). That may be other data, another "
        "seed or version, code that was changed after it ran, or an output edited by hand. Nothing is deducted: only "
        "the re-run is graded.",
        audience="staff",
    )


def out_of_order(cell: int, name: str, first: int, second: int) -> Finding:
    """Advise a student whose cells need another order than they stand in."""
    return Finding(
        code="notebook.out_of_order",
        message=f"Your cells were last run in another order than they stand in (cell {second} before cell {first}). "
        f"From top to bottom, cell {cell} does not find {shorten(name)}, which no cell above it defines. Restart the "
        "kernel, run all cells, and put them in the order that works.",
    )


def other_language(language: str) -> Finding:
    """Tell a student that only Python is run."""
    return Finding(
        code="notebook.other_language",
        message=f"The file says that this notebook is written in {language}, and most of its cells are not Python. "
        "Notebooks are graded as Python, so those cells failed.",
    )


def code_in_text(cells: Sequence[int]) -> Finding:
    """Tell a student that code in a text cell is not run."""
    one = len(cells) == 1
    what, type_of = ("is a text cell, but holds", "the cell") if one else ("are text cells, but hold", "these cells")
    return Finding(
        code="notebook.code_in_text",
        message=f"{_list_cells(cells).capitalize()} {what} code: it was not run. If it belongs to your answer, change "
        f"the type of {type_of} to Code.",
    )
