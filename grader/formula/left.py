"""Left sides: whether an equation says what was asked for, of the step and the component that its right side gives."""

from __future__ import annotations

from collections.abc import Sequence

from grader.formula.roles import Line, try_meaning
from grader.formula.setting import Setting
from grader.formula.tree import Expr, Num, Part, Sym, Trans, Var, find_names, find_variables

_OTHER = "the left side names something else than what was asked for"
_MORE = "the left side holds more than what was asked for"
_STEP = "the left side names another step or component than the right side gives"


def find_odd_left(line: Line, right: Expr, setting: Setting, asked: Sequence[str]) -> str:
    """Return why the left side of the chosen line is not the quantity that was asked for, "" where it is."""
    sides = [try_meaning(link, setting) for link in line.links]
    left = sides[0]
    if len(sides) < 2 or left is None:
        return ""
    named = {side.times[-1:] for side in sides if isinstance(side, Sym) and side.name in asked}
    if len(named) > 1:
        return _STEP
    base = left.base if isinstance(left, Trans | Part) else left
    if isinstance(base, Sym):
        if base.name in asked:
            return "" if _fits(base, left, right, setting) else _STEP
        total = not setting.times and base.name in find_names(right)  # g_W = Σ_t g_{W,t}
        return "" if named or total or base.name.startswith("$") else _OTHER
    others = find_names(left) - set(asked)
    chain = bool(others) and all("/" in name for name in others)  # ∂J/∂h_t ∂h_t/∂h_i
    return _MORE if find_names(left) & set(asked) and not chain else ""


def _fits(base: Sym, left: Expr, right: Expr, setting: Setting) -> bool:
    """Whether the indices on the left are the question's own, or letters that the right side carries."""
    letters = find_variables(right)
    for place, time in enumerate(base.times):
        if isinstance(time, Num):
            continue  # one step of several (see system.py)
        if not isinstance(time, Var):
            return False
        own = _find_own(base, place, setting)
        if (
            time.name != own
            and time.name in (*setting.times, "T")
            and not (own == setting.times[-1] and own not in letters)
        ):
            return False
        if time.name not in (*setting.times, "T") and letters and time.name not in letters:
            return False
    parts = base.parts if not isinstance(left, Part) else left.indices
    return all(not isinstance(part, Var) or part.name in letters for part in parts)


def _find_own(base: Sym, place: int, setting: Setting) -> str:
    """Return the question's letter at a place: (t, i) for ∂J_t/∂h_i, i for g_{h_i}."""
    if len(base.times) == 1:
        return setting.times[-1] if setting.times else "t"
    return setting.times[min(place, len(setting.times) - 1)] if setting.times else "t"
