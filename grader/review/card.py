"""What a page shows of one waiting answer: the student's own text, how it was read, the rubric, the suggestion."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from grader.batch.moderation import WHOLE
from grader.batch.waiting import Item
from grader.feedback.markup import clean
from grader.feedback.student_view import Shown, build_shown
from grader.model import SUBMITTED_AT, Decision, Json

MOST_ALIKE = 40
_LONGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of an answer; ``marked`` is what a person should look at."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One answer as it is shown. All text is raw and must be escaped.

    ``pictures`` are (address, file, page). ``findings`` are (code, sentence, for staff alone).
    """

    criterion: str
    title: str
    available: Decimal | None
    observed: Shown
    expected: Shown
    pieces: tuple[Piece, ...]
    pictures: tuple[tuple[str, str, int], ...]
    reason: str
    suggested: str
    suggested_marks: Decimal | None
    reading: str
    findings: tuple[tuple[str, str, bool], ...]
    earlier: Decision | None
    moment: bool


def build_card(item: Item, picture_base: str) -> Card:
    """Return what is shown of an item; ``picture_base`` is the address below which its pages lie, by number."""
    mark, review = item.mark, item.review
    observed: Mapping[str, Json] = mark.evidence.observed if mark else {}
    expected: Mapping[str, Json] = mark.evidence.expected if mark else {}
    suggested = (review.suggested_verdict if review else None) or ""
    credit = review.suggested_credit if review else None
    credit = WHOLE.get(suggested) if credit is None else credit
    pages = observed.get("pages") or ()
    return Card(
        criterion=item.criterion,
        title=clean(mark.title if mark else "When it was handed in", 200),
        available=mark.available if mark else None,
        observed=build_shown(observed),
        expected=build_shown(expected),
        pieces=find_pieces(observed),
        pictures=tuple(
            (f"{picture_base}/{number}", clean(page["file"], 200), int(page["page"]))
            for number, page in enumerate(pages)
        ),
        reason=clean(review.reason if review else "", 600),
        suggested=suggested if suggested in ("correct", "partial", "wrong", "missing") and credit is not None else "",
        suggested_marks=None if credit is None or mark is None else credit * mark.available,
        reading=clean((mark.evidence.reading if mark else "") or "", 80).replace("_", " "),
        findings=tuple(
            (finding.code, clean(finding.message, 1000), finding.audience == "staff")
            for finding in (mark.evidence.findings if mark else ())
        ),
        earlier=item.earlier,
        moment=item.criterion == SUBMITTED_AT,
    )


def find_pieces(observed: Mapping[str, Json]) -> tuple[Piece, ...]:
    """Return the answer in pieces, with the place that was not understood or that decides marked; () where none is."""
    answer = clean(observed.get("answer") or "", _LONGEST)
    said = [
        clean(text, 400) for text in [*(observed.get("highlight") or ()), observed.get("not_understood") or ""] if text
    ]
    patterns = [r"\s+".join(map(re.escape, words)) for text in said if (words := text.rstrip("… ").split())]
    if not answer or not patterns:
        return ()
    pieces = re.split(f"({'|'.join(sorted(patterns, key=len, reverse=True))})", answer)
    found = [Piece(text=text, marked=bool(number % 2)) for number, text in enumerate(pieces) if text]
    return tuple(found) if any(piece.marked for piece in found) else ()


def read_rubric_parts(path: Path) -> dict[str, str]:
    """Return the rubric's own lines on how each criterion is marked (its ``question``), with their comments."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    parts = {}
    for criterion in _find_value(yaml.compose(text, Loader=yaml.SafeLoader), "criteria"):
        name, question = (_find_node(criterion, key) for key in ("id", "question"))
        if name is not None and question is not None:
            inside: Sequence[str] = lines[question.start_mark.line : question.end_mark.line + 1]
            if question.end_mark.column <= criterion.start_mark.column:  # it ends before what comes next
                inside = inside[:-1]
            while inside and inside[-1].strip(" -")[:1] in ("", "#"):  # a heading of the next one
                inside = inside[:-1]
            parts[str(name.value)] = textwrap.dedent("\n".join(inside))
    return parts


def _find_value(node: Any, key: str) -> Sequence[Any]:
    found = _find_node(node, key)
    return found.value if isinstance(found, yaml.SequenceNode) else ()


def _find_node(node: Any, key: str) -> Any:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)
