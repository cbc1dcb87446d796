"""Reports that label parts and no questions: the letters begin anew at every question, or "Part 2" stands for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from grader.documents.clues import Place, find_suited
from grader.documents.counts import find_count
from grader.documents.labels import Label
from grader.documents.pieces import is_title
from grader.documents.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Units that may hold the answers to ``places`` without their letters; ``opens`` is their question's own unit."""

    indices: tuple[int, ...]
    places: tuple[Place, ...]
    opens: int | None = None


def label_runs(units: list[Unit], whole: Stretch) -> bool:
    """Set the questions' labels where it is certain which run of letters is which question; tell whether they were."""
    lettered = [index for index in whole.indices if _letter(units[index])]
    return _label_parts(units, whole, lettered) or _label_letters(units, whole, lettered)


def _letter(unit: Unit) -> str:
    """Return the part that a unit is surely labelled as, without a question; "" for none."""
    label = unit.label
    return label.part if label and label.question is None and label.sure else ""


def _label_parts(units: list[Unit], whole: Stretch, lettered: Sequence[int]) -> bool:
    """Read "Part 1", "Part 2" as the questions where lettered parts stand under each."""
    counts = [(index, count) for index in whole.indices if (count := find_count(units[index].text))]
    worded = [(index, count) for index, count in counts if count.style == "worded"]
    numbers = [count.number for _, count in worded]
    questions = sorted({place.question for place in whole.places})
    if len(numbers) < 2 or numbers != questions[: len(numbers)]:
        return False
    ends = [*(index for index, _ in worded[1:]), whole.indices[-1] + 1]
    if not all(any(start < other < end for other in lettered) for (start, _), end in zip(worded, ends, strict=True)):
        return False
    for index, count in worded:
        units[index] = replace(units[index], label=Label(rest=count.rest, question=count.number, word=True))
    return True


def _label_letters(units: list[Unit], whole: Stretch, lettered: Sequence[int]) -> bool:
    """Give letters that begin anew as often as there are questions, with the right number each, their questions."""
    wanted = [place for place in whole.places if place.part]
    if [_letter(units[index]) for index in lettered] != [place.part for place in wanted]:
        return False
    ends = [*lettered[1:], whole.indices[-1] + 1]
    suited = [
        find_suited("\n".join(units[other].rest for other in range(start, end) if not is_title(units[other])), wanted)
        for start, end in zip(lettered, ends, strict=True)
    ]
    own = sum(place in found for place, found in zip(wanted, suited, strict=True))
    if own * 2 < len(wanted) or any(found and place not in found for place, found in zip(wanted, suited, strict=True)):
        return False
    for index, place in zip(lettered, wanted, strict=True):
        label = Label(rest=units[index].rest, question=place.question, part=place.part, full=True, word=True)
        units[index] = replace(units[index], label=label)
        if place.part == wanted[0].part and index and is_title(units[index - 1]):
            title = Label(rest=units[index - 1].text, question=place.question, word=True)
            units[index - 1] = replace(units[index - 1], label=title)
    return True
