"""What students' own CI asks of a notebook: that it runs, that nothing is left blank, that what was given is there.

The bundle's ``reference/<assignment>/public.py`` names these (see bundle.py). They see an Execution, as every check of
a course does, and the blank notebook that students were given.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from grader.model import CellRun, Execution, Judgement, PointResult, ProbeRequest
from grader.sandbox.notebooks import SourceCell, read_notebook

_TO_FILL = re.compile(r"your code|your solution|\bTODO\b", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_MOST_NAMED = 5


def list_requests(seed: int) -> Sequence[ProbeRequest]:
    """Return the probes: none."""
    return ()


def build_check(template: Path) -> Callable[[Any, Execution, int], Judgement]:
    """Return the check of a notebook whose blank form is ``template`` (where there is none, every name is there)."""
    cells = [cell for cell in read_notebook(template.read_bytes()) if cell.kind == "code"] if template.exists() else []

    def check(question: Any, execution: Execution, seed: int) -> Judgement:
        return judge(cells, execution)

    return check


def judge(template: Sequence[SourceCell], execution: Execution) -> Judgement:
    """Return what can be said of a run without knowing any answer."""
    failed = [cell for cell in execution.cells if cell.outcome != "finished"]
    blank = {_squeeze(cell.source) for cell in template if _TO_FILL.search(cell.source)}
    left = [cell for cell in execution.cells if _squeeze(cell.source) in blank]
    gone = sorted(find_names(cell.source for cell in template) - find_names(cell.source for cell in execution.cells))
    results = (
        _point("ran", not failed and bool(execution.cells), _tell_failed(failed, execution)),
        _point("filled", not left, f"cells {_list([str(cell.index) for cell in left])} are blank" if left else "all"),
        _point("names", not gone, f"not there: {_list(gone)}" if gone else "all"),
    )
    cells = [_show(cell) for cell in failed if cell.outcome != "not run"] or [_show(cell) for cell in failed[:1]]
    return Judgement(results=results, observed={"cells": cells} if cells else {}, confirmed=False)


def find_names(sources: Any) -> set[str]:
    """Return the functions and classes defined at the top of any of these cells; one that is no Python has none."""
    names: set[str] = set()
    for source in sources:
        try:
            tree = ast.parse(re.sub(r"(?m)^[ \t]*[%!].*$", "", source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        names |= {node.name for node in tree.body if isinstance(node, kinds)}
    return names


def _point(name: str, holds: bool, saw: str) -> PointResult:
    return PointResult(point=name, share=Decimal(int(holds)), saw=saw)


def _tell_failed(failed: Sequence[CellRun], execution: Execution) -> str:
    if not failed:
        return f"{len(execution.cells)} cells ran" if execution.cells else "there is no code in it"
    first = failed[0]
    what = f"{first.outcome} ({first.error_name})" if first.error_name else first.outcome
    return f"cell {first.index}: {what}" + (f"; {len(failed) - 1} more" if len(failed) > 1 else "")


def _show(cell: CellRun) -> dict[str, str]:
    error = f"{cell.error_name}: {cell.error_message}" if cell.error_name else ""
    return {"index": str(cell.index), "outcome": cell.outcome, "error": error, "source": cell.source}


def _list(items: Sequence[str]) -> str:
    return ", ".join(items[:_MOST_NAMED]) + (", …" if len(items) > _MOST_NAMED else "")


def _squeeze(source: str) -> str:
    return _SPACE.sub("", source)
