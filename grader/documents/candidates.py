"""The labels of a document that may count, with the question that each stands under."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grader.documents.clues import Place
from grader.documents.noise import cut_question, drop_struck, is_placeholder, is_question_text
from grader.documents.units import Unit

# Named in full, set apart, plain.
FULL: Final = 3
SET_APART: Final = 2
PLAIN: Final = 1
_HYPHEN = re.compile(r"\W{0,6}(?:[a-h]|الف|[بپجتد])\s?[-–—]", re.IGNORECASE)
_SHORT_ANSWER = re.compile(r"\W{0,8}ج\s*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A label that may count: its rank (named in full, set apart, plain) and the visit of its question."""

    unit: Unit
    question: int
    part: str
    rank: int
    visit: int
    known: bool = True

    @property
    def several(self) -> bool:
        """True where the label names several parts at once."""
        return bool(self.unit.label and self.unit.label.several)


def list_parts(places: Iterable[Place]) -> dict[int, tuple[str, ...]]:
    """Return the parts of every question, in the sheet's order."""
    parts: dict[int, tuple[str, ...]] = {}
    for place in places:
        parts[place.question] = (*parts.get(place.question, ()), place.part)
    return parts


def find_candidates(
    units: Sequence[Unit], parts: Mapping[int, tuple[str, ...]], words: bool, template: bool
) -> Iterator[Candidate]:
    """Yield the labels of a document with the question that each stands under."""
    question: int | None = None
    visit = 0
    program_before = False
    hyphens = _has_hyphens(units)
    for position, unit in enumerate(units):
        label = unit.label
        program_before |= unit.code_cell
        if template and program_before and unit.heading and not (label and label.word):
            # After a program a new heading begins something else: the template's next step, not the answer's end.
            question = None
            yield Candidate(unit=unit, question=0, part="", rank=FULL, visit=visit, known=False)
        if label is None or (template and question is None and not (label.word or label.full)):
            continue
        if label.question is not None:
            if not _opens_question(units, position, question, parts, words, template):
                continue
            if label.question != question or not label.part:
                visit += 1
            question, program_before = label.question, False
            part = label.part if label.part in parts.get(question, ()) else ""
            if label.part and not part and question in parts:
                continue
            yield Candidate(unit=unit, question=question, part=part, rank=FULL, visit=visit, known=question in parts)
        elif label.bare and not _goes_on(units, position, label.part):
            continue
        elif not (label.sure or label.bare or hyphens):
            continue
        elif question is not None and (label.several or label.part in parts.get(question, ())):
            rank = SET_APART if unit.heading or label.alone else PLAIN
            yield Candidate(unit=unit, question=question, part=label.part, rank=rank, visit=visit)


def _goes_on(units: Sequence[Unit], position: int, part: str) -> bool:
    """Tell whether the label before ``position`` is the part before ``part`` (for "a" its question, alone)."""
    index = next((index for index in reversed(range(position)) if units[index].label), None)
    before = units[index].label if index is not None else None
    if index is None or before is None or not _is_alike(units, position):
        return False
    if part == "a":
        between = any(unit.text.strip() for unit in units[index + 1 : position])
        return before.question is not None and not before.part and before.alone and not between
    return before.part == chr(ord(part) - 1)


def _is_alike(units: Sequence[Unit], position: int) -> bool:
    """Tell whether "ج:" is a label: "ب:" before it is written alike, and something stands under that."""
    text = units[position].text
    if not _SHORT_ANSWER.match(text):
        return True
    index = max(index for index in range(position) if units[index].label)
    alike = re.match(re.escape(text.split("ج")[0]) + r"ب\s*:", units[index].text) is not None
    return alike and says_something(units[index:position])


def _has_hyphens(units: Sequence[Unit]) -> bool:
    """Tell whether a part is surely labelled with a hyphen: then "b-flat" is a label as well."""
    labelled = (other for other in units if other.label and other.label.part and other.label.sure)
    return any(_HYPHEN.match(other.text) for other in labelled)


def _opens_question(
    units: Sequence[Unit],
    position: int,
    current: int | None,
    parts: Mapping[int, tuple[str, ...]],
    words: bool,
    template: bool,
) -> bool:
    """Tell whether the label with a question's number at ``position`` opens that question."""
    unit = units[position]
    label = unit.label
    if label is None or label.question is None:
        return False
    apart = unit.heading or unit.text.lstrip().startswith(("**", "__"))
    if label.word:
        return label.sure or apart
    if template and not (label.full and label.sure and (apart or label.question == current)):
        return False
    if label.bare:
        return _follows(units, position, parts)
    if label.full:
        fits = label.part in parts.get(label.question, ())
        return fits and (not words or (label.sure and (apart or label.alone or label.question == current)))
    last = max(parts, default=0)
    if words or label.question > last + 2:
        return False
    if label.question == last + 1 and current == last:
        return not _counts_up(units, position, last)
    if unit.heading or (label.alone and _part_follows(units, position, label.question, parts)):
        return True
    following = label.question == (current or 0) + 1
    return label.alone and following and _first_part_follows(units, position, label.question, parts)


def _follows(units: Sequence[Unit], position: int, parts: Mapping[int, tuple[str, ...]]) -> bool:
    """Tell whether the part named at ``position`` is the one after the part that was named in full before it.

    The sheet's first part has none before it; there the next one tells.
    """
    order = [(question, part) for question, wanted in parts.items() for part in wanted]
    named = [(label.question or 0, label.part) for unit in units if (label := unit.label) and label.full]
    index = sum(bool(unit.label and unit.label.full) for unit in units[:position])
    if index == 0:
        return named[:2] == order[:2]
    return named[index] in order[1:] and order[order.index(named[index]) - 1] == named[index - 1]


def _counts_up(units: Sequence[Unit], position: int, number: int) -> bool:
    """Tell whether a list goes on at ``position``: the number before stands on a line with text above it."""
    for unit in reversed(units[:position]):
        if unit.label and unit.label.question is not None:
            return unit.label.question == number and not unit.label.alone
    return False


def _part_follows(units: Sequence[Unit], position: int, question: int, parts: Mapping[int, tuple[str, ...]]) -> bool:
    """Tell whether the next line with text is labelled as a part: then a bare "2." above it is a question."""
    following = next((unit for unit in units[position + 1 :] if unit.text.strip()), None)
    label = following.label if following else None
    return bool(label and label.question is None and label.part in parts.get(question, ("a",)))


def _first_part_follows(
    units: Sequence[Unit], position: int, question: int, parts: Mapping[int, tuple[str, ...]]
) -> bool:
    """Tell whether the next label is the question's first part: "2" alone in its paragraph, a remark, "a."."""
    after = units[position + 1].joint if position + 1 < len(units) else ""
    label = next((unit.label for unit in units[position + 1 :] if unit.label), None)
    first = next((part for part in parts.get(question, ()) if part), "")
    apart = units[position].joint == "\n\n" and after == "\n\n"
    return bool(apart and label and label.question is None and label.part and label.part == first)


def says_something(units: Sequence[Unit]) -> bool:
    """Tell whether an answer stands under a label: not struck out, no placeholder, not the sheet's question."""
    text = drop_struck("\n".join([units[0].rest, *(item.text for item in units[1:])]))
    return not is_placeholder(text) and not is_question_text(cut_question(text))
