"""Misspelt words: a long English word that is almost one word of a vocabulary is read as that word.

Only long words are mended, within one slip (two from nine letters on), to a word with the same first
letter, and only where a single word of the vocabulary is so near: "un-" and "in-" turn a meaning round and are kept.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from rapidfuzz.distance import OSA

from grader.documents.wording import fold

_WORD = re.compile(r"(?<![\w\\])[a-z]{5,20}(?!\w)")
_VOCABULARY = re.compile(r"(?<![\w'])[a-z]{3,20}(?![\w'])")
# So many different words of one text are looked up; the rest stays as it is.
MAX_WORDS = 600


@functools.lru_cache(maxsize=64)
def build_vocabulary(phrases: tuple[str, ...]) -> frozenset[str]:
    """Return the English words of phrases (see ``phrases``), without the stars of open endings."""
    return frozenset(word for phrase in phrases for word in _VOCABULARY.findall(fold(phrase).replace("*", " ")))


def mend_spelling(folded: str, vocabulary: frozenset[str], shortest: int = 7) -> str:
    """Return a folded text in which misspelt words of the vocabulary are spelt as there.

    Words shorter than ``shortest`` are kept: short words of one letter's difference are often both right.
    """
    mended = {
        word: _mend(word, vocabulary)
        for word in sorted({word for word in _WORD.findall(folded) if len(word) >= shortest})[:MAX_WORDS]
    }
    return _WORD.sub(lambda match: mended.get(match[0], match[0]), folded)


@functools.lru_cache(maxsize=4096)
def _mend(word: str, vocabulary: frozenset[str]) -> str:
    if any((len(known) > 5 and word.startswith(known)) or known.startswith(word) for known in vocabulary):
        return word
    allowed = 2 if len(word) >= 9 else 1
    near: dict[int, list[str]] = {}
    for known in _candidates(word, vocabulary, allowed):
        # Letters added, left out, changed or swapped with the next (Damerau 1964, each letter in one slip only).
        slips = OSA.distance(word, known, score_cutoff=allowed)
        near.setdefault(slips, []).append(known)
    best = min(near, default=allowed + 1)
    return near[best][0] if best <= allowed and len(near[best]) == 1 else word


def _candidates(word: str, vocabulary: Iterable[str], allowed: int) -> list[str]:
    return [
        known
        for known in vocabulary
        if len(known) >= 6 and known[0] == word[0] and abs(len(known) - len(word)) <= allowed
    ]
