"""What stands under one label: a document cut into segments at the labels that count."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from grader.documents.clues import Place
from grader.documents.noise import CHOOSES, drop_struck, is_quoted_question
from grader.documents.openings import Opening
from grader.documents.units import Unit
from grader.model import Location

# How an answer begins that takes an earlier one back.
_TAKES_BACK = re.compile(
    r"\W*(?:sorry|correction|corrected|actually|wait|i meant|edit|update|oops|ببخشید|اصلاح|تصحیح|اشتباه)\b",
    re.IGNORECASE,
)
# A line above answers to parts that were answered before.
_ANNOUNCES = re.compile(
    r"\W*(?:edits?|corrections?|errata|erratum|revisions?|updates?|اصلاحات|اصلاحیه|تصحیح)"
    r"(?:\s*\([^)\n]{0,60}\)|\s+(?:to|of|after|from)\b[^.:\n]{0,40}(?=:))?\W*\Z",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Segment:
    """What stands under one label in one document; ``place`` is None above the first label and under no wanted one."""

    document: int
    place: Place | None
    units: list[tuple[Unit, str]] = field(default_factory=list)
    closed: bool = False
    several: bool = False
    corrects: bool = False
    continues: bool = False

    @property
    def text(self) -> str:
        """Everything under the label."""
        whole = "".join(unit.joint + text for unit, text in self.units if text.strip() or not unit.label)
        return whole.strip("\n").rstrip()

    @property
    def unstruck(self) -> str:
        """The text that is not struck out."""
        return drop_struck(self.text).strip()

    @property
    def body(self) -> str:
        """The text that is not struck out, without a title in the label's own line."""
        own = "".join(unit.joint + text for unit, text in self.units if not is_title_line(unit, text))
        return drop_struck(own).strip()

    @property
    def question_quoted(self) -> bool:
        """True where a quotation stands above text that is not quoted."""
        told = [unit.quoted for unit, text in self.units if text.strip()]
        return bool(told) and told[0] and not all(told)

    def keep(self, wanted: Callable[[Unit], bool]) -> Segment:
        """Return the segment with those of its units that are wanted."""
        return replace(self, units=[(unit, text) for unit, text in self.units if wanted(unit)])

    @property
    def only_asks(self) -> bool:
        """True where nothing but a quoted question stands under the label."""
        quoted = not any(text.strip() and not unit.quoted for unit, text in self.units)
        return quoted and is_quoted_question(self.unstruck)

    @property
    def location(self) -> Location | None:
        """From the first line with text to the last; None without any."""
        told = [unit.location for unit, text in self.units if text.strip()]
        if not told:
            return None
        first, last = told[0], told[-1]
        end = last.end_line if last.cell == first.cell else first.end_line
        return Location(file=first.file, line=first.line, end_line=end, page=first.page, cell=first.cell)


def is_title_line(unit: Unit, text: str) -> bool:
    """Tell whether a heading's own text is a title: a few words, and none that could choose or count something."""
    return unit.heading and len(text.split()) <= 8 and CHOOSES.search(text) is None


def cut_segments(index: int, units: Sequence[Unit], openings: Mapping[int, Opening]) -> list[Segment]:
    """Return one document's text, cut at the labels that count."""
    current = Segment(document=index, place=None)
    segments = [current]
    correcting = False
    for unit in units:
        opening = openings.get(id(unit))
        if opening is None and _ANNOUNCES.match(unit.text) and len(segments) > 1:
            correcting = True
            continue
        if opening is None:
            current.units.append((unit, unit.text))
            continue
        place = Place(question=opening.question, part=opening.part)
        before = current.place
        if not opening.part and not opening.several and before and before.part and before.question == place.question:
            place = before  # "Q2 (continued)" at the top of the next page goes on with the part before it
        current = Segment(
            document=index,
            place=place,
            closed=opening.closes,
            several=opening.several,
            corrects=correcting or opening.corrects or _TAKES_BACK.match(opening.rest) is not None,
            continues=opening.continues,
        )
        segments.append(current)
        current.units.append((unit, opening.rest))
    return segments


def drop_corrected(told: Sequence[Segment]) -> Sequence[Segment]:
    """Leave out what a later answer to the same part corrects, and what is only said once more."""
    last = max((index for index, item in enumerate(told) if item.corrects), default=0)
    kept: list[Segment] = []
    for index, item in enumerate(told):
        corrected = index < last and item.document == told[last].document
        if not corrected and not any(_is_same(item, other) for other in kept if other.document == item.document):
            kept.append(item)
    return kept


def find_second(told: Sequence[Segment], segments: Sequence[Segment]) -> str:
    """Say that a part is answered in two places of one document, where neither continues or corrects the other."""
    order = {id(item): index for index, item in enumerate(segments)}
    for before, after in pairwise(told):
        if before.document != after.document or after.continues or after.corrects:
            continue
        between = segments[order[id(before)] + 1 : order[id(after)]]
        if any(item.place not in (None, before.place) and item.unstruck for item in between):
            return "the part is answered in two places, and nothing says which answer counts"
    return ""


def _is_same(item: Segment, other: Segment) -> bool:
    return item.unstruck.split() == other.unstruck.split()
