"""What a rubric says of a vector question: the answer, the steps towards it and known mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.documents.phrases import check_phrases
from grader.kinds.base import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A vector of the sheet. ``names`` are phrases (see documents/phrases.py) that stand before it ("output")."""

    __pydantic_config__: ClassVar[Any] = STRICT
    title: str
    values: tuple[float, ...]
    names: tuple[str, ...] = ()
    rtol: float = 1e-6
    atol: float = 1e-9

    def __post_init__(self) -> None:
        check_phrases(self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An intermediate result with its own credit; ``other_forms`` are further right ways to give it (one-hot)."""

    __pydantic_config__: ClassVar[Any] = STRICT
    title: str
    values: tuple[float, ...]
    names: tuple[str, ...] = ()
    other_forms: tuple[tuple[float, ...], ...] = ()
    credit: Decimal
    rtol: float = 1e-6
    atol: float = 1e-9

    def __post_init__(self) -> None:
        check_phrases(self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A known wrong result, its finding and its credit."""

    __pydantic_config__: ClassVar[Any] = STRICT
    code: str
    values: tuple[float, ...]
    atol: float = 1e-6
    credit: Decimal
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What the feedback plots beside an answer whose ``step`` is right: that step's values."""

    __pydantic_config__: ClassVar[Any] = STRICT
    title: str
    x_label: str
    y_label: str
    categories: tuple[str, ...]
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A vector question: the answer, the steps towards it and known mistakes."""

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["vector"]
    answer: Value
    steps: tuple[Step, ...] = ()
    # The sheet's own numbers, which students repeat.
    given: tuple[Value, ...] = ()
    # Titles of those given values from which the step `proof` is worked out: when it is right, so were they.
    inputs: tuple[str, ...] = ()
    proof: str = ""
    mistakes: tuple[Mistake, ...] = ()
    plot: Bars | None = None
    next: str = ""

    def __post_init__(self) -> None:
        steps = {step.title for step in self.steps}
        if self.proof and self.proof not in steps:
            raise ValueError(f"proof: there is no step {self.proof!r}")
        if self.plot and self.plot.step not in steps:
            raise ValueError(f"plot: there is no step {self.plot.step!r}")
        if unknown := set(self.inputs) - {value.title for value in self.given}:
            raise ValueError(f"inputs: no given value is called {sorted(unknown)[0]!r}")
