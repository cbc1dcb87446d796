"""``grade PATH...``: mark hand-ins."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader import __version__
from grader.cli.array_job import emit_array_job
from grader.cli.console import make_console
from grader.cli.options import (
    FILE,
    FOLDER,
    SETTINGS,
    Options,
    build_job,
    check_device,
    course_options,
    load_intake,
    open_classes,
)
from grader.cli.show import show_all, write_json
from grader.errors import Exit, worst

if TYPE_CHECKING:
    from rich.console import Console

    from grader.batch.events import Event
    from grader.batch.progress import ClassSummary
    from grader.batch.run import Executor
    from grader.batch.store import Store
    from grader.course import Course
    from grader.intake import HandIn, Roster

EPILOG = """
\b
Examples:
  grade submissions/99521082            one hand-in (a folder with a report and a notebook)
  grade submissions/                    every hand-in of a class folder, several at a time
  grade submissions/ --only alice       one of the class; the gradebook is brought up to date as well
  grade submissions.zip --roster r.csv  the download of Canvas, Moodle, Gradescope or Classroom 50, as it comes
  grade alice bob --out /tmp/graded     two hand-ins, results elsewhere
  grade submissions/ --json - | jq .    all marksheets as one JSON object
  grade status submissions/             what is done, out of date, failed, or waits for a person
  grade diff                            whose marks changed between the last two runs, and why
  grade mail graded/                    everybody's feedback as mail: to look at first, then to send
\b
For every hand-in two files are written, and for a class two more:
  graded/<id>/marksheet.json    every mark with its evidence; for staff
  graded/<id>/feedback.html     one self-contained page for the student
  graded/gradebook.csv          a row for every student
  graded/class.html             the class at a glance; for staff
\b
What is done is never done twice: run the same command again after a crash, and it goes on; after a change of marks in
the rubric, and everything is marked again from stored evidence, without running a notebook (graded/.store holds it).
\b
The course is the nearest parent folder of PATH (else of the working folder) that holds rubrics/. The assignment is the
rubric named with --rubric, else the `assignment:` of the class folder's class.yaml, else the only rubric there is.
\b
Exit codes:
  0  graded, whatever the marks         4  the grader or the machine failed
  1  a total is below --fail-under      5  no hand-in found under PATH
  2  wrong usage or configuration     130  interrupted
  3  something waits for a person
"""


@dataclass(slots=True)
class Outcome:
    """What a run came to: whose marksheets there are, the lowest settled total, and the exit codes asked for."""

    students: list[str] = field(default_factory=list)
    lowest: float | None = None
    codes: set[Exit] = field(default_factory=set)

    def add(self, event: Event) -> None:
        """Take note of a hand-in that has ended."""
        if event.kind == "failed":
            self.codes.add(Exit.INFRASTRUCTURE)
        elif event.summary is not None:
            summary = event.summary
            self.students.append(summary.student)
            self.codes.add(Exit.GRADED if summary.status == "final" else Exit.NEEDS_REVIEW)
            if summary.ungraded:
                self.codes.add(Exit.INFRASTRUCTURE)
            if summary.awarded is not None:
                self.lowest = min(summary.awarded, summary.awarded if self.lowest is None else self.lowest)


@click.command(epilog=EPILOG, context_settings=SETTINGS)
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=Path))
@course_options
@click.option("--jobs", type=click.IntRange(min=1), metavar="N",
              help="Hand-ins at a time (default: what cores and memory allow).")  # fmt: skip
@click.option("--only", multiple=True, metavar="ID", help="Of a class, only this hand-in; may be given several times.")
@click.option("--fresh", is_flag=True, help="Do everything again, whatever is stored.")
@click.option("--repeat", type=click.IntRange(min=1), default=1, metavar="N",
              help="Run each notebook N times; a verdict that moves waits for a person.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Grade on the workers of a Dask scheduler, as tcp://host:8786.")
@click.option("--cluster", type=click.Choice(["slurm", "local"]),
              help="Grade on a Dask cluster of our own: Slurm jobs, or processes here.")  # fmt: skip
@click.option("--emit-sbatch", type=FOLDER, metavar="DIR",
              help="Grade nothing, but write a Slurm array job to DIR (no Dask needed).")  # fmt: skip
@click.option("--part", type=FILE, hidden=True, help="One task of such an array job.")
@click.option("--json", "json_path", metavar="FILE|-", help="Also write all marksheets to FILE, or to standard output.")
@click.option("--fail-under", type=click.FloatRange(min=0), metavar="MARKS",
              help="Exit with 1 when a settled total is below this.")  # fmt: skip
@click.version_option(__version__, prog_name="grade")
def grade(paths: tuple[Path, ...], json_path: str | None, fail_under: float | None, **options: Any) -> None:
    """Mark hand-ins: read the report, run the notebook, compare, and write a marksheet and a feedback page.

    PATH is one hand-in (a folder, an archive, or a single file such as .md or .ipynb), or a class: a folder with a
    folder or an archive for each student, or the download of a learning platform, unpacked or as it comes.
    Nothing that a student handed in can change another's marks; what cannot be read is left to a person and is never
    a zero.
    """
    how = Options(**options)
    if not paths and how.part is None:
        raise click.UsageError("Missing argument 'PATH...'.")
    console, progress = make_console(stderr=json_path == "-"), make_console(stderr=True)
    check_device(how.device)
    outcome = _grade_all(paths, how, console, progress)
    if json_path:
        write_json(json_path, how.out, outcome.students)
    if fail_under is not None and outcome.lowest is not None and outcome.lowest < fail_under:
        outcome.codes.add(Exit.BELOW)
    sys.exit(worst(outcome.codes))


def _grade_all(paths: Sequence[Path], how: Options, console: Console, progress: Console) -> Outcome:
    """Grade, write and show every hand-in; one that fails for our fault does not stop the others.

    Raises StoppedError, before the first hand-in is opened, where there are notebooks and no sealed room for them.
    """
    from grader.batch.deadlines import check_deadlines
    from grader.batch.progress import ClassSummary
    from grader.batch.store import Store
    from grader.feedback import load_templates

    intake = load_intake(how, progress)
    classes = open_classes(paths, how, intake)
    for course, _ in classes:
        load_templates(course.root)
    # Whoever wrote the part of an array job has checked the whole.
    for note in check_deadlines(classes, times=how.times, roster=intake.roster) if how.part is None else ():
        progress.print(f"grade: {note}")
    if how.emit_sbatch is not None:
        emit_array_job(classes, paths, how, console)
        return Outcome()
    total, outcome = ClassSummary(), Outcome()
    store = Store(how.out)
    with store.held(shared=how.part is not None):
        try:
            for course, hand_ins in classes:
                _grade_class(course, hand_ins, how, total, outcome, progress)
        finally:
            if how.part is None:
                _keep_whole(store, classes, intake.roster, how)
    show_all(outcome.students, total, how.out, console)
    return outcome


def _grade_class(
    course: Course, hand_ins: Sequence[HandIn], how: Options, total: ClassSummary, outcome: Outcome, progress: Console
) -> None:
    """Grade the hand-ins of one class folder, and show how it goes."""
    from grader.batch.progress import Watch
    from grader.batch.run import build_plan, run_plan

    hand_ins = [hand_in for hand_in in hand_ins if not how.only or hand_in.student in how.only]
    job = build_job(course, hand_ins[0], how)
    with progress.status("looking for what must be done"):
        plan = build_plan(course, job, hand_ins)
    notes: set[str] = set()

    def tell(event: Event) -> None:
        if event.kind == "note" and event.text and event.text not in notes:
            notes.add(event.text)
            progress.print(f"grade: {event.text}")
        watch.take(event)
        total.add(event)
        outcome.add(event)

    with Watch(progress, len(hand_ins), unchanged=len(plan.unchanged)) as watch:
        run_plan(plan, tell, jobs=how.jobs, executor=_choose_executor(how))


def _choose_executor(how: Options) -> Executor | None:
    """Return who does the work where it is not this machine by itself."""
    if how.scheduler is None and how.cluster is None:
        return None
    from functools import partial

    from grader.batch.dask import run_dask

    return partial(run_dask, scheduler=how.scheduler, cluster=how.cluster, jobs=how.jobs)


def _keep_whole(
    store: Store, classes: Sequence[tuple[Course, list[HandIn]]], roster: Roster | None, how: Options
) -> None:
    """Keep what the class is now, for ``grade diff`` and for people."""
    from grader.batch.classes import GradedClass, keep_classes
    from grader.batch.run import keep_run
    from grader.batch.whole import write_whole

    course = classes[0][0]
    marksheets = store.list_marksheets()
    keep_run(store, course.digests, marksheets)
    path = str(how.roster.resolve()) if how.roster else ""
    keep_classes(
        store,
        [
            GradedClass(job=build_job(course, hand_ins[0], how), hand_ins=tuple(hand_ins), roster=path)
            for course, hand_ins in classes
        ],
    )
    write_whole(store, course, marksheets, [item for _, hand_ins in classes for item in hand_ins], roster)
