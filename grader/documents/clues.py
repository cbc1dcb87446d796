r"""By what a text is known as the answer to one part and no other: phrases that a rubric gives for each place.

They are matched on a *form* of the text in which one thing is written one way: ``\frac{\partial J_t}{\partial h_i}``,
``∂J_t/∂h_i`` and ``dJ_t/dh_i`` as ``dj_t/dh_i``; ``\hat{y}_t`` as ``yhat_t``; ``[6, 1, 2]`` as ``number vector``;
``P(...)`` as ``probability (...)``; ``=`` with a space on both sides.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from grader.documents.noise import drop_struck
from grader.documents.phrases import locate_phrase
from grader.documents.wording import fold

_LOOK_AT = 4_000
_HATS = re.compile(r"\\(?:wide)?hat\s*\{?\s*([a-zA-Z])|([a-zA-Z])_?\\?hat(?![a-z])|([a-zA-Z])\^(?=[\s_,;\-])|(ŷ)")
_SUBSCRIPT = re.compile(r"([_^])\s*\{([^{}]*)\}")
_FRACTION = re.compile(r"\b[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_PARTIAL = re.compile(r"(?<![a-z])partial\s*(?:_\w+\s*)?(?=[a-z(])")
_NABLA = re.compile(r"nabla_(\w+)\s*([a-z]\w*)")
_SPACED = re.compile(r"(?<!\w)d ?([a-z]\w*)\s*/\s*d ?([a-z]\w*)")
_NUMBER = r"[+\-]?\s*\d+(?:\.\d+)?"
_VECTOR = re.compile(
    rf"(?:[(\[<]|begin[bp]?v?matrix)\s*{_NUMBER}(?:\s*(?:[,;&|]|\s|\\\\)\s*{_NUMBER}){{2,15}}\s*(?:[)\]>]|end)"
)
_PROBABILITY = re.compile(r"(?<!\w)(?:p|pr|prob)\s*\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of an answer on the sheet: question 2, part "b" (part "" for a question without parts).

    ``clues`` are phrases (see phrases.py) that tell an answer to this place from those to the others.
    """

    question: int
    part: str = ""
    title: str = field(default="", compare=False)
    clues: tuple[str, ...] = field(default=(), compare=False)


def find_suited(text: str, places: Iterable[Place]) -> frozenset[Place]:
    """Return the places whose clues stand in ``text``: one place where the text tells what it answers."""
    form = build_form(text)
    return frozenset(place for place in places if any(locate_phrase(clue, form) for clue in place.clues))


@functools.lru_cache(maxsize=512)
def build_form(text: str) -> str:
    """Return the form of ``text`` on which clues are matched; of a very long text, its beginning."""
    marked = _HATS.sub(lambda m: f"{m[1] or m[2] or m[3] or 'y'}hat", drop_struck(text[:_LOOK_AT]))
    form = fold(marked)
    for _ in range(3):  # subscripts stand in one another
        form = _SUBSCRIPT.sub(lambda m: m[1] + re.sub(r"[\s{}]+", "", m[2]), form)
    form = _FRACTION.sub(r"\1/\2", form)
    form = _PARTIAL.sub("d", _NABLA.sub(r"d\2/d\1", form))
    form = re.sub(r"[{}]", "", form)
    form = re.sub(r"\(\s*(d ?\w+)\s*\)", r"\1", form)
    form = _SPACED.sub(r"d\1/d\2", form)
    form = _PROBABILITY.sub("probability (", _VECTOR.sub(" number vector ", form))
    return re.sub(r"\s*=\s*", " = ", form)
