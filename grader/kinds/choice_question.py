"""What a rubric says of a choice: its options, groups of them, the key and what contradicts a choice."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.documents.phrases import check_phrases
from grader.kinds.base import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the sheet."""

    __pydantic_config__: ClassVar[Any] = STRICT
    number: int
    # As the feedback names it.
    text: str
    # Words and formulas by which students name it, in English and Persian (see documents/phrases.py).
    phrases: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_phrases(self.phrases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Words that fit several options and so do not tell which one is meant ("unidirectional")."""

    __pydantic_config__: ClassVar[Any] = STRICT
    text: str
    options: tuple[int, ...]
    phrases: tuple[str, ...]
    # Words that may tell its options apart: where they stand, naming the group is not all that is said.
    topic: tuple[str, ...] = ()
    # For naming the group and no option, with what the student should add.
    credit: Decimal
    next: str

    def __post_init__(self) -> None:
        check_phrases(self.phrases, self.topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """A reason that does not go with choosing ``option``: such an answer is shown to a person."""

    __pydantic_config__: ClassVar[Any] = STRICT
    option: int
    phrases: tuple[str, ...]
    # Words of the same sentence with which the phrases contradict nothing ("only on the past and on today").
    unless: tuple[str, ...] = ()
    message: str

    def __post_init__(self) -> None:
        check_phrases(self.phrases, self.unless)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A choice: every right option earns its share of the credit, every wrong one costs ``deduction``."""

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["choice"]
    options: tuple[Option, ...]
    key: tuple[int, ...]
    deduction: Decimal = Decimal("0.5")
    # Phrases by which a sentence of the sheet's question is known when a student copies it.
    question_cues: tuple[str, ...] = ()
    # What, said of an option, rules it out ("many to many").
    denials: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    # To a student who chose wrongly.
    next: str = ""

    def __post_init__(self) -> None:
        check_phrases(self.question_cues, self.denials)
        numbers = [option.number for option in self.options]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError("options are numbered 1, 2, 3 ... in order")
        named = {
            *self.key,
            *(entry.option for entry in self.contradictions),
            *(n for g in self.groups for n in g.options),
        }
        if not self.key or named - set(numbers):
            raise ValueError(
                "the key, groups and contradictions name only options that there are, the key at least one"
            )


def work_out_credit(question: Question, chosen: frozenset[int]) -> Decimal:
    """Return the credit of a choice, 0..1: every right option earns its share, every wrong one costs the deduction."""
    right = len(chosen & set(question.key))
    wrong = len(chosen - set(question.key))
    credit = max(Decimal(0), Decimal(right) / len(question.key) - question.deduction * wrong)
    return credit.quantize(Decimal("0.0001")).normalize() + 0
