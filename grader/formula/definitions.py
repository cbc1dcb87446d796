"""Names of a student's own inside one passage: "where D = …", and recursions that define a name by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from grader.formula.faults import Unread
from grader.formula.roles import Line, try_meaning
from grader.formula.setting import Definition, Setting
from grader.formula.symbols import INDEX_LETTERS, Key
from grader.formula.syntax import mentions_name
from grader.formula.tree import Expr, Rule, Sym, Var, Where


def _find_own(line: Line) -> tuple[Key, tuple[str, ...]]:
    """Return the name that a definition gives a meaning to, and the index letters that it carries."""
    base, words = line.key or ("", ())
    length = next((n for n, word in enumerate(words) if word in INDEX_LETTERS or word.isdigit()), len(words))
    return (base, words[:length]), words[length:]


def _is_recursive(line: Line) -> bool:
    tree = line.links[-1].tree
    return tree is not None and mentions_name(tree, *_find_own(line)[0])


def _with_rules(lines: Sequence[Line], setting: Setting) -> Setting:
    """Take up the names that stand in their own definitions: δ_3 = …, δ_i = … δ_{i+1} …."""
    defined = [line for line in lines if line.role == "definition" and line.key is not None]
    names = {_find_own(line)[0] for line in defined if _is_recursive(line)} - setting.definitions.keys()
    if not names:
        return setting
    own = {
        (base, words): Definition(indices=("_1",), expr=Sym("$" + "_".join((base, *words)), (Var("_1"),)))
        for base, words in names
    }
    setting = replace(setting, definitions={**setting.definitions, **own})
    rules = []
    for line in defined:
        name, indices = _find_own(line)
        if name not in names:
            continue
        times = tuple(dict.fromkeys((*setting.times, *(index for index in indices if index.isalpha()))))
        left = try_meaning(line.links[0], setting)
        right = try_meaning(line.links[-1], replace(setting, times=times))
        if not isinstance(left, Sym) or not left.name.startswith("$") or right is None:
            raise Unread(f"{name[0]} is defined by itself", text=line.links[-1].source, position=0)
        if isinstance(right, Sym) and not right.name.startswith("$"):
            continue  # "δ_i = ∂J/∂h_i" says what δ is called for, and must not give it its value
        rules.append(Rule(left.name, left.times[0], right))
    return replace(setting, rules=tuple(rules))


def with_definitions(lines: Sequence[Line], setting: Setting) -> Setting:
    """Return the setting with the names that the lines define, those in their own definitions as rules."""
    given = setting.definitions.keys()
    setting = _with_rules(lines, setting)
    ruled = {key for key, found in setting.definitions.items() if found.indices == ("_1",)}
    for _ in range(2):
        for line in lines:
            if line.role != "definition" or line.key is None:
                continue
            name, indices = _find_own(line)
            if name in ruled or name in given:
                continue
            times = dict.fromkeys((*setting.times, *indices))
            expr = try_meaning(line.links[-1], replace(setting, times=tuple(times)))
            if expr is not None:
                own = Definition(indices=indices, expr=expr)
                setting = replace(setting, definitions={**setting.definitions, name: own})
    return setting


def find_recursion(lines: Sequence[Line], chosen: Line, setting: Setting) -> Expr | None:
    """Return the quantity that a recursion of the student's own defines, where that is the answer.

    Its right side alone would lack the end: "a_t = A, a_i = B a_{i+1}" is a_i, and B a_{i+1} has no value at i = t.
    """
    name = _get_rule_name(chosen, setting)
    rules = [line for line in lines if line.role == "definition" and _get_rule_name(line, setting) == name]
    if not name or not setting.times or not any(_is_recursive(line) for line in rules):
        return None
    return Where(Sym(name, (Var(setting.times[-1]),)), setting.rules)


def _get_rule_name(line: Line, setting: Setting) -> str:
    left = try_meaning(line.links[0], setting) if line.role == "definition" else None
    return left.name if isinstance(left, Sym) and left.name.startswith("$") else ""
