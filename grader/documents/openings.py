"""Which labels count: "b)" opens part b under question 1, and is an option where part b is labelled otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.documents.clues import Place
from grader.documents.noise import cut_question, drop_struck, is_placeholder, is_question_text
from grader.documents.ordered import Stretch, find_whole, label_by_order
from grader.documents.spoken import split_prose
from grader.documents.terse import split_lines
from grader.documents.units import Unit

_FULL, _SET_APART, _PLAIN = 3, 2, 1
_HYPHEN = re.compile(r"\W{0,6}(?:[a-h]|الف|[بپجتد])\s?[-–—]", re.IGNORECASE)
_UNFINISHED = re.compile(
    r"(?:,|\b(?:from|of|in|using|by|see|with|and|to|as|than|for|our|my|the|into|on|at|per|or|that|since|because|if|when)"
    r"|\b(?:از|در|با|به|طبق|و))\s*\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A label that counts. ``closes`` is True for a question that is not asked for (what a notebook answers).

    ``several`` is True for a label of several parts, whose text belongs to no single one.
    """

    question: int
    part: str
    rest: str
    closes: bool = False
    several: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
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
        label_by_order(document, list(_find_stretches(document, places, words, template)))
        candidates = _filter(document, list(_find_candidates(document, parts, words, template)), parts)
        torn.update(_find_torn(document, candidates))
        for item in candidates:
            rest = item.unit.rest
            opening = Opening(
                question=item.question, part=item.part, rest=rest, closes=not item.known, several=item.several
            )
            openings[id(item.unit)] = opening
    return openings, torn


def list_parts(places: Iterable[Place]) -> dict[int, tuple[str, ...]]:
    """Return the parts of every question, in the sheet's order."""
    parts: dict[int, tuple[str, ...]] = {}
    for place in places:
        parts[place.question] = (*parts.get(place.question, ()), place.part)
    return parts


def _find_stretches(units: Sequence[Unit], places: Sequence[Place], words: bool, template: bool) -> Iterator[Stretch]:
    """Yield the text of every question whose parts nobody labelled; the whole report where no question is labelled."""
    parts = list_parts(places)
    candidates = list(_find_candidates(units, parts, words, template))
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


def _find_candidates(
    units: Sequence[Unit], parts: Mapping[int, tuple[str, ...]], words: bool, template: bool
) -> Iterator[_Candidate]:
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
            yield _Candidate(unit=unit, question=0, part="", rank=_FULL, visit=visit, known=False)
        if label is None or (template and question is None and not label.word):
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
            yield _Candidate(unit=unit, question=question, part=part, rank=_FULL, visit=visit, known=question in parts)
        elif label.bare and not _goes_on(units, position, label.part):
            continue
        elif not (label.sure or label.bare or hyphens):
            continue
        elif question is not None and (label.several or label.part in parts.get(question, ())):
            rank = _SET_APART if unit.heading or label.alone else _PLAIN
            yield _Candidate(unit=unit, question=question, part=label.part, rank=rank, visit=visit)


def _goes_on(units: Sequence[Unit], position: int, part: str) -> bool:
    """Tell whether the label before ``position`` is the part before ``part`` (for "a" its question, alone)."""
    before = next((unit.label for unit in reversed(units[:position]) if unit.label), None)
    if before is None:
        return False
    if part == "a":
        return before.question is not None and not before.part and before.alone
    return before.part == chr(ord(part) - 1)


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
    if template:
        return False
    if label.full:
        fits = label.part in parts.get(label.question, ())
        return fits and (not words or (label.sure and (apart or label.alone or label.question == current)))
    last = max(parts, default=0)
    if words or label.question > last + 2:
        return False
    if label.question == last + 1 and current == last:
        return not _counts_up(units, position, last)
    return unit.heading or (label.alone and _part_follows(units, position, label.question, parts))


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


def _filter(
    units: Sequence[Unit], candidates: Sequence[_Candidate], parts: Mapping[int, tuple[str, ...]]
) -> list[_Candidate]:
    """Leave out labels that are an answer's own letters: "(b) and (c)" under "Q1 a" where "Q1 b" has its own label."""
    least: dict[int, int] = {}
    for question, wanted in parts.items():
        for rank in (_FULL, _SET_APART):
            named = {item.part for item in candidates if item.question == question and item.rank >= rank}
            if set(wanted) <= named:
                least[question] = rank
                break
    places = {id(unit): place for place, unit in enumerate(units)}
    margins: dict[tuple[int, int, str], int] = {}
    for item in candidates:
        key = (item.question, item.visit, item.part)
        margins[key] = min(margins.get(key, 99), _indent(item.unit))
    first: dict[tuple[int, str], _Candidate] = {}
    for item in candidates:
        first.setdefault((item.question, item.part), item)
    kept: list[_Candidate] = []
    for item in candidates:
        if (item.part or item.several) and item.rank < least.get(item.question, _PLAIN):
            continue
        if kept and _is_answer_letter(units, places, kept[-1], item, candidates):
            continue
        margin = margins[item.question, item.visit, item.part]
        if item.rank < _FULL and _indent(item.unit) > margin + 1:
            continue  # a list inside an answer, whose letters the question's own parts have nearer to the margin
        if _is_reference(units, places, item, first):
            continue
        kept.append(item)
    return kept


def _is_answer_letter(
    units: Sequence[Unit],
    places: Mapping[int, int],
    before: _Candidate,
    item: _Candidate,
    candidates: Sequence[_Candidate],
) -> bool:
    """Tell whether a plainer label directly under another one is its answer, the part being labelled elsewhere too.

    "(b) and (c)" alone under a part's label is always its answer.
    """
    if not before.part or not (item.part or item.several) or before.question != item.question:
        return False
    if before.part == item.part and before.rank < _FULL:
        return False
    if item.rank >= before.rank and not (item.several and item.rank < _FULL):
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
    units: Sequence[Unit], places: Mapping[int, int], item: _Candidate, first: Mapping[tuple[int, str], _Candidate]
) -> bool:
    """Tell whether "Q2a we know ..." goes on with the sentence of the line above, the part being labelled before."""
    if not item.part or first[item.question, item.part] is item or item.unit.joint != "\n":
        return False
    index = places[id(item.unit)]
    return index > 0 and _UNFINISHED.search(units[index - 1].text) is not None


def _find_torn(units: Sequence[Unit], candidates: Sequence[_Candidate]) -> dict[int, str]:
    """Return the questions in which two or more parts stand twice in a row: a list inside an answer, or a second go."""
    runs: dict[int, list[_Candidate]] = {}
    places = {id(unit): place for place, unit in enumerate(units)}
    for position, item in enumerate(candidates):
        start = places[id(item.unit)]
        end = places[id(candidates[position + 1].unit)] if position + 1 < len(candidates) else len(units)
        if item.part and _says_something(units[start:end]):
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


def _says_something(units: Sequence[Unit]) -> bool:
    """Tell whether an answer stands under a label: not struck out, no placeholder, not the sheet's question."""
    text = drop_struck("\n".join([units[0].rest, *(item.text for item in units[1:])]))
    return not is_placeholder(text) and not is_question_text(cut_question(text))
