"""``grade try``: the rubric on one answer, or on a table of cases."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.cli.console import make_console
from grader.cli.options import FILE, FOLDER, SETTINGS
from grader.errors import Exit

EPILOG = """
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


@click.command("try", epilog=EPILOG, context_settings=SETTINGS)
@click.argument("criterion", required=False)
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--text", metavar="TEXT", help="The answer itself.")
@click.option("--cases", type=FILE, metavar="FILE", help="A YAML list of rows {answer, verdict}.")
@click.option("--format", "form", type=click.Choice(["latex", "unicode", "python", "machine-read"]),
              help="How --text or FILE is written; machine-read for what a program read from a scan.")  # fmt: skip
@click.option("--rubric", type=FILE, metavar="FILE", help="The rubric to mark by.")
@click.option("--course", "root", type=FOLDER, metavar="DIR",
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
    console, progress = make_console(stderr=False), make_console(stderr=True)
    with progress.status("trying") as shown:
        folder = cases.parent if cases is not None else Path()
        trials = try_cases(course, rows, folder, tell=lambda number: shown.update(f"tried {number} of {len(rows)}"))
    if as_json:
        console.out(render_json(build_report(criterion, trials)), end="")
    else:
        print_trials(trials, console, progress)
    if any(trial.agrees is False and trial.evidence.decided for trial in trials):
        sys.exit(Exit.BELOW)
