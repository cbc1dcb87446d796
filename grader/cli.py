"""The command line: the only module that prints or exits. Heavy imports wait until there is work."""

from __future__ import annotations

import re
import sys
import textwrap
import traceback
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from grader import __version__
from grader.errors import ConfigError, Exit, GraderError, InfrastructureError, NothingFoundError, worst

if TYPE_CHECKING:
    from rich.console import Console

    from grader.course import Course
    from grader.model import Mark, Marksheet
    from grader.sandbox import Lodgings

MARKSHEETS_SCHEMA = "grader/marksheets/1"

EPILOG = """
\b
Examples:
  grade submissions/99521082            one hand-in (a folder with a report and a notebook)
  grade submissions/                    every hand-in of a class folder
  grade alice bob --out /tmp/graded     two hand-ins, results elsewhere
  grade submissions/ --json - | jq .    all marksheets as one JSON object
\b
For every hand-in two files are written:
  graded/<id>/marksheet.json    every mark with its evidence; for staff
  graded/<id>/feedback.html     one self-contained page for the student
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


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 118})
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("graded"), show_default=True,
              metavar="DIR", help="Parent folder of the results.")  # fmt: skip
@click.option("--course", "root", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The course's root: the folder that holds rubrics/, reference/ and templates/.")  # fmt: skip
@click.option("--rubric", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="The rubric to mark by.")  # fmt: skip
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
              help="Where notebooks run; auto takes a GPU when there is one.")  # fmt: skip
@click.option("--unsafe-no-sandbox", "unsafe", is_flag=True,
              help="Run notebooks on the open machine, with your own rights: for your own notebooks only.")  # fmt: skip
@click.option("--json", "json_path", metavar="FILE|-", help="Also write all marksheets to FILE, or to standard output.")
@click.option("--fail-under", type=click.FloatRange(min=0), metavar="MARKS",
              help="Exit with 1 when a settled total is below this.")  # fmt: skip
@click.version_option(__version__, prog_name="grade")
def grade(paths: tuple[Path, ...], out: Path, root: Path | None, rubric: Path | None, device: str,
          unsafe: bool, json_path: str | None, fail_under: float | None) -> None:  # fmt: skip
    """Mark hand-ins: read the report, run the notebook, compare, and write a marksheet and a feedback page.

    PATH is one hand-in (a folder, or a single .md or .ipynb file), or a class folder with a folder for each student.
    Nothing that a student handed in can change another's marks; what cannot be read is left to a person and is never
    a zero.
    """
    console = _console(stderr=json_path == "-")
    progress = _console(stderr=True)
    _check_device(device)
    sheets, codes = _grade_all(_open(paths, root, rubric), out, (device, unsafe), console, progress)
    if json_path:
        _write_json(json_path, sheets)
    if fail_under is not None:
        limit = Decimal(str(fail_under))
        codes += [Exit.BELOW for sheet in sheets if sheet.awarded is not None and sheet.awarded < limit]
    sys.exit(worst(codes))


def main() -> None:
    """Run the command line and turn every error into a sentence and its exit code."""
    try:
        grade(standalone_mode=False)
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


def _open(paths: Sequence[Path], root: Path | None, rubric: Path | None) -> list[tuple[Course, Path]]:
    """Return each hand-in with its course; every configuration problem is raised before the first is opened."""
    from grader.course import load_course
    from grader.intake import find_submissions

    folders = find_submissions(paths)
    if not folders:
        raise NothingFoundError(f"no hand-in found under {', '.join(map(str, paths))}")
    courses: dict[Path, Course] = {}
    for folder in folders:
        parent = folder.resolve().parent
        if parent not in courses:
            courses[parent] = load_course([folder], root=root, rubric=rubric, class_folder=parent)
    _refuse_same_names(folders)
    return [(courses[folder.resolve().parent], folder) for folder in folders]


def _refuse_same_names(folders: Iterable[Path]) -> None:
    """Raise ConfigError where two hand-ins would be written to one place."""
    from grader.intake import student_id

    seen: dict[str, Path] = {}
    for folder in folders:
        name = student_id(folder)
        if name in seen:
            raise ConfigError(
                f"two hand-ins have the name {name}: {seen[name]} and {folder}; grade them with two --out folders"
            )
        seen[name] = folder


def _grade_all(
    work: Sequence[tuple[Course, Path]], out: Path, how: tuple[str, bool], console: Console, progress: Console
) -> tuple[list[Marksheet], list[Exit]]:
    """Grade, write and show every hand-in; one that fails for our fault does not stop the others.

    ``how`` says on which device notebooks run and whether on the open machine. Raises NoRoomError, before the first
    hand-in is opened, where there are notebooks and no sealed room for them.
    """
    from contextlib import ExitStack, suppress

    from grader.feedback import load_templates
    from grader.pipeline import open_lodgings

    courses = {id(course): course for course, _ in work}
    for course in courses.values():
        load_templates(course.root)
    with ExitStack() as stack:
        lodgings = {key: open_lodgings(course, device=how[0], unsafe=how[1]) for key, course in courses.items()}
        for key, place in lodgings.items():
            if place is not None:
                stack.callback(place.close)
                if any(id(course) == key and _has_notebook(folder) for course, folder in work):
                    with progress.status("preparing the room for notebooks"), suppress(OSError):
                        place.start()  # what else is wrong, as with the data, is said of each notebook
                    for note in place.notes:
                        progress.print(f"grade: {note}")
        return _grade_each(work, out, lodgings, console, progress)


def _has_notebook(path: Path) -> bool:
    return path.suffix == ".ipynb" or (path.is_dir() and any(path.rglob("*.ipynb")))


def _grade_each(
    work: Sequence[tuple[Course, Path]],
    out: Path,
    lodgings: Mapping[int, Lodgings | None],
    console: Console,
    progress: Console,
) -> tuple[list[Marksheet], list[Exit]]:
    sheets: list[Marksheet] = []
    codes: list[Exit] = []
    for number, (course, folder) in enumerate(work, 1):
        prefix = f"[{number}/{len(work)}] " if len(work) > 1 else ""
        try:
            sheet = _grade_one(course, folder, out, lodgings[id(course)], progress, prefix)
        except InfrastructureError as error:
            progress.print(f"grade: {folder}: {error}")
            codes.append(Exit.INFRASTRUCTURE)
            continue
        except GraderError:
            raise
        except Exception:  # a bug of ours: this hand-in stays ungraded, with the traceback for staff; the class goes on
            progress.print(f"grade: {folder}: the grader failed and marked nothing\n{traceback.format_exc()}")
            codes.append(Exit.INFRASTRUCTURE)
            continue
        sheets.append(sheet)
        codes += _codes(sheet)
        _show(sheet, out, console)
    return sheets, codes


def _grade_one(
    course: Course, folder: Path, out: Path, lodgings: Lodgings | None, progress: Console, prefix: str
) -> Marksheet:
    from grader.codec import build_marksheet, render_json, write_text
    from grader.feedback import render_feedback
    from grader.pipeline import grade_submission

    def say(stage: str) -> None:
        status.update(f"{prefix}{folder.name}: {stage}")
        if not progress.is_terminal:
            progress.print(f"{prefix}{folder.name}: {stage}")

    with progress.status(f"{prefix}{folder.name}") as status:
        sheet = grade_submission(course, folder, lodgings=lodgings, progress=say)
        page = render_feedback(sheet, course.root)
        target = out / sheet.submission
        write_text(target / "marksheet.json", render_json(build_marksheet(sheet)))
        write_text(target / "feedback.html", page)
    return sheet


def _codes(sheet: Marksheet) -> list[Exit]:
    """Return the exit codes that one marksheet asks for."""
    codes = [Exit.GRADED if sheet.status == "final" else Exit.NEEDS_REVIEW]
    if any(mark.evidence.verdict == "ungraded" for mark in sheet.marks):
        codes.append(Exit.INFRASTRUCTURE)
    return codes


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
    waiting = [mark.criterion for mark in sheet.marks if mark.awarded is None]
    if waiting:
        open_marks = sum((mark.available for mark in sheet.marks if mark.awarded is None), Decimal(0))
        console.print(
            f"So far {_marks(sheet.awarded_so_far)} of {_marks(sheet.available)}; a person must still look at "
            f"{', '.join(waiting)} ({_marks(open_marks)} marks)."
        )
    else:
        console.print(f"Total {_marks(sheet.awarded)} of {_marks(sheet.available)}.")
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


def _write_json(target: str, sheets: Sequence[Marksheet]) -> None:
    from grader.codec import build_marksheet, render_json, write_text

    text = render_json({"schema": MARKSHEETS_SCHEMA, "marksheets": [build_marksheet(sheet) for sheet in sheets]})
    if target == "-":
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    else:
        write_text(Path(target), text)
