"""The command line: the only module that prints or exits. Heavy imports wait until there is work."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from grader import ONE_THREAD, __version__
from grader.errors import ConfigError, Exit, GraderError, NothingFoundError, worst

if TYPE_CHECKING:
    from rich.console import Console

    from grader.batch.events import Event, Job
    from grader.batch.progress import ClassSummary
    from grader.batch.run import Executor
    from grader.batch.store import Store
    from grader.course import Course
    from grader.intake import HandIn, Intake, Roster
    from grader.model import Mark, Marksheet

# The keys of grader.intake.LAYOUTS, which would have to be imported for --help.
LAYOUTS = ("gradescope", "moodle", "classroom50", "gh-classroom", "canvas", "plain")
MARKSHEETS_SCHEMA = "grader/marksheets/1"

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

TRY_EPILOG = """
\b
Examples:
  grade try q2a --text '$y_t - \\hat y_t$'     one answer
  grade try q3b answer.md                      from a file
  grade try q4_train notebooks/Q4.ipynb        a notebook, run in a sealed room
  grade try q2a --cases tests/cases/formula.yaml
\b
A row of a table of cases, and what else it may have:
  - {answer: '$\\hat y - y$', verdict: correct}
  - {answer: '...', verdict: partial, also_ok: [wrong], format: python, criterion: q2b, answers: {q2a: '...'}}
\b
Exit code 1: an answer was decided otherwise than its row says. One that is left to a person lowers coverage only.
"""

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 118}
_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for on the command line, besides which hand-ins."""

    out: Path
    root: Path | None = None
    rubric: Path | None = None
    device: str = "auto"
    unsafe: bool = False
    jobs: int | None = None
    only: tuple[str, ...] = ()
    fresh: bool = False
    repeat: int = 1
    roster: Path | None = None
    layout: str | None = None
    name_regex: str | None = None
    allow_strangers: bool = False
    times: Path | None = None
    scheduler: str | None = None
    cluster: str | None = None
    emit_sbatch: Path | None = None
    part: Path | None = None


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


def _course_options(command: Any) -> Any:
    """Add the options that every command about a class takes."""
    for option in (
        click.option("--rubric", type=_FILE, metavar="FILE", help="The rubric to mark by."),
        click.option("--course", "root", type=_FOLDER, metavar="DIR",
                     help="The course's root: the folder that holds rubrics/, reference/ and templates/."),
        click.option("--out", type=_FOLDER, default=Path("graded"), show_default=True, metavar="DIR",
                     help="Parent folder of the results."),
        click.option("--roster", type=_FILE, metavar="FILE",
                     help="A CSV of the class: student_id, and if you like name, email, canvas_id, moodle_id, github, "
                          "section, group. Hand-ins are matched on any of these, and everybody has a row in the "
                          "gradebook. A hand-in of nobody on it, or a second one, stops the run before it begins."),
        click.option("--allow-strangers", is_flag=True,
                     help="Grade hand-ins of people who are not on the roster as well."),
        click.option("--layout", type=click.Choice(LAYOUTS), metavar="NAME",
                     help=f"How the hand-ins lie under PATH, if that is not recognised: {', '.join(LAYOUTS)}."),
        click.option("--name-regex", metavar="REGEX",
                     help="Sort the files under PATH by their paths: (?P<student_id>...), and if you like "
                          "(?P<file_id>...) and (?P<timestamp>...), as in nbgrader."),
        click.option("--times", type=_FILE, metavar="FILE",
                     help="A CSV student_id,submitted_at: when each was handed in, for the rubric's deadline."),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
                     help="Where notebooks run; auto takes a GPU when there is one."),
        click.option("--unsafe-no-sandbox", "unsafe", is_flag=True,
                     help="Run notebooks on the open machine, with your own rights: for your own notebooks only."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command(epilog=EPILOG, context_settings=SETTINGS)
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=Path))
@_course_options
@click.option("--jobs", type=click.IntRange(min=1), metavar="N",
              help="Hand-ins at a time (default: what cores and memory allow).")  # fmt: skip
@click.option("--only", multiple=True, metavar="ID", help="Of a class, only this hand-in; may be given several times.")
@click.option("--fresh", is_flag=True, help="Do everything again, whatever is stored.")
@click.option("--repeat", type=click.IntRange(min=1), default=1, metavar="N",
              help="Run each notebook N times; a verdict that moves waits for a person.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Grade on the workers of a Dask scheduler, as tcp://host:8786.")
@click.option("--cluster", type=click.Choice(["slurm", "local"]),
              help="Grade on a Dask cluster of our own: Slurm jobs, or processes here.")  # fmt: skip
@click.option("--emit-sbatch", type=_FOLDER, metavar="DIR",
              help="Grade nothing, but write a Slurm array job to DIR (no Dask needed).")  # fmt: skip
@click.option("--part", type=_FILE, hidden=True, help="One task of such an array job.")
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
    console, progress = _console(stderr=json_path == "-"), _console(stderr=True)
    _check_device(how.device)
    outcome = _grade_all(paths, how, console, progress)
    if json_path:
        _write_json(json_path, how.out, outcome.students)
    if fail_under is not None and outcome.lowest is not None and outcome.lowest < fail_under:
        outcome.codes.add(Exit.BELOW)
    sys.exit(worst(outcome.codes))


@click.command(context_settings=SETTINGS)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_course_options
def status(paths: tuple[Path, ...], **options: Any) -> None:
    """Show what is done, what is out of date, what failed, and what waits for a person. Grades nothing."""
    from grader.batch.report import find_states

    how = Options(**options)
    console = _console(stderr=False)
    states: Counter[str] = Counter()
    for course, hand_ins in _open(paths, how, _load_intake(how, _console(stderr=True))):
        for state in find_states(course, _build_job(course, hand_ins[0], how), hand_ins):
            states[state.name] += 1
            if state.name != "done":
                console.print(f"{state.student}: {state.name}{f' ({state.why})' if state.why else ''}")
    console.print(", ".join(f"{count} {name}" for name, count in sorted(states.items())))


@click.command(context_settings=SETTINGS)
@click.argument("runs", metavar="[RUN [RUN]]", nargs=-1, type=click.IntRange(min=1))
@click.option("--out", type=_FOLDER, default=Path("graded"), show_default=True, metavar="DIR",
              help="The results folder.")  # fmt: skip
def diff(runs: tuple[int, ...], out: Path) -> None:
    """Show whose marks changed between two runs, and why.

    Runs are numbered; without a number the last two that changed anything are compared, with one that run and the last.
    """
    from grader.batch.report import find_changes

    console = _console(stderr=False)
    for line in find_changes(out, runs):
        console.print(line)


@click.command("try", epilog=TRY_EPILOG, context_settings=SETTINGS)
@click.argument("criterion", required=False)
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--text", metavar="TEXT", help="The answer itself.")
@click.option("--cases", type=_FILE, metavar="FILE", help="A YAML list of rows {answer, verdict}.")
@click.option("--format", "form", type=click.Choice(["latex", "unicode", "python", "machine-read"]),
              help="How --text or FILE is written; machine-read for what a program read from a scan.")  # fmt: skip
@click.option("--rubric", type=_FILE, metavar="FILE", help="The rubric to mark by.")
@click.option("--course", "root", type=_FOLDER, metavar="DIR",
              help="The course's root: the folder that holds rubrics/, reference/ and templates/.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def try_(
    criterion: str | None,
    file: Path | None,
    text: str | None,
    cases: Path | None,
    form: str | None,
    rubric: Path | None,
    root: Path | None,
    as_json: bool,
) -> None:
    """Try the rubric on an answer: what is read, the verdict, the credit, and why. Writes nothing.

    The answer is --text, or FILE (- for standard input; a notebook for the criteria that ask for one). With --cases
    many answers are tried, and coverage, precision and every disagreement are shown.
    """
    from grader.codec import render_json
    from grader.course import load_course
    from grader.workbench.trial import build_case, build_report, load_cases, print_trials, try_cases

    if sum(item is not None for item in (file, text, cases)) != 1:
        raise click.UsageError("Give one of FILE, --text TEXT and --cases FILE.")
    if criterion is None and cases is None:
        raise click.UsageError("Missing argument 'CRITERION'.")
    course = load_course([], root=root, rubric=rubric, class_folder=None)
    if cases is not None:
        rows = load_cases(cases, criterion, course)
    else:
        rows = [build_case(course, str(criterion), text=text, file=file, machine_read=form == "machine-read")]
    console, progress = _console(stderr=False), _console(stderr=True)
    with progress.status("trying") as shown:
        folder = cases.parent if cases is not None else Path()
        trials = try_cases(course, rows, folder, tell=lambda number: shown.update(f"tried {number} of {len(rows)}"))
    if as_json:
        console.out(render_json(build_report(criterion, trials)), end="")
    else:
        print_trials(trials, console, progress)
    if any(trial.agrees is False and trial.evidence.decided for trial in trials):
        sys.exit(Exit.BELOW)


@click.command(context_settings=SETTINGS)
@click.option("--rubric", type=_FILE, metavar="FILE", help="The rubric to look at.")
@click.option("--course", "root", type=_FOLDER, metavar="DIR",
              help="The course's root: the folder that holds rubrics/, reference/ and templates/.")  # fmt: skip
def check(rubric: Path | None, root: Path | None) -> None:
    """Check the course: rubric, reference and templates, and every accepted formula against automatic differentiation.

    Every mistake is told with its line. Exit code 2: something is to be mended.
    """
    from grader.course import load_course
    from grader.workbench.check import check_course

    course = load_course([], root=root, rubric=rubric, class_folder=None, again=True)
    console, progress = _console(stderr=False), _console(stderr=True)
    with progress.status("checking") as shown:
        proofs = check_course(course, lambda text: shown.update(f"checking: {text}"))
    for proof in proofs:
        verdict = proof.wrong or f"proved ({proof.oracle}, to {proof.gap:.0e})"
        console.print(f"{proof.criterion} {proof.reading}: {verdict}")
    if wrong := sum(bool(proof.wrong) for proof in proofs):
        _die(f"{wrong} accepted formulas are not what their oracle gives", Exit.CONFIG)
    console.print(
        f"{course.rubric_path}: {len(course.rubric.criteria)} criteria, {course.rubric.available} marks: in order"
    )


COMMANDS = {"status": status, "diff": diff, "try": try_, "check": check}


def main() -> None:
    """Run the command line and turn every error into a sentence and its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    os.environ.update(ONE_THREAD)
    try:
        if name in COMMANDS:
            COMMANDS[name].main(sys.argv[2:], prog_name=f"grade {name}", standalone_mode=False)
        else:
            grade.main(sys.argv[1:], prog_name="grade", standalone_mode=False)
        sys.exit(Exit.GRADED)
    except click.exceptions.Abort:
        _die("interrupted: what was finished is stored", Exit.INTERRUPTED)
    except KeyboardInterrupt:
        _die("interrupted: what was finished is stored", Exit.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.CONFIG)
    except ConfigError as error:
        lines = [str(problem) for problem in error.problems] or [str(error)]
        head = f"{len(lines)} problems:\n" if len(lines) > 1 else ""
        _die(head + "\n".join(lines), error.exit_code)
    except GraderError as error:
        _die(str(error), error.exit_code)


def _die(message: str, code: Exit) -> None:
    Defused(sys.stderr).write(f"grade: {message}\n")
    sys.exit(code)


def _console(*, stderr: bool) -> Console:
    """Return a console; where nobody watches (a pipe, CI) lines are plain and 110 wide."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 110
    file: Any = Defused(stream)
    return Console(file=file, stderr=stderr, width=width, highlight=False, emoji=False, markup=False)


class Defused:
    """A stream without commands for GitHub's runners: names of files and words of notebooks are printed as well."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text`` with its commands taken apart."""
        return self._stream.write(re.sub(r"(?m)^(\s*:)(?=:)|(##)(?=\[)", r"\g<0> ", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _check_device(device: str) -> None:
    """Raise ConfigError where a GPU is asked for and none can be used: marks must not come from another device."""
    if device != "cuda":
        return
    from importlib.metadata import version

    from grader.sandbox import find_device

    if find_device("auto", version("torch")) != "cuda":
        raise ConfigError(
            "--device cuda: no GPU that torch can use is here (take --device auto, or install torch with CUDA)"
        )


def _load_intake(how: Options, progress: Console) -> Intake:
    """Return how hand-ins are found. Raises ConfigError for a roster or a pattern that is in no order."""
    from grader.intake import Intake, compile_pattern, load_roster

    if how.layout is not None and how.name_regex is not None:
        raise click.UsageError("Give one of --layout and --name-regex.")
    return Intake(
        layout=how.layout,
        name_pattern=compile_pattern(how.name_regex) if how.name_regex is not None else None,
        roster=load_roster(how.roster) if how.roster else None,
        allow_strangers=how.allow_strangers,
        tell=lambda text: progress.print(f"grade: {text}"),
    )


def _open(paths: Sequence[Path], how: Options, intake: Intake) -> list[tuple[Course, list[HandIn]]]:
    """Return the hand-ins by class folder, each with its course; every problem is raised before the first is opened."""
    from grader.course import load_course
    from grader.intake import find_hand_ins

    hand_ins = _read_part(how.part) if how.part else find_hand_ins(paths, intake)
    if not hand_ins:
        raise NothingFoundError(f"no hand-in found under {', '.join(map(str, paths))}")
    found: dict[str, list[HandIn]] = {}
    for hand_in in hand_ins:
        found.setdefault(hand_in.class_folder, []).append(hand_in)
    if missing := set(how.only) - {hand_in.student for hand_in in hand_ins}:
        raise ConfigError(f"--only {', '.join(sorted(missing))}: no such hand-in under {', '.join(map(str, paths))}")
    return [
        (
            load_course(
                [item.path for item in group],
                root=how.root,
                rubric=how.rubric,
                class_folder=Path(folder),
                times=how.times,
            ),
            group,
        )
        for folder, group in found.items()
    ]


def _build_job(course: Course, hand_in: HandIn, how: Options) -> Job:
    from grader.batch.events import Job
    from grader.sandbox import find_device, find_version

    return Job(
        course=str(course.root.resolve()),
        rubric=str(course.rubric_path.resolve()),
        class_folder=hand_in.class_folder,
        out=str(how.out.resolve()),
        times=str(how.times.resolve()) if how.times else "",
        device=find_device(how.device, find_version("torch") or ""),
        unsafe=how.unsafe,
        fresh=how.fresh,
        repeat=how.repeat,
    )


def _grade_all(paths: Sequence[Path], how: Options, console: Console, progress: Console) -> Outcome:
    """Grade, write and show every hand-in; one that fails for our fault does not stop the others.

    Raises StoppedError, before the first hand-in is opened, where there are notebooks and no sealed room for them.
    """
    from grader.batch.deadlines import check_deadlines
    from grader.batch.progress import ClassSummary
    from grader.batch.store import Store
    from grader.feedback import load_templates

    intake = _load_intake(how, progress)
    classes = _open(paths, how, intake)
    for course, _ in classes:
        load_templates(course.root)
    # Whoever wrote the part of an array job has checked the whole.
    for note in check_deadlines(classes, times=how.times, roster=intake.roster) if how.part is None else ():
        progress.print(f"grade: {note}")
    if how.emit_sbatch is not None:
        _emit_sbatch(classes, paths, how, console)
        return Outcome()
    total, outcome = ClassSummary(), Outcome()
    store = Store(how.out)
    with store.held(shared=how.part is not None):
        try:
            for course, hand_ins in classes:
                _grade_class(course, hand_ins, how, total, outcome, progress)
        finally:
            if how.part is None:
                _keep_whole(store, classes, intake.roster)
    _show_all(outcome.students, total, how.out, console)
    return outcome


def _grade_class(
    course: Course, hand_ins: Sequence[HandIn], how: Options, total: ClassSummary, outcome: Outcome, progress: Console
) -> None:
    """Grade the hand-ins of one class folder, and show how it goes."""
    from grader.batch.progress import Watch
    from grader.batch.run import build_plan, run_plan

    hand_ins = [hand_in for hand_in in hand_ins if not how.only or hand_in.student in how.only]
    job = _build_job(course, hand_ins[0], how)
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


def _keep_whole(store: Store, classes: Sequence[tuple[Course, list[HandIn]]], roster: Roster | None) -> None:
    """Keep what the class is now, for ``grade diff`` and for people."""
    from grader.batch.run import keep_run
    from grader.batch.whole import write_whole

    course = classes[0][0]
    marksheets = store.list_marksheets()
    keep_run(store, course.digests, marksheets)
    write_whole(store, course, marksheets, [item for _, hand_ins in classes for item in hand_ins], roster)


def _read_part(path: Path) -> list[HandIn]:
    from grader.batch.slurm import read_part
    from grader.intake import read_hand_in

    return [read_hand_in(item) for item in read_part(path)]


def _emit_sbatch(
    classes: Sequence[tuple[Course, list[HandIn]]], paths: Sequence[Path], how: Options, console: Console
) -> None:
    """Write an array job for every class, and say how to start it."""
    from grader.batch.slurm import emit_sbatch

    assert how.emit_sbatch is not None  # noqa: S101  # asked by the caller
    for number, (course, hand_ins) in enumerate(classes):
        folder = how.emit_sbatch / f"class-{number}" if len(classes) > 1 else how.emit_sbatch
        job = _build_job(course, hand_ins[0], how)
        packed = [hand_in.pack() for hand_in in hand_ins]
        written = emit_sbatch(
            job,
            packed,
            folder,
            tasks=how.jobs or min(len(packed), 100),
            last_options=[*_repeat_intake(how)],
            whole=_find_paths(paths, Path(hand_ins[0].class_folder)),
        )
        console.print(f"{len(written)} files in {folder}; to start it: bash {folder / 'submit.sh'}")


def _find_paths(paths: Sequence[Path], class_folder: Path) -> list[str]:
    """Return those of the paths that mean hand-ins of this class."""
    resolved = [path.resolve() for path in paths]
    return [str(path) for path in resolved if class_folder in (path, path.parent, path / "submissions")]


def _repeat_intake(how: Options) -> Iterator[str]:
    """Yield the options by which the same hand-ins are found again."""
    if how.roster:
        yield from ("--roster", str(how.roster.resolve()))
    if how.allow_strangers:
        yield "--allow-strangers"
    for name, value in (("--layout", how.layout), ("--name-regex", how.name_regex)):
        if value is not None:
            yield from (name, value)


_MOST_TABLES = 3


def _show_all(students: Sequence[str], total: ClassSummary, out: Path, console: Console) -> None:
    """Print each of a few marksheets, else the class in a table."""
    from grader.batch.store import MARKSHEET
    from grader.codec import read_marksheet

    if len(students) > _MOST_TABLES:
        total.print_summary(console)
        console.print(f"  {out / 'class.html'}\n  {out / 'gradebook.csv'}")
        return
    for student in students:
        _show(read_marksheet((out / student / MARKSHEET).read_text(encoding="utf-8")), out, console)


MARKS = {"correct": "✓", "partial": "◐", "wrong": "✗", "missing": "–", "unreadable": "?", "ungraded": "!"}
COLOURS = {"correct": "green", "partial": "yellow", "wrong": "red", "missing": "red"}


def _show(sheet: Marksheet, out: Path, console: Console) -> None:
    """Print the table of one hand-in, its total, and where the files are."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{sheet.submission} · {sheet.title}", title_justify="left", expand=False)
    table.add_column("Question", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Awarded", justify="right", no_wrap=True)
    table.add_column("of", justify="right", no_wrap=True)
    table.add_column("Why", overflow="fold")
    for mark in sheet.marks:
        verdict = mark.evidence.verdict
        style = COLOURS.get(verdict, "magenta")
        if mark.awarded is None and verdict != "ungraded":
            style = "magenta"
        table.add_row(
            Text(mark.criterion),
            Text(f"{MARKS[verdict]} {verdict}" + (" → person" if mark.evidence.review else ""), style),
            Text(_marks(mark.awarded)),
            Text(_marks(mark.available)),
            Text(_why(mark)),
        )
    console.print(table)
    if sheet.deductions:
        console.print(f"Earned {_marks(sheet.awarded_so_far + sheet.deducted)} of {_marks(sheet.available)}.")
    for deduction in sheet.deductions:
        console.print(f"  {deduction.reason}: -{_marks(deduction.marks)}")
    waiting = [mark.criterion for mark in sheet.marks if mark.awarded is None]
    if waiting:
        open_marks = sum((mark.available for mark in sheet.marks if mark.awarded is None), Decimal(0))
        console.print(
            f"So far {_marks(sheet.awarded_so_far)} of {_marks(sheet.available)}; a person must still look at "
            f"{', '.join(waiting)} ({_marks(open_marks)} marks)."
        )
    elif sheet.review:
        console.print(f"So far {_marks(sheet.awarded_so_far)} of {_marks(sheet.available)}.")
    else:
        console.print(f"Total {_marks(sheet.awarded)} of {_marks(sheet.available)}.")
    if sheet.review:
        console.print(f"  a person must look: {sheet.review.reason}")
    for finding in sheet.findings:
        console.print(f"  note: {finding.message}")
    console.print(f"  {out / sheet.submission / 'marksheet.json'}\n  {out / sheet.submission / 'feedback.html'}")


def _marks(value: Decimal | None) -> str:
    return "–" if value is None else f"{value.normalize():f}"


def _why(mark: Mark) -> str:
    """Return a few words on why: what a person must decide, else what was found, else what was read."""
    evidence = mark.evidence
    findings = [finding for finding in evidence.findings if finding.audience == "student"]
    parts = [f"reading: {evidence.reading}"] if evidence.reading else []
    if evidence.review:
        parts.append(evidence.review.reason)
    elif evidence.verdict != "correct" and findings:
        parts.append(findings[0].message)
    else:
        parts.append(str(evidence.observed.get("text", "")))
        noted = sorted({finding.code.partition(".")[2].replace("_", " ") for finding in findings})
        parts += [f"noted: {', '.join(noted)}"] if noted and not evidence.reading else []
    return textwrap.shorten("; ".join(filter(None, parts)), 100, placeholder=" …")


def _write_json(target: str, out: Path, students: Sequence[str]) -> None:
    import json

    from grader.batch.store import MARKSHEET
    from grader.codec import render_json, write_text

    found = [json.loads((out / student / MARKSHEET).read_text(encoding="utf-8")) for student in students]
    text = render_json({"schema": MARKSHEETS_SCHEMA, "marksheets": found})
    if target == "-":
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    else:
        write_text(Path(target), text)
