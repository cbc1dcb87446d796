"""``grade ci``: a course's continuous integration; the files that set it up, and what runs there."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.cli.console import die, make_console
from grader.cli.options import FILE, FOLDER, SETTINGS
from grader.errors import Exit, NothingFoundError

# The keys of grader.delivery.ci.targets.TARGETS and .platforms.PLATFORMS, which would have to be imported for --help.
TARGETS = ("actions", "classroom50", "classroom-reporter", "staff", "gradescope")
PLATFORMS = ("actions", "classroom50", "classroom-reporter", "gradescope")

EPILOG = """
\b
Where to begin:
  grade ci init --target actions --org my-course    students' own CI, in any GitHub organization
  grade ci init --target classroom50                the same under Classroom 50
  grade ci init --target classroom-reporter         for repositories left over from GitHub Classroom
  grade ci init --target gradescope                 a zip to upload as the autograder
  grade ci init --target staff                      the whole class in a staff repository: marks of record
\b
Students' CI tells whether each part is found and readable and whether the notebook runs. Nothing on a machine that a
student can change is secret, so no key goes there (docs/ci.md): marks are made by `grade` on a machine of the course.
"""
_INIT_EPILOG = """
\b
Nothing that was changed by hand is written over without --force. The same command twice writes the same bytes.
"""


@click.group(epilog=EPILOG, context_settings=SETTINGS)
def ci() -> None:
    """Set up a course's CI: GitHub Actions, Classroom 50, old Classroom repositories, staff's own, Gradescope."""


def _course_options(command: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option("--rubric", type=FILE, metavar="FILE", help="The rubric of the assignment."),
        click.option("--course", "root", type=FOLDER, metavar="DIR",
                     help="The course's root: the folder that holds rubrics/, reference/ and templates/."),
        click.option("--force", is_flag=True, help="Write over files that were changed by hand."),
    ):  # fmt: skip
        command = option(command)
    return command


@ci.command(epilog=_INIT_EPILOG, context_settings=SETTINGS)
@click.option("--target", type=click.Choice(TARGETS), required=True, help="For which platform.")
@click.option("--out", type=FOLDER, metavar="DIR", help="Where to write (default: ci/TARGET).")
@click.option("--org", default="ORG", show_default=True, metavar="NAME", help="The course's organization on GitHub.")
@click.option("--repo", default="course-ci", show_default=True, metavar="NAME",
              help="The repository that will hold the workflow (actions, classroom-reporter).")  # fmt: skip
@click.option("--classroom", default="CLASSROOM", show_default=True, metavar="NAME",
              help="The classroom's short name (classroom50).")  # fmt: skip
@_course_options
def init(
    target: str,
    out: Path | None,
    org: str,
    repo: str,
    classroom: str,
    rubric: Path | None,
    root: Path | None,
    force: bool,
) -> None:
    """Write the files that a platform needs, and say what to do with them."""
    from grader.course import load_course
    from grader.delivery.ci.setup import write_setup
    from grader.delivery.ci.targets import TARGETS as KNOWN
    from grader.delivery.ci.targets import Names

    course = load_course([], root=root, rubric=rubric, class_folder=None)
    names = Names(org=org, repo=repo, classroom=classroom)
    setup = KNOWN[target](course, names)
    folder = out or Path("ci") / target
    console = make_console(stderr=False)
    for line in write_setup(folder, setup, force=force):
        console.print(line, soft_wrap=True)
    console.print("\nWhat to do next:")
    for number, step in enumerate(setup.steps, 1):
        console.print(f"  {number}. {step}", soft_wrap=True)


@ci.command(context_settings=SETTINGS)
@click.option("--out", type=FOLDER, required=True, metavar="DIR", help="Where to write.")
@_course_options
def bundle(out: Path, rubric: Path | None, root: Path | None, force: bool) -> None:
    """Write what students' CI is given, alone: to look at it, or for a platform of your own."""
    from grader.course import load_course
    from grader.delivery.ci.bundle import build_bundle
    from grader.delivery.ci.setup import Setup, write_setup

    course = load_course([], root=root, rubric=rubric, class_folder=None)
    console = make_console(stderr=False)
    for line in write_setup(out, Setup(files=build_bundle(course), closed=("",)), force=force):
        console.print(line, soft_wrap=True)


@ci.command(context_settings=SETTINGS)
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--bundle", type=FOLDER, required=True, metavar="DIR", help="The bundle that `grade ci init` wrote.")
@click.option("--for", "platform", type=click.Choice(PLATFORMS), required=True, help="Who reads the results.")
@click.option("--out", type=FOLDER, default=Path("grade-out"), show_default=True, metavar="DIR",
              help="Where the results are written. All of it may be read by the student.")  # fmt: skip
@click.option("--notebook-user", "user", default="", metavar="USER",
              help="Where no sealed room can be built: run the notebook as this user (for root).")  # fmt: skip
@click.option("--no-room", is_flag=True, help="Build no sealed room, though one could be.")
def run(path: Path, bundle: Path, platform: str, out: Path, user: str, no_room: bool) -> None:
    """Check one hand-in as students' CI does. The workflows call this; you may too, to see what students will see.

    Exit code 0 whatever the points, also where something waits for a person (a notice says so).
    """
    from grader.delivery.ci.platforms import PLATFORMS as KNOWN
    from grader.delivery.ci.platforms import write_results
    from grader.delivery.ci.run import check_hand_in

    progress = make_console(stderr=True)

    def tell(text: str) -> None:
        progress.print(f"grade: {' '.join(text.split())}", soft_wrap=True)

    try:
        check = check_hand_in(
            path, bundle, user=user, room=not no_room, tell=tell,
            early=(lambda sheet: write_results(platform, sheet, out)) if KNOWN[platform].early else None,
        )  # fmt: skip
    except NothingFoundError as error:
        if platform in ("actions", "classroom-reporter"):
            from grader.delivery.ci.github import annotate

            print(annotate("error", "Nothing was handed in", str(error)))
        die(str(error), Exit.NOTHING_FOUND)
    write_results(platform, check.marksheet, out, scale=check.scale)
    sys.exit(check.code)


@ci.command(context_settings=SETTINGS)
@click.argument("graded", metavar="GRADED", type=FOLDER)
@click.option("--out", type=FOLDER, required=True, metavar="DIR", help="Where the letters are written.")
def letters(graded: Path, out: Path) -> None:
    """Write a Markdown letter for each student whose marks are final and up to date: DIR/STUDENT.md.

    The staff workflow calls this, so that the job that tells students reads nothing but what they may see.
    """
    from grader.delivery import open_delivery, show_held
    from grader.delivery.ci.run import write_files
    from grader.delivery.formats.markdown import render_markdown
    from grader.feedback import student_view

    delivery = open_delivery(graded)
    files = [
        (f"{student}.md", render_markdown(student_view(delivery.load_marksheet(item))))
        for item in delivery.ready
        for student in item.students
    ]
    write_files(out, files)
    console = make_console(stderr=False)
    console.print(f"{len(files)} letters in {out}")
    for line in show_held(delivery.held):
        console.print(line)
