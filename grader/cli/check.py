"""``grade check``: is the course in order, and does its rubric see through wrong answers?"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.console import make_console
from grader.cli.options import FILE, FOLDER, SETTINGS
from grader.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

_SECONDS_BETWEEN = 10.0

EPILOG = """
\b
Examples:
  grade check                       rubric, formulas, templates, right and wrong answers: seconds
  grade check --notebooks           the notebooks of the table of mutants as well: minutes
  grade check --json check.json     the same as JSON, with every answer that was tried
\b
The table of mutants is the file that the rubric names under `mutants:`. Each entry says which criterion a wrong hand-in
must fail and the credit that it may keep (docs/workbench.md).
\b
Exit code 2: something is to be mended: a problem in a file, a right answer that loses marks, an accepted formula that
its oracle contradicts, a listed mutant that earns more than it may or costs marks elsewhere.
"""


@click.command(epilog=EPILOG, context_settings=SETTINGS)
@click.option("--rubric", type=FILE, metavar="FILE", help="The rubric to look at.")
@click.option(
    "--course",
    "root",
    type=FOLDER,
    metavar="DIR",
    help="The course's root: the folder that holds rubrics/, reference/ and templates/.",
)
@click.option(
    "--notebooks",
    is_flag=True,
    help="Run the reference's notebook and its mutants too, in sealed rooms, and probe their tolerances.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Notebooks at a time (default: as many as there are cores)."
)
@click.option("--json", "json_to", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False), metavar="FILE|-",
              help="Write everything as one JSON object (- for standard output, in place of the tables).")  # fmt: skip
def check(rubric: Path | None, root: Path | None, notebooks: bool, jobs: int | None, json_to: Path | None) -> None:
    """Check the course: its files, and what the rubric makes of right and of wrong answers.

    Every mistake in rubric, reference, probes, templates and table of mutants is told at once, with its line. Accepted
    formulas are held against automatic differentiation. Right answers must earn everything, an empty hand-in nothing,
    each misconception its own feedback. Then wrong answers attack each criterion: which are killed, which wait for a
    person, which survive; and how far a value may move before the verdict does. Writes nothing but the JSON.
    """
    from grader.codec import render_json, write_text
    from grader.workbench.examine import examine, open_course
    from grader.workbench.shown import build_examination, print_examination

    console, progress = make_console(stderr=False), make_console(stderr=True)
    course = open_course(root, rubric)
    with progress.status("checking") as status:
        found = examine(course, notebooks=notebooks, tell=_make_tell(progress, status.update), jobs=jobs)
    if json_to is not None:
        text = render_json(build_examination(found))
        if str(json_to) == "-":
            console.out(text, end="")
        else:
            write_text(json_to, text)
    if str(json_to) != "-":
        print_examination(found, console)
    if not found.in_order:
        sys.exit(Exit.CONFIG)


def _make_tell(progress: Console, update: Callable[[str], None]) -> Callable[[str], None]:
    """Return where progress goes: a line that changes, or, where nobody watches, a line now and then."""
    last = -_SECONDS_BETWEEN

    def tell(text: str) -> None:
        nonlocal last
        update(f"checking: {text}")
        if not progress.is_terminal and time.monotonic() - last >= _SECONDS_BETWEEN:
            last = time.monotonic()
            progress.print(f"grade: checking: {text}")

    return tell
