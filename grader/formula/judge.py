"""From an answer's meanings to a judgement: what it equals, and if nothing right, which mistake it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from grader.formula.compare import (
    Bank,
    Values,
    equal_values,
    evaluate_everywhere,
    find_factor,
    find_moments,
    transpose_values,
)
from grader.formula.evaluate import evaluate
from grader.formula.faults import FormulaFault, NoValue, ShapeFault, TooMuch, Unread
from grader.formula.meaning import Reading
from grader.formula.slips import find_mendings
from grader.formula.tree import (
    Entries,
    Expr,
    Mul,
    Program,
    Sym,
    Var,
    find_free,
    find_names,
    find_nodes,
    find_variables,
    substitute,
)
from grader.formula.worlds import Value, World

Sort = Literal["reading", "misconception", "slip", "condition", "wrong", "refer"]
Valued = Sequence[tuple[Reading, Values | FormulaFault]]
LAYOUTS = ("row_gradients", "row_vectors")
CONDITIONS = ("h0_zero", "tanh", "one_hot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an answer is. ``name`` is the reading, misconception, slip or condition; ``detail`` says more to staff.

    before: the right formula that a wrong answer was drawn from.
    """

    sort: Sort
    name: str = ""
    detail: str = ""
    reading: Reading
    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    hopeful: bool = False
    before: Expr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a judgement rests on besides the bank.

    ``scalar``: the whole question is answered without any sign of matrices.
    ``followed``: what the student's own earlier answer would make right here. ``named``: quotients that may stand.
    ``asked``: the quantity itself. ``structural``: a last look at how a wrong formula is built, giving a misconception.
    ``partly``: readings of one step only, which no other reading equals. ``given``: conditions that the answer states.
    ``layouts``: which of "columns" and "rows" the student's other answers are right in.
    """

    bank: Bank
    scalar: bool = False
    layouts: Callable[[], frozenset[str]] = field(default=frozenset)
    given: frozenset[str] = frozenset()
    partly: frozenset[str] = frozenset()
    followed: Expr | None = None
    named: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    structural: Callable[[Expr], str | None] = field(default=lambda expr: None)


def judge(variants: Sequence[Reading], case: Case) -> Judgement:
    """Return the best judgement over all meanings: right in one of them is right."""
    open_names = {name for reading in variants for name in find_names(reading.expr)}
    if open_names & case.asked:
        return _judge_circular(variants, case)
    if any("/" in name and name not in case.named for name in open_names):
        return _judge_chain(variants, case)
    valued: list[tuple[Reading, Values | FormulaFault]] = []
    for reading in variants:
        values = _try_values(reading.expr, case.bank, "generic")
        valued.append((reading, values))
        if name := case.bank.find_reading(values, "generic") if isinstance(values, tuple) else None:
            return Judgement(sort="reading", name=name, reading=reading)
    if renamed := _rename_index(valued, case):
        return judge(renamed, case)
    for step in (
        _find_followed,
        _find_stated,
        _find_scalar,
        _find_layout,
        _find_known_mistake,
        _find_slip,
        _find_condition,
    ):
        found = step(valued, case)
        if found is not None:
            return found
    return _judge_wrong(valued, case)


def _rename_index(valued: Valued, case: Case) -> list[Reading]:
    """Return the meanings with the question's last index for a letter that nothing binds: ∂J_t/∂h_k for ∂J_t/∂h_i."""
    if len(case.bank.times) < 2 or not all(isinstance(values, Unread) for _, values in valued):
        return []
    last, renamed = list(case.bank.times)[-1], []
    for reading, _ in valued:
        free = [name for name in find_free(reading.expr) if name not in case.bank.times and name != "T"]
        if len(free) == 1 and last not in find_variables(reading.expr):
            renamed.append(Reading(substitute(reading.expr, {free[0]: Var(last)}), reading.repairs))
    return renamed


def find_false_steps(
    steps: Iterable[tuple[Expr, Expr]], case: Case, kind: str = "generic"
) -> Iterator[tuple[Expr, Expr]]:
    """Yield the equations on the way whose two sides have values, of one shape, and differ."""
    world = case.bank.find_worlds(kind)[0]
    for left, right in steps:
        if any("/" in name and not name.startswith("J") for name in find_names(left) | find_names(right)):
            continue  # a Jacobian's layout is a matter of taste
        moments = [{**dict.fromkeys("ti", 2), **moment} for moment in find_moments(world, case.bank.times)]
        sides = _value_both(left, right, world, moments)
        if sides is None:
            return
        same_shape = all(getattr(a, "shape", ()) == getattr(b, "shape", ()) for a, b in zip(*sides, strict=True))
        if same_shape and not equal_values(*sides):
            yield left, right


def _value_both(
    left: Expr, right: Expr, world: World, moments: Sequence[dict[str, int]]
) -> tuple[Values, Values] | None:
    """Return the values of two sides at the moments where both have one; None where it takes too long."""
    found: list[tuple[Value, Value]] = []
    for moment in moments:
        try:
            found.append((evaluate(left, world, moment, inside=True), evaluate(right, world, moment, inside=True)))
        except TooMuch:
            return None
        except FormulaFault:
            continue
    return tuple(a for a, _ in found), tuple(b for _, b in found)


def _try_values(expr: Expr, bank: Bank, kind: str) -> Values | FormulaFault:
    try:
        return evaluate_everywhere(expr, bank.find_worlds(kind), bank.times)
    except TooMuch:
        raise
    except FormulaFault as fault:
        return fault


def _find_followed(valued: Valued, case: Case) -> Judgement | None:
    """Right as a step from the student's own earlier answer."""
    if case.followed is not None:
        own = _try_values(case.followed, case.bank, "generic")
        for reading, values in valued:
            if isinstance(own, tuple) and isinstance(values, tuple) and equal_values(own, values):
                return Judgement(sort="reading", name="follow_through", reading=reading)
    return None


def _find_layout(valued: Valued, case: Case) -> Judgement | None:
    """Right in row layout: as the transpose, or with rows for columns; only where no other answer uses columns."""
    for reading, generic in valued:
        if isinstance(reading.expr, Entries):
            continue  # rows and columns are named on the left side
        if isinstance(generic, tuple):
            right = case.bank.find_reading(transpose_values(generic), "generic")
            if right and "columns" not in case.layouts():
                return Judgement(sort="reading", name="row_layout", detail=right, reading=reading)
        for world in (world for world in case.bank.worlds if world.kind in LAYOUTS):
            try:
                values = evaluate_everywhere(reading.expr, (world,), case.bank.times)
            except FormulaFault:
                continue
            name = case.bank.find_turned(values, world)
            open_to_it = not case.layouts() or case.layouts() == {"rows"}
            if name and open_to_it and (world.kind == "row_gradients" or case.layouts() == {"rows"}):
                return Judgement(sort="reading", name="row_layout", detail=name, reading=reading)
    return None


def _find_scalar(valued: Valued, case: Case) -> Judgement | None:
    if not case.scalar:
        return None
    for reading, _ in valued:
        values = _try_values(reading.expr, case.bank, "scalar")
        name = case.bank.find_reading(values, "scalar") if isinstance(values, tuple) else None
        if name:
            return Judgement(sort="reading", name="scalar", detail=name, reading=reading)
    return None


def _find_known_mistake(valued: Valued, case: Case) -> Judgement | None:
    kinds = ("generic", "scalar") if case.scalar else ("generic",)
    for reading, generic in valued:
        if not any(isinstance(node, Sym | Program) for node in find_nodes(reading.expr)):
            continue  # a number may well equal a mistake's value, as zero does
        for kind in kinds:
            values = generic if kind == "generic" else _try_values(reading.expr, case.bank, kind)
            name = case.bank.find_misconception(values, kind) if isinstance(values, tuple) else None
            if name:
                return Judgement(sort="misconception", name=name, reading=reading)
    return None


def _find_slip(valued: Valued, case: Case) -> Judgement | None:
    for reading, values in valued:
        if isinstance(values, tuple):
            name = _find_value_slip(values, case, "generic")
        else:
            name = None
        if name is None and case.scalar:
            scalar = _try_values(reading.expr, case.bank, "scalar")
            name = _find_value_slip(scalar, case, "scalar") if isinstance(scalar, tuple) else None
        if name:
            return Judgement(sort="slip", name=name, reading=reading)
    for reading, values in valued:
        for name, mended in find_mendings(reading.expr):
            right = case.bank.find_mended(mended)
            if right:
                return Judgement(
                    sort="slip", name=name, detail=right, reading=reading, shapes=_find_shapes(values, case, right)
                )
    return _find_order_slip(valued, case)


def _find_value_slip(values: Values, case: Case, kind: str) -> str | None:
    for expr in case.bank.readings.values():
        right = case.bank.find_values(expr, kind)
        if right is None:
            continue
        factor = find_factor(values, right)
        if factor is not None:
            return "sign_flipped" if abs(factor + 1) < 1e-9 else "constant_factor"
        if kind == "generic" and equal_values(values, transpose_values(right)):
            return "transposed"
    return None


def _find_order_slip(valued: Valued, case: Case) -> Judgement | None:
    """Right for numbers, but not for matrices: transposes or the order of factors are missing in several places."""
    for reading, values in valued:
        scalar = _try_values(reading.expr, case.bank, "scalar")
        right = case.bank.find_reading(scalar, "scalar") if isinstance(scalar, tuple) else None
        if right:
            shapes = _find_shapes(values, case, right)
            return Judgement(sort="slip", name="layout", detail=right, reading=reading, shapes=shapes)
    return None


def _find_shapes(
    values: Values | FormulaFault, case: Case, right: str
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    if isinstance(values, ShapeFault):
        return values.left, values.right
    wanted = case.bank.find_values(case.bank.readings[right], "generic")
    if isinstance(values, tuple) and wanted is not None:
        shapes = [getattr(value, "shape", ()) for value in (values[0], wanted[0])]
        return (shapes[0], shapes[1]) if shapes[0] != shapes[1] else None
    return None


def _find_stated(valued: Valued, case: Case) -> Judgement | None:
    """Right under a condition that the answer states."""
    return _find_under(valued, case, [kind for kind in CONDITIONS if kind in case.given])


def _find_condition(valued: Valued, case: Case) -> Judgement | None:
    return _find_under(valued, case, CONDITIONS)


def _find_under(valued: Valued, case: Case, kinds: Sequence[str]) -> Judgement | None:
    for kind in kinds:
        for reading, _ in valued:
            values = _try_values(reading.expr, case.bank, kind)
            name = case.bank.find_reading(values, kind) if isinstance(values, tuple) else None
            if name:
                return Judgement(sort="condition", name=kind, detail=name, reading=reading)
    return None


def _judge_circular(variants: Sequence[Reading], case: Case) -> Judgement:
    """Refer a recursion that stands alone: without its base case it says nothing (with one, see system.py)."""
    detail = "the answer contains what was asked for, and its lines together could not be decided"
    return Judgement(sort="refer", name="circular", reading=variants[0], detail=detail)


def _judge_chain(variants: Sequence[Reading], case: Case) -> Judgement:
    """Judge derivatives left standing: a chain rule named and not carried out, if it is a right one."""
    for reading in variants:
        for kind in ("scalar", "generic"):
            values = _try_values(reading.expr, case.bank, kind)
            if isinstance(values, tuple) and case.bank.find_reading(values, kind):
                return Judgement(sort="slip", name="not_expanded", reading=reading)
    structural = next((name for reading in variants if (name := case.structural(reading.expr))), None)
    if structural:
        return Judgement(sort="misconception", name=structural, reading=variants[0])
    return Judgement(sort="refer", name="open_chain", reading=variants[0], detail="derivatives are left standing")


def _judge_wrong(valued: Valued, case: Case) -> Judgement:
    for reading, _ in valued:
        name = case.structural(reading.expr)
        if name:
            return Judgement(sort="misconception", name=name, reading=reading)
    reading, values = next(((r, v) for r, v in valued if isinstance(v, tuple)), valued[0])
    if isinstance(values, NoValue | Unread):
        meant = _find_loose_index(valued, case)
        if meant:
            return Judgement(
                sort="refer",
                name="loose_index",
                reading=reading,
                detail="the index t is not bound; with T it is right",
                hopeful=True,
            )
        return Judgement(sort="refer", name="no_value", reading=reading, detail=str(values))
    if _multiplies_by_step(reading.expr):
        detail = "a step stands as a factor, where it may have been meant as an index"
        return Judgement(sort="refer", name="step_as_factor", reading=reading, detail=detail)
    first = next(iter(case.bank.readings))
    return Judgement(sort="wrong", name="other", reading=reading, shapes=_find_shapes(values, case, first))


def _multiplies_by_step(expr: Expr) -> bool:
    """Return whether a bare index stands behind a quantity: an index that was not lowered, hardly a factor."""
    products = (node for node in find_nodes(expr) if isinstance(node, Mul) and node.op == "next")
    return any(isinstance(node.right, Var) and node.right.name != "T" for node in products)


def _find_loose_index(valued: Valued, case: Case) -> str | None:
    """Return the reading that an answer with a loose t equals when T is meant: a person may well accept it."""
    for reading, _ in valued:
        values = _try_values(substitute(reading.expr, {"t": Var("T")}), case.bank, "generic")
        name = case.bank.find_reading(values, "generic") if isinstance(values, tuple) else None
        if name:
            return name
    return None
