"""Wrong formulas made from a right one by changing one place of its tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from grader.course import Course
from grader.formula.bank import build_bank
from grader.formula.compare import Bank, evaluate_everywhere
from grader.formula.evaluate import limit_operations
from grader.formula.faults import FormulaFault
from grader.formula.render import render_latex
from grader.formula.tree import Add, Big, Call, Div, Expr, Mul, Num, Pow, Sym, Trans, Var, substitute

_OTHER_FUNCTIONS = {"psi_prime": "psi", "psi": "psi_prime", "softmax": "sigmoid", "sigmoid": "softmax", "log": "exp"}
_OTHER_PRODUCTS = {"next": "odot", "matmul": "odot", "odot": "next", "outer": "odot"}


def make_wrong_formulas(course: Course, question: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, LaTeX) of each accepted reading with one thing wrong.

    Left out is what equals an accepted reading all the same (by value, in the model worlds), also where it does so
    under a condition only that the rubric gives full marks for (tanh, say, whose slope is even).
    """
    world = course.rubric.worlds[question.world]
    bank = build_bank(question, world, course.resolve)
    sorts = ["generic", *(name for name, credit in question.conditions.items() if credit == 1)]
    known = {render_latex(expr, world) for expr in bank.readings.values()}
    for reading, expr in bank.readings.items():
        for name, wrong in _change_somewhere(expr, question):
            latex = render_latex(wrong, world)
            if latex in known or any(_is_right(wrong, bank, sort) for sort in sorts):
                continue
            known.add(latex)
            yield f"{name} ({reading})", f"${latex}$"


def _is_right(expr: Expr, bank: Bank, sort: str) -> bool:
    """Whether a formula equals an accepted reading in the worlds of one sort."""
    try:
        with limit_operations(None):
            values = evaluate_everywhere(expr, bank.find_worlds(sort), bank.times)
    except (FormulaFault, ArithmeticError, ValueError):
        return False  # the shapes do not fit: a mistake that students make
    return bank.find_reading(values, sort) is not None


def _change_somewhere(node: Any, question: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, node) with one change, here or in one of its fields."""
    yield from _change_here(node, question)
    if isinstance(node, tuple):
        for place, entry in enumerate(node):
            for name, other in _change_somewhere(entry, question):
                yield name, (*node[:place], other, *node[place + 1 :])
    elif hasattr(node, "__dataclass_fields__"):
        for item in fields(node):
            for name, other in _change_somewhere(getattr(node, item.name), question):
                yield name, replace(node, **{item.name: other})


def _change_here(node: Any, question: Any) -> Iterator[tuple[str, Any]]:
    match node:
        case Trans(base=base):
            yield "transpose dropped", base
        case Mul(op=op, left=left, right=right):
            yield "factor dropped", right
            yield "factor dropped", left
            if op in _OTHER_PRODUCTS:
                yield "other product", replace(node, op=_OTHER_PRODUCTS[op])
            yield "factors swapped", replace(node, left=right, right=left)
        case Add(terms=terms):
            for place, (sign, term) in enumerate(terms):
                yield "sign flipped", Add((*terms[:place], (-sign, term), *terms[place + 1 :]))
                rest = (*terms[:place], *terms[place + 1 :])
                yield "term dropped", rest[0][1] if rest == ((1, rest[0][1]),) else Add(rest)
        case Big(low=low, high=high, index=index, body=body, kind=kind):
            if index not in question.times:
                free = next((name for name in question.times), None)
                if free is not None:
                    yield f"{kind} dropped", substitute(body, {index: Var(free)})
            yield "bounds off by one", replace(node, low=_shift(low, 1))
            yield "bounds off by one", replace(node, high=_shift(high, -1))
            yield "sum and product mixed up", replace(node, kind="prod" if kind == "sum" else "sum")
        case Call(name=name, argument=argument):
            if name in _OTHER_FUNCTIONS:
                yield "wrong derivative", Call(_OTHER_FUNCTIONS[name], argument)
        case Sym(times=times) if times:
            for step in (-1, 1):
                yield "index off by one", replace(node, times=(_shift(times[0], step), *times[1:]))
            yield "wrong sign", Add(((-1, node),))
        case Pow(base=base, exponent=exponent):
            yield "power dropped", base
            yield "power off by one", Pow(base, _shift(exponent, 1))
        case Div(top=top, bottom=bottom):
            yield "fraction turned", Div(bottom, top)
        case _:
            return


def _shift(expr: Any, step: int) -> Expr:
    if isinstance(expr, Num):
        return Num(expr.value + step)
    match expr:
        case Add(terms=((1, base), (sign, Num(value=value)))):
            moved = sign * value + step
            return base if moved == 0 else Add(((1, base), (1 if moved > 0 else -1, Num(abs(moved)))))
    return Add(((1, expr), (1 if step > 0 else -1, Num(abs(step)))))
