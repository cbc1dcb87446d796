"""Which labels count: "b)" opens part b under question 1, and is an option where part b is labelled otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.documents.candidates import FULL, PLAIN, SET_APART, Candidate, find_candidates, list_parts, says_something
from grader.documents.clues import Place
from grader.documents.ordered import find_whole, label_by_order, label_dotted
from grader.documents.runs import Stretch
from grader.documents.spoken import split_prose
from grader.documents.terse import split_lines
from grader.documents.units import Unit

_UNFINISHED = re.compile(
    r"(?:,|\b(?:from|of|in|using|by|see|with|and|to|as|than|for|our|my|the|into|on|at|per|or|that|since|because|if|when)"
    r"|\b(?:از|در|با|به|طبق|و))\s*\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A label that counts. ``closes`` is True for a question that is not asked for (what a notebook answers).

    ``several`` is True for a label of several parts, whose text belongs to no single one; ``corrects`` and
    ``continues`` are the label's.
    """

    question: int
    part: str
    rest: str
    closes: bool = False
    several: bool = False
    corrects: bool = False
    continues: bool = False


def find_openings(
    units: Sequence[list[Unit]], places: Sequence[Place], templates: Sequence[bool]
) -> tuple[dict[int, Opening], dict[int, str]]:
    """Return the openings by ``id`` of their unit, and the questions whose labels contradict one another, with why.

    ``units`` are those of each document and may grow: a line with several short answers is cut into its parts. Where
    parts are counted or only stand in order, their units get labels.
    """
    parts = list_parts(places)
    words = any(
        unit.label and unit.label.word and unit.label.sure and unit.label.question in parts
        for document in units
        for unit in document
    )
    openings: dict[int, Opening] = {}
    torn: dict[int, str] = {}
    for document, template in zip(units, templates, strict=True):
        split_lines(document)
        split_prose(document)
        label_dotted(document, places)
        label_by_order(document, list(_find_stretches(document, places, words, template)))
        candidates = _filter(document, list(find_candidates(document, parts, words, template)), parts)
        torn.update(_find_torn(document, candidates))
        for item in candidates:
            openings[id(item.unit)] = _build_opening(item)
    return openings, torn


def _build_opening(item: Candidate) -> Opening:
    label = item.unit.label
    return Opening(
        question=item.question,
        part=item.part,
        rest=item.unit.rest,
        closes=not item.known,
        several=item.several,
        corrects=bool(label and label.corrects),
        continues=bool(label and label.continues),
    )


def _find_stretches(units: Sequence[Unit], places: Sequence[Place], words: bool, template: bool) -> Iterator[Stretch]:
    """Yield the text of every question whose parts nobody labelled; the whole report where no question is labelled."""
    parts = list_parts(places)
    candidates = list(find_candidates(units, parts, words, template))
    positions = {id(unit): index for index, unit in enumerate(units)}
    starts = [positions[id(item.unit)] for item in candidates]
    if not any(item.known for item in candidates):
        end = starts[0] if starts else len(units)
        if not template and (whole := find_whole(units, end)):
            yield Stretch(indices=whole, places=tuple(places))
        return
    for item, start, end in zip(candidates, starts, [*starts[1:], len(units)], strict=True):
        mine = tuple(place for place in places if place.question == item.question and place.part)
        alone = [other for other in candidates if other.question == item.question]
        if len(mine) > 1 and len(alone) == 1 and not (item.part or item.several):
            yield Stretch(indices=tuple(range(start, end)), places=mine, opens=start)


def _filter(
    units: Sequence[Unit], candidates: Sequence[Candidate], parts: Mapping[int, tuple[str, ...]]
) -> list[Candidate]:
    """Leave out labels that are an answer's own letters: "(b) and (c)" under "Q1 a" where "Q1 b" has its own label."""
    least: dict[int, int] = {}
    for question, wanted in parts.items():
        for rank in (FULL, SET_APART):
            named = {item.part for item in candidates if item.question == question and item.rank >= rank}
            if set(wanted) <= named:
                least[question] = rank
                break
    places = {id(unit): place for place, unit in enumerate(units)}
    margins: dict[tuple[int, int, str], int] = {}
    for item in candidates:
        key = (item.question, item.visit, item.part)
        margins[key] = min(margins.get(key, 99), _indent(item.unit))
    first: dict[tuple[int, str], Candidate] = {}
    for item in candidates:
        first.setdefault((item.question, item.part), item)
    kept: list[Candidate] = []
    for index, item in enumerate(candidates):
        if (item.part or item.several) and item.rank < least.get(item.question, PLAIN):
            above = {other.part for other in candidates[:index] if other.question == item.question and other.part}
            if above or item.rank != PLAIN or item.part != parts[item.question][0]:
                continue  # else the first part stands here, and what is labelled so below is another question's
        if kept and _is_answer_letter(units, places, kept[-1], item, candidates):
            continue
        margin = margins[item.question, item.visit, item.part]
        if item.rank < FULL and _indent(item.unit) > margin + 1:
            continue  # a list inside an answer, whose letters the question's own parts have nearer to the margin
        if _is_reference(units, places, item, first):
            continue
        kept.append(item)
    return kept


def _is_answer_letter(
    units: Sequence[Unit],
    places: Mapping[int, int],
    before: Candidate,
    item: Candidate,
    candidates: Sequence[Candidate],
) -> bool:
    """Tell whether a plainer label directly under another one is its answer, the part being labelled elsewhere too.

    "(b) and (c)" alone under a part's label is always its answer.
    """
    if not before.part or not (item.part or item.several) or before.question != item.question:
        return False
    if before.part == item.part and before.rank < FULL:
        return False
    if item.rank >= before.rank and not (item.several and item.rank < FULL):
        return False
    between = units[places[id(before.unit)] + 1 : places[id(item.unit)]]
    if before.unit.rest.strip() or any(unit.text.strip() for unit in between):
        return False
    return item.several or any(
        other is not item and (other.question, other.part) == (item.question, item.part) and other.rank > item.rank
        for other in candidates
    )


def _indent(unit: Unit) -> int:
    return len(unit.text.expandtabs(4)) - len(unit.text.expandtabs(4).lstrip())


def _is_reference(
    units: Sequence[Unit], places: Mapping[int, int], item: Candidate, first: Mapping[tuple[int, str], Candidate]
) -> bool:
    """Tell whether "Q2a we know ..." goes on with the sentence of the line above, the part being labelled before."""
    if not item.part or first[item.question, item.part] is item or item.unit.joint != "\n":
        return False
    index = places[id(item.unit)]
    return index > 0 and _UNFINISHED.search(units[index - 1].text) is not None


def _find_torn(units: Sequence[Unit], candidates: Sequence[Candidate]) -> dict[int, str]:
    """Return the questions in which two or more parts stand twice in a row: a list inside an answer, or a second go."""
    runs: dict[int, list[Candidate]] = {}
    places = {id(unit): place for place, unit in enumerate(units)}
    for position, item in enumerate(candidates):
        start = places[id(item.unit)]
        end = places[id(candidates[position + 1].unit)] if position + 1 < len(candidates) else len(units)
        if item.part and says_something(units[start:end]):
            runs.setdefault(item.visit, []).append(item)
    torn = {}
    for run in runs.values():
        seen: set[str] = set()
        twice: set[str] = set()
        for item in run:
            (twice if item.part in seen else seen).add(item.part)
        if len(twice) >= 2:
            labels = " and ".join(f"{part})" for part in sorted(twice))
            torn[run[0].question] = f"the labels {labels} stand twice under question {run[0].question}"
    return torn
