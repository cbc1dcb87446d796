"""``grade review``: what waits for a person, and what people decided."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from grader.cli.console import make_console
from grader.cli.options import FILE, FOLDER, SETTINGS

EPILOG = """
\b
Examples:
  grade review graded/                                  what waits, like answers together, most students first
  grade review graded/ --export waiting.csv             the same as a spreadsheet; fill in the columns at its end
  grade review graded/ --import waiting.csv --as ada    decide as the spreadsheet says
  grade review graded/ --undo s0001 q1b                 take back what was decided last on that: it waits again
\b
Columns to fill in: verdict (correct, partial, wrong, missing), credit (0 to 1) or marks, comment (for the student),
reason (for staff), moment (for submitted_at, as 2026-12-01T23:59:00+03:30), and apply_to: 'group' decides for all like
answers. Decisions are lines in graded/moderation.jsonl, which is only ever added to; the grader's own verdict stays in
the marksheet. Where the evidence changes afterwards, the decision does not count and the answer waits again.
"""


@click.command(epilog=EPILOG, context_settings=SETTINGS)
@click.argument("graded", type=FOLDER)
@click.option("--export", "to", type=FILE, metavar="FILE", help="Write what waits as a CSV.")
@click.option("--import", "source", type=FILE, metavar="FILE", help="Take the decisions of such a CSV.")
@click.option("--undo", nargs=2, metavar="STUDENT CRITERION", help="Take back the last decision on that.")
@click.option("--as", "who", metavar="NAME", help="Who decides. (Default: the name of your account.)")
def review(graded: Path, to: Path | None, source: Path | None, undo: tuple[str, str] | None, who: str | None) -> None:
    """Show, export and decide what waits for a person."""
    from grader.batch.classes import load_classes
    from grader.batch.moderation import Moderation, build_undo
    from grader.batch.moderation_sheet import read_sheet, render_sheet
    from grader.batch.remark import mark_again
    from grader.batch.store import BusyError, Store
    from grader.batch.waiting import list_groups

    if sum(map(bool, (to, source, undo))) > 1:
        raise click.UsageError("--export, --import and --undo are separate runs")
    console, progress = make_console(stderr=False), make_console(stderr=True)
    store, moderation = Store(graded), Moderation(graded)
    load_classes(store)
    moderation.refresh()
    groups = () if undo else list_groups(store, moderation)
    for problem in moderation.problems:
        progress.print(f"note: {problem}")
    if source or undo:
        name = who or getpass.getuser()
        decisions = read_sheet(source, groups, name) if source else [build_undo(moderation, name, *(undo or ("", "")))]
        conflicts = moderation.append(decisions)
        for conflict in conflicts:
            by = conflict.head.who if conflict.head else "somebody"
            progress.print(
                f"{conflict.wanted.student}, {conflict.wanted.criterion}: {by} decided meanwhile; not changed"
            )
        students = {item.student for item in decisions} - {item.wanted.student for item in conflicts}
        try:
            left = mark_again(graded, students)
        except BusyError as error:
            raise BusyError(f"{error} The decisions are kept, and count when this class is graded again.") from None
        for student in left:
            progress.print(f"{student}: is out of date; the decision counts when the class is graded again")
        console.print(f"{len(decisions) - len(conflicts)} decisions on {len(students)} hand-ins")
    elif to:
        store_text(to, render_sheet(groups))
        console.print(
            f"{sum(len(group.items) for group in groups)} waiting in {len(groups)} groups: {to}", soft_wrap=True
        )
    else:
        for group in groups:
            first = group.items[0]
            console.print(
                f"{len(group.items):5} {group.criterion} {group.id}: {first.review.reason if first.review else ''}"
            )
        console.print(f"{sum(len(group.items) for group in groups)} waiting in {len(groups)} groups")


def store_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises InfrastructureError."""
    from grader.batch.store import Store

    Store(path.parent).write_file(path.name, text.encode("utf-8", "surrogateescape"))
