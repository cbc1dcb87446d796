"""What a question says about reading a formula, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.formula.symbols import Key, SymbolTable
from grader.formula.tree import Expr, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a student's own name stands for; ``indices`` are the letters that it carries (δ_k = …)."""

    indices: tuple[str, ...]
    expr: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a question says about reading: its table, its time indices, what a lone index means, what was defined.

    ``rules`` define the student's own names that stand in their own definitions (``$name`` in expressions).
    ``rank`` says how an elementwise product stands among the others, ``reverse`` turns products over an index round,
    ``wide``: how many factors without its index a product takes along (∏ diag(ψ'(z_k)) W: the W may be inside).
    ``small`` takes a superscript t for a transpose, as some write it.
    ``eager`` applies the machine reader's index confusions even where the text makes sense as it stands.
    """

    table: SymbolTable
    times: tuple[str, ...] = ("t",)
    lone: str = "time"
    machine_read: bool = False
    definitions: Mapping[Key, Definition] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    rank: str = "loose"
    reverse: bool = False
    wide: int = 0
    eager: bool = False
    small: bool = False


@dataclass(slots=True)
class Reading:
    """An expression, the repairs that it rests on (names in the rubric), and the words that led to them."""

    expr: Expr
    repairs: dict[str, str]
