"""Answers of the golden reports put together anew, without letters: none may be placed where another belongs.

Parts are left out, swapped and split into paragraphs at random; what is placed must be the part's own text, and a part
that was answered is never missing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.documents import Place, find_passages, read_document
from tests.unit.test_documents_passages import ROOT, WANTED

Bank = dict[Place, str]
ROUNDS = 120
ROMAN = ("i", "ii", "iii", "iv")


def _read_bank() -> list[Bank]:
    banks = []
    for path in sorted(Path(ROOT / "tests/golden").glob("*/report.md")):
        found = find_passages([read_document(path.name, "markdown", path.read_bytes())], WANTED)
        if all(passage.state == "given" and "```" not in passage.text for passage in found.values()):
            banks.append({place: passage.text for place, passage in found.items()})
    return banks


BANKS = _read_bank()


def _tag(text: str, place: Place) -> str:
    """Return ``text`` with its place's sign, where it changes nothing in how the text begins or ends."""
    sign = f"@{place.question}{place.part}@"
    if text.endswith("$$"):
        return f"{text}\n{sign}"
    return f"{text[:-1]} {sign}{text[-1]}" if text[-1] in ".:,;!" else f"{text} {sign}"


def _split(text: str, place: Place, random_: random.Random) -> str:
    paragraphs: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        several = "$$" not in paragraph and random_.random() < 0.25
        paragraphs += re.split(r"(?<=\.)\s+(?=[A-Z])", paragraph) if several else [paragraph]
    return "\n\n".join(_tag(item.strip(), place) for item in paragraphs if item.strip())


def _choose(random_: random.Random) -> list[Place]:
    left_out = random_.choice([0, 0, 0.15])
    kept = [place for place in WANTED if random_.random() >= left_out]
    if random_.random() < 0.15 and len(kept) > 2:
        index = random_.randrange(len(kept) - 1)
        kept[index : index + 2] = reversed(kept[index : index + 2])
    return kept


def _plain(place: Place) -> str:
    return ""


def _roman(place: Place) -> str:
    return f"{ROMAN['abcd'.index(place.part)]}) "


def _worded(place: Place) -> str:
    return f"Part {'abcd'.index(place.part) + 1}: "


@pytest.mark.parametrize(
    ("label", "headed"),
    [(_plain, True), (_plain, False), (_roman, True), (_roman, False), (_worded, True)],
)
def test_no_text_is_placed_where_it_does_not_belong(label: Callable[[Place], str], headed: bool) -> None:
    random_ = random.Random(f"{label.__name__} {headed}")
    placed = 0
    for _ in range(ROUNDS):
        bank, kept, question, lines = random_.choice(BANKS), _choose(random_), 0, ["# HW5\n"]
        for place in kept:
            if headed and place.question != question:
                question = place.question
                lines.append(f"## Question {question}\n")
            lines.append(label(place) + _split(bank[place], place, random_) + "\n")
        report = "\n".join(lines)
        for place, passage in find_passages([read_document("report.md", "markdown", report.encode())], WANTED).items():
            own = f"{place.question}{place.part}"
            assert passage.state != "missing" or place not in kept, (own, report)
            if passage.state == "given":
                assert set(re.findall(r"@(\d\w)@", passage.text)) == {own}, (own, passage.text, report)
                placed += 1
    # Some of it must be placed, or the test says nothing.
    assert placed > ROUNDS / 4
