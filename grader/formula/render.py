"""An expression back to LaTeX, so that a student sees what was read."""

from __future__ import annotations

from grader.formula.symbols import FormulaWorld
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
    Sym,
    Trans,
    Var,
    Where,
)

_OPERATORS = {
    "next": r"\,", "dot": r" \cdot ", "times": r" \times ", "star": " * ", "matmul": r"\,", "odot": r" \odot ",
    "outer": r" \otimes ",
}  # fmt: skip
_FUNCTIONS = {
    "psi": r"\psi", "psi_prime": r"\psi'", "softmax": r"\operatorname{softmax}", "diag": r"\operatorname{diag}",
    "sigmoid": r"\operatorname{sigmoid}", "sigmoid_prime": r"\operatorname{sigmoid}'", "log": r"\log", "exp": r"\exp",
    "tanh": r"\tanh", "tanh_prime": r"\tanh'",
}  # fmt: skip
_ENTRYWISE = ("odot", "star")
_SUM, _PRODUCT, _TIGHT = 1, 2, 3


def render_latex(expr: Expr, world: FormulaWorld) -> str:
    """Return LaTeX with the brackets that make the reading unambiguous."""
    return _Writer(world).write(expr, 0)


def _has_index(latex: str) -> bool:
    """Whether a subscript stands at the end already: LaTeX allows no second one."""
    return "_" in latex and not latex.startswith(r"\left(")


class _Writer:
    def __init__(self, world: FormulaWorld) -> None:
        self.world = world

    def write(self, expr: Expr, rank: int) -> str:
        match expr:
            case Num():
                return str(int(expr.value)) if expr.value == int(expr.value) else str(expr.value)
            case Var():
                return expr.name
            case Sym():
                return self.write_symbol(expr)
            case Add():
                return self.bracket(self.write_sum(expr), rank > _SUM or rank == _SUM)
            case Mul():
                left = self.write_side(expr.left, expr.op, right=False)
                right = self.write_side(expr.right, expr.op, right=True)
                return self.bracket(f"{left}{_OPERATORS[expr.op]}{right}", rank >= _TIGHT)
            case Div():
                return rf"\frac{{{self.write(expr.top, 0)}}}{{{self.write(expr.bottom, 0)}}}"
            case Pow():
                return f"{self.write_base(expr.base)}^{{{self.write(expr.exponent, 0)}}}"
            case Trans():
                return f"{self.write_base(expr.base)}^{{\\top}}"
            case Call():
                return rf"{_FUNCTIONS.get(expr.name, expr.name)}\left({self.write(expr.argument, 0)}\right)"
            case Big():
                return self.bracket(self.write_big(expr), rank >= _TIGHT)
            case Part():
                base = self.write_base(expr.base)
                return f"{self.bracket(base, _has_index(base))}_{{{','.join(self.write(p, 0) for p in expr.indices)}}}"
            case Mat():
                rows = r" \\ ".join(" & ".join(self.write(entry, 0) for entry in row) for row in expr.rows)
                return rf"\begin{{bmatrix}}{rows}\end{{bmatrix}}"
            case Cases():
                return self.write_cases(expr)
            case Entries():
                return self.write(expr.body, rank)
            case Where():
                return self.write(expr.body, rank)
            case Program():
                return r"\text{(the program)}"

    def write_side(self, expr: Expr, op: str, *, right: bool) -> str:
        """Write one side of a product, in brackets where an operator of another rank would blur it."""
        mixed = isinstance(expr, Mul) and (expr.op in _ENTRYWISE) != (op in _ENTRYWISE)
        needed = isinstance(expr, Add) or mixed or (right and isinstance(expr, Mul))
        needed = needed or (isinstance(expr, Big) and not right)
        return self.bracket(self.write(expr, 0), needed)

    def bracket(self, text: str, needed: bool) -> str:
        return rf"\left({text}\right)" if needed else text

    def write_base(self, expr: Expr) -> str:
        text = self.write(expr, _TIGHT)
        plain = isinstance(expr, Var | Num | Call) or (isinstance(expr, Sym) and "^" not in text)
        return text if plain or text.startswith(r"\left(") else rf"\left({text}\right)"

    def write_sum(self, expr: Add) -> str:
        text = ""
        for sign, term in expr.terms:
            joint = (" - " if text else "-") if sign < 0 else (" + " if text else "")
            text += joint + self.write(term, _SUM)
        return text

    def write_big(self, expr: Big) -> str:
        low = f"{expr.index}={self.write(expr.low, 0)}" if expr.low is not None else expr.index
        high = f"^{{{self.write(expr.high, 0)}}}" if expr.high is not None else ""
        sign, rank = (r"\sum", _PRODUCT) if expr.kind == "sum" else (r"\prod", _TIGHT)
        return f"{sign}_{{{low}}}{high} {self.write(expr.body, rank)}"

    def write_cases(self, expr: Cases) -> str:
        rows = []
        for value, conditions in expr.rows:
            text = ", ".join(f"{self.write(a, 0)} {sign} {self.write(b, 0)}" for a, sign, b in conditions)
            rows.append(f"{self.write(value, 0)} & {text or chr(92) + 'text{otherwise}'}")
        return r"\begin{cases}" + r" \\ ".join(rows).replace("<=", r"\le").replace(">=", r"\ge") + r"\end{cases}"

    def write_symbol(self, expr: Sym) -> str:
        if expr.name.startswith("$"):  # a name of the student's own
            return f"{expr.name[1:]}_{{{','.join(self.write(part, 0) for part in (*expr.times, *expr.parts))}}}"
        times = [self.write(time, 0) for time in expr.times]
        if "/" in expr.name:
            return self.write_quotient(expr, times)
        parts = "".join(f",{self.write(part, 0)}" for part in expr.parts)
        symbol = self.world.symbols.get(expr.name)
        latex = symbol.latex if symbol else expr.name
        if "#" in latex:
            return latex.replace("#", "".join(times) + parts)
        return f"{self.bracket(latex, _has_index(latex))}_{{{parts[1:]}}}" if parts else latex

    def write_quotient(self, expr: Sym, times: list[str]) -> str:
        above, below = (self.world.symbols.get(name) for name in expr.name.split("/"))
        texts = []
        parts = [self.write(part, 0) for part in expr.parts]
        for symbol, name in ((above, expr.name.split("/")[0]), (below, expr.name.split("/")[1])):
            latex = symbol.latex if symbol else name
            written = [times.pop(0)] if "#" in latex and times else []
            if symbol is not None and symbol.parts and parts:
                written.append(parts.pop(0))
            texts.append(latex.replace("#", ",".join(written)))
        return rf"\frac{{\partial {texts[0]}}}{{\partial {texts[1]}}}"
