"""A rubric's formulas made ready: parsed once, valued once, and tested for being told apart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

from grader.formula.compare import Bank, equal_values, evaluate_everywhere
from grader.formula.faults import FormulaFault
from grader.formula.lexer import read_tokens
from grader.formula.meaning import Setting, read_meaning
from grader.formula.normalise import normalise
from grader.formula.parse import parse_tokens
from grader.formula.render import render_latex
from grader.formula.symbols import FormulaWorld, SymbolTable, build_table
from grader.formula.tree import Expr
from grader.formula.worlds import build_worlds

Resolve = Callable[[str], Any]

# By the identity of records, which are kept beside what was made of them.
_known: dict[tuple[int, ...], tuple[Any, ...]] = {}
_MOST_KNOWN = 256


def _once(make: Callable[..., Any], *records: Any) -> Any:
    """Return ``make(*records)``, made once for the same objects: writing a whole question out as a key takes long."""
    key = (id(make), *map(id, records))
    if key not in _known:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = (make(*records), make, *records)
    return _known[key][0]


def build_question_table(question: Any, world: FormulaWorld) -> SymbolTable:
    """Return the question's symbol table, built once."""
    table: SymbolTable = _once(_build_table, question, world)
    return table


def _build_table(question: Any, world: FormulaWorld) -> SymbolTable:
    return build_table(world, question.symbols, question.functions)


def read_bank_formula(text: str, setting: Setting) -> Expr:
    """Return the meaning of a rubric's formula, read as students' formulas are; raises a FormulaFault."""
    source = normalise(text)
    return read_meaning(parse_tokens(read_tokens(source, setting.table.vocabulary), source), setting, source).expr


def build_setting(question: Any, world: FormulaWorld, *, machine_read: bool = False) -> Setting:
    """Return how the question's formulas are read. Raises a FormulaFault where the table itself cannot be."""
    table = build_question_table(question, world)
    return Setting(table=table, times=tuple(question.times), lone=question.lone_index, machine_read=machine_read)


def render_readings(question: Any, world: FormulaWorld) -> dict[str, str]:
    """Return the question's accepted readings as LaTeX."""
    rendered: dict[str, str] = _once(_render_readings, question, world)
    return rendered


def _render_readings(question: Any, world: FormulaWorld) -> dict[str, str]:
    setting = build_setting(question, world)
    rules = question.readings.items()
    return {name: render_latex(read_bank_formula(rule.formula, setting), world) for name, rule in rules}


def build_bank(question: Any, world: FormulaWorld, resolve: Resolve) -> Bank:
    """Return the question's bank, built once."""
    bank: Bank = _once(_build_bank, question, world, resolve(world.build))
    return bank


def _build_bank(question: Any, world: FormulaWorld, builder: Any) -> Bank:
    setting = build_setting(question, world)
    return Bank(
        worlds=_once(build_worlds, builder),
        times=question.times,
        readings={name: read_bank_formula(rule.formula, setting) for name, rule in question.readings.items()},
        misconceptions={
            name: tuple(read_bank_formula(formula, setting) for formula in rule.formulas)
            for name, rule in question.misconceptions.items()
        },
    )


def find_bank_problems(question: Any, world: FormulaWorld, resolve: Resolve) -> list[str]:
    """Return what is wrong with a question's formulas: unread, without a value, or mistakes that are none."""
    try:
        setting = build_setting(question, world)
    except FormulaFault as fault:
        return [f"worlds: a spelling cannot be read: {fault}"]
    problems = _find_unread(question, setting)
    if problems:
        return problems
    bank = build_bank(question, world, resolve)
    problems = [f"readings.{name}: has no value: {fault}" for name, fault in _find_valueless(bank)]
    return problems or _find_indistinct(bank)


def _find_unread(question: Any, setting: Setting) -> list[str]:
    formulas = [(f"readings.{name}", rule.formula) for name, rule in question.readings.items()]
    for name, rule in question.misconceptions.items():
        formulas += [(f"misconceptions.{name}", formula) for formula in rule.formulas]
    problems = []
    for where, formula in formulas:
        try:
            read_bank_formula(formula, setting)
        except FormulaFault as fault:
            problems.append(f"{where}: {formula}: {fault}")
    return problems


def _find_valueless(bank: Bank) -> list[tuple[str, FormulaFault]]:
    faults = []
    for name, expr in bank.readings.items():
        try:
            evaluate_everywhere(expr, bank.find_worlds("generic"), bank.times)
        except FormulaFault as fault:
            faults.append((name, fault))
    return faults


def _find_indistinct(bank: Bank) -> list[str]:
    named: list[tuple[str, str, Expr]] = [("readings", name, expr) for name, expr in bank.readings.items()]
    named += [("misconceptions", name, expr) for name, found in bank.misconceptions.items() for expr in found]
    problems = []
    for (sort, name, expr), (other_sort, other, other_expr) in combinations(named, 2):
        if name == other or (sort == other_sort == "readings"):
            continue
        values, others = bank.find_values(expr, "generic"), bank.find_values(other_expr, "generic")
        if values is not None and others is not None and equal_values(values, others):
            problems.append(f"{other_sort}.{other}: cannot be told from {sort}.{name}")
    return problems
