"""Answers in words only: "the prediction minus the label".

The rubric says which phrases stand for which formula. What else is said must be words that say nothing ("so the
gradient at step t is"): one word more that may change the meaning, and a person reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

_STRICT = {"extra": "forbid", "strict": True}
_MATHEMATICS = re.compile(r"[=^\\$_∂∇Σ∑∏+*/<>⊙·×|\[\]{}ŷ~]|(?<=\s)[-−]\s*(?=\w)|\bhat\b")
_WORDS = re.compile(r"\w+")
_MOST_WORDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A formula and the phrases (regular expressions on plain lower-case words) that stand for it."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    formula: str
    phrases: tuple[str, ...]


def find_told(text: str, rules: Sequence[Told], fillers: Sequence[str]) -> str | None:
    """Return the formula that a text in words stands for, None where nothing or not surely one is said."""
    if _MATHEMATICS.search(text):
        return None
    folded = text.casefold().translate({0x200C: " ", 0x64A: "ی", 0x643: "ک", 0x27: "", 0x2019: ""})
    words = _WORDS.findall(folded)
    if not 2 <= len(words) <= _MOST_WORDS:
        return None
    plain, silent = " ".join(words), frozenset(fillers)
    found: dict[str, str] = {}
    for rule in rules:
        for phrase in rule.phrases:
            match = re.search(rf"(?<!\w)(?:{phrase})(?!\w)", plain)
            if match and len(match[0]) > len(found.get(rule.formula, "")):
                found[rule.formula] = match[0]
    if len(found) != 1:
        return None
    formula, said = next(iter(found.items()))
    rest = plain.replace(said, " ", 1).split()
    return formula if all(word in silent for word in rest) else None
