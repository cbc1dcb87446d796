"""Outputs that are stored in the file beside what the code prints here.

Numbers differ between machines, seeds, versions and data, and so do words of the data: none of that is worth a look.
Looked for is what no run of the code can have printed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from grader.model import CellRun, Finding
from grader.sandbox import findings
from grader.sandbox.handed_in import find_code_in_text, find_disorder, find_other_language
from grader.sandbox.notebooks import STORED_CHARACTERS, SourceCell
from grader.sandbox.sources import (
    MISSING_NAME,
    MOST_CODE,
    SYNTAX_ERRORS,
    drop_commands,
    escapes_python,
    find_bound,
    find_fixed,
    find_formats,
    find_literals,
    parse_code,
    prints_nothing,
)
from grader.sandbox.texts import clean_text

_MOST_PATTERNS = 100
_MOST_TEXT = 3_000_000
_NOISE = re.compile(
    r"^<[^>]*>$|^\[?<[\w.]+ (?:at|object) |^\w*(?:Box|Progress|Output|Widget)\("  # pictures, objects, widgets
    r"|%\s?\||\b(?:it/s|s/it)\b|\d(?:it|ba|ex) \["  # progress bars
    r"|^(?:CPU times|Wall time|time):|[µnm]?s ± |\(started: "  # timings
    r"|Warning\b|warnings\.warn|\[nltk_data\]|^Mounted at|Drive already mounted|Downloading|Requirement already"
    r"|Collecting |Installing |Successfully |Extracting|Unzipping|[kKMG]i?B(?:/s|\b)|\bETA\b|^--\d{4}-|^Saving ",
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_METRIC = re.compile(
    r"(?<![^\W_])(accuracy|acc|f1(?:[ _-]?score)?|precision|recall|auc|score|loss|دقت|خطا|صحت)"
    r"([\s:=~≈→-]{0,6}(?:is|was|of)?[\s:=]{0,6})(\d{1,9}(?:\.\d{1,20})?)(?!\.?\d)\s?(%?)",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"(?<![^\W\d_])([^\W\d_]{2,40})[ :=]{1,6}-?\d{1,12}(?:\.(\d{1,20}))?(?![\w.%]|\s?%)")
_CLAIM = re.compile(
    r"(?:(?:all|both|the|of|my|unit|hidden|\d{1,6}\b|/) ?){0,5}"
    r"(?:tests?|checks?|test ?cases?|asserts?|assertions?)?[ :]*"
    r"(?:(?:have|has|are|is|were|all) ){0,2}"
    r"(passed|passes|pass|ok|okay|success|successful|succeeded|verified|correct|full marks|موفق|قبول|100 ?%)"
    r"(?: successfully)?",
    re.IGNORECASE,
)
_LIBRARY_PRINTS = re.compile(
    r"keras|tensorflow|lightning|Trainer|fastai|ignite|xgboost|lightgbm|catboost|skorch|verbose|tee\b"
)
_SEED = re.compile(r"\bseed\s*\(|manual_seed|random_state\s*=")
_EQUALITY = re.compile(r"\b(?:allclose|isclose|array_equal|torch\.equal|assert_close)\b")
_PERCENT_PRINTED = r"%[\"'}%]|[\"'}]\s?%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number that a line calls an accuracy, a loss or the like."""

    name: str
    label: str
    value: float
    percent: bool
    line: str


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """The code cells that were run, each with what it printed here, and what follows from all of them together."""

    cells: Sequence[SourceCell]
    runs: Sequence[CellRun]

    @cached_property
    def trees(self) -> tuple[ast.Module | None, ...]:
        """Each cell as Python, without its shell commands; None where it is not Python."""
        return tuple(parse_code(drop_commands(cell.source)) for cell in self.cells)

    @cached_property
    def in_order(self) -> bool:
        """Whether every cell ran exactly once, from top to bottom, in the student's last session."""
        counts = [cell.count for cell in self.cells if cell.source.strip()]
        return counts == list(range(1, len(counts) + 1))

    @cached_property
    def fixed(self) -> frozenset[int]:
        """Places of cells whose output is the same everywhere."""
        return find_fixed(self.trees, in_order=self.in_order)

    @cached_property
    def formats(self) -> dict[str, frozenset[int]]:
        """How many decimals the code prints after a word."""
        return find_formats(self.trees)

    @cached_property
    def words(self) -> str:
        """All code and all that was printed here, to look words up in."""
        return _squeeze("\n".join([*(cell.source for cell in self.cells), *(run.text for run in self.runs)]))

    @cached_property
    def printable(self) -> str:
        """All strings in the code, with zeros for what is put into them, and all that was printed here."""
        unread = (cell.source for cell, tree in zip(self.cells, self.trees, strict=True) if tree is None)
        return _squeeze("\n".join([*find_literals(self.trees), *unread, *(run.text for run in self.runs)]))

    @cached_property
    def _looked_up(self) -> dict[tuple[str, bool], bool]:
        return {}

    def has(self, pattern: str, *, in_strings: bool = False) -> bool:
        """Return whether the code (or the strings in it) or what it printed here matches ``pattern``.

        Where that takes long (much text, many different patterns) the answer is yes, so that nothing is reported.
        """
        key, text = (pattern, in_strings), self.printable if in_strings else self.words
        if len(text) > _MOST_TEXT or (key not in self._looked_up and len(self._looked_up) >= _MOST_PATTERNS):
            return True
        if key not in self._looked_up:
            self._looked_up[key] = re.search(pattern, text) is not None
        return self._looked_up[key]

    @cached_property
    def _lines(self) -> dict[int, list[str]]:
        return {}

    def find_printed(self, place: int) -> list[str]:
        """Return the lines that a cell printed here and that say something of the code."""
        if place not in self._lines:
            self._lines[place] = _find_lines(self.runs[place].text[: 2 * STORED_CHARACTERS])
        return self._lines[place]

    @cached_property
    def code(self) -> str:
        """All code."""
        return "\n".join(cell.source for cell in self.cells)

    @cached_property
    def complete(self) -> bool:
        """Whether all code that the notebook uses was here: no module of the student's own was missing."""
        return not any(run.error_name in ("ImportError", "ModuleNotFoundError") for run in self.runs)

    @cached_property
    def bound(self) -> frozenset[str] | None:
        """Every name that some cell defines; None where that cannot be told."""
        if None in self.trees:
            return None
        names = frozenset().union(*(find_bound(tree) for tree in self.trees if tree))
        return None if "*" in names else names


Difference = tuple[str, str]  # what the file says, and what happened here


def findings_on_file(
    source_cells: Sequence[SourceCell], cell_runs: Sequence[CellRun], given_cells: Sequence[SourceCell] = ()
) -> tuple[Finding, ...]:
    """Return what to say about the file as it was handed in, none of which costs marks.

    ``given_cells`` are the cells of the course's template: what stands there is not the student's.
    """
    return (
        *find_code_in_text(source_cells, given_cells),
        *find_other_language(source_cells, cell_runs),
        *find_disorder(source_cells, cell_runs),
        *find_differences(source_cells, cell_runs),
    )


def find_differences(stored: Sequence[SourceCell], reruns: Sequence[CellRun]) -> tuple[Finding, ...]:
    """Compare the outputs in the file with the re-run: one finding for staff, or none.

    Reported is what this code cannot have printed, on any data: output beneath code that prints nothing, other words
    than constant code prints, a result under a name that nothing prints, a number in a form that the code's format
    does not give, and perfect results where a seeded run of the same cells gives poor ones.
    """
    by_index = {cell.index: cell for cell in stored if cell.kind == "code"}
    runs = [run for run in reruns if run.index in by_index]
    notebook = Notebook(cells=[by_index[run.index] for run in runs], runs=runs)
    if len(notebook.code) > MOST_CODE:
        return ()
    rows = [
        (cell.index, *difference)
        for place, cell in enumerate(notebook.cells)
        if (difference := _find_difference(notebook, place)) is not None
    ]
    return (findings.outputs_differ(rows),) if rows else ()


def _find_difference(notebook: Notebook, place: int) -> Difference | None:
    cell, run = notebook.cells[place], notebook.runs[place]
    if cell.stored is None or run.outcome not in ("finished", "raised") or escapes_python(cell.source):
        return None
    lines = _find_lines(cell.stored)
    if len(cell.stored) >= STORED_CHARACTERS:
        lines = lines[:-1]  # cut in its middle
    if not lines:
        return None
    checks = _CHECKS_RAISED if run.outcome == "raised" else _CHECKS_FINISHED
    return next((found for check in checks if (found := check(notebook, place, lines)) is not None), None)


def _find_lines(text: str) -> list[str]:
    """Return the lines that say something of the code: no progress bars, warnings, downloads, pictures, timings."""
    lines = (" ".join(line.split()) for line in clean_text(text).split("\n"))
    return [line for line in lines if line and not _NOISE.search(line[:2000])]


def _squeeze(text: str) -> str:
    return " ".join(text.lower().split())


def _find_syntax(notebook: Notebook, place: int, lines: list[str]) -> Difference | None:
    """Find output beneath code that cannot even be read."""
    cell, run = notebook.cells[place], notebook.runs[place]
    other_python = re.search(r"\bprint [^(=]|except \w+,|\b[rR]?[fFtT][rR]?[\"']", cell.source)
    if run.error_name not in SYNTAX_ERRORS or run.text or other_python or cell.language:
        return None
    if cell.stored_error in SYNTAX_ERRORS or parse_code(drop_commands(cell.source)) is not None:
        return None
    return lines[0], f"the code cannot run ({run.error_name})"


def _find_nameless(notebook: Notebook, place: int, lines: list[str]) -> Difference | None:
    """Find output beneath code that needs a name which no cell defines."""
    cell, run = notebook.cells[place], notebook.runs[place]
    name = MISSING_NAME.search(run.error_message)
    if run.error_name != "NameError" or run.text or not name or cell.stored_error == "NameError":
        return None
    if not notebook.complete or cell.language or notebook.bound is None or name[1] in notebook.bound:
        return None
    return lines[0], f"NameError: no cell defines {name[1]}"


def _find_printless(notebook: Notebook, place: int, lines: list[str]) -> Difference | None:
    """Find output beneath code that only defines, or beneath no code at all."""
    tree = notebook.trees[place]
    if tree is None or not prints_nothing(tree) or notebook.runs[place].text.strip():
        return None
    return lines[0], "the code prints nothing"


def _find_changed(notebook: Notebook, place: int, lines: list[str]) -> Difference | None:
    """Find other words than constant code prints."""
    stored = notebook.cells[place].stored or ""
    if place not in notebook.fixed or len(stored) >= STORED_CHARACTERS:
        return None
    printed = notebook.find_printed(place)
    for said, here in zip(lines, [*printed, *[""] * len(lines)], strict=False):
        if not _is_same(said, here):
            return said, f"the code prints “{findings.shorten(here)}”" if here else "the code prints nothing there"
    if len(printed) > len(lines):
        return lines[-1], f"the code prints “{findings.shorten(printed[len(lines)])}” after it"
    return None


def _is_same(said: str, here: str) -> bool:
    """Return whether two lines differ at most in the last digits of numbers."""
    if _NUMBER.sub("#", said) != _NUMBER.sub("#", here):
        return False
    pairs = zip(_NUMBER.findall(said), _NUMBER.findall(here), strict=True)
    return all(a == b or abs(float(a) - float(b)) <= 1e-6 * max(abs(float(a)), abs(float(b))) for a, b in pairs)


def _find_unprinted(notebook: Notebook, place: int, lines: list[str]) -> Difference | None:
    """Find a result, or a "passed", under a name that no code has and that nothing printed here."""
    if not notebook.complete or _LIBRARY_PRINTS.search(notebook.code):
        return None
    for line in lines:
        if _has_unknown_claim(notebook, line) or _has_unknown_label(notebook, line):
            return line, _say_printed(notebook, place)
    return None


def _has_unknown_claim(notebook: Notebook, line: str) -> bool:
    """Return whether a line says no more than "all tests passed", in words that no code has."""
    claim = _CLAIM.fullmatch(line.strip(" .!✓✔✅*=-#:")) if len(line) <= 80 else None
    if claim is None or (line[0].isdigit() and not re.search("%|test|check|assert", line)):  # a row of a table
        return False
    if "%" in claim[1]:
        return not notebook.has(_PERCENT_PRINTED)
    return not notebook.has(rf"\b{re.escape(claim[1].lower())}\b")


def _has_unknown_label(notebook: Notebook, line: str) -> bool:
    """Return whether a line names a result as no code does; rows of tables and sentences of the data are no results."""
    if len(line) > 200 or not line[0].isalpha() or len(re.findall(r"[^\W\d_]+", _METRIC.sub("", line))) > 8:
        return False
    return any(not _is_known_label(notebook, metric) for metric in _find_metrics([line]))


def _is_known_label(notebook: Notebook, metric: Metric) -> bool:
    mark = metric.label.removeprefix(metric.name).strip()
    if not mark:  # "accuracy 0.9": print() puts the blank between any two things
        return notebook.has(re.escape(metric.name))
    return notebook.has(re.escape(metric.label), in_strings=True) or notebook.has(
        rf"\0 ?{re.escape(mark)} ?\0", in_strings=True
    )


def _find_metrics(lines: list[str]) -> Iterator[Metric]:
    for line in lines:
        for match in _METRIC.finditer(line[:2000]):
            label = _squeeze(match[1] + match[2])
            yield Metric(name=match[1].lower(), label=label, value=float(match[3]), percent=bool(match[4]), line=line)


def _say_printed(notebook: Notebook, place: int) -> str:
    printed = notebook.find_printed(place)
    if not printed:
        return "the code printed nothing"
    metric = next((metric.line for metric in _find_metrics(printed)), printed[-1])
    return f"the code printed “{findings.shorten(metric)}”"


def _find_reformatted(notebook: Notebook, place: int, lines: list[str]) -> Difference | None:
    """Find a number with more or fewer decimals than the code's format gives it."""
    here = {
        (word, decimals): line
        for word, decimals, line in _find_decimals(notebook.find_printed(place), notebook.formats)
    }
    for word, decimals, line in _find_decimals(lines, notebook.formats):
        allowed = notebook.formats[word]
        if decimals not in allowed and (word, decimals) not in here:
            # Printed here in the code's own format, so that it is this cell that prints it.
            for printed in (here[word, count] for count in sorted(allowed) if (word, count) in here):
                return line, f"the code printed “{findings.shorten(printed)}”"
    return None


def _find_decimals(lines: list[str], formats: dict[str, frozenset[int]]) -> Iterator[tuple[str, int, str]]:
    for line in lines:
        for match in _DECIMAL.finditer(line[:2000]):
            if (word := match[1].lower()) in formats:
                yield word, len(match[2] or ""), line


def _find_perfect(notebook: Notebook, place: int, lines: list[str]) -> Difference | None:
    """Find perfect results where the same cells, run once in the same order from a seed, give poor ones."""
    if not notebook.in_order or not _SEED.search(notebook.code):
        return None
    best: dict[str, float] = {}
    for metric in _find_metrics(notebook.find_printed(place)):
        best[metric.label] = max(metric.value, best.get(metric.label, 0.0))
    for metric in _find_metrics(lines):
        if metric.label in best and metric.name not in ("loss", "خطا"):
            whole = 100 if metric.percent or best[metric.label] > 1 else 1
            if 0.995 * whole <= metric.value <= whole and best[metric.label] < 0.8 * whole:
                return metric.line, _say_printed(notebook, place)
    return None


def _find_equality(notebook: Notebook, place: int, lines: list[str]) -> Difference | None:
    """Find a True where a comparison of the student's gives False here."""
    if not _EQUALITY.search(notebook.cells[place].source):
        return None
    printed = notebook.find_printed(place)
    for said, here in zip(lines, printed, strict=False):
        if said != here and said == here.replace("False", "True"):
            return said, f"the code printed “{findings.shorten(here)}”"
    return None


_CHECKS_RAISED = (_find_syntax, _find_nameless, _find_printless)
_CHECKS_FINISHED = (
    _find_printless, _find_changed, _find_unprinted, _find_reformatted, _find_perfect, _find_equality,
)  # fmt: skip
