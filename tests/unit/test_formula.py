"""Reading and bounds: what is struck out, defined or nested, and that nothing takes long or is ever run."""

import time

import pytest

from grader.formula.extract import find_spans
from grader.formula.layout import shows_layout
from grader.formula.normalise import normalise
from grader.formula.passage import drop_struck
from tests.unit.formula_cases import check


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("ŷₜ − yₜ", r"\hat{y}_{t} - y_{t}"),
        ("hₜ₋₁ᵀ", "h_{t-1}^{T}"),
        ("g ⊙ h", r"g \odot  h"),
        ("۱۲٣", "123"),
        ("уt", "yt"),  # a Cyrillic letter
        ("y\u200c_t", "y_t"),
        (r"\psi^{\prime}(z)", r"\psi'(z)"),
    ],
)
def test_normalise(written, plain):
    assert normalise(written) == plain


def test_struck_out_text_is_dropped_across_mathematics():
    assert drop_struck(r"~~$a$~~ $b$").split() == ["$b$"]
    assert drop_struck(r"$\cancel{a_{t}} b$") == "$  b$"
    assert "wrong" not in drop_struck("<del>wrong</del> right")


def test_spans_know_their_place():
    spans = find_spans("so $a$ and\n\n$$b$$")
    assert [(span.text, span.place) for span in spans] == [("a", "inline"), ("b", "display")]


@pytest.mark.parametrize("text", [r"$W^T g$", "W.T @ g", r"$a \odot b$", r"$\operatorname{diag}(x)$", "gᵀ"])
def test_signs_of_matrices(text):
    assert shows_layout(text)


@pytest.mark.parametrize("text", [r"$\sum_{t=1}^T g_t$", r"$\sum^{T}_{t=1} a$", r"$J_{ot} \times w_{hi}$", "∑ₜ₌₁ᵀ g"])
def test_no_signs_of_matrices(text):
    assert not shows_layout(text)


def test_what_was_not_understood_is_quoted_with_its_place():
    evidence = check("q2a", r"$\hat y_t - \Omega_t$")
    assert evidence.verdict == "unreadable" and evidence.credit is None
    assert evidence.observed["position"] == 11 and r"\Omega_t" in evidence.observed["not_understood"]
    assert evidence.review is not None and "character 12" in evidence.review.reason


def test_repairs_are_recorded_and_only_for_machine_read_text():
    evidence = check("q2b", r"$J_{ot} \alpha w_{hi}$", machine_read=True)
    assert evidence.observed["repairs"] == ["“J_o” was read as g_o", "“\\alpha” was read as times"]
    assert evidence.review is not None and evidence.review.suggested_verdict == "correct"
    assert check("q2b", r"$J_{ot} \alpha w_{hi}$").verdict == "unreadable"


def test_shapes_are_named():
    (finding,) = check("q2b", r"$(W_{hh}^T)^{t-i} W_{yh} g_{o_t}$").findings
    assert finding.code == "formula.missing_transpose" and "4×4 met 2×4" in finding.message


def test_the_reading_is_shown_again_as_latex():
    assert check("q2a", "ŷₜ − yₜ").observed["latex"] == r"\hat{y}_{t} - y_{t}"
    assert check("q2a", "yhat").expected["latex"] == [r"\hat{y}_{t} - y_{t}"]


def test_same_text_same_evidence():
    text = r"$W_{hh}^T W_{yh}^T g_{o_t}$"
    assert check("q2b", text) == check("q2b", text)


BOMBS = {
    "brackets": "(" * 3000 + "y" + ")" * 3000,
    "fractions": "$" + r"\frac{1}{" * 500 + "y" + "}" * 500 + "$",
    "long sum": r"$\sum_{i=1}^{999999999} g_{h_i}$",
    "sums in sums": r"$\sum_{i=1}^{200}\sum_{j=1}^{200}\sum_{k=1}^{200} g_{h_i}$",
    "many sums": "$" + r"\sum_i " * 300 + "y$",
    "tower": "$9^{9^{9^{9}}}$",
    "infinite product": r"$\prod_{k=1}^{200} 10^{50}$",
    "digits": "$" + "9" * 2900 + "$",
    "megabyte": "a" * 1_000_000,
    "dollars": "$x$ " * 200_000,
    "strikes": "~~" * 400_000,
    "terms": "yhat" + "-y" * 1400,
    "import": "__import__('os').system('true')",
    "lambda": "`(lambda: 1)()`",
    "python brackets": "np." + "(" * 1000,
    "python product": "W_hh.T @ " * 300 + "g_o",
    "environments": r"\begin{cases}" * 500,
    "hats": "$" + r"\hat" * 500 + "$",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_soon_and_for_a_person(name):
    check("q2c", "$g_{h_t}$")  # the bank is built once for all
    start = time.process_time()
    evidence = check("q2c", BOMBS[name])
    assert time.process_time() - start < 2
    assert evidence.verdict == "unreadable" and evidence.review is not None
    assert len(str(evidence.observed)) < 5_000


def test_a_false_step_on_the_way_is_named_and_costs_nothing():
    evidence = check(
        "q2d", r"$\psi' = \psi(1-\psi)$ and so $$\frac{\partial J}{\partial W_{hh}} = \sum_{t=1}^3 g_{W_{hh},t}$$"
    )
    assert evidence.verdict == "correct" and [f.code for f in evidence.findings] == ["formula.false_step"]
    assert (
        "false_step"
        not in check(
            "q2a", r"$\frac{\partial J_t}{\partial \hat y_t} = -\frac{y_t}{\hat y_t}$, $\hat y_t - y_t$"
        ).observed
    )
