"""What the notebook's own cells did: functions that are not there, and networks that an old optimizer left still."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any

from grader.model import CellRun, Execution, Finding, Json, Judgement, NetworkLook
from reference.hw5.checks.replies import (
    OddReplyError,
    find_reply,
    is_ours,
    is_theirs,
    join,
    judge_none,
    lose_all,
    read_odd,
)

TEMPLATE = Path(__file__).parents[1] / "template.ipynb"
NOT_ASKED = re.compile(r"had ended before (this|it) could be asked")
TRAINERS = frozenset({"train_network"})
GIVEN_RATIO = 0.75  # cells this alike to a cell of the template are its given cells with a detail changed


def ask(question: Any, execution: Execution, name: str, wanted: Sequence[str]) -> Mapping[str, Any] | Judgement:
    """Return the reply to the probe ``name``, or the judgement where there is none that can be used.

    ``wanted`` are the template's names of what the probe needs.
    """
    if _all_blank(execution, wanted):
        message = f"The template's cell with {join([f'`{item}`' for item in wanted])} was not filled in."
        return Judgement(missing=True, findings=(Finding(code="notebook.blank", message=message),))
    try:
        reply, error = find_reply(execution, name)
    except OddReplyError:
        return read_odd(question)
    if reply is None:
        return _judge_silence(question, execution, error, wanted)
    if "found" in reply and reply["found"] is None:
        return judge_absence(question, execution, wanted)
    return reply


def _all_blank(execution: Execution, names: Sequence[str]) -> bool:
    """Return whether every one of ``names`` stands in a cell that is as the template gave it."""
    cells = [next((cell for cell in execution.cells if _defines(cell.source, [name])), None) for name in names]
    return all(cell is not None and _is_blank(cell.source) for cell in cells)


def _judge_silence(question: Any, execution: Execution, error: str, wanted: Sequence[str]) -> Judgement:
    alive = execution.outcome not in ("killed", "timed out")
    if alive and NOT_ASKED.search(error):
        return judge_none(question, error)  # something else ended the process: that this fails as well nobody knows
    if is_ours(error) or not (is_theirs(error) or execution.outcome in ("killed", "timed out")):
        return judge_none(question, error)
    message = (
        f"{join([f'`{name}`' for name in wanted])} could not be looked at: {error.rstrip('.')}. "
        "Check that your code ends by itself on a small input, and does not leave Python."
    )
    return lose_all(question, "stopped without a result", "no_reply", message)


def judge_absence(question: Any, execution: Execution, wanted: Sequence[str]) -> Judgement:
    """Return the judgement where none of ``wanted`` is there after the last cell, with the cell that explains it."""
    names = join([f"`{name}`" for name in wanted])
    cell = next((cell for cell in execution.cells if _defines(cell.source, wanted)), None)
    if cell is None:
        message = f"Your notebook has no {names}. Fill in that cell of the template, and keep its name."
        return Judgement(missing=True, findings=(Finding(code="notebook.absent", message=message),))
    error = f"{cell.error_name}: {cell.error_message}"
    if cell.outcome == "raised" and (cause := _find_cause(execution, cell)) is not None:
        return judge_none(question, f"cell {cause.index} needs what this machine lacks ({cause.error_message[:200]})")
    shown = {"cells": [show_cell(cell)]}
    if cell.outcome == "raised":
        line = f", line {cell.error_line}" if cell.error_line else ""
        message = f"{names} is not there, because cell {cell.index}{line} raised {error[:200]}. Mend that cell first."
        return lose_all(question, f"cell {cell.index} raised {cell.error_name}", "cell_raised", message, observed=shown)
    message = (
        f"{names} is not there after the last cell: cell {cell.index} {_OUTCOMES.get(cell.outcome, 'did not run')}."
    )
    return lose_all(question, f"cell {cell.index}: {cell.outcome}", "absent", message, observed=shown)


_OUTCOMES = {
    "finished": "ran, but the name was given to something else or deleted later",
    "timed out": "was stopped because it took too long",
    "killed": "ended the notebook's process",
}


def show_cell(cell: CellRun) -> dict[str, Any]:
    """Return a cell as the feedback shows it."""
    error = f"{cell.error_name}: {cell.error_message}" if cell.error_name else ""
    return {"index": cell.index, "outcome": cell.outcome, "error": error[:500], "source": cell.source[:3000]}


def _defines(source: str, names: Sequence[str]) -> bool:
    return any(re.search(rf"^\s*(?:class|def)\s+{name}\b|^{name}\s*=", source, re.MULTILINE) for name in names)


def _find_cause(execution: Execution, cell: CellRun) -> CellRun | None:
    """Return the cell whose error is our machine's and made ``cell`` fail: itself, or an earlier one it builds on."""
    if is_ours(f"{cell.error_name}: {cell.error_message}"):
        return cell
    if cell.error_name != "NameError":
        return None
    earlier = [item for item in execution.cells if item.index < cell.index and item.outcome == "raised"]
    missing = re.findall(r"name '(\w+)'", cell.error_message)
    return next(
        (
            item
            for item in earlier
            if is_ours(f"{item.error_name}: {item.error_message}")
            and any(re.search(rf"\b{name}\b", item.source) for name in missing)
        ),
        None,
    )


# --- The template, and the networks that did not move ---


@cache
def _template_cells() -> tuple[tuple[str, ...], ...]:
    """Return the code lines of every cell of the template; none where the course ships no template."""
    if not TEMPLATE.is_file():
        return ()
    cells = json.loads(TEMPLATE.read_text(encoding="utf-8"))["cells"]
    return tuple(_lines("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code")


def _lines(source: str) -> tuple[str, ...]:
    """Return the lines of code without comments, indentation and spaces."""
    bare = (re.sub(r"\s+", "", line.split("#")[0]) for line in source.splitlines())
    return tuple(line for line in bare if line)


def _is_blank(source: str) -> bool:
    """Return whether a cell holds nothing but lines of one cell of the template."""
    own = set(_lines(source))
    return any(own <= set(cell) for cell in _template_cells())


def is_given(source: str) -> bool:
    """Return whether a cell is one of the template's given cells, as it was or with a detail changed."""
    own = _lines(source)
    alike = (SequenceMatcher(None, "\n".join(own), "\n".join(cell)).ratio() for cell in _template_cells())
    return _is_blank(source) or any(ratio >= GIVEN_RATIO for ratio in alike)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleCell:
    """A cell that trained a network with an optimizer that does not hold it. ``seen`` tells movement from reading.

    ``before`` is the network's look before the cell, None where the cell made it.
    """

    cell: CellRun
    network: str
    kind: str
    given: bool
    seen: bool
    before: NetworkLook | None
    after: NetworkLook


def find_stale_cells(execution: Execution) -> list[StaleCell]:
    """Return the cells that called the training function for a network which then stood where it stood before.

    Where a cell makes a network and trains it, no look lies between the two. Then a copy of the network, if it is still
    there after the last cell, is trained with a copy of the optimizer; for the other networks the code is read.
    """
    stale = []
    before: dict[str, NetworkLook] = {}
    for cell in execution.cells:
        after = {look.name: look for look in cell.networks}
        for name, optimizer, made in _find_trainings(cell):
            old, new = before.get(name), after.get(name)
            if new is None or not new.digest:
                continue
            if old is not None and old.identity == new.identity:
                still, seen = old.digest == new.digest, True
            elif (moves := _find_movement(execution, new, optimizer)) is not None:
                still, seen = moves == 0, True
            else:
                still, seen = made and bool(optimizer), False
            if still:
                known = old if old is not None and old.identity == new.identity else None
                given = is_given(cell.source)
                stale.append(
                    StaleCell(cell=cell, network=name, kind=new.kind, given=given, seen=seen, before=known, after=new)
                )
        before = after or before
    return stale


def _find_movement(execution: Execution, look: NetworkLook, optimizer: str) -> float | None:
    """Return how far the optimizer moved a copy of the network after the last cell; None where both are not there."""
    last = next((cell.networks for cell in reversed(execution.cells) if cell.networks), ())
    if not any(item.name == look.name and item.identity == look.identity for item in last):
        return None
    reply = execution.replies.get("own_networks")
    value: Any = reply.value if reply is not None else None
    for key in ("networks", look.name, "moves", optimizer):
        value = value.get(key) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def count_trainings(execution: Execution) -> int:
    """Return how many cells that ran called the training function."""
    return sum(any(True for _ in _find_trainings(cell)) for cell in execution.cells)


def _find_trainings(cell: CellRun) -> Iterator[tuple[str, str, bool]]:
    """Yield (network, optimizer, made anew in this cell while the optimizer was not) for every training in a cell."""
    if cell.outcome not in ("finished", "raised"):
        return
    source = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in cell.source.splitlines())
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    bound = {node.id: node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and _is_stored(node)}
    inside = {id(item) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for item in ast.walk(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or id(node) in inside:
            continue
        if getattr(node.func, "id", "") not in TRAINERS or len(node.args) < 3:
            continue
        net, optimizer = (getattr(node.args[place], "id", "") for place in (0, 2))
        if net:
            yield net, optimizer, net in bound and bool(optimizer) and optimizer not in bound


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def show_movement(stale: Sequence[StaleCell]) -> dict[str, Json]:
    """Return the parameters before and after each of these cells, as evidence shows them; {} without a cell."""
    if not stale:
        return {}
    rows: list[Json] = [
        [
            str(item.cell.index),
            f"{item.network} ({item.kind})",
            f"{item.before.size:.6f}" if item.before is not None else "made in this cell",
            f"{item.after.size:.6f}",
            "did not move" if item.seen else "were not given to the optimizer",
        ]
        for item in stale
    ]
    columns: list[Json] = ["cell", "network", "norm of its parameters before", "after", "so its parameters"]
    return {"movement": {"columns": columns, "rows": rows}}


def describe_stale(stale: Sequence[StaleCell]) -> list[Finding]:
    """Return the finding for the student and, for given cells, the one for staff."""
    if not stale:
        return []
    cells = join([str(item.cell.index) for item in stale])
    kinds = join(list(dict.fromkeys(item.kind for item in stale)))
    name = stale[0].network
    marks = "No marks are lost for the template's own cells." if any(item.given for item in stale) else ""
    student = (
        f"In cell {cells} a new network ({kinds}) was trained with the optimizer that was made for an earlier network. "
        "An optimizer only moves the parameters it was given, so the new network kept its random start: its loss and "
        "accuracy there say nothing about the model. After each line that makes a network, make its optimizer anew: "
        f"`optimizer = torch.optim.Adam({name}.parameters(), lr=lr)`. {marks}"
    )
    findings = [Finding(code="notebook.stale_optimizer", message=student.strip())]
    given = [str(item.cell.index) for item in stale if item.given]
    if given:
        staff = (
            f"The template itself does this (cell {join(given)} here): its given cells train every later network with "
            "the first one's optimizer, so they never move. No marks were taken for it."
        )
        findings.append(Finding(code="notebook.template_flaw", message=staff, audience="staff"))
    return findings
