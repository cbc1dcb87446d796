"""Parts that are counted and not lettered: "Part 1)", "1.1", "i)", "2.", "Second:", "قسمت اول".

All but the first two are as often a list inside an answer, or options; ordered.py decides which they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from grader.documents.labels import ANSWER, NUMBER, PART_WORD, QUESTION_WORD, parse_number
from grader.documents.marks import build_view, cut_rest

Style = Literal["worded", "dotted", "figure", "roman", "ordinal"]
SURE: Final[frozenset[Style]] = frozenset({"worded", "dotted"})
_S = r"[ \u200c]*"
_CLOSE = rf"{_S}(?:[)\]]?{_S}[:.،]|[)\]]|[-–—](?= |\Z)|\Z)"
_ORDINALS = "first|second|third|fourth|fifth|sixth|اول|دوم|سوم|چهارم|پنجم|ششم"
_STYLES: Final[dict[Style, re.Pattern[str]]] = {
    "worded": re.compile(
        rf"{_S}{ANSWER}?(?:{PART_WORD}(?:no\.?|number|شماره(?:ی)?)?{_S}[(\[]?{_S}{NUMBER}"
        rf"|(?:the{_S})?(?P<first>{_ORDINALS}){_S}(?:part|section|sub-?question)\b)"
        rf"(?:{_S}[)\]]?{_S}(?:of|in|from|از){_S}(?:the{_S})?{QUESTION_WORD}{_S}(?P<question>[1-9])(?![0-9]))?{_CLOSE}",
        re.IGNORECASE,
    ),
    "dotted": re.compile(
        rf"{_S}(?:(?:{QUESTION_WORD}|{PART_WORD}){_S}[.:#]?{_S})?[(\[]?(?P<question>[1-9])"
        rf"(?:[.\-–_/]|{_S}[\-–]{_S}|{_S}[(\[])(?P<number>[1-8])(?:{_CLOSE}|(?= +[^\s\d%])|(?= +\d\D))",
        re.IGNORECASE,
    ),
    "figure": re.compile(rf"{_S}[(\[]?{_S}(?P<number>[1-9][0-9]?)(?:{_S}[)\].:\-–—]+(?![0-9\w])|\Z)"),
    "roman": re.compile(rf"{_S}[(\[]?{_S}(?P<number>i{{1,3}}|iv|vi?){_S}(?:[)\]][.:]?|[.:])(?= |\Z)", re.IGNORECASE),
    "ordinal": re.compile(
        rf"{_S}(?:the{_S})?(?P<number>{_ORDINALS})(?:ly|ی)?{_S}(?:one\b{_S})?(?:[:)]|[-–—](?= ))", re.IGNORECASE
    ),
}  # fmt: skip
# "**Part 2** text": what is set in bold or as a heading needs nothing to close it.
_SET_APART = re.compile(rf"{_S}{PART_WORD}{NUMBER}(?= |\Z)", re.IGNORECASE)
# "**1** text", and a table's row whose first cell is a number alone.
_NUMBER_APART = re.compile(
    r"\s*(?:[-*+•][ \t]+)?(?P<mark>\*\*|__)[ \t]*(?P<number>[1-8۱-۸])[ \t]*(?P=mark)(?=\s)"
    r"|\s*\|\s*(?P<cell>[1-8۱-۸])\s*\|"
)
_CIRCLED = re.compile(r"[ \t>*#-]*([①-⑧])[ \t:.)-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number at the start of a line that may name a part; ``rest`` is the raw line behind it."""

    style: Style
    number: int
    rest: str
    question: int | None = None


def find_count(raw: str) -> Count | None:
    """Return the part's number that the line ``raw`` begins with, None where it begins with none."""
    view = build_view(raw)
    if view.start >= len(raw):
        return None
    if circled := _CIRCLED.match(raw):
        return Count(style="figure", number=ord(circled[1]) - ord("①") + 1, rest=raw[circled.end() :])
    if figure := _NUMBER_APART.match(raw):
        rest = raw[figure.end() :].strip(" |") if figure["cell"] else raw[figure.end() :]
        return Count(style="figure", number=int(figure["number"] or figure["cell"]), rest=rest)
    apart = raw.lstrip(" >").startswith(("#", "**", "__"))
    for style, pattern in _STYLES.items():
        match = pattern.match(view.text) or (_SET_APART.match(view.text) if style == "worded" and apart else None)
        if match is None:
            continue
        named = match.groupdict()
        number = parse_number(named.get("number") or named.get("first") or "")
        question = named.get("question")
        if number is not None:
            rest, _ = cut_rest(raw, view, match.end())
            return Count(style=style, number=number, rest=rest, question=int(question) if question else None)
    return None
