"""``grade learn``: what people decided, learned by the rubric and its tables of cases."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.console import make_console
from grader.cli.options import FOLDER, SETTINGS

EPILOG = """
\b
Examples:
  grade learn graded/                        what can be learned of all that was decided, as a diff; writes nothing
  grade learn graded/ --criterion q1b        of one criterion
  grade learn graded/ --apply                the same, written
  grade learn graded/ --take q1b-3f2a 2      where several ways are listed: the second one
\b
Each group of like answers that people decided becomes a row of a table of cases (without who it was), and where
that is safe a phrase, a formula or a vector in the rubric, put in as text: comments stay. It is offered only where it
then decides these answers as the person did, no row of the table is decided otherwise, and an accepted formula is
proved by the reference. Then grade again: hand-ins like these need nobody any more, and no notebook runs anew.
"""


@click.command(epilog=EPILOG, context_settings=SETTINGS)
@click.argument("graded", metavar="[DIR]", type=FOLDER, default=Path("graded"))
@click.option("--criterion", metavar="ID", help="Learn about this criterion only.")
@click.option("--take", nargs=2, type=(str, int), multiple=True, metavar="GROUP N",
              help="Of a group's ways take the Nth; may be given for several groups.")  # fmt: skip
@click.option("--apply", "write", is_flag=True, help="Write the diff to the rubric and the tables.")
def learn(graded: Path, criterion: str | None, take: tuple[tuple[str, int], ...], write: bool) -> None:
    """Learn from what people decided: show (or write) what the rubric and its case tables gain."""
    from grader.workbench.learning.decided import list_decided
    from grader.workbench.learning.draft import Draft
    from grader.workbench.trial import show_text

    console, progress = make_console(stderr=False), make_console(stderr=True)
    with progress.status("reading what was decided") as shown:
        course, groups = list_decided(graded, criterion)
        draft, wanted = Draft(course), dict(take)
        names = {group.label for group in groups}
        if unknown := sorted(wanted.keys() - names):
            raise click.UsageError(f"--take {unknown[0]}: no such group (there are {', '.join(sorted(names))})")
        lessons = []
        for number, group in enumerate(groups, 1):
            shown.update(f"group {number} of {len(groups)}: {group.label}")
            lessons.append(draft.learn(group, wanted.get(group.label)))
    for lesson in lessons:
        for line in lesson.describe():
            console.print(show_text(line), markup=False, highlight=False, soft_wrap=True)
    edits = draft.apply() if write else draft.edits
    if not write:
        for edit in edits:
            console.print(show_text(edit.diff), markup=False, highlight=False, soft_wrap=True, end="")
    gains = sum(bool(lesson.learned) for lesson in lessons)
    rows = sum(lesson.rows for lesson in lessons)
    console.print(f"{len(groups)} groups of decisions: {gains} additions to the rubric, {rows} rows of cases")
    if not edits:
        return
    if write:
        told = ", ".join(edit.name for edit in edits)
        console.print(f"written: {told}. Grade the class again: marks are made anew, and no notebook runs.")
    else:
        console.print("nothing was written: the same with --apply writes it")
