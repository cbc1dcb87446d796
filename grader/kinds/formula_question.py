"""What a formula question takes in the rubric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.formula.told import Told
from grader.kinds.base import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedReading:
    """A formula that earns full marks. oracle: what proves it (``grade check``). note: a sentence to the student.

    partly: it holds for one step or one term only, though it earns full marks.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    formula: str
    oracle: str
    note: str = ""
    partly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconception:
    """A known mistake: formulas that it leads to, or quantities that it multiplies, its credit and a hint.

    multiplies: this quantity times any of ``by`` (and nowhere times ``without``) is the mistake, whatever else stands
    there; looked at last.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    credit: Decimal
    hint: str
    formulas: tuple[str, ...] = ()
    multiplies: str = ""
    by: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """Marking on: ``formula`` with ``symbol`` in it, which stands for the student's own answer to ``criterion``."""

    __pydantic_config__: ClassVar[Any] = STRICT
    criterion: str
    symbol: str
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaQuestion:
    """What a formula question takes.

    world: the name under ``worlds:``. times: its free time indices with their ranges ([1, T]).
    asked: names of the quantity asked for (g_o, J_t/o). given: derivatives that may stand in an answer as names.
    readings, misconceptions: by name. slips, conditions: the credit of general slips and of special worlds.
    symbols, functions: spellings of this question only. lone_index: what a single index letter numbers.
    told: phrases that stand for a formula where an answer is in words only.
    scalar_over: the criteria whose answers must all do without matrices for the scalar reading.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["formula"]
    world: str
    asked: tuple[str, ...]
    readings: Mapping[str, AcceptedReading]
    times: Mapping[str, tuple[int | str, int | str]] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    misconceptions: Mapping[str, Misconception] = field(default_factory=dict)
    slips: Mapping[str, Decimal] = field(default_factory=dict)
    conditions: Mapping[str, Decimal] = field(default_factory=dict)
    symbols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    functions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lone_index: Literal["time", "component"] = "time"
    scalar_over: tuple[str, ...] = ()
    scalar_note: str = "Read as numbers; with matrices the order and the transposes matter."
    told: tuple[Told, ...] = ()
    follow: Follow | None = None
