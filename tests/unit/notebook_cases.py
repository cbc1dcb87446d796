"""The case table of notebooks: the reference's solution with something changed, run in this process to be fast.

Only the kernel is left out: cells, torchtext, the probes as source, JSON both ways, the rubric's questions and the
checks are the real ones. Cells that train are not run, since no check needs them, and the data is a part of the
course's.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import shutil
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

import reference.hw5.checks as checks
from grader.kinds.base import Context
from grader.kinds.notebook import NotebookQuestion, check_notebook
from grader.model import Answer, CellRun, Evidence, Execution, ProbeReply, ProbeRequest

ROOT = Path(__file__).resolve().parents[2]
HW5 = ROOT / "reference" / "hw5"
ROWS = 600
# What each criterion asks, and what a case that says nothing of it need not wait for.
PROBES = {
    "q4_data": ("data",),
    "q4_network": ("network",),
    "q4_train": ("train",),
    "q4_evaluate": ("evaluate",),
    "q4_quality": ("quality_gru", "quality_lstm", "own_networks"),
    "q4_deep": ("deep",),
    "q4_glove": ("glove",),
}
CANARIES = tuple(
    request.name
    for request in checks.list_requests(5)
    if request.name.startswith("canary_") and "quality" not in request.name
)
Kernel = Callable[[ProbeRequest, dict[str, Any], Callable[..., Any], dict[str, Any]], Any]
_FOLDER = tempfile.TemporaryDirectory(prefix="notebook-cases-")
FUNCTIONS = types.SimpleNamespace(**{name: getattr(checks, name) for name in checks.__all__})


def load_cases() -> list[Any]:
    """Return the rows of tests/cases/notebook.yaml."""
    rows: list[Any] = yaml.safe_load((ROOT / "tests" / "cases" / "notebook.yaml").read_text(encoding="utf-8"))
    return rows


@functools.cache
def load_questions() -> dict[str, NotebookQuestion]:
    """Return the rubric's notebook questions by criterion."""
    criteria = yaml.safe_load((ROOT / "rubrics" / "hw5.yaml").read_text(encoding="utf-8"))["criteria"]
    reader = TypeAdapter(NotebookQuestion)
    return {
        item["id"]: reader.validate_json(json.dumps(item["question"]))
        for item in criteria
        if item["question"]["kind"] == "notebook"
    }


@functools.cache
def load_solution(name: str = "solution.ipynb") -> tuple[str, ...]:
    """Return the sources of a notebook's cells, empty for those that are no code."""
    cells = json.loads((HW5 / name).read_text(encoding="utf-8"))["cells"]
    return tuple("".join(cell["source"]) if cell["cell_type"] == "code" else "" for cell in cells)


def change(sources: Sequence[str], changes: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the cells after ``changes``: in the first cell with ``cell`` in it, ``old`` becomes ``new``.

    Without ``old`` the whole cell becomes ``new``. A change that fits nowhere is a mistake in the table.
    """
    cells = list(sources)
    for item in changes:
        found = [
            index for index, source in enumerate(cells) if item["cell"] in source and item.get("old", "") in source
        ]
        assert found, f"no cell for {item}"
        old = item.get("old", cells[found[0]])
        cells[found[0]] = cells[found[0]].replace(old, item["new"])
    return tuple(cells)


class Workshop:
    """Runs notebooks in this process, in a folder with a part of the course's data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with (HW5 / "data" / "data.csv").open(encoding="utf-8") as source:
            lines = [line for line, _ in zip(source, range(ROWS + 1), strict=False)]
        rows = [line for line in lines[1:] if line.strip()]
        (folder / "data.csv").write_text("".join([*lines, *rows[:7]]), encoding="utf-8")
        (folder / ".vector_cache").mkdir()
        shutil.copy(HW5 / "data" / "glove.6B.100d.txt", folder / ".vector_cache")
        self.source = (HW5 / "probes.py").read_text(encoding="utf-8")
        self._solution: dict[str, Any] | None = None

    def run(
        self,
        changes: Sequence[Mapping[str, str]],
        probes: Sequence[str],
        seed: int = 5,
        answer: Kernel | None = None,
    ) -> Execution:
        """Return what the solution with ``changes`` does, asked by ``probes``; ``answer`` stands in the kernel's place.

        It gets the request, its arguments, the function to call and the notebook's names, and returns the value.
        """
        before, after = load_solution(), change(load_solution(), changes)
        with self._inside():
            if self._solution is None:
                self._solution = {"__name__": "__main__"}
                self._execute(before, self._solution, range(len(before)))
            changed = [index for index, source in enumerate(after) if source != before[index]]
            if all(_is_definition(source) for index in changed for source in (before[index], after[index])):
                namespace = dict(self._solution)
                places: Sequence[int] = [index for index, source in enumerate(after) if _is_definition(source)]
                for index in changed:
                    for name in _names(before[index]):
                        namespace.pop(name, None)
            else:
                namespace, places = {"__name__": "__main__"}, range(len(after))
            cells = self._execute(after, namespace, places)
            return Execution(outcome="finished", cells=cells, replies=self._ask(namespace, probes, seed, answer))

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        import nltk.data
        import torch

        nltk.data.path.insert(0, str(ROOT / "grader" / "sandbox" / "room" / "nltk_data"))
        torch.set_num_threads(1)
        back = Path.cwd()
        os.chdir(self.folder)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                yield
        finally:
            os.chdir(back)

    def _execute(self, sources: Sequence[str], namespace: dict[str, Any], places: Sequence[int]) -> tuple[CellRun, ...]:
        cells = []
        for index, source in enumerate(sources):
            error: Exception | None = None
            if index in places and source and not _is_slow(source):
                try:
                    exec(compile(source, f"<cell {index}>", "exec"), namespace)
                except Exception as caught:
                    error = caught
                if "tqdm" in namespace:
                    namespace["tqdm"] = _no_bar
            cells.append(
                CellRun(
                    index=index,
                    source=source,
                    outcome="raised" if error else "finished",
                    error_name=type(error).__name__ if error else "",
                    error_message=str(error) if error else "",
                )
            )
        return tuple(cells)

    def _ask(
        self, namespace: dict[str, Any], probes: Sequence[str], seed: int, answer: Kernel | None
    ) -> dict[str, ProbeReply]:
        module: dict[str, Any] = {"__name__": "probes"}
        exec(compile(self.source, "<probes>", "exec"), module)
        replies = {}
        for request in checks.list_requests(seed):
            if request.name in probes:
                arguments = json.loads(json.dumps(dict(request.arguments)))
                started, call = time.monotonic(), module[request.function]
                value = answer(request, arguments, call, namespace) if answer else call(namespace, **arguments)
                seconds = time.monotonic() - started
                replies[request.name] = ProbeReply(value=json.loads(json.dumps(value)), seconds=seconds)
        return replies


@functools.cache
def open_workshop() -> Workshop:
    """Return the one workshop of this process; its folder is removed when the process ends."""
    return Workshop(Path(_FOLDER.name))


def _no_bar(items: Any, **_: Any) -> Any:
    return items


def _is_definition(source: str) -> bool:
    return not source or source.lstrip().startswith(("def ", "class ", "@"))


def _is_slow(source: str) -> bool:
    """Return whether a cell trains or draws."""
    return "train_accuracy = train_network(" in source or "plt.show" in source


def _names(source: str) -> list[str]:
    return [
        line.split("(")[0].split(":")[0].split()[1]
        for line in source.splitlines()
        if line.startswith(("def ", "class "))
    ]


def judge(criterion: str, execution: Execution | None, state: str = "given", seed: int = 5) -> Evidence:
    """Return the evidence on one criterion, by the rubric's question."""
    context = FixedContext(
        seed=b"",
        execution=execution,
        resolve=lambda name: getattr(FUNCTIONS, name.partition(":")[2]),
        signs="reference.hw5.checks:signs",
    )
    answer = Answer(question=criterion, state=state, reason="the file is cut off" if state == "unreadable" else "")  # type: ignore[arg-type]
    return check_notebook(criterion, load_questions()[criterion], answer, context)


class FixedContext(Context):
    """A context whose hidden inputs are those of seed 5."""

    __slots__ = ()

    def number(self, *names: str) -> int:
        """Return 5."""
        return 5


def differences(case: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> list[str]:
    """Return what differs from the row's expectations, as sentences."""
    wrong = []
    for criterion, want in case["expect"].items():
        found = evidence[criterion]
        codes = [finding.code for finding in found.findings]
        if found.verdict != want["verdict"]:
            wrong.append(
                f"{criterion}: {found.verdict}, not {want['verdict']} ({codes}, {found.observed.get('table')})"
            )
        if "credit" in want and found.credit != Decimal(str(want["credit"])):
            wrong.append(f"{criterion}: credit {found.credit}, not {want['credit']} ({codes})")
        if "notebook.tampered" in codes or (found.credit and found.review):
            wrong.append(f"{criterion}: referred, {found.review}, {found.findings[-1].message}")
        wrong += [f"{criterion}: no finding {code}, but {codes}" for code in want.get("codes", []) if code not in codes]
        wrong += [f"{criterion}: finding {code}" for code in want.get("without", []) if code in codes]
    return wrong
