"""Passages with more than one formula: when the choice between them decides the marks, a person makes it."""

from __future__ import annotations

import numpy as np

from grader.formula.answer import FoundAnswer, Other, find_steps, read_variants
from grader.formula.evaluate import evaluate, limit_operations
from grader.formula.faults import FormulaFault
from grader.formula.judge import Case, Judgement, find_false_steps, judge
from grader.formula.roles import try_meaning
from grader.formula.tree import Call, Expr, Sym, find_names, find_nodes

MAX_JUDGED = 8
_MISTAKES = ("misconception", "slip", "wrong")
_TURNED = ("sign_flipped", "constant_factor")


def find_conflict(found: FoundAnswer, judgement: Judgement, case: Case) -> str | None:
    """Return why the verdict on the chosen formula cannot stand alone beside what else is written."""
    if judgement.sort == "refer":
        return None
    if judgement.name == "not_expanded" and _holds_more(found, judgement):
        return "the chain rule is named, and more of it is carried out beside it"
    for other in found.others[:MAX_JUDGED]:
        beside = _judge_other(other, found, case)
        reason = _compare(other, beside, judgement, case) if beside is not None else None
        if reason:
            return reason
    if judgement.sort == "reading" and rests_on_false_step(found, judgement, case):
        return "the formula is right, and a quantity in it is explained wrongly beside it"
    return None


def find_late_slip(found: FoundAnswer, judgement: Judgement, case: Case) -> Judgement | None:
    """Return the last right formula that a wrong answer was drawn from: the chain is right, and slips late."""
    if judgement.sort not in _MISTAKES or judgement.name == "not_expanded":
        return None
    for other in reversed(found.others[:MAX_JUDGED]):
        if other.taken_back or not (other.step or other.leads or (other.asked and other.drawn)):
            continue
        beside = _judge_other(other, found, case)
        if beside is not None and beside.sort == "reading":
            return beside
    return None


def _holds_more(found: FoundAnswer, judgement: Judgement) -> bool:
    """Whether anything but the chain rule is written: another formula, or what one of its derivatives is."""
    open_names = {name for name in find_names(judgement.reading.expr) if "/" in name}
    lefts = [try_meaning(line.links[0], found.setting) for line in found.claims]
    told = any(isinstance(left, Sym) and left.name in open_names for left in lefts)
    return told or any(not other.step for other in found.others)


def _judge_other(other: Other, found: FoundAnswer, case: Case) -> Judgement | None:
    try:
        with limit_operations():
            return judge(read_variants(other.link, found.setting), case)
    except FormulaFault:
        return None


def _compare(other: Other, beside: Judgement, chosen: Judgement, case: Case) -> str | None:
    if chosen.sort in _MISTAKES:
        if beside.sort == "reading" and not other.taken_back:
            return "a right formula stands beside the last one, which is not right"
        return None
    if other.step and beside.sort == chosen.sort == "reading" and {beside.name, chosen.name} & case.partly:
        return "two forms of the answer are set equal that are not" if beside.name != chosen.name else None
    if other.taken_back or other.step or other.leads:
        return None
    if beside.sort == "refer" and beside.name == "circular" and other.asked:
        return "a recursion stands beside the formula, and together they could not be decided"
    if beside.sort not in _MISTAKES or beside.name == "not_expanded":
        return None
    if other.asked or (beside.sort == "slip" and beside.name in _TURNED):
        return "another formula, which is not right, is given beside the right one"
    return None


def rests_on_false_step(found: FoundAnswer, judgement: Judgement, case: Case) -> bool:
    """Whether a gradient that the answer uses is explained wrongly beside it (with and without the activation)."""
    formulas = [judgement.reading.expr, *(equation.right for equation in found.equations)]
    used = {name for expr in formulas for name in find_names(expr) if not name.startswith("$")}
    steps = [
        (left, right)
        for left, right in find_steps(found)
        if isinstance(left, Sym) and left.name in used - find_names(right) - case.asked
    ]
    with limit_operations():
        if any(_differ_in_shape(left, right, case) for left, right in steps):
            return True
        false = list(find_false_steps(steps, case))
        plain = [step for step in false if not any(isinstance(node, Call) for node in find_nodes(step[1]))]
        if len(plain) < len(false) or not case.bank.find_worlds("identity"):
            return bool(false)
        return any(find_false_steps(plain, case, kind="identity"))


def _differ_in_shape(left: Expr, right: Expr, case: Case) -> bool:
    """Whether two sides without a gradient have values of different shapes: W_yh = W_hh."""
    if any(name.startswith("g_") or "/" in name for name in find_names(left) | find_names(right)):
        return False  # a gradient's layout is a matter of taste
    world = case.bank.find_worlds("generic")[0]
    try:
        sides = [evaluate(side, world, {"t": 2, "i": 2}) for side in (left, right)]
    except FormulaFault:
        return False
    return np.shape(sides[0]) != np.shape(sides[1])
