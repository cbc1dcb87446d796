"""Answers without letters: parts that are counted ("1.", "ii)", "Part 3"), or that only stand in the sheet's order.

A label is set where the assignment is certain: as many pieces as parts, in order, and the rubric's clues say of nearly
every piece that it answers this part and no other. Everything else stays without a label and goes to a person: a wrong
place could make a right answer wrong.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.documents.clues import Place, find_suited
from grader.documents.counts import SURE, Count, Style, find_count
from grader.documents.labels import Label, find_label
from grader.documents.noise import CHOOSES, is_question_text
from grader.documents.pieces import Piece, find_cuts, find_header_end, find_suited_by, is_title, piece_text
from grader.documents.runs import Stretch, label_runs
from grader.documents.units import Unit

# A list that says yes or no to every option, or gives each a mark, is one answer.
_VERDICT = re.compile(
    r"\W*(?:yes|no|true|false|correct|incorrect|right|wrong|suitable|unsuitable|not|many|one[- ]to|[✓✔✗✘❌✅×]"
    r"|بله|خیر|نه|درست|غلط|چند|مناسب|نامناسب)\b|\W*[✓✔✗✘❌✅×]",
    re.IGNORECASE,
)
# How an answer begins that names an option and says nothing else by which it is known.
_CHOOSES = re.compile(
    r"[\s*_>(\[-]*(?:i (?:would )?(?:choose|pick|take|select|go (?:for|with)) )?"
    r"(?:[1-9][\s)\].,:;-]|(?:options?|choices?|answer)\b|گزینه"
    r"|(?:the )?(?:first|second|third|fourth|last|both|اول|دوم|سوم|چهارم)"
    r"(?: (?:option|choice)\b|(?: one)?\s*(?:[.,:;)]|\Z)))",
    re.IGNORECASE,
)
# Nothing but the numbers or letters of options.
_TERSE = re.compile(
    r"[\s*_>(\[]*(?:(?:options?|choices?|answers?|گزینه(?:های|ی)?)\s*)?(?:[1-9]|[a-d])\b"
    r"(?:\s*(?:,|،|and|&|و|\+|/)\s*(?:[1-9]|[a-d])\b)*[\s.*_)\]]*",
    re.IGNORECASE,
)
_MOST_PIECES = 6  # paragraphs for each part
_STYLES: tuple[Style, ...] = ("worded", "dotted", "roman", "figure", "ordinal")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """A stretch whose parts are counted: which units begin them, and how sure that is."""

    places: tuple[Place, ...]
    starts: tuple[tuple[int, Count], ...]
    style: Style
    sure: bool
    refused: bool = False


def label_by_order(units: list[Unit], stretches: Sequence[Stretch]) -> None:
    """Set labels in every stretch whose parts are surely counted or in order."""
    stretches = [item for item in stretches if item.opens is not None or not label_runs(units, item)]
    counted = [found for stretch in stretches if (found := _find_counted(units, stretch))]
    for item in counted:
        if item.sure or _is_habit(item, counted):
            for index, count in item.starts:
                _set_label(units, index, item.places[count.number - 1], count.rest)
    _label_all_pieces(units, [stretch for stretch in stretches if not _has_labels(units, stretch)])


def label_dotted(units: list[Unit], places: Sequence[Place]) -> None:
    """Set the labels of a report whose parts are numbered "1.1", "1.2", ... where the numbers go up as on the sheet.

    What is numbered so but is no part, or a part with a letter, leaves all of them unsure.
    """
    numbered: dict[tuple[int, int], Place] = {}
    for place in places:
        above = sum(other.question == place.question for other in numbered.values())
        numbered[place.question, above + 1] = place
    starts = {
        index: count for index, unit in enumerate(units) if (count := find_count(unit.text)) and count.style == "dotted"
    }
    names = [(count.question or 0, count.number) for count in starts.values()]
    lettered = any(unit.label and unit.label.part and index not in starts for index, unit in enumerate(units))
    if len(names) >= 3 and names == sorted(set(names)) and set(names) <= numbered.keys() and not lettered:
        for name, (index, count) in zip(names, starts.items(), strict=True):
            again = find_label(count.rest)  # "1.1 Part a"
            same = again is not None and again.question is None and again.part == numbered[name].part
            _set_label(units, index, numbered[name], again.rest if again and same else count.rest)


def _has_labels(units: Sequence[Unit], stretch: Stretch) -> bool:
    """Tell whether anything in a stretch is labelled as a part: then its order alone says nothing."""
    counts = [count for _, count in _find_counts(units, stretch)]
    lettered = any(label.part and label.sure for index in stretch.indices if (label := units[index].label) is not None)
    return lettered or any(count.style in SURE for count in counts)


def _is_habit(item: _Counted, counted: Sequence[_Counted]) -> bool:
    """Tell whether figures that nothing speaks against are parts, since they are so under another question."""
    alike = [other for other in counted if other.style == item.style]
    return not any(other.refused for other in alike) and any(other.sure for other in alike)


def _set_label(units: list[Unit], index: int, place: Place, rest: str) -> None:
    label = Label(rest=rest, question=place.question, part=place.part, full=True, word=True)
    units[index] = replace(units[index], label=label)


# --- counted -------------------------------------------------------------------------------------------------------


def _find_counted(units: Sequence[Unit], stretch: Stretch) -> _Counted | None:
    """Return the parts of a stretch that count up from one, None where none do."""
    found = list(_find_counts(units, stretch))
    for style in _STYLES:
        starts = [(index, count) for index, count in found if count.style == style]
        if not starts:
            continue
        margin = min(_indent(units[index]) for index, _ in starts)
        starts = [(index, count) for index, count in starts if _indent(units[index]) <= margin + 1]
        if len(starts) >= 2 and _fits(style, starts, stretch):
            return _judge(units, stretch, style, starts)
    return None


def _find_counts(units: Sequence[Unit], stretch: Stretch) -> Iterator[tuple[int, Count]]:
    for index in stretch.indices:
        unit = units[index]
        count = find_count(unit.rest if index == stretch.opens else unit.text)
        if count is not None:
            yield index, count


def _fits(style: Style, starts: Sequence[tuple[int, Count]], stretch: Stretch) -> bool:
    """Tell whether the numbers are those of the parts, one after the other; those less sure must name them all.

    "Part 3" names its part wherever it stands, each once.
    """
    wanted = stretch.places
    numbers = [count.number for _, count in starts]
    if style == "worded" and stretch.opens is not None and len(set(numbers)) == len(numbers):
        named = all(count.question in (None, wanted[0].question) for _, count in starts)
        return named and max(numbers) <= len(wanted)
    if numbers != list(range(1, len(numbers) + 1)) or len(numbers) > len(wanted):
        return False
    if any(count.question not in (None, wanted[0].question) for _, count in starts):
        return False
    if stretch.opens is None:
        return style not in SURE and len(numbers) == len(wanted)
    return style in SURE or len(numbers) == len(wanted)


def _judge(
    units: Sequence[Unit], stretch: Stretch, style: Style, starts: Sequence[tuple[int, Count]]
) -> _Counted | None:
    """Say how sure it is that the counted pieces are the parts."""
    first = starts[0][0]
    above = [index for index in stretch.indices if index < first and index != stretch.opens]
    if style not in SURE and any(_is_told(units[index]) for index in above):
        return None
    ends = [*(index for index, _ in starts[1:]), stretch.indices[-1] + 1]
    texts = [
        "\n".join([count.rest, *(units[other].text for other in range(index + 1, end))])
        for (index, count), end in zip(starts, ends, strict=True)
    ]
    own, against = _weigh([find_suited(text, stretch.places) for text in texts], stretch.places)
    terse = len(texts) == len(stretch.places) and all(map(_TERSE.fullmatch, texts))
    listed = sum(bool(_VERDICT.match(text)) for text in texts) >= 2
    enough = own >= min(2, len(stretch.places) - 1)
    return _Counted(
        places=stretch.places,
        starts=tuple(starts),
        style=style,
        sure=style in SURE or terse or (enough and not against and not listed),
        refused=bool(against) or listed,
    )


def _is_told(unit: Unit) -> bool:
    return bool(unit.text.strip()) and not unit.quoted and not is_title(unit) and not is_question_text(unit.text)


def _indent(unit: Unit) -> int:
    return len(unit.text.expandtabs(4)) - len(unit.text.expandtabs(4).lstrip())


# --- in order ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """The pieces of a stretch, one for each of its places; ``sure`` is False where one is told by its order alone."""

    stretch: Stretch
    pieces: Sequence[Piece]
    sure: bool


def _label_all_pieces(units: list[Unit], stretches: Sequence[Stretch]) -> None:
    """Set the labels of all stretches in order; those less sure only where every other one is in order as well."""
    found = [_find_order(units, stretch) for stretch in stretches]
    habit = all(found) and (any(item and item.sure for item in found) or any(item.opens is None for item in stretches))
    for item in found:
        if item and (item.sure or habit):
            for piece, place in zip(item.pieces, item.stretch.places, strict=True):
                first = units[piece[0]]
                _set_label(units, piece[0], place, first.rest if piece[0] == item.stretch.opens else first.text)


def _find_order(units: Sequence[Unit], stretch: Stretch) -> _Order | None:
    indices = [index for index in stretch.indices if index != stretch.opens or _opens_with_text(units[index])]
    for pieces in find_cuts(units, indices) if indices else ():
        if (found := _place(units, pieces, stretch)) is not None:
            return found
    return None


def _opens_with_text(unit: Unit) -> bool:
    """Tell whether more than a title stands beside a question's label."""
    return bool(unit.rest.strip()) and not (unit.heading and CHOOSES.search(unit.rest) is None)


def _place(units: Sequence[Unit], pieces: Sequence[Piece], stretch: Stretch) -> _Order | None:
    """Return a piece for each place in order; None where it is not certain."""
    places = stretch.places
    if not len(places) <= len(pieces) <= _MOST_PIECES * len(places):
        return None
    suited = [find_suited_by(units, piece, places) for piece in pieces]
    if len(pieces) > len(places):
        if not suited[0] and len(pieces) > 1 and not _CHOOSES.match(piece_text(units, pieces[0])):
            # A preface: which letters mean what.
            pieces, suited = [[*pieces[0], *pieces[1]], *pieces[2:]], suited[1:]
        if len(pieces) == len(places):
            return _pair_off(units, pieces, suited, stretch)
        merged = _merge(pieces, suited, places)
        return _Order(stretch=stretch, pieces=merged, sure=True) if merged else None
    return _pair_off(units, pieces, suited, stretch)


def _pair_off(
    units: Sequence[Unit], pieces: Sequence[Piece], suited: Sequence[frozenset[Place]], stretch: Stretch
) -> _Order | None:
    """Return as many pieces as places, each at its place, where that is certain."""
    places = stretch.places
    own, against = _weigh(suited, places)
    unknown = [index for index, found in enumerate(suited) if not found]
    fits = not against and (own >= _count_needed(len(places)) or _is_only_order(suited, places))
    apart = all(after - before > 1 for before, after in itertools.pairwise(unknown))
    if not fits or not apart or any(not _CHOOSES.match(piece_text(units, pieces[index])) for index in unknown):
        return None
    return _Order(stretch=stretch, pieces=pieces, sure=not unknown)


def _is_only_order(suited: Sequence[frozenset[Place]], places: Sequence[Place]) -> bool:
    """Tell whether every piece suits its own place, and in no other order each would suit one."""
    if not all(place in found for found, place in zip(suited, places, strict=True)):
        return False
    orders = itertools.permutations(places)
    return sum(all(place in found for found, place in zip(suited, order, strict=True)) for order in orders) == 1


def _count_needed(places: int) -> int:
    """Return how many pieces must suit their own place alone: both of two, two of three, three quarters of many."""
    return places if places < 3 else max(2, (3 * places) // 4)


def _merge(pieces: Sequence[Piece], suited: Sequence[frozenset[Place]], places: Sequence[Place]) -> list[Piece] | None:
    """Join neighbours that answer the same part; None where a piece could belong to either of two."""
    merged: list[Piece] = []
    order: list[Place] = []
    for piece, found in zip(pieces, suited, strict=True):
        if len(found) != 1:
            return None
        (place,) = found
        if order and order[-1] == place:
            merged[-1] = [*merged[-1], *piece]
        else:
            order.append(place)
            merged.append(list(piece))
    return merged if order == list(places) else None


def _weigh(suited: Sequence[frozenset[Place]], places: Sequence[Place]) -> tuple[int, int]:
    """Return how many pieces suit their own place alone, and how many suit others and not their own."""
    paired = list(zip(suited, places, strict=False))
    own = sum(found == {place} for found, place in paired)
    return own, sum(bool(found) and place not in found for found, place in paired)


def find_whole(units: Sequence[Unit], end: int) -> tuple[int, ...]:
    """Return the units of a report without any question's label, below its header and above ``end``."""
    return tuple(range(find_header_end(units[:end]), end))
