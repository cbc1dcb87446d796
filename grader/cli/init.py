"""``grade init``: files to begin a course, or a further assignment, from."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.console import make_console
from grader.cli.options import FOLDER, SETTINGS

EPILOG = """
\b
What is written: a rubric with every field explained, a table of wrong answers, a reference with a solution and what is
asked of notebooks, and an example hand-in. It works as it is:
  grade init my-course --assignment hw1 --title "Homework 1"
  grade check --course my-course --notebooks
  grade my-course/submissions/example --course my-course
\b
Then change it piece by piece, with `grade check` after each. Nothing that exists is written over.
"""


@click.command(epilog=EPILOG, context_settings=SETTINGS)
@click.argument("root", metavar="DIR", type=FOLDER)
@click.option("--assignment", default="hw1", show_default=True, metavar="NAME", help="What the assignment is called.")
@click.option("--title", default="", metavar="TEXT", help="Its title, for students.")
def init(root: Path, assignment: str, title: str) -> None:
    """Begin a course in DIR, or add an assignment to the one there."""
    from grader.workbench.begin import begin_course

    console = make_console(stderr=False)
    for place in begin_course(root, assignment, title):
        console.print(f"wrote {root / place}", soft_wrap=True)
    console.print(f"\nNext: grade check --course {root} --rubric {root}/rubrics/{assignment}.yaml", soft_wrap=True)
