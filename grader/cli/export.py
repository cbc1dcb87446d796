"""``grade export``: marks as the files that learning platforms and CI take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from grader.cli.console import make_console
from grader.cli.options import FILE, FOLDER, SETTINGS

FORMATS = ("canvas", "moodle", "gradescope", "classroom50", "junit", "markdown", "csv")

EPILOG = """
\b
Formats:
  canvas       a gradebook CSV to import: students by their canvas_id in the roster; rows that are not ready left out
  moodle       Moodle's own grading worksheet (--worksheet) with grades and comments filled in, all else untouched
  gradescope   DIR/<student>/results.json
  classroom50  DIR/scores.csv, and for each student a release text (and a result.json where the download named one)
  junit        one XML file with a suite for each hand-in
  markdown     DIR/<student>.md
  csv          the gradebook's columns, of the marks that are ready
\b
Examples:
  grade export graded/ --format canvas --roster roster.csv --title 'Homework 5 (98765)'
  grade export graded/ --format moodle --worksheet Grades-DL-HW5.csv
  grade export graded/ --format gradescope --to /tmp/results
\b
Only marks that are final and current leave; the others are listed with the reason. Results lie in graded/export/
unless --to names another place. A file is written whole or not at all.
"""


@click.command(epilog=EPILOG, context_settings=SETTINGS)
@click.argument("graded", metavar="[DIR]", type=FOLDER, default=Path("graded"))
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="What to write.")
@click.option("--to", type=click.Path(path_type=Path), metavar="PATH", help="The file, or the folder, to write.")
@click.option("--roster", type=FILE, metavar="FILE",
              help="The class: student_id, and canvas_id, moodle_id, github, name, section. (Default: the one that the "
                   "class was graded with.)")  # fmt: skip
@click.option("--only", multiple=True, metavar="ID", help="Only this student; may be given several times.")
@click.option(
    "--include-provisional",
    is_flag=True,
    help="Also marks on which a person must still decide, marked so; never one that we could not grade.",
)
@click.option("--title", metavar="TEXT", help="canvas: the column's title, 'Homework 5 (98765)' pins the assignment.")
@click.option("--worksheet", type=FILE, metavar="FILE", help="moodle: the grading worksheet as downloaded.")
@click.option("--grade-column", metavar="TITLE", help="moodle: the column of grades, where its title is not known.")
@click.option("--comment-column", metavar="TITLE", help="moodle: the column of comments, likewise.")
@click.option("--decimal-comma", is_flag=True, help="moodle: write 71,75, as the teacher's language wants it.")
@click.option("--scale", type=click.IntRange(1, 10_000), default=100, show_default=True, metavar="N",
              help="classroom50: points for one mark, since that platform takes whole numbers only.")  # fmt: skip
@click.option("--skip-unmatched", is_flag=True, help="Leave out students whom the platform's numbers do not name.")
def export(
    graded: Path, form: str, to: Path | None, roster: Path | None, only: tuple[str, ...], include_provisional: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Write the marks of a graded class in DIR (graded/, if left out) for another system."""
    from grader.delivery import open_delivery, show_held
    from grader.delivery.export import ExportOptions, export_class

    console, progress = make_console(stderr=False), make_console(stderr=True)
    delivery = open_delivery(graded, roster=roster, include_provisional=include_provisional, only=only)
    for line in show_held(delivery.held):
        progress.print(line)
    written = export_class(delivery, form, to or graded / "export" / form, ExportOptions(**options), default=to is None)
    for note in written.notes:
        progress.print(f"note: {note}")
    console.print(
        f"{written.students} students, {written.files} {'file' if written.files == 1 else 'files'}: {written.place}",
        soft_wrap=True,
    )
