"""``grade check``: is the course in order?"""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.console import die, make_console
from grader.cli.options import FILE, FOLDER, SETTINGS
from grader.errors import Exit


@click.command(context_settings=SETTINGS)
@click.option("--rubric", type=FILE, metavar="FILE", help="The rubric to look at.")
@click.option("--course", "root", type=FOLDER, metavar="DIR",
              help="The course's root: the folder that holds rubrics/, reference/ and templates/.")  # fmt: skip
def check(rubric: Path | None, root: Path | None) -> None:
    """Check the course: rubric, reference and templates, and every accepted formula against automatic differentiation.

    Every mistake is told with its line. Exit code 2: something is to be mended.
    """
    from grader.course import load_course
    from grader.workbench.check import check_course

    course = load_course([], root=root, rubric=rubric, class_folder=None, again=True)
    console, progress = make_console(stderr=False), make_console(stderr=True)
    with progress.status("checking") as shown:
        proofs = check_course(course, lambda text: shown.update(f"checking: {text}"))
    for proof in proofs:
        verdict = proof.wrong or f"proved ({proof.oracle}, to {proof.gap:.0e})"
        console.print(f"{proof.criterion} {proof.reading}: {verdict}")
    if wrong := sum(bool(proof.wrong) for proof in proofs):
        die(f"{wrong} accepted formulas are not what their oracle gives", Exit.CONFIG)
    console.print(
        f"{course.rubric_path}: {len(course.rubric.criteria)} criteria, {course.rubric.available} marks: in order"
    )
