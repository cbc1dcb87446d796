"""What to tell a student of the file as it was handed in: code in text cells, disorder, another language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from grader.model import CellRun, Finding
from grader.sandbox import findings
from grader.sandbox.notebooks import SourceCell
from grader.sandbox.sources import MISSING_NAME, MOST_CODE, SYNTAX_ERRORS, drop_commands, parse_code

_MOST_CELLS = 200
_MOST_BLOCKS = 20  # of code in one text cell


def find_disorder(source_cells: Sequence[SourceCell], cell_runs: Sequence[CellRun]) -> tuple[Finding, ...]:
    """Say that cells were run in another order, where that is why a name is missing from top to bottom."""
    counted = [(cell.index, cell.count) for cell in source_cells if cell.count is not None]
    swapped = next(((a[0], b[0]) for a, b in pairwise(counted) if b[1] < a[1]), None)
    if swapped is None or sum(len(cell.source) for cell in source_cells) > MOST_CODE:
        return ()
    by_index = {cell.index: cell for cell in source_cells}
    before = ""
    for run in cell_runs[:_MOST_CELLS]:
        name = MISSING_NAME.search(run.error_message) if run.error_name == "NameError" else None
        stored_error = by_index[run.index].stored_error if run.index in by_index else ""
        # A name of a cell above is missing because that cell failed, whatever the order.
        if name and stored_error != "NameError" and not re.search(rf"\b{name[1]}\b", before):
            return (findings.out_of_order(run.index, name[1], *swapped),)
        before += f"\n{run.source}"
    return ()


def find_other_language(source_cells: Sequence[SourceCell], cell_runs: Sequence[CellRun]) -> tuple[Finding, ...]:
    """Say that the notebook is written in R or the like, where the file says so and hardly a cell is Python."""
    language = next((cell.language for cell in source_cells if cell.language), "")
    runs = [run for run in cell_runs if run.source.strip() and run.outcome != "not run"]
    strange = [run for run in runs if run.error_name in (*SYNTAX_ERRORS, "NameError")]
    return (findings.other_language(language),) if language and 2 * len(strange) > len(runs) else ()


def find_code_in_text(
    source_cells: Sequence[SourceCell], given_cells: Sequence[SourceCell] = ()
) -> tuple[Finding, ...]:
    """Name the text cells that hold code: blocks fenced as Python, or nothing but Python."""
    given = {cell.source.strip() for cell in given_cells if cell.kind == "text"}
    run = "".join("".join(cell.source.split()) for cell in source_cells if cell.kind == "code")[:MOST_CODE]
    texts = [cell for cell in source_cells if cell.kind == "text" and cell.source.strip() not in given]
    if sum(len(cell.source) for cell in texts) > MOST_CODE:
        texts = [cell for cell in texts if len(cell.source) < 5000]  # the others are pictures
    found = [
        cell.index
        for cell in texts[:_MOST_CELLS]
        if any(_is_lost(block, fenced, run) for block, fenced in islice(_blocks(cell.source), _MOST_BLOCKS))
    ]
    return (findings.code_in_text(found),) if found else ()


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the blocks fenced as Python, or the whole text where it has no fence."""
    block: list[str] | None = None
    fenced = False
    for line in text.split("\n"):
        mark = re.match(r"\s{0,3}(?:```+|~~~+)\s*\{?\.?(\w*)", line)
        if mark is None:
            if block is not None:
                block.append(line)
        elif block is None or not fenced:
            fenced, block = True, [] if mark[1].lower() in ("", "python", "py", "python3", "ipython") else None
        else:
            yield "\n".join(block), True
            block, fenced = None, False
    if not fenced and block is None and "```" not in text and "~~~" not in text:
        yield text, False


def _is_lost(block: str, fenced: bool, run: str) -> bool:
    """Return whether a block is code to be run: not a sketch, not one line, not quoted from a code cell."""
    tree = parse_code(drop_commands(block))
    if tree is None:
        return False
    acting = [statement for statement in tree.body if not _is_word(statement)]
    defines = any(
        isinstance(statement, (ast.FunctionDef, ast.ClassDef)) and not all(map(_is_blank, statement.body))
        for statement in acting
    )
    imports = any(isinstance(statement, (ast.Import, ast.ImportFrom)) for statement in acting)
    is_code = defines or (imports and len(acting) > 1) or (fenced and len(acting) > 2)
    return is_code and "".join(block.split()) not in run


def _is_word(statement: ast.stmt) -> bool:
    """Return whether a statement is as well a word of a sentence."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Name, ast.Constant, ast.Tuple))


def _is_blank(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )
