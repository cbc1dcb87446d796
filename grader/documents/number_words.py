"""Numbers in words made digits: "six, one and two", "minus 2", "منفی دو، سه، صفر". Works on folded text.

Only a row of at least three is turned, so that "one label" and "the first two" stay words.
"""

from __future__ import annotations

import re

_WORDS = {
    **{w: n for n, w in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())},
    **{w: n for n, w in enumerate("صفر یک دو سه چهار پنج شش هفت هشت نه ده یازده دوازده".split())},
}
_MINUS = r"(?:minus|negative|منفی)"
_ENTRY = rf"(?:{_MINUS}\s+)?(?:{'|'.join(_WORDS)}|-?\s?\d+)(?!\w)"
_BETWEEN = r"\s*(?:,\s*and\b|,\s*و\b|[,;]|\band\b|\bو\b)\s*"
_BARE_WORD = rf"(?:{_MINUS}\s+)?(?:{'|'.join(_WORDS)})(?!\w)"
_ROW = re.compile(rf"(?<!\w)(?:{_ENTRY}(?:{_BETWEEN}{_ENTRY}){{2,}}|{_BARE_WORD}(?:\s+{_BARE_WORD}){{2,}})")
_WORD = re.compile(rf"(?<!\w)(?:{'|'.join(_WORDS)})(?!\w)")
# "3 minus 2" is a difference, "minus 2" a number.
_SIGN = re.compile(rf"(?<![\w)])(?<![\d)]\s)(?<!\w){_MINUS}\s+(?=\d)")


def write_digits(folded: str) -> str:
    """Return folded text with rows of number words in digits and "minus 2" as "-2"."""
    rows = _ROW.sub(lambda row: _WORD.sub(lambda word: str(_WORDS[word[0]]), row[0]), folded)
    return _SIGN.sub("-", rows)
