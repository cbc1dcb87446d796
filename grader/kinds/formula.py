"""Questions answered by a formula: read it, evaluate it in model worlds, and name what it equals."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from grader.formula.answer import FoundAnswer, find_answer, find_steps, read_variants
from grader.formula.bank import build_bank, build_setting, read_bank_formula, render_readings
from grader.formula.bank import find_bank_problems as find_formula_problems
from grader.formula.beside import find_doubt
from grader.formula.compare import Bank, digest_values, evaluate_everywhere
from grader.formula.conflict import find_conflict, find_late_slip, rests_on_false_step
from grader.formula.elsewhere import borrow_names
from grader.formula.evaluate import limit_operations
from grader.formula.faults import FormulaFault, Unread
from grader.formula.judge import Case, Judgement, find_false_steps, judge
from grader.formula.layout import shows_layout
from grader.formula.meaning import Definition, Setting
from grader.formula.render import render_latex
from grader.formula.slips import find_products
from grader.formula.symbols import REDUCTIONS, FormulaWorld, Key
from grader.formula.system import holds_generally, judge_system, leaves_general
from grader.formula.told import find_told
from grader.formula.tree import Expr, Program, Trans, Where, find_nodes
from grader.kinds.base import Context, Kind
from grader.kinds.formula_findings import CONDITION_NOTES, NONE, ONE, SLIP_HINTS, find_credit, find_findings
from grader.kinds.formula_question import AcceptedReading, Follow, FormulaQuestion, Misconception
from grader.model import Answer, Evidence, Finding, Review, Verdict

_START = re.compile(r"h(_\{?0\}?|₀|_\{\(0\)\}|\^\{\(0\)\})\s*(=|is|\\equiv)\s*(\\mathbf\s*\{?\s*)?(0|zero|\\vec)")
_FOR_ALL = re.compile(r"\b(for|of) (all|every|any|each)\b|\\forall|برای (هر|همه)", re.IGNORECASE)
MAX_SHOWN = 3_000
_SURE = ("reading", "refer")
_BY_WORDS = ("beside", "several")  # referred for what stands around the formula, which its value does not tell


def find_bank_problems(
    criterion: str, question: FormulaQuestion, worlds: Mapping[str, FormulaWorld], resolve: Callable[[str], Any]
) -> list[str]:
    """Return the mistakes in a formula question that only parsing and evaluating its formulas shows."""
    if question.world not in worlds:
        return [f"{criterion}: there is no world {question.world} under `worlds:`"]
    unknown = [f"{criterion}: slips.{name}: no such slip" for name in question.slips if name not in SLIP_HINTS]
    unknown += [f"{criterion}: conditions.{n}: no such world" for n in question.conditions if n not in CONDITION_NOTES]
    found = find_formula_problems(question, worlds[question.world], resolve)
    return unknown + [f"{criterion}: {problem}" for problem in found]


def check_formula(criterion: str, question: FormulaQuestion, answer: Answer, context: Context) -> Evidence:
    """Return the evidence on one formula answer, whatever the student wrote."""
    if answer.state == "missing":
        observed = {"answer": answer.shown[:MAX_SHOWN]} if answer.shown else {}
        expected = _expect(question, context)
        return Evidence(criterion=criterion, verdict="missing", credit=NONE, observed=observed, expected=expected)
    if answer.state == "unreadable":
        return _refer(criterion, question, answer, context, answer.reason or "the answer could not be read")
    case = _build_case(criterion, question, answer, context)
    try:
        with limit_operations():
            found = _find_answer(question, answer, context)
            judgement = _judge_found(found, case, answer.text)
            if judgement.name in ("no_value", "circular") and (again := _find_with_names(question, answer, context)):
                found, judgement = again, _judge_found(again, case, answer.text)
        doubt = find_doubt(answer.text, list(question.times), case.bank.worlds[0].steps)
        doubt = doubt or _find_contradiction(answer.text, _find_world(question, context))
        if doubt and judgement.sort != "refer":
            judgement = replace(judgement, sort="refer", name="beside", detail=doubt, hopeful=False)
    except RecursionError:
        return _refer(criterion, question, answer, context, "the formula is nested too deeply")
    except FormulaFault as fault:
        return _refer(criterion, question, answer, context, str(fault), fault=fault)
    except (ArithmeticError, np.linalg.LinAlgError):
        return _refer(criterion, question, answer, context, "the formula has no value")
    if judgement.sort == "refer":
        evidence = _refer(criterion, question, answer, context, judgement.detail, judgement=judgement)
    else:
        evidence = _build_evidence(criterion, question, answer, context, judgement)
        evidence = _name_false_step(evidence, question, found, case, context)
    alone = judgement.sort == "refer" and judgement.name in _BY_WORDS
    return _add_values(evidence, judgement, case.bank) if evidence.review and not alone else evidence


def _find_answer(question: FormulaQuestion, answer: Answer, context: Context) -> FoundAnswer:
    """Return the answer in a passage; names that it does not explain are looked for elsewhere in the question."""
    setting = _build_setting(question, answer, context)
    if told := find_told(answer.text, question.told, _find_world(question, context).fillers):
        answer = replace(answer, text=f"${told}$")
    try:
        return find_answer(answer.text, setting, question.asked)
    except Unread:
        found = _find_with_names(question, answer, context)
        if found is None:
            raise
        return found


def _find_with_names(question: FormulaQuestion, answer: Answer, context: Context) -> FoundAnswer | None:
    """Read an answer with the names that its writer explains elsewhere; None where there are none."""
    others = [(context.questions.get(name), context.answers.get(name)) for name in question.scalar_over]
    known = [(q, a) for q, a in others if isinstance(q, FormulaQuestion) and a is not None]
    if answer.machine_read:
        return None
    texts = [(a.text, q.asked) for q, a in known if a.question != answer.question and a.text]
    texts = [(answer.above, ()), *texts] if answer.above else texts
    setting = _build_setting(question, answer, context)
    results = [q.asked[0] for q, _ in others if isinstance(q, FormulaQuestion)]
    borrowed = borrow_names(answer.text, texts, setting, question.asked, results)
    if borrowed is None:
        return None
    return replace(find_answer(answer.text, borrowed.setting, question.asked), borrowed=borrowed.plain)


def _add_values(evidence: Evidence, judgement: Judgement, bank: Bank) -> Evidence:
    """Add what the formula is worth in the model worlds: a person decides once on all that are worth the same."""
    try:
        with limit_operations():
            values = evaluate_everywhere(judgement.reading.expr, bank.find_worlds("generic"), bank.times)
    except (FormulaFault, RecursionError, ArithmeticError, np.linalg.LinAlgError):
        return evidence
    return replace(evidence, observed={**evidence.observed, "values": digest_values(values)})


def _judge_found(found: FoundAnswer, case: Case, text: str) -> Judgement:
    """Judge the lines together where they are a system, else the chosen formula against what stands beside it."""
    if any(_is_of_arrays(reading.expr) for reading in found.variants):
        case = replace(case, scalar=False)
    with limit_operations():
        judgement = judge_system(found.equations, case)
    if judgement is not None:
        doubtful = judgement.sort == "reading" and rests_on_false_step(found, judgement, case)
        detail = "the lines are right, and a quantity in them is explained wrongly beside them"
        return replace(judgement, sort="refer", name="several", detail=detail) if doubtful else judgement
    judgement = judge(found.variants, case)
    if found.borrowed and judgement.sort not in _SURE:
        detail = "it uses names that are explained elsewhere in the report, and with them it is not right"
        return replace(judgement, sort="refer", name="borrowed", detail=detail, hopeful=False)
    if (found.among_words and judgement.sort == "wrong") or (found.reckoned and judgement.sort not in _SURE):
        detail = "the answer is told in words, and the formula among them is not right"
        return replace(judgement, sort="refer", name="several", detail=detail, hopeful=False)
    if found.rival is not None:
        _compare_rival(found, judgement, case)
    if judgement.sort == "wrong" and isinstance(judgement.reading.expr, Program | Where):
        detail = "worked out step by step, this gives something else than the answer, and no known mistake"
        return replace(judgement, sort="refer", name="program", detail=detail)
    right = find_late_slip(found, judgement, case)
    if right is not None:
        return replace(judgement, before=right.reading.expr)
    if judgement.name in case.partly and leaves_general(found.equations, case):
        detail = "one step is worked out, and the others are left as derivatives"
        return replace(judgement, sort="refer", name="several", detail=detail, hopeful=False)
    reason = found.odd or find_conflict(found, judgement, case)
    if reason is None and found.unread > 1:
        reason = "much of the answer could not be read, and nothing says which formula is meant"
    if reason is None and found.special and judgement.sort not in ("reading", "refer"):
        reason = "only one component or step is given, and it could not be decided with the other lines"
    if judgement.sort == "reading" and _FOR_ALL.search(text) and not holds_generally(judgement, case):
        reason = "a special case is given as if it held everywhere"
    return replace(judgement, sort="refer", name="several", detail=reason, hopeful=False) if reason else judgement


def _find_contradiction(text: str, world: FormulaWorld) -> str | None:
    """Return what a text says against the sheet: that y is the prediction, say."""
    plain = " ".join(text.split())
    found = (re.search(pattern, plain, re.IGNORECASE) for pattern in world.contradictions)
    match = next((match for match in found if match), None)
    return f"the text seems to contradict the sheet: “{match[0]}”" if match else None


def _is_of_arrays(expr: Expr) -> bool:
    """Whether an answer is code that is about arrays, whatever signs of matrices it shows."""
    return any(isinstance(node, Program) or getattr(node, "name", "") in REDUCTIONS for node in find_nodes(expr))


def _name_false_step(
    evidence: Evidence, question: FormulaQuestion, found: FoundAnswer, case: Case, context: Context
) -> Evidence:
    """Add the first step of the derivation that does not hold; it changes no marks."""
    with limit_operations():
        step = next(find_false_steps(find_steps(found), case), None)
    answers = [reading.expr for reading in found.variants]
    if step is None or (evidence.verdict == "correct" and step[1] in answers):
        return evidence  # a right answer under another name (g for the sum of all g_t) is no false step
    world = _find_world(question, context)
    text = " = ".join(render_latex(side, world) for side in step)
    message = f"A step on the way does not hold in general: {text}. Check it with numbers before building on it."
    findings = (*evidence.findings, Finding(code="formula.false_step", message=message))
    return replace(evidence, findings=findings, observed={**evidence.observed, "false_step": text})


def _compare_rival(found: FoundAnswer, judgement: Judgement, case: Case) -> None:
    if found.rival is None:
        return
    other = judge(read_variants(found.rival, found.setting), case)
    if (other.sort, other.name) != (judgement.sort, judgement.name):
        raise Unread("two different formulas are given as alternatives")


def _find_world(question: FormulaQuestion, context: Context) -> FormulaWorld:
    world: FormulaWorld = context.worlds[question.world]
    return world


def _build_setting(question: FormulaQuestion, answer: Answer, context: Context) -> Setting:
    return build_setting(question, _find_world(question, context), machine_read=answer.machine_read)


def _build_case(criterion: str, question: FormulaQuestion, answer: Answer, context: Context) -> Case:
    bank = build_bank(question, _find_world(question, context), context.resolve or _no_functions)
    texts = [other.text for name, other in context.answers.items() if name in question.scalar_over]
    return Case(
        bank=bank,
        partly=frozenset(name for name, rule in question.readings.items() if rule.partly),
        given=frozenset(["h0_zero"] if _states_start(answer.text) else []),
        layouts=cache(lambda: _find_layouts(criterion, question, context)),
        scalar=not any(shows_layout(text) for text in [answer.text, answer.above, *texts]),
        followed=_follow(question, context),
        named=frozenset(question.given),
        asked=frozenset(question.asked),
        structural=lambda expr: _find_structural(question, expr),
    )


def _find_layouts(criterion: str, question: FormulaQuestion, context: Context) -> frozenset[str]:
    """Return the layouts ("columns", "rows") in which the student's other answers to the same question are right."""
    layouts = set()
    for name in question.scalar_over:
        other, answer = context.questions.get(name), context.answers.get(name)
        if name == criterion or other is None or answer is None or answer.state != "given":
            continue
        try:
            found = _find_answer(other, answer, context)
            bank = build_bank(other, _find_world(other, context), context.resolve or _no_functions)
            judged = judge(found.variants, Case(bank=bank))
        except FormulaFault:
            continue
        if judged.sort == "reading" and judged.name == "row_layout":
            layouts.add("rows")
        elif judged.sort == "reading" and any(isinstance(node, Trans) for node in find_nodes(judged.reading.expr)):
            layouts.add("columns")
    return frozenset(layouts)


def _no_functions(name: str) -> Any:
    raise ValueError(f"a formula question needs the course's functions ({name})")


def _find_structural(question: FormulaQuestion, expr: Expr) -> str | None:
    for name, rule in question.misconceptions.items():
        partners = find_products(expr, rule.multiplies) if rule.multiplies else set()
        if partners & set(rule.by) and not partners & set(rule.without):
            return name
    return None


def _follow(question: FormulaQuestion, context: Context) -> Expr | None:
    """Return what the student's own earlier answer makes right here, if it could be read."""
    rule = question.follow
    if rule is None or rule.criterion not in context.answers or rule.criterion not in context.questions:
        return None
    earlier, earlier_question = context.answers[rule.criterion], context.questions[rule.criterion]
    if earlier.state != "given":
        return None
    try:
        own = _find_answer(earlier_question, earlier, context)
    except FormulaFault:
        return None
    setting = _build_setting(question, Answer(question="", state="given"), context)
    defined: dict[Key, Definition] = {(rule.symbol, ()): Definition(indices=(), expr=own.variants[0].expr)}
    return read_bank_formula(rule.formula, replace(setting, definitions=defined))


def _expect(question: FormulaQuestion, context: Context, *, reading: str = "") -> dict[str, Any]:
    rendered = render_readings(question, _find_world(question, context))
    names = dict.fromkeys([next(iter(question.readings)), reading])
    return {"latex": [rendered[name] for name in names if name in rendered]}


def _observe(answer: Answer, world: FormulaWorld, judgement: Judgement | None) -> dict[str, Any]:
    shown = answer.shown if len(answer.shown) <= MAX_SHOWN else answer.shown[:MAX_SHOWN] + " …"
    observed: dict[str, Any] = {"answer": shown}
    if answer.location is not None:
        observed["location"] = str(answer.location)
    if judgement is not None:
        observed["latex"] = render_latex(judgement.reading.expr, world)
        observed["repairs"] = [
            f"“{seen}” was read as {world.repairs[name].means or 'nothing'}"
            for name, seen in judgement.reading.repairs.items()
        ]
        if judgement.detail:
            observed["detail"] = judgement.detail
    return observed


def _refer(
    criterion: str,
    question: FormulaQuestion,
    answer: Answer,
    context: Context,
    reason: str,
    *,
    judgement: Judgement | None = None,
    fault: FormulaFault | None = None,
) -> Evidence:
    """Hand the answer to a person, with the place that was not understood."""
    world = _find_world(question, context)
    observed = _observe(answer, world, judgement)
    if isinstance(fault, Unread) and fault.position is not None:
        observed["position"], observed["not_understood"] = fault.position, fault.snippet
    name = judgement.name if judgement is not None else "unreadable"
    hopeful = judgement is not None and judgement.hopeful
    message = f"This answer waits for a person: {reason}."
    return Evidence(
        criterion=criterion,
        verdict="unreadable",
        credit=None,
        observed=observed,
        expected=_expect(question, context),
        findings=(Finding(code=f"formula.{name}", message=message),),
        review=Review(
            reason=reason,
            suggested_verdict="correct" if hopeful else None,
            suggested_credit=ONE if hopeful else None,
        ),
        provenance="formula",
    )


def _build_evidence(
    criterion: str, question: FormulaQuestion, answer: Answer, context: Context, judgement: Judgement
) -> Evidence:
    world = _find_world(question, context)
    credit, reading = find_credit(question, judgement)
    verdict: Verdict = "correct" if credit == ONE else "wrong" if credit == NONE else "partial"
    doubtful = [name for name in judgement.reading.repairs if world.repairs[name].confirm]
    observed = _observe(answer, world, judgement)
    review = None
    if doubtful:
        reason = "the verdict hangs on how the machine-read text was mended: " + "; ".join(observed["repairs"])
        review = Review(reason=reason, suggested_verdict=verdict, suggested_credit=credit)
    elif judgement.name == "h0_zero" and verdict == "correct" and not _states_start(answer.text):
        reason = f"right only under a condition that the answer does not state ({judgement.name})"
        review = Review(reason=reason, suggested_verdict=verdict, suggested_credit=credit)
    matched = judgement.detail if reading in ("scalar", "row_layout") else judgement.name
    return Evidence(
        criterion=criterion,
        verdict=verdict,
        credit=credit,
        reading=reading,
        observed=observed,
        expected=_expect(question, context, reading=matched),
        findings=tuple(find_findings(question, judgement, world)),
        review=review,
        provenance="formula",
    )


def _states_start(text: str) -> bool:
    """Whether the answer says that the first state is zero."""
    return bool(
        re.search(r"h(_\{?0\}?|₀|_\{\(0\)\}|\^\{\(0\)\})\s*(=|is|\\equiv)\s*(\\mathbf\s*\{?\s*)?(0|zero|\\vec)", text)
    )


KIND = Kind(name="formula", question=FormulaQuestion, check=check_formula, mathematics=True)

__all__ = [
    "KIND",
    "AcceptedReading",
    "Follow",
    "FormulaQuestion",
    "FormulaWorld",
    "Misconception",
    "check_formula",
    "find_bank_problems",
]
