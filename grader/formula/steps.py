"""Programs worked out step by step; their expressions are valued by whoever inherits from here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from grader.formula.arithmetic import Arithmetic
from grader.formula.faults import MAX_RANGE, NoValue, TooMuch, Unread
from grader.formula.tree import Choice, Expr, Give, Loop, Program, Set, Step, Sym, find_free
from grader.formula.worlds import Value


class StepRunner(Arithmetic, ABC):
    """Runs assignments, loops, conditions and returns over variables of its own."""

    def __init__(self) -> None:
        self.locals: dict[str, dict[tuple[int, ...], Value]] | None = None  # None outside a program

    @abstractmethod
    def count(self) -> None:
        """Count an operation; raises TooMuch."""

    @abstractmethod
    def value(self, expr: Expr, env: dict[str, int]) -> Value:
        """Return the value of an expression."""

    @abstractmethod
    def spread(self, expr: Expr, names: Sequence[str], env: dict[str, int]) -> Value:
        """Return the column or matrix whose entries an expression gives at the indices ``names``."""

    @abstractmethod
    def index(self, expr: Expr, env: Mapping[str, int]) -> int:
        """Return the whole number that an index expression is."""

    @abstractmethod
    def holds(self, left: Expr, sign: str, right: Expr, env: dict[str, int]) -> bool:
        """Whether a condition between two indices holds."""

    def run_program(self, expr: Program, env: dict[str, int]) -> Value:
        """Return what a program comes to."""
        if self.locals is not None:
            raise Unread("a program in a program")
        self.locals = {}
        try:
            given = self.run_steps(expr.steps, env)
            return self.value(expr.result, env) if given is None else given
        finally:
            self.locals = None

    def run_steps(self, steps: Sequence[Step], env: dict[str, int]) -> Value | None:
        """Work out steps in order; return what they return, None where they return nothing."""
        for step in steps:
            self.count()
            given: Value | None = None
            match step:
                case Set():
                    self.assign(step, env)
                case Give():
                    given = self.value_whole(step.value, env)
                case Choice():
                    body = step.body if self.holds(step.left, step.sign, step.right, env) else step.other
                    given = self.run_steps(body, env)
                case Loop():
                    given = self.run_loop(step, env)
            if given is not None:
                return given
        return None

    def value_whole(self, expr: Expr, env: dict[str, int]) -> Value:
        """Return a value with all its entries: what einsum leaves unsummed runs over its whole range."""
        free = [name for name in find_free(expr) if name.isupper() and name != "T" and name not in env]
        return self.spread(expr, free, env) if free else self.value(expr, env)

    def assign(self, step: Set, env: dict[str, int]) -> None:
        """Give a variable its value."""
        assert self.locals is not None  # noqa: S101  # a step stands in a program
        value = self.value_whole(step.value, env)
        indices = tuple(self.index(index, env) for index in step.indices)
        self.locals.setdefault(step.name, {})[indices] = value

    def read_local(self, expr: Sym, env: Mapping[str, int]) -> Value:
        """Return the value of a variable; raises NoValue before it has one."""
        known = (self.locals or {}).get(expr.name, {})
        indices = tuple(self.index(index, env) for index in expr.times)
        if indices not in known:
            raise NoValue(f"{expr.name[1:]} is used before it has a value")
        return known[indices]

    def run_loop(self, step: Loop, env: dict[str, int]) -> Value | None:
        """Run a loop; return what a step in it returns."""
        low, stop = self.index(step.low, env), self.index(step.stop, env)
        if abs(stop - low) >= MAX_RANGE:
            raise TooMuch(f"a loop of more than {MAX_RANGE} turns")
        numbers = range(low, stop, -1 if step.down else 1)
        for number in reversed(numbers) if step.turned else numbers:
            given = self.run_steps(step.body, {**env, step.index: number})
            if given is not None:
                return given
        return None
