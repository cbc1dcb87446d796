"""What a rubric says of a prose question: key points, the credit for them, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.documents.phrases import check_phrases
from grader.kinds.base import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A key point: ``supports`` and ``contradicts`` are phrases (see documents/phrases.py)."""

    __pydantic_config__: ClassVar[Any] = STRICT
    name: str
    # The point itself, for staff, and what it is about, for a student who has not made it.
    title: str
    about: str
    # A deciding point must be clear before credit is given without a person.
    deciding: bool = False
    # Words that show that a sentence is about this point: with them, an answer short of full credit in which a
    # deciding point was not found is for a person.
    topic: tuple[str, ...] = ()
    supports: tuple[str, ...]
    contradicts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_phrases(self.topic, self.supports, self.contradicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Credit for all points of ``needs`` and at least ``others`` further ones; the first rule that holds counts."""

    __pydantic_config__: ClassVar[Any] = STRICT
    needs: tuple[str, ...] = ()
    others: int = 0
    credit: Decimal
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A prose question. Short of full credit, a sentence that matched no point sends the answer to a person."""

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["prose"]
    points: tuple[Point, ...]
    rules: tuple[Rule, ...]
    # Phrases by which a sentence of the sheet's question is known when a student copies it.
    question_cues: tuple[str, ...] = ()
    # What the question compares its subject with ("softmax"): a clause that names it, and no word of the subject, says
    # nothing of a deciding point.
    foils: tuple[str, ...] = ()
    # What tells no key point, true or not ("argmax returns the index of the largest element"): a sentence with one of
    # these phrases, no point and no topic is read and earns nothing.
    beside: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    model_answer: str = ""

    def __post_init__(self) -> None:
        check_phrases(self.question_cues, self.foils, self.subject, self.beside)
        names = {point.name for point in self.points}
        if unknown := {need for rule in self.rules for need in rule.needs} - names:
            raise ValueError(f"rules: there is no point {sorted(unknown)[0]!r}")
