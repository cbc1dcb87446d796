"""Answers given in several lines: a recursion with its base case, one line per step, one line per component.

The lines are solved from the last step back, with nothing put in but what the student's own lines gave; what comes out
is compared with the bank like any other answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from grader.formula.answer import Equation
from grader.formula.compare import Bank, Values, equal_values, find_factor, find_moments, transpose_values
from grader.formula.evaluate import evaluate, evaluate_index
from grader.formula.faults import FormulaFault, NoValue, TooMuch
from grader.formula.judge import CONDITIONS, Case, Judgement, Sort
from grader.formula.meaning import Reading
from grader.formula.slips import find_mendings
from grader.formula.tree import Cases, Expr, Num, Sym, Var, find_free, find_names, find_nodes, find_variables
from grader.formula.worlds import Value, World

Moment = tuple[int, ...]
MAX_TOGETHER = 12


class _Known(dict[Moment, Value]):
    """What has been solved so far; a step that is not solved yet has no value."""

    def get(self, key: Moment, default: object = None) -> Value:
        if key not in self:
            raise NoValue("a step that the lines do not give")
        return self[key]


@dataclass(frozen=True, slots=True)
class _Solved:
    """Values of all lines together, and the numbers of the moments that they cover."""

    values: Values
    moments: tuple[int, ...]
    all: int


def is_circular(expr: Expr, asked: frozenset[str]) -> bool:
    """Whether an answer contains what was asked for."""
    return bool(find_names(expr) & asked)


def leaves_derivatives(expr: Expr, case: Case) -> bool:
    """Whether a derivative stands in a formula that must be worked out: ∂h_t/∂h_i."""
    return any("/" in name and name not in case.asked | case.named for name in find_names(expr))


def leaves_general(equations: Sequence[Equation], case: Case) -> bool:
    """Whether the formula for any earlier step is one in which a derivative stands."""
    first = next(iter(case.bank.times), "")
    lefts = [equation.left for equation in equations if leaves_derivatives(equation.right, case)]
    return len(case.bank.times) > 1 and any(left is not None and left.times[-1:] != (Var(first),) for left in lefts)


def judge_system(equations: Sequence[Equation], case: Case) -> Judgement | None:
    """Return what the lines come to together; None where they are no system or nothing known comes of them."""
    equations = [equation for equation in equations if not leaves_derivatives(equation.right, case)]
    lefts = {equation.left for equation in equations if equation.left is not None}
    if not any(is_circular(e.right, case.asked) for e in equations) and len(lefts) < 2:
        return None
    reading = Reading(_find_shown(equations, case), {})
    for kind in ("generic", "scalar") if case.scalar else ("generic",):
        solved = _solve(equations, case, kind)
        if solved is None:
            continue
        name = _find_reading(solved, case, kind)
        if name and _is_contradicted(equations, name, case, kind):
            detail = "the steps written out are right, and the general formula beside them says something else"
            return Judgement(sort="refer", name="several", detail=detail, reading=reading)
        if name:
            shown = name if kind == "generic" else "scalar"
            return Judgement(sort="reading", name=shown, detail=f"{name}, solved line by line", reading=reading)
        numbered = not any(is_circular(e.right, case.asked) for e in equations) and len(solved.moments) < solved.all
        slip = None if numbered else _find_known_slip(solved, case, kind)
        if slip is not None:
            return Judgement(sort=slip[0], name=slip[1], detail="solved line by line", reading=reading)
    return (
        _judge_rows(equations, case, reading)
        or _judge_mended(equations, case, reading)
        or _judge_condition(equations, case, reading)
    )


def _is_contradicted(equations: Sequence[Equation], name: str, case: Case, kind: str) -> bool:
    """Whether a line for all steps differs from what the lines for single steps come to."""
    general = [e for e in equations if e.left is None or not any(isinstance(time, Num) for time in e.left.times)]
    plain = [e for e in general if not is_circular(e.right, case.asked) and e.left is not None]
    if len(general) == len(equations):
        return False
    for equation in plain:
        solved = _solve([equation], case, kind)
        wanted = _pick(case.bank, case.bank.readings[name], kind, solved.moments) if solved is not None else None
        if solved is not None and wanted is not None and not equal_values(solved.values, wanted):
            return True
    return False


def _judge_condition(equations: Sequence[Equation], case: Case, reading: Reading) -> Judgement | None:
    for kind in CONDITIONS:
        solved = _solve(equations, case, kind)
        name = _find_reading(solved, case, kind) if solved is not None else None
        if name:
            return Judgement(sort="condition", name=kind, detail=f"{name}, solved line by line", reading=reading)
    return None


def _find_shown(equations: Sequence[Equation], case: Case) -> Expr:
    """Return the line that says most: the last one with a recursion, else the last one."""
    circular = [equation for equation in equations if is_circular(equation.right, case.asked)]
    return (circular or list(equations))[-1].right


def _find_reading(solved: _Solved, case: Case, kind: str) -> str | None:
    for name, expr in case.bank.readings.items():
        wanted = _pick(case.bank, expr, kind, solved.moments)
        if wanted is not None and _is_general(expr, case) and equal_values(solved.values, wanted):
            return name
    return None


def holds_generally(judgement: Judgement, case: Case) -> bool:
    """Whether the reading that an answer was found in says something of every step, not of the last one only."""
    expr = case.bank.readings.get(judgement.name) or case.bank.readings.get(judgement.detail)
    return expr is None or _is_general(expr, case)


def _is_general(expr: Expr, case: Case) -> bool:
    """Whether a reading holds for every step without an activation; a reading of the last step only does not."""
    times = list(case.bank.times)
    if len(times) < 2:
        return True
    asked = sorted(name for name in case.asked if "/" not in name)
    truth = Sym(asked[0], ()) if not asked else _name_generally(asked[0], times)
    known, right = (case.bank.find_values(e, "identity") for e in (expr, truth))
    return known is not None and right is not None and equal_values(known, right)


def _name_generally(name: str, times: Sequence[str]) -> Sym:
    return Sym(name, (Var(times[-1]),))


def _find_known_slip(solved: _Solved, case: Case, kind: str) -> tuple[Sort, str] | None:
    for name, formulas in case.bank.misconceptions.items():
        for formula in formulas:
            wanted = _pick(case.bank, formula, kind, solved.moments)
            if wanted is not None and len(solved.moments) > 1 and equal_values(solved.values, wanted):
                return "misconception", name
    for expr in case.bank.readings.values():
        right = _pick(case.bank, expr, kind, solved.moments)
        factor = find_factor(solved.values, right) if right is not None and _is_general(expr, case) else None
        if factor is not None:
            return "slip", "sign_flipped" if abs(factor + 1) < 1e-9 else "constant_factor"
    return None


def _judge_rows(equations: Sequence[Equation], case: Case, reading: Reading) -> Judgement | None:
    """Judge the lines with every gradient as a row; only where no other answer uses columns."""
    if "columns" in case.layouts():
        return None
    solved = _solve(equations, case, "row_gradients")
    if solved is None:
        return None
    world = case.bank.find_worlds("row_gradients")[0]
    count = len(list(find_moments(world, case.bank.times)))
    for name, expr in case.bank.readings.items():
        values = case.bank.find_values(expr, "generic")
        if values is None or world.base != 0 or not _is_general(expr, case):
            continue
        wanted = tuple(values[:count][n] for n in solved.moments)
        if equal_values(solved.values, transpose_values(wanted)):
            return Judgement(sort="reading", name="row_layout", detail=name, reading=reading)
    return None


def _judge_mended(equations: Sequence[Equation], case: Case, reading: Reading) -> Judgement | None:
    """Look for one small change in one line, or the same one in all, that makes all of them right."""
    together = zip(*(find_mendings(equation.right) for equation in equations[1:]), strict=False)
    for changes in itertools.islice(together, MAX_TOGETHER) if len(equations) > 2 else ():
        mended_all = [replace(e, right=m) for e, (_, m) in zip(equations[1:], changes, strict=True)]
        solved = _solve([equations[0], *mended_all], case, "generic")
        if solved is not None and _find_reading(solved, case, "generic"):
            return Judgement(sort="slip", name=changes[0][0], detail="solved line by line", reading=reading)
    for place, equation in enumerate(equations):
        for name, mended in find_mendings(equation.right):
            changed = [*equations[:place], replace(equation, right=mended), *equations[place + 1 :]]
            solved = _solve(changed, case, "generic")
            if solved is not None and _find_reading(solved, case, "generic"):
                return Judgement(sort="slip", name=name, detail="solved line by line", reading=reading)
    return None


def _pick(bank: Bank, expr: Expr, kind: str, moments: Sequence[int]) -> Values | None:
    """Return a bank formula's values at some of the moments, in every world of a kind."""
    values, worlds = bank.find_values(expr, kind), bank.find_worlds(kind)
    if values is None:
        return None
    count = len(values) // len(worlds)
    return tuple(values[world * count + n] for world in range(len(worlds)) for n in moments)


# --- solving ---
def _solve(equations: Sequence[Equation], case: Case, kind: str) -> _Solved | None:
    """Solve at all moments, else at those of the last step (lines with numbers mean t = T)."""
    worlds = case.bank.find_worlds(kind)
    if not worlds or not case.bank.times:
        return None
    moments = [tuple(moment.values()) for moment in find_moments(worlds[0], case.bank.times)]
    last = [moment for moment in moments if moment[0] == worlds[0].steps]
    numbered = any(Num(float(worlds[0].steps)) in node.times for e in equations for node in _find_symbols(e.right))
    for scope in (last,) if numbered else (moments, last):
        try:
            found = [_solve_world(equations, case, world, scope) for world in worlds]
        except TooMuch:
            raise
        except FormulaFault:
            continue
        numbers = tuple(moments.index(moment) for moment in scope)
        return _Solved(tuple(values[moment] for values in found for moment in scope), numbers, len(moments))
    return None


def _find_symbols(expr: Expr) -> list[Sym]:
    return [node for node in find_nodes(expr) if isinstance(node, Sym)]


def _solve_world(
    equations: Sequence[Equation], case: Case, world: World, scope: Sequence[Moment]
) -> Mapping[Moment, Value]:
    known = _Known()
    twice = {name: known for name in case.asked if name in world.values and _is_keyed_alike(name, world, case)}
    inner = replace(world, values={**world.values, **twice})
    for moment in sorted(scope, key=lambda m: (m[0], -m[-1])):
        known[moment] = _solve_moment(equations, case, inner, moment)
    return known


def _is_keyed_alike(name: str, world: World, case: Case) -> bool:
    """Whether a quantity's values are found by the question's moments."""
    return all(len(key) == len(case.bank.times) for key in world.values[name]) and not name.startswith("J/")


def _solve_moment(equations: Sequence[Equation], case: Case, world: World, moment: Moment) -> Value:
    parts: dict[int, Value] = {}
    for equation, indices, part in _find_matching(equations, case, world, moment):
        value = evaluate(equation.right, world, indices)
        if part is None:
            return value
        parts.setdefault(part, value)
    if not parts or sorted(parts) != list(range(1, len(parts) + 1)) or len(parts) < 2:
        raise NoValue("a step that the lines do not give")
    return np.array([[float(np.asarray(parts[n]).reshape(()))] for n in sorted(parts)])


def _find_matching(
    equations: Sequence[Equation], case: Case, world: World, moment: Moment
) -> Iterator[tuple[Equation, dict[str, int], int | None]]:
    """Yield (line, indices, component) for the lines that give this moment: the ones meant for it alone first."""
    names = list(case.bank.times)
    at_last = len(set(moment)) == 1
    found = []
    for place, equation in enumerate(equations):
        circular = is_circular(equation.right, case.asked) and not isinstance(equation.right, Cases)
        if circular and at_last:
            continue
        for last in range(1, world.steps + 1) if len(names) > 1 else [moment[0]]:
            indices = dict(zip(names, (moment[0], last), strict=False))
            key, part = _find_place(equation, case, indices)
            if key == moment:
                general = equation.left is None or (len(names) > 1 and names[-1] in find_variables(equation.left))
                found.append(((general, not circular and not at_last, -place), equation, indices, part))
                break
    for _, equation, indices, part in sorted(found, key=lambda entry: entry[0]):
        yield equation, indices, part


def _find_place(equation: Equation, case: Case, indices: dict[str, int]) -> tuple[Moment | None, int | None]:
    """Return the moment and the component that a left side names; a letter for it stands for all of them."""
    left = equation.left
    if left is None:
        return tuple(indices.values()), None
    if left.name.startswith("J/") and len(case.bank.times) > 1:
        return None, None
    world = case.bank.worlds[0]
    try:
        times = tuple(evaluate_index(time, world, indices) for time in left.times)
        letters = {part.name for part in left.parts if isinstance(part, Var) and part.name not in indices}
        if letters and letters != {name for name in find_free(equation.right) if name not in indices and name != "T"}:
            return None, None
        parts = [evaluate_index(part, world, indices) for part in left.parts if not letters]
    except FormulaFault:
        return None, None
    if left.name in world.of_t:
        times = (indices["t"], *times)
    return times[: len(case.bank.times)], (parts[0] if parts else None)
