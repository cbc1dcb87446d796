"""What the sentences of a choice say of its options: every mention by number, and the options meant in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.documents.option_places import find_designations, find_words, is_claim, is_joint, is_ruled_out
from grader.documents.option_words import (
    BECAUSE,
    EXCLUDING,
    OF_THE_CHOSEN,
    ONLY_AFTER,
    ONLY_BEFORE,
    OTHERS,
    Nameable,
    Place,
)
from grader.documents.phrases import find_phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A place in its sentence (``unit``): ruled out there, said as the answer, or part of the reason."""

    place: Place
    unit: int
    denied: bool
    claim: bool
    reason: bool


_SO_NOT = re.compile(
    r"\b(?:so|hence|thus|therefore),? (?:it|this|that)(?: one)? (?:isn't|is not|doesn't|does not|can't|cannot|won't)\b"
)
# Where a reason is over and the answer goes on: "not 3 because ..., I'd go with 1".
_REASON_END = re.compile(
    r",\s*(?:so|hence|thus|therefore|then|i(?:'d| would| choose| pick| go|'ll)|my answer|the answer|پس|بنابراین)\b"
)


def find_mentions(units: Sequence[str], options: Sequence[Nameable], denials: Sequence[str]) -> list[Mention]:
    """Return every mention of an option by number, letter or order in the sentences of a text."""
    found = []
    for number, unit in enumerate(units):
        masked = _mask(unit)
        start, end = _find_reason(masked)
        places = find_designations(masked, options)
        blank = _blank_words(masked, unit, places, options)
        words = find_words(unit, options)
        for index, place in enumerate(places):
            reason = start <= place.start < end
            main = masked if place.start >= start else masked[:start]
            denied = _is_denied(main, index, places, denials, words)
            claim = is_claim(blank, index, places, start if place.start < end else len(masked))
            found.append(Mention(place=place, unit=number, denied=denied, claim=claim, reason=reason))
    return found


def _find_reason(masked: str) -> tuple[int, int]:
    """Return where the reason of a sentence starts and ends ("because ..., so I choose"), its end twice for none."""
    because = BECAUSE.search(masked)
    if not because or not because.start():
        return len(masked), len(masked)
    end = _REASON_END.search(masked, because.end())
    return because.start(), end.start() if end else len(masked)


def _is_denied(
    unit: str, index: int, places: Sequence[Place], denials: Sequence[str], words: Sequence[Place] = ()
) -> bool:
    """Return whether a place is ruled out; where only one option is named, by any words of the unit.

    What is said behind the words of another option (one of ``words``) is said of that one.
    """
    place = places[index]
    others = [word.start for word in words if word.start > place.end and word.option != place.option]
    unit = unit[: min(others, default=len(unit))]
    following = min([len(unit), *(later.start for later in places[index + 1 : index + 2])])
    if index and is_joint(unit, places[index - 1], place) and _is_excluded(unit, index - 1, places):
        return True
    if index and places[index - 1].hedged and place.hedged and is_joint(unit, places[index - 1], place):
        return _is_denied(unit, index - 1, places, denials, words)
    alone = len({one.option for one in (*places, *words)}) == 1
    return is_ruled_out(unit, place, following, denials) or (
        alone and (bool(_SO_NOT.search(unit)) or any(find_phrase(denial, unit) for denial in denials))
    )


def _is_excluded(unit: str, index: int, places: Sequence[Place]) -> bool:
    """Return whether the list of which a place is an entry is ruled out as a whole."""
    while index and is_joint(unit, places[index - 1], places[index]):
        index -= 1
    return EXCLUDING.search(unit[: places[index].start]) is not None


def _mask(unit: str) -> str:
    """Hide formulas and short remarks in brackets, so that the numbers in them are not taken for options."""
    masked = re.sub(r"\bi\. ?e\b\.?|\be\. ?g\b\.?", lambda m: " " * len(m[0]), unit)
    masked = re.sub(r"p\([^()]*\)", lambda m: "_" * len(m[0]), masked)
    masked = re.sub(r"(?<![a-z])[fhowxy]\((?:t|i|\d+)(?: ?[+\-] ?\d)?\)", lambda m: "_" * len(m[0]), masked)
    masked = re.sub(r" \((?!iii\)|options?\b|choices?\b|گزینه)[^\W\d]{3,}[^()]*\)", lambda m: " " * len(m[0]), masked)
    return re.sub(r"[a-z]_[\w+\-]+(?:\.\.[a-z]_[\w+\-]+)?", lambda m: "_" * len(m[0]), masked)


def _blank_words(masked: str, unit: str, places: Sequence[Place], options: Sequence[Nameable]) -> str:
    """Blank an option's words right beside its number: "(2) sentiment and gender (3)" lists two numbers."""
    for word in find_words(unit, options):
        gaps = [(p.end, word.start) if p.end <= word.start else (word.end, p.start) for p in places]
        if any(0 <= end - start <= 3 and not re.search(r"\w", unit[start:end]) for start, end in gaps):
            masked = masked[: word.start] + " " * (word.end - word.start) + masked[word.end :]
    return masked


def read_words(
    units: Sequence[str], mentions: Sequence[Mention], options: Sequence[Nameable], denials: Sequence[str]
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the options that the text asserts and those it denies by their words or formulas.

    The words of an option whose number the sentence rules out tell why ("not 4, it looks at today only").
    """
    asserted: set[int] = set()
    refused: set[int] = set()
    for number, unit in enumerate(units):
        places = find_words(unit, options)
        ruled_out = {m.place.option for m in mentions if m.unit == number and m.denied}
        for index, place in enumerate(places):
            denied = not place.firm and _is_denied(unit, index, places, denials)
            excluded = place.denied or place.option in ruled_out or denied
            (refused if excluded else asserted).add(place.option)
    return frozenset(asserted), frozenset(refused)


def find_only(units: Sequence[str], options: Sequence[Nameable]) -> frozenset[int]:
    """Return the options that a sentence lists with "only" beside them: the others are named in passing."""
    found: set[int] = set()
    for unit in units:
        places = find_words(unit, options)
        for index, place in enumerate(places):
            listed = index > 0 and places[index - 1].option in found and is_joint(unit, places[index - 1], place)
            if listed or ONLY_BEFORE.search(unit[: place.start]) or ONLY_AFTER.match(unit[place.end :]):
                found.add(place.option)
    return frozenset(found)


def find_contrary(
    units: Sequence[str],
    mentions: Sequence[Mention],
    options: Sequence[Nameable],
    denials: Sequence[str],
    chosen: frozenset[int],
) -> str:
    """Return a sentence about chosen options only that says of them what rules an option out, "" for none."""
    for number, unit in enumerate(units):
        about = {m.place.option for m in mentions if m.unit == number}
        about |= {place.option for place in find_words(unit, options)}
        own = about or OF_THE_CHOSEN.search(unit)
        if own and not about - chosen and not OTHERS.search(unit) and any(find_phrase(d, unit) for d in denials):
            return unit
    return ""
