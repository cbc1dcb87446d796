"""An expression to its value in a world: strict shapes, counted operations, nothing but NumPy arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import numpy as np

from grader.formula.faults import (
    MAX_DEPTH,
    MAX_OPERATIONS,
    MAX_RANGE,
    MAX_TOTAL_OPERATIONS,
    NoValue,
    ShapeFault,
    TooMuch,
    Unread,
)
from grader.formula.steps import StepRunner
from grader.formula.symbols import REDUCTIONS
from grader.formula.tree import (
    Add,
    Big,
    Call,
    Cases,
    Div,
    Entries,
    Expr,
    Mat,
    Mul,
    Num,
    Part,
    Pow,
    Program,
    Rule,
    Sym,
    Trans,
    Var,
    Where,
    find_free,
    find_names,
    find_nodes,
    find_variables,
)  # fmt: skip
from grader.formula.worlds import Value, World

# Operations left for the answer at hand; None where the rubric's own formulas are evaluated.
_left: ContextVar[list[int] | None] = ContextVar("_left", default=None)

_SIGNS = {
    "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__, "=": int.__eq__, "!=": int.__ne__,
}  # fmt: skip
_ELEMENTWISE = ("next", "dot", "times", "star")


@contextmanager
def limit_operations(total: int | None = MAX_TOTAL_OPERATIONS) -> Iterator[None]:
    """Let everything inside share ``total`` operations; None lifts the limit (for the rubric's own formulas)."""
    token = _left.set(None if total is None else [total])
    try:
        yield
    finally:
        _left.reset(token)


def evaluate(expr: Expr, world: World, indices: Mapping[str, int], *, inside: bool = False) -> Value:
    """Return the value of ``expr`` where the question's time indices are ``indices``.

    Component indices that nothing binds run over their whole range: one gives a column, two give a matrix.
    ``inside``: a quantity before the first or after the last step has no value, instead of being zero.
    Raises ShapeFault, NoValue, Unread (an index that nothing binds) and TooMuch.
    """
    evaluator = _Evaluator(world)
    evaluator.inside = inside
    free = [name for name in find_free(expr) if name not in indices and name != "T"]
    if not free:
        with np.errstate(all="ignore"):
            return evaluator.finite(evaluator.value(expr, dict(indices)))
    return evaluator.spread(expr, free, dict(indices))


def evaluate_index(expr: Expr, world: World, indices: Mapping[str, int]) -> int:
    """Return the whole number that an index expression is. Raises Unread and TooMuch."""
    return _Evaluator(world).index(expr, indices)


def _solve_index(index: Expr, number: int) -> dict[str, int] | None:
    """Return what the letter in ``i`` or ``i - 1`` must be for the index to be this number."""
    match index:
        case Var():
            return {index.name: number}
        case Add(terms=((1, Var() as letter), (sign, Num() as step))):
            return {letter.name: number - sign * int(step.value)}
    return None


def _number(value: Value) -> float:
    if isinstance(value, np.ndarray) and value.size != 1:
        raise ShapeFault("a component", (), value.shape)
    return float(np.asarray(value).reshape(()))


class _Evaluator(StepRunner):
    """Counts operations across one evaluation."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.operations = world, 0
        self.rules: tuple[Rule, ...] = ()
        self.depth = 0
        self.inside = False

    def count(self) -> None:
        self.operations += 1
        left = _left.get()
        if left is not None:
            left[0] -= 1
        if self.operations > MAX_OPERATIONS or (left is not None and left[0] < 0):
            raise TooMuch("the formula takes too many operations")

    def value(self, expr: Expr, env: dict[str, int]) -> Value:
        self.count()
        match expr:
            case Num():
                return expr.value
            case Var():
                return float(self.index(expr, env))
            case Sym():
                return self.read_symbol(expr, env)
            case Add():
                return self.add(expr, env)
            case Mul():
                return self.multiply(expr, env)
            case Div():
                return self.divide(expr, env)
            case Pow():
                return self.power(self.value(expr.base, env), self.value(expr.exponent, env))
            case Trans():
                base = self.value(expr.base, env)
                return base.T if isinstance(base, np.ndarray) else base
            case Call():
                return self.call(expr.name, self.value(expr.argument, env))
            case Big():
                return self.run(expr, env)
            case Part():
                return self.take(self.value(expr.base, env), [self.index(index, env) for index in expr.indices])
            case Cases():
                return self.choose(expr, env)
            case Program():
                return self.run_program(expr, env)
            case Entries():
                return self.spread(expr.body, expr.indices, env)
            case Where():
                self.rules = expr.rules
                return self.value(expr.body, env)
            case Mat():
                return self.build_matrix(expr, env)

    # --- indices ---
    def index(self, expr: Expr, env: Mapping[str, int]) -> int:
        """Return the whole number that an index expression is."""
        self.count()
        match expr:
            case Num() if expr.value == int(expr.value):
                return int(expr.value)
            case Var() if expr.name in env:
                return env[expr.name]
            case Var() if expr.name == "T":
                return self.world.steps
            case Var():
                raise Unread(f"the index {expr.name} is not bound")
            case Sym():
                return self.find_component(expr, env)
            case Add():
                return sum(sign * self.index(term, env) for sign, term in expr.terms)
            case Mul():
                return self.index(expr.left, env) * self.index(expr.right, env)
        raise Unread("an index that is no whole number")

    def spread(self, expr: Expr, names: Sequence[str], env: dict[str, int]) -> Value:
        """Return the column or matrix whose entries an expression gives at the indices ``names``."""
        if len(names) > 2:
            raise Unread(f"the indices {', '.join(names)} are not bound")
        ranges = [range(1, self.find_size(expr, name, env) + 1) for name in names]
        if len(names) == 1:
            return np.array([[_number(self.value(expr, {**env, names[0]: n}))] for n in ranges[0]])
        rows = [[_number(self.value(expr, {**env, names[0]: n, names[1]: m})) for m in ranges[1]] for n in ranges[0]]
        return np.array(rows)

    def find_component(self, expr: Sym, env: Mapping[str, int]) -> int:
        """Return the number that a label is: the true class, or the place of the one in a one-hot label."""
        value = self.read_symbol(expr, env)
        if not isinstance(value, np.ndarray) and value == int(value):
            return int(value)
        if isinstance(value, np.ndarray) and sorted(value.reshape(-1)) == [0.0] * (value.size - 1) + [1.0]:
            return int(value.argmax()) + 1
        raise NoValue(f"{expr.name} is no index")

    def find_size(self, expr: Expr, name: str, env: dict[str, int]) -> int:
        """Return how many components the index ``name`` runs over."""
        for node in find_nodes(expr):
            parts = node.parts if isinstance(node, Sym) else node.indices if isinstance(node, Part) else ()
            for axis, part in enumerate(parts):
                if name in find_variables(part) and not (isinstance(node, Sym) and node.name == "delta"):
                    base = Sym(node.name, node.times) if isinstance(node, Sym) else getattr(node, "base", node)
                    known = {**dict.fromkeys(find_variables(base), 1), **env}
                    value = self.value(base, known)
                    if isinstance(value, np.ndarray) and axis < value.ndim:
                        return int(value.shape[axis] if value.shape[axis] > 1 else value.size)
        raise Unread(f"the index {name} is not bound")

    # --- quantities ---
    def read_symbol(self, expr: Sym, env: Mapping[str, int]) -> Value:
        if expr.name.startswith("$"):
            return self.apply_rule(expr, env) if self.locals is None else self.read_local(expr, env)
        if expr.name == "delta":
            found = [self.index(part, env) for part in expr.parts]
            if len(found) != 2:
                raise Unread("δ needs two indices")
            return float(found[0] == found[1])
        name, times = expr.name, tuple(self.index(time, env) for time in expr.times)
        if name in self.world.of_t and len(times) == 2:
            times = (times[1], times[0])
        elif name in self.world.of_t:
            name, times = (name, (env["t"], *times)) if "t" in env else (self.world.of_t[name], times)
        by_time = self.world.values.get(name)
        if by_time is None:
            raise NoValue(f"{name} is left standing")
        value = by_time.get(times)
        if value is None and (self.inside or self.is_outside(name, times)):
            raise NoValue(f"{name} has no value at this step")
        if value is None:
            sample = next(iter(by_time.values()))
            value = np.zeros_like(sample) if isinstance(sample, np.ndarray) else 0.0
        return self.take(value, [self.index(part, env) for part in expr.parts]) if expr.parts else value

    def is_outside(self, name: str, times: tuple[int, ...]) -> bool:
        """Whether this is the gradient of a loss J_4, or one by h_0; what else lies outside is zero."""
        gradient = name.startswith("g_") or "/" in name
        loss = times[0] if times and name not in self.world.of_t.values() else 0
        return gradient and (loss > self.world.steps or any(step < 1 for step in times))

    def apply_rule(self, expr: Sym, env: Mapping[str, int]) -> Value:
        """Return what the student's own recursion gives for a step: a line for that step, else the general one."""
        number = self.index(expr.times[0], env) if expr.times else None
        rules = [rule for rule in self.rules if rule.name == expr.name]
        if number is None or self.depth > MAX_DEPTH:
            raise NoValue(f"{expr.name[1:]} has no value")
        self.depth += 1
        try:
            for rule in rules:
                lone = isinstance(rule.index, Num) or rule.name not in find_names(rule.value)
                if lone and self.is_at(rule.index, number, env):
                    return self.value(rule.value, dict(env))
            for rule in rules:
                if rule.name in find_names(rule.value) and (bound := _solve_index(rule.index, number)) is not None:
                    return self.value(rule.value, {**env, **bound})
        finally:
            self.depth -= 1
        raise NoValue(f"{expr.name[1:]} has no value at {number}")

    def is_at(self, index: Expr, number: int, env: Mapping[str, int]) -> bool:
        """Whether an index is this number; a letter that nothing binds is none."""
        with suppress(Unread):
            return self.index(index, env) == number
        return False

    # --- arithmetic ---
    def add(self, expr: Add, env: dict[str, int]) -> Value:
        total: Value | None = None
        for sign, term in expr.terms:
            value = self.value(term, env)
            value = -value if sign < 0 else value
            total = value if total is None else self.add_two(total, value)
        return 0.0 if total is None else total

    def multiply(self, expr: Mul, env: dict[str, int]) -> Value:
        left, right = self.value(expr.left, env), self.value(expr.right, env)
        if not isinstance(left, np.ndarray) or not isinstance(right, np.ndarray):
            return left * right
        if expr.op == "odot":
            if left.shape != right.shape:
                raise ShapeFault("elementwise product", left.shape, right.shape)
            return left * right
        if expr.op == "outer":
            return left.reshape(-1, 1) @ right.reshape(1, -1)
        if left.shape[1] == right.shape[0]:
            return self.shrink(left @ right)
        if self.locals is not None and expr.op == "matmul" and left.shape == (len(right), 1):
            return (left.T @ right).T  # NumPy's vectors have no direction
        if expr.op in _ELEMENTWISE and left.shape == right.shape:
            return left * right
        raise ShapeFault("product", left.shape, right.shape)

    def divide(self, expr: Div, env: dict[str, int]) -> Value:
        top, bottom = self.value(expr.top, env), self.value(expr.bottom, env)
        if isinstance(top, np.ndarray) and isinstance(bottom, np.ndarray) and top.shape != bottom.shape:
            raise ShapeFault("quotient", top.shape, bottom.shape)
        if np.any(np.asarray(bottom) == 0):
            raise NoValue("a division by zero")
        return top / bottom

    def call(self, name: str, argument: Value) -> Value:
        array = np.atleast_2d(np.asarray(argument, dtype=np.float64))
        if name == "diag":
            if not isinstance(argument, np.ndarray) or 1 not in array.shape:
                return argument
            return np.diag(array.reshape(-1))
        if name in REDUCTIONS and (1 not in array.shape or array.size == 1):
            raise NoValue("a sum or a maximum over what is no vector")  # along which axis?
        if name in REDUCTIONS:
            return float(array.sum() if name == "entries_sum" else array.max())
        function = self.world.functions.get(name)
        if function is None:
            raise NoValue(f"{name} is left standing")
        with np.errstate(all="ignore"):
            result = self.finite(function(array))
        return result if isinstance(argument, np.ndarray) else float(np.asarray(result)[0, 0])

    def build_matrix(self, expr: Mat, env: dict[str, int]) -> Value:
        rows = [[self.value(entry, env) for entry in row] for row in expr.rows]
        if len({len(row) for row in rows}) != 1:
            raise ShapeFault("matrix", (len(rows), len(rows[0])), (1, len(rows[-1])))
        if any(isinstance(entry, np.ndarray) for row in rows for entry in row):
            raise NoValue("a matrix of matrices")
        return np.array(rows, dtype=np.float64)

    def choose(self, expr: Cases, env: dict[str, int]) -> Value:
        for value, conditions in expr.rows:
            if all(self.holds(*condition, env) for condition in conditions):
                return self.value(value, env)
        return 0.0

    def holds(self, left: Expr, sign: str, right: Expr, env: dict[str, int]) -> bool:
        """Whether a condition between two indices holds."""
        return _SIGNS.get(sign, int.__eq__)(self.index(left, env), self.index(right, env))

    # --- sums and products over an index ---
    def run(self, expr: Big, env: dict[str, int]) -> Value:
        total: Value | None = None
        # Σ_m Σ_{l≤m} … is Σ_t Σ_{i≤t} … in other letters: a gradient inside is that of the loss J_m.
        stands_for_t = "t" not in env and any(
            isinstance(node, Big) and node.high == Var(expr.index) for node in find_nodes(expr.body)
        )
        for number in self.find_range(expr, env):
            value = self.value(expr.body, {**env, expr.index: number, **({"t": number} if stands_for_t else {})})
            if total is None:
                total = value
            elif expr.kind == "sum":
                total = self.add_two(total, value)
            else:
                total = self.multiply_two(value, total) if expr.reverse else self.multiply_two(total, value)
        return (0.0 if expr.kind == "sum" else 1.0) if total is None else total

    def find_range(self, expr: Big, env: dict[str, int]) -> Iterator[int]:
        low = 1 if expr.low is None else self.index(expr.low, env)
        if expr.high is not None:
            high = self.index(expr.high, env)
        elif self.is_component(expr):
            high = self.find_size(expr.body, expr.index, {**env, expr.index: 1})
        else:
            high = self.world.steps if expr.index == "t" else env.get("t", self.world.steps)
        if abs(high - low) >= MAX_RANGE:
            raise TooMuch(f"a sum or product of more than {MAX_RANGE} terms")
        if expr.low is not None and expr.high is not None and self.descends(expr, env):
            return iter(range(low, high - 1, -1))
        return iter(range(low, high + 1))

    def is_component(self, expr: Big) -> bool:
        """Whether the index numbers components somewhere in the body."""
        for node in find_nodes(expr.body):
            parts = node.parts if isinstance(node, Sym) else node.indices if isinstance(node, Part) else ()
            if any(expr.index in find_variables(part) for part in parts):
                return True
        return False

    def descends(self, expr: Big, env: Mapping[str, int]) -> bool:
        """Whether the bounds run downwards, as in k = t … i+1: seen with t well above every other index."""
        apart = {**dict.fromkeys(env, 5), "t": 10, "T": 10}
        low, high = expr.low, expr.high
        if low is None or high is None or (isinstance(high, Num) and high.value >= 2):
            return False
        return self.index(high, apart) - self.index(low, apart) < -1
