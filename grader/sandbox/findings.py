"""What a run tells the student and staff, in words. None of these costs marks by itself."""

from __future__ import annotations

from collections.abc import Sequence

from grader.model import Finding
from grader.sandbox.packages import PackageGap, build_pip_line

_MOST_DETAILS = 3

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


def kernel_died(cell: int) -> Finding:
    """Say that the process ended by itself."""
    return Finding(
        code="notebook.kernel_died",
        message=f"The notebook's process ended while cell {cell} ran (out of memory, a call that ends Python, or a "
        "crash in a library). The cells after it were not run; what ran before it counts.",
    )


def output_cut(cell: int, limit: int) -> Finding:
    """Say that output was dropped."""
    return Finding(
        code="notebook.output_cut",
        message=f"Cell {cell} printed more than {limit:,} bytes; what came after that was dropped. "
        "Nothing is deducted.",
    )


def other_version(gap: PackageGap) -> Finding:
    """Tell staff that a package is not the rubric's."""
    return Finding(
        code="notebook.package_version",
        message=f"{gap}: marks may differ from those on another machine. To mend it: {build_pip_line([gap])}",
        audience="staff",
    )
