"""Where a text names options: by number, letter or order, by their words or formulas; claimed, in passing or denied."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from grader.documents.notation import canonical_formulas
from grader.documents.option_words import (
    ALSO_WORDS,
    AND,
    APPROVAL,
    BECAUSE,
    DENIAL_AFTER,
    DENIAL_BEFORE,
    DISMISSED,
    FOLLOW,
    JOINT,
    LEAD,
    LETTERS,
    NO_OPTION_BEFORE,
    NOUN,
    NUMERALS,
    OR,
    ORDINALS,
    Nameable,
    Place,
    build_names,
    parse_option,
)
from grader.documents.phrases import find_phrase, locate_phrase
from grader.documents.wording import fold

# "3: the mood cannot ..." denies something of the mood, not of the option.
_OWN_SUBJECT = re.compile(
    r"\s*[):\-]+\s*(?:the mood|(?:the|a|my) dog|dogs|the future|future|tomorrow|we|i|you|one|there)\b"
)
_TWO_LAST = r"\b(?:last|latter|final) (?:two|2)\b|\btwo last\b|دو ?(?:تای|مورد|گزینه|تا) ?(?:ی )?(?:آخر|اخر)"
_TWO_FIRST = r"\b(?:first|former) (?:two|2)\b|\btwo first\b|دو ?(?:تای|مورد|گزینه|تا) ?(?:ی )?اول"
_LAST = r"\bthe last\b(?! two| 2)|آخری|گزینه ?ی? (?:آخر|اخر)"


_SURELY = r"(?:(?:surely|certainly|definitely|for sure|obviously|of course|yes)\W*)?"
# "I chose 4 before" tells what is no longer meant.
_CHOSE = re.compile(r"\b(?:chose|picked|thought|said|had|wrote|selected|took|guessed)\b[^.,;]*$")
_EARLIER = re.compile(r"\W*(?:before|earlier|at first|first|initially|originally|previously)\b")
_TRAILING_DENIAL = re.compile(
    r"\b(?:not|rather than|instead of|except|unlike|but not|نه|به جز|بجز)[^\w,;:]*(?:the|option)?[^\w,;:]*$"
)


# --- by number, letter or order --------------------------------------------------------------------------------------


def find_designations(unit: str, options: Sequence[Nameable]) -> list[Place]:
    """Return every place of a unit (about a sentence) that names an option by number, letter or order."""
    lettered = build_names(options, LETTERS)
    entry = rf"\(?(?:{build_names(options, LETTERS, NUMERALS)})\)?(?![\w_^'])"
    # "1 2 and 3": digits of a list may stand side by side.
    more = rf"(?:(?:(?:{AND}|{OR})(?:and )?(?:the )?(?:{NOUN}\s*)?{entry})|(?<=\d) (?=\d(?![\w.])){entry})*"
    stop = rf"(?=\s*(?:$|[.,:;\-(=)|✓]|{BECAUSE.pattern}|\bare\b|\bis\b|=>|درست|صحیح))"
    lists = [
        *re.finditer(rf"{NOUN}\s*(?:(?:is|are|:|=)\s*)*(?P<list>{entry}{more})", unit),
        *(m for m in re.finditer(rf"^\W*(?P<list>{entry}{more}){stop}", unit) if not _is_word(m["list"], unit)),
        *re.finditer(rf"(?<![\w)^_])(?P<list>\((?:{lettered})\){more})", unit),
        *re.finditer(rf"(?<![\w.^_])(?P<list>(?:{lettered})\)(?=\s|$|,))", unit),
        *re.finditer(rf"^\W*not (?P<list>(?:{lettered}))(?=,? but (?:{lettered})\W*$)", unit),
        *re.finditer(rf"(?<=but )(?P<list>(?:{lettered}))(?=\W*$)", unit),
        *(m for m in re.finditer(rf"(?<![\w.])(?P<list>(?:{build_names(options)}){more})(?![\w^_=/*+.])", unit)
          if not NO_OPTION_BEFORE.search(unit[: m.start("list")]) and FOLLOW.match(unit[m.end("list") :])),
    ]  # fmt: skip
    places: dict[int, Place] = {}
    for match in lists:
        _add_list(places, unit, match, options)
    for option in options:
        if option.number in ORDINALS:
            _add_ordinals(places, unit, option.number)
    _add_ends(places, unit, [option.number for option in options])
    return [places[start] for start in sorted(places)]


def _is_word(listed: str, unit: str) -> bool:
    return listed in ALSO_WORDS and len(unit.strip(" .()")) > 4


def _add_list(places: dict[int, Place], unit: str, found: re.Match[str], options: Sequence[Nameable]) -> None:
    listed, offset = found["list"], found.start("list")
    hedged = bool(re.search(OR, listed))
    for match in re.finditer(rf"(?<!\w)(?:{build_names(options, LETTERS, NUMERALS)})(?!\w)", listed):
        start, end = offset + match.start(), offset + match.end()
        if match[0].isalpha() and not re.match(r"\s*\)", unit[end:]) and not FOLLOW.match(unit[end:]):
            continue  # "(3), a one-way network" and "(2), one label" list no further option
        if not any(place.start <= start < place.end for place in places.values()):
            places[start] = Place(start, end, parse_option(match[0]), hedged=hedged)


def _add_ordinals(places: dict[int, Place], unit: str, number: int) -> None:
    for match in re.finditer(rf"(?<!\w)(?:{ORDINALS[number]})(?!\w)", unit):
        rest = unit[match.end() :]
        called = re.search(r"(?:گزینه|مورد|شماره|حالت) ?ی? ?$", unit[: match.start()])
        if not (called or FOLLOW.match(rest)) or re.match(r"\s*-?\s*order|\s*two", rest):
            continue
        listed = re.match(r"\s*,?\s*(?:and|و)\s", rest)
        # "First, the network reads ..." and a bare "اول" (at first) open a sentence, they name nothing.
        opening = match.start() == 0 and number == 1 and re.match(r"\s*,\s*\w+\s+\w+\s+\w+", rest)
        adverb = match[0] == "اول" and not re.search(NOUN + r"\s*$", unit[: match.start()])
        if listed or not (opening or adverb):
            hedged = bool(re.match(rf"{OR}(?:the )?(?:\w+\s)?(?:{'|'.join(ORDINALS.values())})", rest))
            places[match.start()] = Place(*match.span(), number, hedged=hedged)


def _add_ends(places: dict[int, Place], unit: str, numbers: Sequence[int]) -> None:
    """Add what "the last", "the last two" and "the first two" name."""
    for pattern, named in ((_TWO_LAST, numbers[-2:]), (_TWO_FIRST, numbers[:2])):
        for match in re.finditer(pattern, unit):
            for key in [key for key in places if match.start() <= key < match.end()]:
                del places[key]
            for shift, number in enumerate(named):
                places[match.start() + shift] = Place(match.start() + shift, match.end(), number)
    for match in re.finditer(_LAST, unit):
        if FOLLOW.match(unit[match.end() :]):
            places[match.start()] = Place(*match.span(), numbers[-1])


# --- by words or formulas --------------------------------------------------------------------------------------------


def find_words(unit: str, options: Sequence[Nameable]) -> list[Place]:
    """Return every place of a unit that says an option's words or formula; where two overlap, the longer one."""
    found: list[Place] = []
    for option in options:
        found += [Place(start, end, option.number) for start, end in _find_formulas(option, unit)]
        for phrase in option.phrases:
            for start, end, as_asked in locate_phrase(phrase, unit):
                firm = phrase.startswith("not ")
                if as_asked or not firm:
                    found.append(Place(start, end, option.number, denied=not as_asked, firm=firm))
    taken: list[Place] = []
    for place in sorted(found, key=lambda p: (p.start - p.end, p.start, p.option)):
        if all(place.end <= other.start or place.start >= other.end for other in taken):
            taken.append(place)
    return sorted(taken)


def is_said(option: Nameable, text: str) -> bool:
    """Return whether a text holds words or a formula of the option, whatever it says about it."""
    return any(locate_phrase(phrase, text) for phrase in option.phrases) or bool(_find_formulas(option, text))


def _find_formulas(option: Nameable, folded: str) -> list[tuple[int, int]]:
    wanted = [_formula_pattern(formula) for formula in option.formulas]
    return [match.span() for pattern in wanted for match in pattern.finditer(folded)]


@functools.lru_cache(maxsize=512)
def _formula_pattern(formula: str) -> re.Pattern[str]:
    canonical = re.escape(canonical_formulas(fold(formula)).strip()).replace("=", r"\s?=\s?")
    return re.compile(rf"(?<![\w.|]){canonical}(?![\w.|])")


# --- claimed or denied -----------------------------------------------------------------------------------------------


def is_claim(unit: str, index: int, places: Sequence[Place], main_end: int) -> bool:
    """Return whether a place is said as the answer: bare, after "the answer is", or before "is correct".

    ``main_end`` is where the reason begins: what stands in it is no claim.
    """
    start, end = _list_around(unit, index, places)
    if start >= main_end:
        return False
    before = unit[:start].strip(" (\"'*-")
    after = re.sub(r"^[\s)\"'*]*(?:(?:ones?|options?|tasks?|choices?)\b\s*)?", "", unit[end:]).strip()
    bare = len(before.split()) <= 1 and (re.match(rf"{_SURELY}(?:$|[.,:;(\-/✓|]|=>|->)", after) or BECAUSE.match(after))
    if bare or LEAD.search(before) or (not after and re.search(rf":\s*(?:the )?(?:{NOUN})?\W*$", before)):
        return True
    predicate = re.split(r"[.,:;(]|\bbut\b", after, maxsplit=1)[0]
    return bool(APPROVAL.search(" ".join(predicate.split()[:8])))


def is_joint(unit: str, one: Place, two: Place) -> bool:
    """Return whether two places are neighbours in one list ("2 and the third")."""
    return JOINT.fullmatch(unit[one.end : two.start]) is not None


def _list_around(unit: str, index: int, places: Sequence[Place]) -> tuple[int, int]:
    """Return where the list that a place is an entry of starts and ends."""
    first = last = index
    while first > 0 and is_joint(unit, places[first - 1], places[first]):
        first -= 1
    while last + 1 < len(places) and is_joint(unit, places[last], places[last + 1]):
        last += 1
    return places[first].start, places[last].end


def is_ruled_out(unit: str, place: Place, following: int, denials: Sequence[str]) -> bool:
    """Return whether the words around a place (up to the one that follows) say that it is not meant."""
    if following == len(unit) and DISMISSED.search(unit, place.end):
        return True
    before = re.split(rf"[;:]|\bbut (?!not)|\bso\b|=>|{BECAUSE.pattern}", unit[: place.start])[-1]
    if re.search(r"\b(?:not only|not just)\b[^,]*$", before):
        return False
    if DENIAL_BEFORE.search(before) or (_CHOSE.search(before) and _EARLIER.match(unit[place.end :])):
        return True
    said = "" if _OWN_SUBJECT.match(unit[place.end :]) else _predicate(unit, place.end, following)
    if DENIAL_AFTER.search(" ".join(said.split()[:9])):
        return not re.search(r"\bnot (?:wrong|incorrect|false|impossible)\b", said)
    return any(find_phrase(denial, said) for denial in denials)


def _predicate(unit: str, end: int, following: int) -> str:
    """Return what is said about the option that ends at ``end``: up to the next option, reason or clause."""
    after = unit[end:following]
    # A denial right before the next option belongs to that one: "2, not 3".
    if following < len(unit):
        after, trimmed = _TRAILING_DENIAL.subn("", after)
    else:
        trimmed = 0
    if not trimmed and re.fullmatch(rf"[\s)]*(?:{AND}|{OR})\W*(?:the )?\W*(?:{NOUN})?\W*", after):
        later = re.sub(r"^[\w)]+", "", unit[following:])
        after = re.split(r"[\d(]|\b(?:first|second|third|fourth)\b", later, maxsplit=1)[0]
    clause = (
        r"\bbut\b|\band (?:not|the|we|it|they)\b|\bو نه\b|\bwhich\b|\bwhile\b|\bwhereas\b"
        rf"|,\s*(?:not|so|and|the|it)\b|{BECAUSE.pattern}|=>|اما|ولی"
    )
    after = re.split(clause, after, maxsplit=1)[0]
    after = re.sub(r"^\s*[:=\-(][\s:=\-(>]*", "", after)
    if not re.match(r"\s*,?\s*(?:no\b|✗|نه)", after):
        after = re.split(r",|:", after, maxsplit=1)[0]
    return after
