"""One report handed in twice (as Word and as PDF, as a notebook and its page) says one thing, in different dress."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Set
from typing import Final

_COMMAND: Final = re.compile(r"\\[A-Za-z]+")
_DRESS: Final = re.compile(r"\\(?:left|right|limits)(?![A-Za-z])|[\s${}*]")
_TOLD: Final = re.compile(r"[A-Za-z0-9\u0600-\u06ff]")
# A PDF loses a letter here and there (a line's end, a page's foot).
_ALIKE: Final = 0.97


def drop_copies(texts: Mapping[int, str], extracted: Set[int]) -> dict[int, str]:
    """Return the texts of an answer by document, without those that say what a better document says.

    ``extracted`` are the documents whose text came out of a PDF: of these, letters and digits are compared and
    not their order. A PDF writes the exponent before the index, and names mathematics by signs where LaTeX has words.
    """
    kept: dict[int, str] = {}
    for index in sorted(texts, key=lambda item: (item in extracted, item)):
        if not any(_is_copy(texts[index], other, index in extracted) for other in kept.values()):
            kept[index] = texts[index]
    return {index: text for index, text in texts.items() if index in kept}


def _is_copy(text: str, other: str, extracted: bool) -> bool:
    if not extracted:
        return _flatten(text) == _flatten(other)
    mine, others = _count(text), _count(other)
    if any(mine[digit] != others[digit] for digit in "0123456789"):
        return False
    total = mine.total() + others.total()
    return total > 0 and 2 * (mine & others).total() >= _ALIKE * total


def _flatten(text: str) -> str:
    """Return a text without what a converter changes: spaces, braces, emphasis, the size of brackets and hats."""
    return _DRESS.sub("", text.replace(r"\widehat", r"\hat")).casefold()


def _count(text: str) -> Counter[str]:
    """Return how often each letter and digit stands in a text, in whatever script of mathematics or numbers."""
    plain = unicodedata.normalize("NFKC", _COMMAND.sub(" ", text).replace("ℎ", "h"))
    return Counter(_as_digit(sign) for sign in _TOLD.findall(plain))


def _as_digit(sign: str) -> str:
    return str(unicodedata.digit(sign, sign))
