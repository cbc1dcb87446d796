"""The data: the table, the joined text, the three sets and the vocabulary that the notebook ended with."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from grader.model import Execution, Finding, Judgement, PointResult
from reference.hw5.checks.cells import ask, judge_absence
from reference.hw5.checks.replies import (
    OddReplyError,
    earned,
    find_error,
    is_ours,
    join,
    lost,
    read_count,
    read_list,
    read_map,
    read_odd,
    unknown,
)

UNWANTED = frozenset({"id", "severe_toxic", "obscene", "threat", "insult", "identity_hate"})


def data(question: Any, execution: Execution, seed: int) -> Judgement:
    """Judge ``q4_data``: points columns, clean, text, sets, vocabulary."""
    reply = ask(question, execution, "data", ["df"])
    if isinstance(reply, Judgement):
        return reply
    try:
        table = reply.get("table")
        if table is None and _find_sets(reply) == {}:
            return judge_absence(question, execution, ["df"])
        results = (
            _judge_columns(table, execution),
            _judge_clean(table, reply),
            _judge_text(reply),
            _judge_sets(reply, table, execution),
            _judge_vocabulary(reply, execution),
        )
    except OddReplyError:
        return read_odd(question)
    return Judgement(results=results)


def _judge_columns(table: Any, execution: Execution) -> PointResult:
    if table is None:
        if cause := _find_our_failure(execution, "read_csv"):
            return unknown("columns", cause)
        return lost("columns", "no table", "no_table", "There is no table `df` with the comments after the last cell.")
    columns = [str(name) for name in read_list(table, "columns")]
    if not {"comment_text", "toxic"} <= set(columns):
        message = "Keep the columns comment_text and toxic, under these names."
        return lost("columns", f"columns {join(columns)}"[:120], "columns", message)
    if UNWANTED & set(columns):
        message = "Only comment_text and toxic are asked for: choose these two columns before anything else."
        return lost("columns", f"{len(columns)} columns are left", "columns_kept", message, share=0.5)
    return earned("columns", f"columns {join(columns)}, {read_count(table, 'rows'):,} rows")


def _judge_clean(table: Any, reply: Mapping[str, Any]) -> PointResult:
    """Duplicates and empty comments are gone, half of the point each, and nothing else is."""
    if table is None:
        return lost("clean", "no table", "no_table", "There is no table `df` to look at.")
    rows, duplicates, empties = (read_count(table, name) for name in ("rows", "duplicates", "empties"))
    saw = f"{rows:,} rows, {duplicates} duplicates, {empties} empty comments"
    raw = read_map(reply, "raw")
    if not rows or (not find_error(raw) and rows < 0.9 * read_count(raw, "distinct")):
        message = "Far more rows were dropped than the duplicates and the empty ones."
        return lost("clean", saw, "rows_lost", message, share=0)
    findings = []
    if duplicates:
        message = (
            "Duplicates are still in the table: call drop_duplicates() after choosing the two columns (ids differ in "
            "every row), and keep its result. A comment in both training and test set makes the test too easy."
        )
        findings.append(Finding(code="notebook.duplicates_kept", message=message))
    if empties:
        message = "Rows without a comment are still in the table: drop them with dropna(), and keep its result."
        findings.append(Finding(code="notebook.empties_kept", message=message))
    if not findings:
        return earned("clean", saw)
    share = Decimal("0.5") if len(findings) == 1 else Decimal(0)
    return PointResult(point="clean", share=share, saw=saw, findings=tuple(findings))


def _judge_text(reply: Mapping[str, Any]) -> PointResult:
    text = read_map(reply, "text")
    if error := find_error(text):
        return lost("text", error[:100], "text_not_joined", f"`text` could not be looked at: {error}.")
    tried, held = read_count(text, "tried"), read_count(text, "held")
    saw = f"{read_count(text, 'characters'):,} characters; {held} of {tried} comments looked for stand in it"
    if tried and held >= 0.98 * tried:
        return earned("text", saw)
    message = "`text` should be all comments joined into one text, for instance with ' '.join(...)."
    return lost("text", saw, "text_not_joined", message)


def _find_sets(reply: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of examples of each set that is there."""
    sets = read_map(reply, "sets")
    counts = {}
    for name in ("train", "val", "test"):
        found = sets.get(name)
        if isinstance(found, Mapping) and not find_error(found) and found.get("examples") is not None:
            counts[name] = read_count(found, "examples")
    return counts


def _judge_sets(reply: Mapping[str, Any], table: Any, execution: Execution) -> PointResult:
    counts = _find_sets(reply)
    if set(counts) != {"train", "val", "test"}:
        if cause := _find_our_failure(execution, "TabularDataset"):
            return unknown("sets", cause)
        absent = join([f"`{name}`" for name in ("train", "val", "test") if name not in counts])
        message = f"TabularDataset.splits should give train, val and test; {absent} is no such set after the last cell."
        return lost("sets", f"no {absent}", "sets", message)
    saw = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    if len(set(counts.values())) == 1 or not counts["train"] > max(counts["val"], counts["test"]) > 0:
        message = "The three sets must come from train.csv, val.csv and test.csv, in this order."
        return lost("sets", saw, "sets", message)
    rows = read_count(table, "rows") if table is not None else None
    if rows is not None and sum(counts.values()) == rows + 3:
        message = "Each set holds one example too many, the file's header: pass skip_header=True."
        return lost("sets", saw, "header_as_example", message, share=0.5)
    return earned("sets", saw)


def _judge_vocabulary(reply: Mapping[str, Any], execution: Execution) -> PointResult:
    look = reply.get("vocabulary")
    error = find_error(look)
    if look is None or error:
        if cause := _find_our_failure(execution, "build_vocab"):
            return unknown("vocabulary", cause)
        message = "There is no vocabulary after the last cell: call text_field.build_vocab on the training set."
        return lost("vocabulary", error[:100] or "no vocabulary", "no_vocabulary", message)
    counted, train, everything, elsewhere = (
        read_count(look, name) for name in ("counted", "in_train", "in_all", "known_from_elsewhere")
    )
    wide = find_wide_vocabulary(execution)
    if counted > train or elsewhere or wide:
        message = (
            "The vocabulary was built on validation and test comments as well, so the test is not of unseen data. "
            "Build it on the training set alone: text_field.build_vocab(train, ...)."
        )
        saw = f"counted {counted:,} words; the training set has {train:,}, all three sets {everything:,}"
        return lost("vocabulary", wide or saw, "vocabulary_on_all", message)
    if not read_count(look, "known_of_train") or counted < 0.5 * train:
        message = "The vocabulary covers only a part of the training set's words."
        return lost("vocabulary", f"counted {counted:,} of {train:,} words", "small_vocabulary", message, share=0.5)
    return earned("vocabulary", f"{read_count(look, 'words'):,} entries, counted on the training set alone")


def find_wide_vocabulary(execution: Execution) -> str:
    """Return the first call of build_vocab that names more than the training set, as written; "" for none."""
    for cell in execution.cells:
        source = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in cell.source.splitlines())
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "build_vocab":
                named = {getattr(argument, "id", "") for argument in node.args}
                label = "label" in ast.unparse(node.func).lower()
                if not label and named & {"val", "test", "df", "text"} and cell.outcome == "finished":
                    return f"cell {cell.index}: {ast.unparse(node)[:80]}"
    return ""


def _find_our_failure(execution: Execution, word: str) -> str:
    """Return why a cell with ``word`` failed, where our machine is to blame."""
    for cell in execution.cells:
        error = f"{cell.error_name}: {cell.error_message}"
        if word in cell.source and cell.outcome == "raised" and is_ours(error):
            return f"cell {cell.index} raised {error[:150]}"
    return ""
