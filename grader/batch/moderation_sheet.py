"""What waits as a spreadsheet, and the decisions that come back in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from grader.batch.gradebook import guard_cell
from grader.batch.moderation import WHOLE, find_problem, new_decision, settle_verdict
from grader.batch.waiting import Group, Item, show_credit
from grader.errors import ConfigError, Problem
from grader.model import SUBMITTED_AT, Decision

SHOWN = ("student", "criterion", "group", "alike", "why", "suggested_verdict", "suggested_credit", "available",
         "answer", "earlier", "seen", "replaces")  # fmt: skip
DECIDED = ("verdict", "credit", "marks", "moment", "comment", "reason", "apply_to")
_MOST_BYTES = 50_000_000
_LONGEST = 20_000  # characters of an answer; a spreadsheet's cell holds 32,767


def render_sheet(groups: Sequence[Group]) -> str:
    """Return a CSV with a row for each item, like answers together, guarded against formulas."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*SHOWN, *DECIDED])
    for group in groups:
        for item in group.items:
            cells = [*_describe(group, item), *[""] * len(DECIDED)]
            writer.writerow([guard_cell(cell) for cell in cells])
    return stream.getvalue()


def _describe(group: Group, item: Item) -> list[str]:
    review, observed = item.review, item.mark.evidence.observed if item.mark else {}
    earlier = item.earlier
    return [
        item.student,
        item.criterion,
        group.id,
        str(len(group.items)),
        review.reason if review else "",
        (review and review.suggested_verdict) or "",
        show_credit(review.suggested_credit if review else None),
        show_credit(item.mark.available if item.mark else None),
        str(observed.get("answer") or observed.get("text") or "")[:_LONGEST],
        f"{earlier.verdict or earlier.moment} by {earlier.who}, on other evidence" if earlier else "",
        item.seen,
        item.head,
    ]


def read_sheet(path: Path, groups: Sequence[Group], who: str) -> list[Decision]:
    """Return the decisions of a sheet: a row for each, or for a whole group where ``apply_to`` says "group".

    A row of its own overrules its group's. Raises ConfigError with every problem at once: then nothing is decided.
    """
    items = {(guard_cell(item.student), item.criterion): (group, item) for group in groups for item in group.items}
    problems: list[Problem] = []
    single: dict[tuple[str, str], Decision] = {}
    whole: dict[tuple[str, str], Decision] = {}
    for line, row in _read_rows(path):
        if not any(row[name] for name in DECIDED):
            continue
        try:
            group, item = _find(items, row)
            decided = [(item, single)] + [(other, whole) for other in group.items if row["apply_to"] == "group"]
            for target, table in decided:
                key = target.student, target.criterion
                if key in table:
                    raise ValueError("is decided twice in this sheet")
                table[key] = _decide(row, target, who, group.id if row["apply_to"] else "")
        except ValueError as error:
            problems.append(Problem(file=str(path), line=line, message=str(error)))
    if problems:
        raise ConfigError(problems)
    return list({**whole, **single}.values())


def _find(items: Mapping[tuple[str, str], tuple[Group, Item]], row: Mapping[str, str]) -> tuple[Group, Item]:
    found = items.get((row["student"], row["criterion"]))
    if found is None:
        raise ValueError(f"{row['student']}, {row['criterion']}: does not wait for a person (decided meanwhile?)")
    if found[1].seen != row["seen"] or found[1].head != row["replaces"]:
        raise ValueError("has changed since the sheet was exported: export it again")
    if row["apply_to"] not in ("", "group"):
        raise ValueError(f"apply_to must be empty or 'group', not {row['apply_to'][:40]!r}")
    return found


def _decide(row: Mapping[str, str], item: Item, who: str, group: str) -> Decision:
    fields: dict[str, Any] = {name: row[name] for name in ("moment", "comment", "reason")}
    if item.criterion != SUBMITTED_AT:
        fields["verdict"] = row["verdict"] or None
    for name in ("credit", "marks"):
        try:
            fields[name] = Decimal(row[name].replace(",", ".")) if row[name] else None
        except InvalidOperation:
            raise ValueError(f"{name} is no number: {row[name][:40]!r}") from None
        if fields[name] is not None and not fields[name].is_finite():
            raise ValueError(f"{name} is no number: {row[name][:40]!r}")
    if fields["credit"] is None and fields["marks"] is None:
        fields["credit"] = WHOLE.get(row["verdict"])
    if item.mark and fields["marks"] is not None and fields["marks"] > item.mark.available:
        raise ValueError(f"marks {fields['marks']} are more than the {item.mark.available} available")
    decision = new_decision(
        who, item.student, item.criterion, seen=item.seen, replaces=item.head, group=group, **fields
    )
    if problem := find_problem(decision):
        raise ValueError(problem)
    return settle_verdict(decision, item.mark.available) if item.mark else decision


def _read_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError([Problem(file=str(path), message=f"is larger than {_MOST_BYTES} bytes")])
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(file=str(path), message=f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(file=str(path), message=f"is not UTF-8 at byte {error.start}")]) from None
    head = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=head.count))
    needed = ("student", "criterion", "seen", "replaces", *DECIDED)
    if absent := [name for name in needed if name not in (reader.fieldnames or ())]:
        raise ConfigError([Problem(file=str(path), line=1, message=f"has no column {', '.join(absent)}")])
    for row in reader:
        yield reader.line_num, {name: (row[name] or "").strip() for name in needed}
