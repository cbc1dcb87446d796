"""``grade status`` and ``grade diff``: what the store tells."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from grader.cli.console import make_console
from grader.cli.options import FOLDER, SETTINGS, Options, build_job, course_options, load_intake, open_classes


@click.command(context_settings=SETTINGS)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@course_options
def status(paths: tuple[Path, ...], **options: Any) -> None:
    """Show what is done, what is out of date, what failed, and what waits for a person. Grades nothing."""
    from grader.batch.report import find_states

    how = Options(**options)
    console = make_console(stderr=False)
    states: Counter[str] = Counter()
    for course, hand_ins in open_classes(paths, how, load_intake(how, make_console(stderr=True))):
        for state in find_states(course, build_job(course, hand_ins[0], how), hand_ins):
            states[state.name] += 1
            if state.name != "done":
                console.print(f"{state.student}: {state.name}{f' ({state.why})' if state.why else ''}")
    console.print(", ".join(f"{count} {name}" for name, count in sorted(states.items())))


@click.command(context_settings=SETTINGS)
@click.argument("runs", metavar="[RUN [RUN]]", nargs=-1, type=click.IntRange(min=1))
@click.option("--out", type=FOLDER, default=Path("graded"), show_default=True, metavar="DIR",
              help="The results folder.")  # fmt: skip
def diff(runs: tuple[int, ...], out: Path) -> None:
    """Show whose marks changed between two runs, and why.

    Runs are numbered; without a number the last two that changed anything are compared, with one that run and the last.
    """
    from grader.batch.report import find_changes

    console = make_console(stderr=False)
    for line in find_changes(out, runs):
        console.print(line)
