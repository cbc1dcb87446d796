"""Right answers stay right however they are written; a right answer that is damaged never stays right."""

import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.formula_cases import check

TRANSPOSES = ("^T", r"^\top", r"^{\top}", r"^{\mathsf T}", r"^{\rm T}", r"^{\mathrm{T}}", r"^{\intercal}", "ᵀ")
HATS = (r"\hat{y}_t", r"\hat y_t", r"{\hat y}_t", r"\widehat{y}_t", r"\widehat{\mathbf{y}}_t", r"\mathbf{\hat{y}}_{t}")
TIMES = (r" \odot ", r" \circ ", r" \odot\, ")
LETTERS = "kjlms"


class Writer:
    """Writes one answer, with every choice of notation drawn at random."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.transpose = self.random.choice(TRANSPOSES)
        self.free = list(LETTERS)
        self.random.shuffle(self.free)
        self.dropped = ""  # the factor or transpose that is left out, for wrong answers

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def letter(self) -> str:
        return self.free.pop()

    def turned(self, matrix: str, name: str) -> str:
        """A transposed factor; ``name`` is what to drop."""
        if self.dropped == name:
            return ""
        return matrix if self.dropped == f"{name} transpose" else matrix + self.transpose

    def bracket(self, text: str) -> str:
        return self.pick("({})", r"\left({}\right)", r"\left[{}\right]", r"\big({}\big)").format(text)

    def difference(self, left: str, right: str) -> str:
        return self.pick(
            f"{left} - {right}", f"-{right} + {left}", f"-({right} - {left})", self.bracket(f"{left} - {right}")
        )

    # --- the parts ---
    def by_scores(self, t: str = "t") -> str:
        """q2a, or the gradient by o_t as a factor in others."""
        hat = self.pick(*HATS) if t == "t" else rf"\hat y_{{{t}}}"
        return self.difference(hat, f"y_{{{t}}}")

    def scores(self, t: str = "t") -> str:
        if self.dropped == "g_o":
            return ""
        return self.pick(f"g_{{o_{t}}}", rf"\frac{{\partial J_{t}}}{{\partial o_{t}}}", self.bracket(self.by_scores(t)))

    def by_state(self, i: str = "i", t: str = "t") -> str:
        """q2b: the product of steps from i to t, then the output matrix."""
        k = self.letter()
        step = (
            rf"{self.turned('W_{hh}', 'W_hh')} \operatorname{{diag}}(\psi'(z_{k}))" if self.dropped != "psi" else None
        )
        step = step or self.turned("W_{hh}", "W_hh")
        product = rf"\prod_{{{k}={i}+1}}^{{{t}}} {self.bracket(step)}"
        return f"{product} {self.turned('W_{yh}', 'W_yh')} {self.scores(t)}"

    def by_matrix(self, t: str = "t") -> str:
        """q2c: the sum over earlier steps."""
        i = self.letter()
        slope = rf"\psi'(z_{i})"
        gradient = (
            self.pick(f"g_{{h_{i}}}", rf"\frac{{\partial J_{t}}}{{\partial h_{i}}}") if self.dropped != "g_h" else ""
        )
        pair = [gradient, slope] if gradient else [slope]
        self.random.shuffle(pair)
        inner = self.bracket(self.pick(*TIMES).join(pair))
        state = self.turned(f"h_{{{i}-1}}", "h")
        return rf"\sum_{{{i}=1}}^{{{t}}} {inner} {state}"

    def by_matrix_of_all(self) -> str:
        """q2d: the sum of the steps' gradients."""
        t = self.letter()
        one = self.pick(
            rf"\frac{{\partial J_{t}}}{{\partial W_{{hh}}}}", f"g_{{W_{{hh}},{t}}}", self.bracket(self.by_matrix(t))
        )
        return rf"\sum_{{{t}=1}}^{{T}} {one}"

    def wrap(self, formula: str, left: str) -> str:
        return self.pick(
            f"${formula}$", f"$${formula}$$", f"${left} = {formula}$", rf"$\boxed{{{formula}}}$",
            f"The answer is ${formula}$.",
            rf"\[ {left} = {formula} \]", f"$$\n\\begin{{aligned}}\n{left} &= {formula}\n\\end{{aligned}}\n$$",
        )  # fmt: skip


LEFTS = {
    "q2a": r"\frac{\partial J_t}{\partial o_t}",
    "q2b": r"\frac{\partial J_t}{\partial h_i}",
    "q2c": r"\frac{\partial J_t}{\partial W_{hh}}",
    "q2d": r"\frac{\partial J}{\partial W_{hh}}",
}
# What may be left out of each part; leaving psi' out everywhere is an accepted reading of the sheet.
DROPS = {
    "q2b": ("W_hh", "W_hh transpose", "W_yh", "W_yh transpose", "g_o"),
    "q2c": ("h", "h transpose", "g_h"),
}


def write(criterion: str, seed: int, *, dropped: str = "", negated: bool = False) -> str:
    writer = Writer(seed)
    writer.dropped = dropped
    parts = {"q2a": writer.by_scores, "q2b": writer.by_state, "q2c": writer.by_matrix, "q2d": writer.by_matrix_of_all}
    formula = parts[criterion]()
    return writer.wrap(f"-{writer.bracket(formula)}" if negated else formula, LEFTS[criterion])


@settings(max_examples=60, deadline=None, derandomize=True)  # CI must not find something new by chance
@given(criterion=st.sampled_from(sorted(LEFTS)), seed=st.integers(0, 10**9))
def test_a_right_answer_is_right_in_every_notation(criterion, seed):
    text = write(criterion, seed)
    evidence = check(criterion, text)
    assert (evidence.verdict, evidence.review) == ("correct", None), (text, evidence.observed, evidence.findings)


@settings(max_examples=60, deadline=None, derandomize=True)  # CI must not find something new by chance
@given(criterion=st.sampled_from(sorted(LEFTS)), seed=st.integers(0, 10**9))
def test_a_negated_answer_is_never_right(criterion, seed):
    text = write(criterion, seed, negated=True)
    evidence = check(criterion, text)
    assert evidence.verdict != "correct" and (evidence.credit or 0) < 1, (text, evidence.observed)


@settings(max_examples=60, deadline=None, derandomize=True)  # CI must not find something new by chance
@given(data=st.data(), criterion=st.sampled_from(sorted(DROPS)), seed=st.integers(0, 10**9))
def test_an_answer_without_one_factor_or_transpose_is_never_right(data, criterion, seed):
    dropped = data.draw(st.sampled_from(DROPS[criterion]))
    text = write(criterion, seed, dropped=dropped)
    evidence = check(criterion, text)
    assert evidence.verdict != "correct" and (evidence.credit or 0) < Decimal(1), (dropped, text, evidence.observed)
