"""Single answers tried on a criterion, by hand or from a table of cases: what was read, and how it was decided."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.codec import build_evidence, load_text, read_yaml
from grader.course import Course
from grader.errors import ConfigError, Problem
from grader.kinds import Context
from grader.kinds.addressed import leave_out_pleas
from grader.model import Answer, Evidence, Verdict
from grader.pipeline import check, check_submission, execute, open_hand_in, open_lodgings

_LONGEST = 300
FORMATS = ("latex", "unicode", "python", "machine-read")
_FIELDS = frozenset(
    "criterion answer verdict also_ok format machine_read state answers why reading finding review credit".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One answer to try. ``expected`` holds the verdicts that agree, the wanted one first; none where nobody says.

    ``answers`` are the same student's answers to other criteria. ``unused`` are fields of the row that mean nothing.
    """

    criterion: str
    answer: str
    expected: tuple[str, ...] = ()
    machine_read: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A case and what came of it."""

    case: Case
    evidence: Evidence

    @property
    def agrees(self) -> bool | None:
        """Whether it was decided as expected, or left to a person where that is expected; None if nobody says."""
        expected = self.case.expected
        if not expected:
            return None
        if self.evidence.decided:
            return self.evidence.verdict in expected
        return "unreadable" in expected

    @property
    def should_be_decided(self) -> bool:
        """Whether a verdict is expected that needs no person."""
        return bool(self.case.expected) and self.case.expected[0] != "unreadable"


def load_cases(path: Path, criterion: str | None, course: Course) -> list[Case]:
    """Return the rows of a YAML file of cases; ``criterion`` is for rows without one of their own.

    A row has ``answer`` and ``verdict`` ("correct", or "partial|wrong" where both are right), and may have ``also_ok``,
    ``format`` (latex, unicode, python, machine-read), ``criterion`` and ``answers``. Raises ConfigError with every
    problem.
    """
    rows, lines, problems = read_yaml(load_text(path), str(path))
    if not isinstance(rows, list):
        problems = [*problems, Problem(file=str(path), message="a list of rows is needed, each {answer, verdict}")]
    if problems:
        raise ConfigError(problems)
    cases = []
    for number, row in enumerate(rows):
        try:
            cases.append(_read_row(row, criterion, course))
        except ValueError as error:
            problems.append(
                Problem(file=str(path), line=lines.get((number,)), where=f"row {number + 1}", message=str(error))
            )
    if problems:
        raise ConfigError(problems)
    return cases


def _read_row(row: Any, criterion: str | None, course: Course) -> Case:
    if not isinstance(row, dict) or not isinstance(row.get("answer", ""), str | int | float):
        raise ValueError("a row is {answer: text, verdict: ...}, the text in quotes")
    chosen = row.get("criterion", criterion)
    if chosen is None:
        raise ValueError("no criterion: name one in the row, or on the command line")
    find_question(course, chosen)
    also = row.get("also_ok", [])
    expected = (*str(row.get("verdict", "")).split("|"), *([also] if isinstance(also, str) else also))
    if unknown := [verdict for verdict in expected if verdict not in get_args(Verdict)]:
        raise ValueError(f"no such verdict: {unknown[0]!r} (one of {', '.join(get_args(Verdict))})")
    if row.get("format", FORMATS[0]) not in FORMATS:
        raise ValueError(f"no such format: {row['format']!r} (one of {', '.join(FORMATS)})")
    return Case(
        criterion=chosen,
        answer=str(row.get("answer", "")),
        expected=expected,
        machine_read=row.get("format") == "machine-read" or row.get("machine_read") is True,
        answers=row.get("answers", {}),
        unused=tuple(sorted(set(row) - _FIELDS)),
    )


def find_question(course: Course, criterion: str) -> Any:
    """Return a criterion's question. Raises ValueError where the rubric has no such criterion."""
    questions = {item.id: item.question for item in course.rubric.criteria}
    if criterion not in questions:
        raise ValueError(f"the rubric has no criterion {criterion!r} (it has {', '.join(questions)})")
    return questions[criterion]


def build_case(course: Course, criterion: str, *, text: str | None, file: Path | None, machine_read: bool) -> Case:
    """Return one answer to try, which nobody has a verdict for: ``text``, what ``file`` holds, or a notebook's path.

    Raises ConfigError.
    """
    try:
        kind = find_question(course, criterion).kind
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if kind == "notebook":
        if file is None:
            raise ConfigError(f"{criterion} asks for a notebook: give its path (.ipynb, or the hand-in's folder)")
        return Case(criterion=criterion, answer=str(file))
    if text is None and file is not None:
        text = sys.stdin.read() if str(file) == "-" else load_text(file)
    return Case(criterion=criterion, answer=text or "", machine_read=machine_read)


def try_cases(
    course: Course, cases: Sequence[Case], folder: Path, *, device: str = "cpu", tell: Callable[[int], None]
) -> list[Trial]:
    """Return what becomes of each case; ``tell`` hears how many are done.

    The answer to a question about a notebook is the notebook's path, beside ``folder``. Raises ConfigError where it is
    not there, NoRoomError where notebooks cannot be run.
    """
    trials, runs = [], _Runs(course, device)
    try:
        for number, case in enumerate(cases, 1):
            if find_question(course, case.criterion).kind == "notebook":
                evidence = runs.check(folder / case.answer, case.criterion)
            else:
                evidence = check_text(course, case)
            trials.append(Trial(case=case, evidence=evidence))
            tell(number)
    finally:
        runs.close()
    return trials


def check_text(course: Course, case: Case) -> Evidence:
    """Return the evidence on a written answer."""
    answers = {
        name: leave_out_pleas(
            Answer(
                question=name, state="given" if text.strip() else "missing", text=text, machine_read=case.machine_read
            )
        )
        for name, text in {**case.answers, case.criterion: case.answer}.items()
    }
    context = Context(
        seed=course.seed(""),
        answers=answers,
        questions={item.id: item.question for item in course.rubric.criteria},
        worlds=course.rubric.worlds,
        resolve=course.resolve,
    )
    criterion = next(item for item in course.rubric.criteria if item.id == case.criterion)
    return check(criterion, answers[case.criterion], context)


class _Runs:
    """Notebooks that were run, each once for all its criteria."""

    def __init__(self, course: Course, device: str) -> None:
        self._course, self._device = course, device
        self._lodgings: Any = None
        self._found: dict[Path, Mapping[str, Evidence]] = {}

    def check(self, path: Path, criterion: str) -> Evidence:
        if path not in self._found:
            submission = open_hand_in(self._course, path)
            self._lodgings = self._lodgings or open_lodgings(self._course, device=self._device)
            execution = execute(self._course, submission, self._lodgings)
            checked = check_submission(self._course, submission, execution)
            self._found[path] = {item.criterion: item for item in checked.evidence}
        return self._found[path][criterion]

    def close(self) -> None:
        if self._lodgings is not None:
            self._lodgings.close()


# --- what is said of it ---


def find_coverage(trials: Iterable[Trial]) -> float | None:
    """Return the share of the cases that were decided, of those that can be; None where there are none."""
    decided = [trial.evidence.decided for trial in trials if trial.should_be_decided]
    return sum(decided) / len(decided) if decided else None


def find_precision(trials: Iterable[Trial]) -> float | None:
    """Return the share of the decided cases that were decided as expected; None where none was decided."""
    right = [trial.agrees for trial in trials if trial.evidence.decided and trial.agrees is not None]
    return sum(map(bool, right)) / len(right) if right else None


def build_report(criterion: str | None, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return everything as a JSON object."""
    return {
        "criterion": criterion,
        "coverage": find_coverage(trials),
        "precision": find_precision(trials),
        "rows": [_build_row(trial) for trial in trials],
    }


def _build_row(trial: Trial) -> dict[str, Any]:
    evidence = build_evidence(trial.evidence)
    return {
        "criterion": trial.case.criterion,
        "answer": trial.case.answer,
        "expected": trial.case.expected[0] if trial.case.expected else None,
        "read": find_read(trial.evidence),
        "agrees": trial.agrees,
        **{name: evidence[name] for name in ("verdict", "review", "credit", "reading", "findings")},
    }


def find_read(evidence: Evidence) -> str:
    """Return how the answer was read: the formula written anew, or what it says in words."""
    latex = evidence.observed.get("latex", "")
    return str(evidence.observed.get("text") or (latex if isinstance(latex, str) else "; ".join(latex)))


def print_trials(trials: Sequence[Trial], console: Console, notes: Console) -> None:
    """Print one answer in full, or of many the figures and every disagreement."""
    if len(trials) == 1 and not trials[0].case.expected:
        _print_one(trials[0], console)
        return
    decided = sum(trial.evidence.decided for trial in trials)
    console.print(f"{len(trials)} answers, {decided} decided, {len(trials) - decided} left to a person")
    console.print(f"coverage {_show_share(find_coverage(trials))}, precision {_show_share(find_precision(trials))}")
    for title, rows in (
        ("Decided otherwise than expected", [t for t in trials if t.agrees is False and t.evidence.decided]),
        ("Left to a person", [t for t in trials if t.agrees is False and not t.evidence.decided]),
    ):
        if rows:
            console.print(_build_table(title, rows))
    if unused := sorted({name for trial in trials for name in trial.case.unused}):
        notes.print(f"grade: not used in these rows: {', '.join(unused)}")


def _show_share(share: float | None) -> str:
    return "–" if share is None else f"{share:.3f}"


def _print_one(trial: Trial, console: Console) -> None:
    evidence = trial.evidence
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, text in (
        ("read as", find_read(evidence)),
        ("verdict", evidence.verdict),
        ("credit", "" if evidence.credit is None else f"{evidence.credit.normalize():f}"),
        ("reading", evidence.reading or ""),
        ("for a person", evidence.review.reason if evidence.review else ""),
        *((finding.code, finding.message) for finding in evidence.findings),
    ):
        if text:
            table.add_row(name, Text(show_text(text)))
    console.print(table)


def _build_table(title: str, trials: Sequence[Trial]) -> Table:
    table = Table(title=title, title_justify="left", expand=False)
    for column in ("Criterion", "Answer", "Expected", "Verdict", "Read as, and why"):
        table.add_column(column, overflow="fold", no_wrap=False)
    for trial in trials:
        evidence = trial.evidence
        why = [find_read(evidence), evidence.review.reason if evidence.review else ""]
        why += [finding.code for finding in evidence.findings]
        row = (
            trial.case.criterion,
            trial.case.answer[:_LONGEST],
            "|".join(trial.case.expected),
            evidence.verdict,
            "; ".join(item for item in why if item)[:_LONGEST],
        )
        table.add_row(*(Text(show_text(item)) for item in row))
    return table


def show_text(text: str) -> str:
    """Return a text without what would confuse a terminal; lines stay lines."""
    harmless = "\n\u200c\u200d"  # Persian's joiners
    odd = ("Cc", "Cf", "Cs")
    return "".join(char if char in harmless or unicodedata.category(char) not in odd else " " for char in text)
