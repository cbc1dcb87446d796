"""What a judgement on a formula earns, and what it says to the student."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grader.formula.faults import render_shape
from grader.formula.judge import Judgement
from grader.formula.render import render_latex
from grader.formula.symbols import FormulaWorld
from grader.kinds.formula_question import FormulaQuestion
from grader.model import Finding

ONE, NONE = Decimal(1), Decimal(0)
SLIP_CREDIT = Decimal("0.5")

# What a general slip is called to the student: it names the mistake and what to do, and leaves the doing to them.
SLIP_HINTS: Mapping[str, str] = {
    "sign_flipped": "The size is right and the sign is not: follow the minus of the loss through once more.",
    "constant_factor": "The answer is right up to a constant factor: look for a number too many or too few.",
    "transposed": "This is the transpose of the gradient: a gradient has the shape of what it is taken by.",
    "missing_transpose": "A transpose is missing or too many: check the shape of each factor and of the result.",
    "no_outer_product": "Two vectors are multiplied where a matrix is needed: which product of two columns is one?",
    "factor_order": "The factors are the right ones in an order in which their shapes do not fit.",
    "layout": "Right for numbers; for matrices the transposes and the order of the factors still have to be put right.",
    "late_slip": "Up to the step before the last this is right, and what is made of it then is not.",
    "not_expanded": "The chain rule is named and not carried out: put in what each derivative is.",
}
CONDITION_NOTES: Mapping[str, str] = {
    "tanh": "Right for tanh as the activation; the sheet leaves the activation open.",
    "one_hot": "This holds only for one-hot labels; say so, or keep the labels general.",
    "h0_zero": "This holds where the first state h_0 is zero.",
}


def find_credit(question: FormulaQuestion, judgement: Judgement) -> tuple[Decimal, str | None]:
    """Return (credit, reading); a right chain that slips late has at least the credit of that."""
    credit, reading = _find_own_credit(question, judgement)
    if judgement.before is not None:
        credit = max(credit, question.slips.get("late_slip", SLIP_CREDIT))
    return credit, reading


def _find_own_credit(question: FormulaQuestion, judgement: Judgement) -> tuple[Decimal, str | None]:
    if judgement.sort == "reading":
        return ONE, judgement.name
    if judgement.sort == "condition":
        return question.conditions.get(judgement.name, SLIP_CREDIT), judgement.name
    if judgement.sort == "misconception":
        return question.misconceptions[judgement.name].credit, None
    if judgement.sort == "slip":
        return question.slips.get(judgement.name, SLIP_CREDIT), None
    return NONE, None


def find_findings(question: FormulaQuestion, judgement: Judgement, world: FormulaWorld) -> list[Finding]:
    """Return what a judgement says to the student."""
    found = _find_own_findings(question, judgement)
    if judgement.before is not None:
        right, last = (render_latex(expr, world) for expr in (judgement.before, judgement.reading.expr))
        message = f"{SLIP_HINTS['late_slip']} Right: {right}. Not the same: {last}."
        found.insert(0, Finding(code="formula.late_slip", message=message))
    return found


def _find_own_findings(question: FormulaQuestion, judgement: Judgement) -> list[Finding]:
    code = f"formula.{judgement.name}"
    if judgement.sort == "reading":
        note = _find_note(question, judgement)
        return [Finding(code=f"formula.reading_{judgement.name}", message=note)] if note else []
    if judgement.sort == "condition":
        return [Finding(code=code, message=CONDITION_NOTES[judgement.name])]
    if judgement.sort == "misconception":
        return [Finding(code=code, message=question.misconceptions[judgement.name].hint)]
    shapes = (
        f" ({render_shape(judgement.shapes[0])} met {render_shape(judgement.shapes[1])})" if judgement.shapes else ""
    )
    if judgement.sort == "slip":
        return [Finding(code=code, message=SLIP_HINTS[judgement.name] + shapes)]
    message = "This does not equal the gradient that was asked for: check it with small numbers, step by step."
    return [Finding(code="formula.not_equal", message=message + shapes)]


def _find_note(question: FormulaQuestion, judgement: Judgement) -> str:
    if judgement.name == "scalar":
        return question.scalar_note
    if judgement.name == "row_layout":
        return "Read in row layout: the gradient stands transposed, which counts as well."
    if judgement.name == "follow_through":
        return "Marked on from your own earlier answer: this step is right."
    rule = question.readings.get(judgement.name)
    return rule.note if rule else ""
