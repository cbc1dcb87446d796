"""From documents to labelled passages: "Q2", "b)" and what stands under them.

This module knows how people label their answers; it does not know what the questions are about. It walks in four
steps: units with their labels (units.py), which labels count (openings.py), what stands under each (here), and what
that means: an answer, nothing, or something that only a person can place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from grader.documents.blocks import Block, BlockKind, Document, Line
from grader.documents.candidates import list_parts
from grader.documents.clues import Place, find_suited
from grader.documents.copies import drop_copies
from grader.documents.file_names import label_files
from grader.documents.nearby import find_hidden, is_report
from grader.documents.noise import (
    CHOOSES,
    cut_question,
    has_picture,
    is_elsewhere,
    is_header,
    is_placeholder,
    is_question_text,
)
from grader.documents.openings import find_openings
from grader.documents.segments import Segment, cut_segments, drop_corrected, find_second, is_title_line
from grader.documents.skipped import is_skipped
from grader.documents.units import build_units
from grader.model import Location, State

__all__ = ["Block", "BlockKind", "Document", "Line", "Passage", "Place", "find_passages"]

# A word to the reader, and what makes more of it: numbers, formulas, options.
_TO_READER = re.compile(
    r"\b(?:dear|hello|hi|sorry|apologi[sz]e|thank(?:s| you)|(?:was|am|were) (?:ill|sick|away))\b"
    r"|سلام|ببخشید|متاسف|با تشکر",
    re.IGNORECASE,
)
_SAYS = re.compile(
    r"[\d$=∂∑^_\\]|\b(?:options?|choices?|first|second|third|fourth|both|(?:uni|bi|one|two)-?dir\w*|[b-d]\b|a[).:])"
    r"|گزینه|اول|دوم|سوم|چهارم|طرفه",
    re.IGNORECASE,
)
_NO_TEXT = "no label of a question was found, so nothing could be placed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What was found at a place; the fields are those of an Answer without its question."""

    state: State
    text: str = ""
    location: Location | None = None
    machine_read: bool = False
    extracted: bool = False
    reason: str = ""
    above: str = ""  # what stands under the question's own label, before its parts


@dataclass(slots=True)
class _Found:
    """All segments, and why a place without one may still have an answer somewhere."""

    segments: list[Segment] = field(default_factory=list)
    # Reasons that hold for every missing place, and for those of one question.
    doubts: list[str] = field(default_factory=list)
    question_doubts: dict[int, str] = field(default_factory=dict)
    # Questions whose labels contradict one another: none of their parts can be trusted.
    torn: dict[int, str] = field(default_factory=dict)
    # Documents that quote the sheet's questions above the answers.
    quoting: set[int] = field(default_factory=set)


def find_passages(documents: Sequence[Document], wanted: Sequence[Place]) -> Mapping[Place, Passage]:
    """Return a passage for every wanted place.

    ``given`` where text stands under its label; ``missing`` only where a reader can be sure that nothing does;
    ``unreadable`` with a reason where a person must look: a file that could not be read, text that belongs to no
    label, two files that contradict one another, a picture.
    """
    parts = list_parts(wanted)
    units = [build_units(index, document) for index, document in enumerate(documents)]
    label_files(units, documents, parts)
    openings, torn = find_openings(units, wanted, [document.template for document in documents])
    found = _Found(torn=torn)
    for index, document in enumerate(documents):
        if document.unreadable:
            found.doubts.append(f"{document.file} could not be read: {document.unreadable}")
            continue
        if document.partly:
            found.doubts.append(f"{document.file}: {document.partly}")
        segments = cut_segments(index, units[index], openings)
        _judge_loose_text(document, segments, found, wanted)
        if _quotes_questions(segments):
            found.quoting.add(index)
        found.segments += segments
    opened = {item.place.question for item in found.segments if item.place}
    for question in parts.keys() - opened if torn else ():
        found.question_doubts[question] = "; ".join(torn.values())
    found.doubts += _find_strange_headings(found.segments, documents)
    _place_preambles(found, parts)
    return {place: _build_passage(place, found, documents, wanted) for place in wanted}


def _judge_loose_text(document: Document, segments: Sequence[Segment], found: _Found, wanted: Sequence[Place]) -> None:
    """Note what stands above a report's first label and is no header: an answer may hide in it."""
    first = segments[0]
    if document.template:
        if is_report(segments, wanted):
            found.doubts.append(f"{document.file}: answers seem to stand in it, but no label tells which they are")
        return
    if not first.text.strip():
        return
    if len(segments) == 1:
        if not is_header(first.text.split("\n")) or has_picture(first.text):
            found.doubts.append(f"{document.file}: {_NO_TEXT}")
    elif _may_answer(first.text, wanted):
        found.doubts.append(f"{document.file}: text stands above the first label")


def _may_answer(text: str, wanted: Sequence[Place]) -> bool:
    """Tell whether a text above the first label may hold an answer: it is no header and no word to the reader alone."""
    if has_picture(text):
        return True
    if is_header(text.split("\n")):
        return False
    told = "\n".join(line for line in text.split("\n") if not is_header([line]))
    return not _TO_READER.search(told) or _SAYS.search(told) is not None or bool(find_suited(told, wanted))


def _place_preambles(found: _Found, parts: Mapping[int, tuple[str, ...]]) -> None:
    """Give the text between a question's label and its first part to the part whose label is missing."""
    for question, wanted in parts.items():
        if wanted == ("",):
            continue
        mine = [item for item in found.segments if item.place and item.place.question == question and not item.closed]
        loose = [item for item in mine if item.place == Place(question=question) and not is_placeholder(item.body)]
        labelled = {item.place.part for item in mine if item.place and item.place.part}
        first = next(part for part in wanted if part)
        loose = [item for item in loose if not (item.several and is_skipped(item.body))]  # "b), c): not solved"
        if not loose:
            continue
        if any(item.several for item in loose):
            found.question_doubts[question] = f"one text under question {question} answers several parts together"
            continue
        place = Place(question=question, part=first)
        if len([part for part in wanted if part]) == 1 and not labelled:
            for item in loose:
                item.place = place
        elif not labelled:
            found.question_doubts[question] = f"text stands under question {question}, but no part is labelled in it"
        elif first not in labelled and _answers(loose):
            for item in loose:
                item.place = place
                item.units = [(unit, text) for unit, text in item.units if not is_title_line(unit, text)]
        elif first not in labelled or not _is_title(loose):
            found.question_doubts[question] = f"text stands under question {question} before its first part's label"


def _answers(loose: Iterable[Segment]) -> bool:
    """Tell whether what stands beside a question's label can be an answer: no question, and more than a few words."""
    text = "\n".join(item.body for item in loose)
    return not is_question_text(text) and (CHOOSES.search(text) is not None or len(text.split()) > 8)


def _is_title(loose: Iterable[Segment]) -> bool:
    """Tell whether what stands beside a question's label is its title or its text from the sheet."""
    text = "\n".join(item.body for item in loose)
    return is_question_text(text) or ("$" not in text and len(text.split()) <= 8)


def _build_passage(place: Place, found: _Found, documents: Sequence[Document], wanted: Sequence[Place]) -> Passage:
    mine = [item for item in found.segments if item.place == place and not item.closed]
    told = _drop_questions([item for item in mine if not is_placeholder(item.unstruck)])
    told = [item for item in told if not (item.document in found.quoting and item.only_asks)]
    if not told:
        return _build_empty(place, mine, found, documents, wanted)
    told = drop_corrected(told)
    by_document: dict[int, list[str]] = {}
    for item in told:
        by_document.setdefault(item.document, []).append(_cut_question(item))
    extracted = {index for index, document in enumerate(documents) if document.extracted}
    joined = {index: "\n\n".join(items) for index, items in by_document.items()}
    distinct = drop_copies(joined, extracted)
    texts = list(distinct.values())
    told = [item for item in told if item.document in distinct]
    reason = (
        found.torn.get(place.question)
        or find_second(told, found.segments)
        or _find_doubt(texts, [documents[index].file for index in distinct])
    )
    return Passage(
        state="unreadable" if reason else "given",
        text="\n\n".join(texts) if reason else texts[0],
        location=told[0].location,
        machine_read=any(documents[index].machine_read for index in distinct),
        extracted=not extracted.isdisjoint(distinct),
        reason=reason,
        above=_find_above(place, told, found),
    )


def _find_above(place: Place, told: Sequence[Segment], found: _Found) -> str:
    """Return what stands under the question's own label in the files of an answer to one of its parts."""
    files, question = {item.document for item in told}, Place(question=place.question)
    loose = [item for item in found.segments if item.place == question and item.document in files and not item.closed]
    return "\n\n".join(item.unstruck for item in loose) if place.part else ""


def _quotes_questions(segments: Iterable[Segment]) -> bool:
    """Tell whether a document has quotations above answers that are not quoted."""
    return sum(item.place is not None and item.question_quoted for item in segments) >= 2


def _drop_questions(told: Sequence[Segment]) -> Sequence[Segment]:
    """Leave out a copy of the sheet's question where the answer stands under a second label."""
    answers = [item for item in told if not is_question_text(item.unstruck)]
    return answers if len(told) > 1 and answers else told


def _cut_question(segment: Segment) -> str:
    """Return a segment's text without the question repeated above the answer and without the word "Answer:"."""
    quoted = segment.keep(lambda unit: unit.quoted)
    own = segment.keep(lambda unit: not unit.quoted)
    if quoted.unstruck and own.unstruck:
        if segment.question_quoted:
            return cut_question(own.text)
        if is_question_text(own.unstruck):  # the question, and the answer in a quotation below it
            return quoted.text
    return cut_question(segment.text)


def _find_doubt(texts: Sequence[str], files: Sequence[str]) -> str:
    """Return why a text cannot stand as this place's answer, "" where it can."""
    if len({" ".join(text.split()).casefold() for text in texts}) > 1:
        return f"{' and '.join(files)} answer this differently"
    if any(has_picture(text) for text in texts):
        return "part of the answer is a picture"
    if any(is_elsewhere(text) for text in texts):
        return "the text only says that the answer stands elsewhere"
    return ""


def _build_empty(
    place: Place, mine: Sequence[Segment], found: _Found, documents: Sequence[Document], wanted: Sequence[Place]
) -> Passage:
    """Return the passage of a place without an answer: missing, or unreadable where it may stand elsewhere."""
    struck = next((item for item in mine if item.text.strip() and not is_placeholder(item.text)), None)
    machine_read = struck is not None and documents[struck.document].machine_read
    extracted = {index for index, document in enumerate(documents) if document.extracted}
    reasons = [found.torn.get(place.question, ""), found.question_doubts.get(place.question, ""), *found.doubts]
    if mine and all(item.document in extracted for item in mine):
        # A formula may be drawn as a picture or lines, or stand elsewhere in the file than on the page.
        reasons.append("nothing that could be read stands behind the label; look at the page")
    if machine_read:
        reasons.insert(0, "everything here is struck out, which a machine may have misread")
    reasons += [find_hidden(place, wanted, found.segments, documents)]
    reason = next((item for item in reasons if item), "")
    return Passage(
        state="unreadable" if reason else "missing",
        text=struck.text if struck else "",
        location=struck.location if struck else None,
        machine_read=machine_read,
        reason=reason,
    )


def _find_strange_headings(segments: Iterable[Segment], documents: Sequence[Document]) -> Iterator[str]:
    """Yield a doubt for a heading inside an answer where answers begin with headings: its label may be misspelt."""
    for item in segments:
        if item.place is None or item.closed or not item.units[0][0].heading or documents[item.document].template:
            continue
        for unit, text in item.units[1:]:
            if unit.heading and unit.label is None:
                yield f"the heading “{text.strip(' #')[:60]}” names no question"
