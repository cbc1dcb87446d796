"""Whether the answer to a part without a label may stand somewhere else: then it is not missing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from grader.documents.blocks import Document
from grader.documents.clues import Place, find_suited
from grader.documents.counts import SURE, Count, find_count
from grader.documents.labels import find_label, parse_part
from grader.documents.noise import drop_struck, is_placeholder, is_question_text
from grader.documents.pieces import goes_on
from grader.documents.segments import Segment, is_title_line

_FORMULA = re.compile(r"\$\$[^$]*\$\$|\$[^$\n]*\$")
_SIGNS = re.compile(r"[=∂∑∏Σ^_]")
_LOOK_BACK = 500
_LONG = 20  # words
# No answer has more paragraphs, and no notebook more texts.
_MOST = 200
_JUNK = " \t.,;:!?|()[]{}<>*_~`'\"#-–—"
_PERSIAN = re.compile(r"\W{0,8}(?P<part>الف|[بپجتد])\s*[)\-–:.،(]")
# How an answer begins that chooses, counts or writes a formula at once.
_ANSWERS = re.compile(
    r"[\s*_>(\[-]*(?:\d|\$|\\\[|(?:the )?(?:options?|choices?|first|second|third|fourth|last|both)\b"
    r"|گزینه|اول|دوم|سوم|چهارم)",
    re.IGNORECASE,
)
# "Q1/b1:", "(d1b)", "قسم ب:": a label that a slip may have spoilt.
_LIKE_LABEL = re.compile(
    r"[\W_]*(?:(?:[A-Za-z]{0,4}[ .]?\d[\w./-]{0,4}[ ]?[a-z]?|[a-h]\d?"
    r"|[\u0600-\u06ff]{1,6} [\u0600-\u06ff]{1,3})[ ]?[):.\]}]"
    r"|(?:q|ques\w*|a?ns\w*|a\w{3,4}er|part|سوال|قسمت|مورد|بخش)\W{0,2}\w{1,5}\b|(?:[b-h]|الف|[بپجتد])\s+\w)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Above:
    """What stands above a line in its segment: the last of its text, and the numbers that its lines begin with."""

    text: str
    numbers: set[int] = field(default_factory=set)

    def add(self, line: str) -> None:
        self.text = f"{self.text}\n{line}"[-_LOOK_BACK:]
        if count := find_count(line):
            self.numbers.add(count.number)


def find_hidden(
    place: Place, wanted: Sequence[Place], segments: Sequence[Segment], documents: Sequence[Document]
) -> str:
    """Say where the answer to ``place`` may stand though no label of it counts; "" where it can stand nowhere."""
    if not place.part:
        return ""
    told = [item for item in segments if item.place and not item.closed]
    return (
        _find_label(place, wanted, told)
        or _find_name(place, segments)
        or _find_text(place, wanted, [item for item in segments if _may_answer(item, documents)])
        or _find_line(place, wanted, told)
        or _find_items(place, told)
        or _find_twice(place, wanted, told)
        or _find_crowd(place, wanted, [item for item in told if documents[item.document].extracted])
        or _find_shut(place, segments)
        or _find_spoken(place, told)
    )


def _find_spoken(place: Place, told: Sequence[Segment]) -> str:
    """Find a long answer to an earlier part in running text that names parts: it may go on to this one unnamed."""
    for item in told:
        label = item.units[0][0].label
        same = item.place is not None and item.place.question == place.question and item.place.part < place.part
        if same and label is not None and label.spoken and len(item.unstruck.split()) > _LONG:
            return "the answers to this question stand in running text"
    return ""


def _find_shut(place: Place, segments: Sequence[Segment]) -> str:
    """Find a text under this part's letter whose question could not be told: a letter below a program, say."""
    for item in segments:
        label = item.units[0][0].label if item.place and item.closed and not item.place.question else None
        if label is not None and label.part == place.part and not is_placeholder(item.unstruck):
            return f"a text stands under “{place.part}”, of a question that could not be told"
    return ""


def _may_answer(item: Segment, documents: Sequence[Document]) -> bool:
    """Tell whether a segment's text may answer something: not what stands between a notebook's programs."""
    return item.place is not None and not (item.closed and documents[item.document].template)


def _find_twice(place: Place, wanted: Sequence[Place], told: Sequence[Segment]) -> str:
    """Find the part before or behind this one answered twice, differently: one of the two labels may be a slip."""
    parts = [other for other in wanted if other.question == place.question]
    index = parts.index(place)
    for other in (*parts[max(0, index - 1) : index], *parts[index + 1 : index + 2]):
        mine = [item for item in told if item.place == other and not is_placeholder(item.unstruck)]
        for before, after in pairwise(mine):
            differ = before.unstruck.split() != after.unstruck.split()
            if before.document == after.document and differ and not (after.continues or after.corrects):
                return f"{_name(other)} is labelled twice, and one of the two may be this part"
    return ""


def _find_crowd(place: Place, wanted: Sequence[Place], told: Sequence[Segment]) -> str:
    """Find a part of the same question with room for those behind it that have no label: as many formulas as parts."""
    parts = [other for other in wanted if other.question == place.question]
    named = {item.place for item in told}
    before = next((other for other in reversed(parts[: parts.index(place)]) if other in named), None)
    if before is None:
        return ""
    behind = parts[parts.index(before) + 1 :]
    lost = next((index for index, other in enumerate(behind) if other in named), len(behind))
    for item in told:
        formulas = sum(bool(_SIGNS.search(text)) for text in _list_paragraphs(item)) if item.place == before else 0
        if formulas > lost:
            return f"{formulas} formulas stand under {_name(before)}, and no label tells them apart"
    return ""


def _find_items(place: Place, told: Sequence[Segment]) -> str:
    """Find an answer to the same question that is a list of numbered items: they may be its parts."""
    for item in told:
        if item.place is None or item.place.question != place.question:
            continue
        lines = [text for _, text in item.units if text.strip() and not text.lstrip().startswith("#")]
        counts = [count.number for text in lines if (count := find_count(text))]
        if len(set(counts)) > 1 and (first := find_count(lines[0])) and first.number == 1:
            return "another answer to this question is a numbered list"
    return ""


def is_report(segments: Sequence[Segment], wanted: Sequence[Place]) -> bool:
    """Tell whether unplaced text answers half of the sheet: a notebook that holds the report as well."""
    suited: set[Place] = set()
    loose = (item for item in segments if item.place is None or item.closed)
    for text in islice((text for item in loose for text in _list_paragraphs(item)), _MOST):
        found = find_suited(text, wanted)
        if len(found) == 1:
            suited |= found
    return len(suited) * 2 >= len([place for place in wanted if place.clues]) > 0


def _find_label(place: Place, wanted: Sequence[Place], segments: Sequence[Segment]) -> str:
    """Find the part's label inside another answer: in full, or in its own question's text."""
    label = re.compile(rf"(?<!\w){place.part}(?:\s?\)|[.:](?=\s))(?!\w)", re.IGNORECASE)
    number = 1 + [other.part for other in wanted if other.question == place.question].index(place.part)
    for item in segments:
        here = item.place is not None and item.place.question == place.question
        above = _Above(text=item.units[0][1])
        for _, text in item.units[1:]:
            if _names(text, place, number, here, above):
                return f"“{text.strip()[:20]}” stands in the middle of another answer"
            above.add(text)
        if here and (match := label.search(_FORMULA.sub(" ", item.unstruck))):
            return f"“{match[0].strip()}” stands in the middle of another answer"
    return ""


def _find_name(place: Place, segments: Sequence[Segment]) -> str:
    """Find the part named in full anywhere in a line: "and 2 d) is ..."."""
    name = re.compile(
        rf"(?<![\w.])(?:q(?:uestion)?\s?)?{place.question}\s?[.\-–)]?\s?\(?{place.part}(?:\s?\)|\s?:|\s(?:is|=)\s)",
        re.IGNORECASE,
    )
    for item in segments:
        for unit, text in item.units:
            where = text if unit.label else unit.text
            if not unit.code_cell and (match := name.search(_FORMULA.sub(" ", drop_struck(where)))):
                return f"“{match[0].strip()}” stands in the middle of another answer"
    return ""


def _names(text: str, place: Place, number: int, here: bool, above: _Above) -> bool:
    """Tell whether a line begins with a part's label in any habit; ``here`` within its own question."""
    # "b less work": a letter that no sentence begins with ("a" is a word of its own).
    letter = re.match(r"\W*([a-h])[ \t]+\S", text, re.IGNORECASE)
    if here and letter and letter[1].lower() == place.part != "a":
        return True
    if (persian := _PERSIAN.match(text)) and here and parse_part(persian["part"]) == place.part:
        short = persian["part"] == "ج" and (is_question_text(above.text) or is_placeholder(above.text))
        return not short  # "ج:" below a question is short for "answer:"
    if here and (count := find_count(text)) and _is_part(count, place, number, above.numbers):
        return True
    found = find_label(text.lstrip(_JUNK))
    return bool(
        found
        and (found.full or not found.bare)
        and found.part == place.part
        and (found.question == place.question or (here and not found.question))
    )


def _is_part(count: Count, place: Place, number: int, above: Collection[int]) -> bool:
    """Tell whether a number at a line's start is that of the part, and not one of a list inside the answer."""
    if count.number != number or count.question not in (None, place.question) or not count.rest.strip():
        return False
    if count.style in SURE:
        return True
    return number > 1 and number - 1 not in above


def _find_text(place: Place, wanted: Sequence[Place], segments: Sequence[Segment]) -> str:
    """Find a text under another label that answers this part by the rubric's clues, or seems to be a second answer."""
    parts = [other for other in wanted if other.question == place.question]
    before = parts[parts.index(place) - 1] if parts[0] != place else None
    answered = any(item.place and item.place.question == place.question for item in segments)
    labelled = any(item.place == place for item in segments)
    for item in segments:
        if item.place is None:
            continue
        for index, text in enumerate(islice(_list_paragraphs(item), _MOST)):
            suited = find_suited(text, wanted)
            if item.closed:
                if suited == {place}:
                    return "a text under another question reads like an answer to this part"
                continue
            own = item.place in suited
            same = item.place.question == place.question
            lost = place in suited and {other.question for other in suited} == {place.question} and not answered
            if not own and (suited == {place} or (same and place in suited) or lost):
                return f"the text under {_name(item.place)} reads like an answer to this part"
            begins = _ANSWERS.match(text) or (not labelled and _LIKE_LABEL.match(text))
            if index and not own and item.place == before and begins:
                return f"a second answer seems to stand under {_name(item.place)}"
    return ""


def _find_line(place: Place, wanted: Sequence[Place], told: Sequence[Segment]) -> str:
    """Find a line under another part that answers this one alone: an item without its letter.

    Under another question where nothing is labelled as of this one, it may answer any of its parts.
    """
    answered = any(item.place and item.place.question == place.question for item in told)
    for item in told:
        if item.place is None or item.place == place or (answered and item.place.question != place.question):
            continue
        lines = [text for unit, text in item.units[1:] if not unit.quoted and text.strip()]
        for suited in (find_suited(text, wanted) for text in lines[:_MOST]):
            lost = not answered and place in suited and {other.question for other in suited} == {place.question}
            if suited == {place} or lost:
                return f"a line under {_name(item.place)} reads like an answer to this part"
    return ""


def _name(place: Place) -> str:
    return f"question {place.question} {place.part}".strip()


def _list_paragraphs(segment: Segment) -> Iterator[str]:
    """Yield a segment's paragraphs, a formula together with the sentence that leads to it; no quoted question."""
    paragraph = ""
    for unit, text in segment.units:
        if unit.quoted or is_title_line(unit, text) or is_placeholder(drop_struck(text)):
            continue
        if unit.joint == "\n\n" and paragraph and not goes_on(paragraph, text):
            yield paragraph
            paragraph = text
        else:
            paragraph += f"\n{text}"
    if paragraph.strip() and not is_question_text(paragraph):
        yield paragraph
