"""``grade review``: what waits for a person, and what people decided."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.console import make_console
from grader.cli.options import FILE, FOLDER, SETTINGS

if TYPE_CHECKING:
    from rich.console import Console

    from grader.batch.moderation import Moderation

EPILOG = """
\b
Examples:
  grade review                                          decide in the browser what waits in graded/
  grade review --as ada --as bob                        the same for two, a link for each
  grade review --list                                   what waits, like answers together, most students first
  grade review graded/ --export waiting.csv             the same as a spreadsheet; fill in the columns at its end
  grade review graded/ --import waiting.csv --as ada    decide as the spreadsheet says
  grade review graded/ --undo s0001 q1b                 take back what was decided last on that: it waits again
\b
The browser's page is served to this machine alone, and its link opens once. 1 to 5 decide, ? shows all keys.
Columns to fill in: verdict (correct, partial, wrong, missing), credit (0 to 1) or marks, comment (for the student),
reason (for staff), moment (for submitted_at, as 2026-12-01T23:59:00+03:30), and apply_to: 'group' decides for all like
answers. Decisions are lines in graded/moderation.jsonl, which is only ever added to; the grader's own verdict stays in
the marksheet. Where the evidence changes afterwards, the decision does not count and the answer waits again.
"""


@click.command(epilog=EPILOG, context_settings=SETTINGS)
@click.argument("graded", metavar="[DIR]", type=FOLDER, default=Path("graded"))
@click.option("--as", "who", multiple=True, metavar="NAME",
              help="Who decides; in the browser several. (Default: the name of your account.)")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where to listen. (Default: any free port.)")
@click.option("--no-browser", is_flag=True, help="Print the link, and open nothing.")
@click.option("--names", is_flag=True, help="Show whose answers they are. (Default: numbers.)")
@click.option("--list", "lists", is_flag=True, help="Print what waits, and end.")
@click.option("--export", "to", type=FILE, metavar="FILE", help="Write what waits as a CSV.")
@click.option("--import", "source", type=FILE, metavar="FILE", help="Take the decisions of such a CSV.")
@click.option("--undo", nargs=2, metavar="STUDENT CRITERION", help="Take back the last decision on that.")
@click.option("--apply", "applies", is_flag=True, help="Make marks of what was decided and is not marked yet.")
def review(
    graded: Path,
    who: tuple[str, ...],
    port: int,
    no_browser: bool,
    names: bool,
    lists: bool,
    to: Path | None,
    source: Path | None,
    undo: tuple[str, str] | None,
    applies: bool,
) -> None:
    """Decide what waits for a person in DIR (graded/, if left out): in the browser, or as a spreadsheet."""
    from grader.batch.classes import load_classes
    from grader.batch.moderation import Moderation
    from grader.batch.store import Store
    from grader.batch.waiting import list_groups

    if sum(map(bool, (lists, to, source, undo, applies))) > 1:
        raise click.UsageError("--list, --export, --import, --undo and --apply are separate runs")
    console, progress = make_console(stderr=False), make_console(stderr=True)
    account = who or (getpass.getuser(),)
    if not (lists or to or source or undo or applies):
        from grader.review.serve import serve

        serve(
            graded,
            account,
            port=port,
            names=names,
            browse=not no_browser,
            tell=lambda line: console.print(line, soft_wrap=True),
        )
        return
    if len(account) > 1:
        raise click.UsageError("several --as are for the browser")
    store, moderation = Store(graded), Moderation(graded)
    load_classes(store)
    moderation.refresh()
    for problem in moderation.problems:
        progress.print(f"note: {problem}")
    if applies:
        from grader.batch.remark import find_unmarked

        _mark(graded, find_unmarked(store, moderation), console, progress)
    elif source or undo:
        _decide(graded, moderation, source, undo, account[0], console, progress)
    else:
        groups = list_groups(store, moderation)
        count = sum(len(group.items) for group in groups)
        if to:
            from grader.batch.moderation_sheet import render_sheet

            store_text(to, render_sheet(groups))
            console.print(f"{count} waiting in {len(groups)} groups: {to}", soft_wrap=True)
            return
        for group in groups:
            first = group.items[0]
            console.print(
                f"{len(group.items):5} {group.criterion} {group.id}: {first.review.reason if first.review else ''}",
                soft_wrap=True,
            )
        console.print(f"{count} waiting in {len(groups)} groups")


def _decide(
    graded: Path,
    moderation: Moderation,
    source: Path | None,
    undo: tuple[str, str] | None,
    who: str,
    console: Console,
    progress: Console,
) -> None:
    from grader.batch.moderation import build_undo
    from grader.batch.moderation_sheet import read_sheet
    from grader.batch.store import Store
    from grader.batch.waiting import list_groups

    if source:
        decisions = read_sheet(source, list_groups(Store(graded), moderation), who)
    else:
        decisions = [build_undo(moderation, who, *(undo or ("", "")))]
    conflicts = moderation.append(decisions)
    for conflict in conflicts:
        by = conflict.head.who if conflict.head else "somebody"
        progress.print(f"{conflict.wanted.student}, {conflict.wanted.criterion}: {by} decided meanwhile; not changed")
    students = {item.student for item in decisions} - {item.wanted.student for item in conflicts}
    _mark(graded, students, console, progress)
    console.print(f"{len(decisions) - len(conflicts)} decisions on {len(students)} hand-ins")


def _mark(graded: Path, students: set[str], console: Console, progress: Console) -> None:
    from grader.batch.remark import mark_again
    from grader.batch.store import BusyError

    try:
        left = mark_again(graded, students) if students else ()
    except BusyError as error:
        raise BusyError(f"{error} The decisions are kept, and count when this class is graded again.") from None
    for student in left:
        progress.print(f"{student}: is out of date; the decision counts when the class is graded again")
    console.print(f"{len(students) - len(left)} hand-ins marked again")


def store_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises InfrastructureError."""
    from grader.batch.store import Store

    Store(path.parent).write_file(path.name, text.encode("utf-8", "surrogateescape"))
