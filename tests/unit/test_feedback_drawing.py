"""Formulas, plots and small pieces of markup."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree

import pytest

from grader.feedback.figures import Plot, Series, build_plot_table, find_plot, find_table
from grader.feedback.formula import LONGEST, render_answer, render_formula, render_mixed
from grader.feedback.markup import clean, is_right_to_left, show_marks
from grader.feedback.plots import find_ticks, render_plot
from tests.timing import count_seconds


@pytest.mark.parametrize(
    ("latex", "holds"),
    [
        (r"\frac{\partial J_t}{\partial o_t}=\hat{y}_t-y_t", ["<mfrac>", "∂", '<mover accent="true">']),
        (r"\left(W_{hh}^{\top}\right)^{t-i} W_{yh}^{\top} g_{o_t}", ["<msup>", "⊤", 'stretchy="true"']),
        (r"\sum_{i\le t} x_i", ["<munder>", "∑"]),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", ["<mtable>", "<mtr>"]),
        (r"\operatorname{diag}(x) \odot \mathbb{R}^{3}", ["diag", "⊙", "ℝ"]),
        ("x < y", ["&lt;"]),
        (r"\text{سلام}", ["سلام"]),
    ],
)
def test_formulas_become_mathml_with_their_source_beside(latex: str, holds: list[str]) -> None:
    drawn = render_formula(latex)
    tree = ElementTree.fromstring(drawn)
    assert tree.tag == "math" and tree.attrib["alttext"] == latex
    assert [piece for piece in holds if piece not in drawn] == []


@pytest.mark.parametrize(
    "latex",
    [
        *(r"\R", r"x + \foo{y}", r"\frac", "a_{", "}{", "", "   ", "\\", "^", "\\\\\\", r"\begin{matrix}"),
        *(r"\def\x{\x\x}\x", r"\newcommand{\a}{\b}\a", r"\let\a\b"),
        *("x" * (LONGEST + 1), "{" * 3000, r"\sqrt{" * 300 + "x" + "}" * 300),
    ],
)
def test_what_cannot_be_drawn_faithfully_is_shown_as_source_and_quickly(latex: str) -> None:
    started = count_seconds()
    drawn = render_formula(latex)
    assert "<math" not in drawn or latex in ("}{", "\\", "\\\\\\"), drawn
    assert latex.strip()[:20] in drawn
    assert count_seconds() - started < 2


def test_macros_are_refused_since_a_short_one_makes_a_huge_page() -> None:
    drawn = render_formula(r"\newcommand{\m}[1]{" + "#1" * 800 + r"}\m{" + "x" * 100 + "}")
    assert "<math" not in drawn and len(drawn) < 2 * LONGEST


def test_an_element_that_is_not_of_mathml_is_never_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library makes none today; a later release might."""
    tree = ElementTree.fromstring("<math><mrow><annotation-xml><mi>x</mi></annotation-xml></mrow></math>")
    monkeypatch.setattr("latex2mathml.converter.convert_to_element", lambda *_, **__: tree)
    source = "x_{of.no.other.test}"  # formulas are remembered
    assert render_formula(source) == f'<code class="tex" dir="ltr">{source}</code>'


def test_a_sentence_keeps_its_words_and_draws_its_formulas() -> None:
    drawn = render_mixed("From $y_t$ < `a_b` and $$x$$; a 5$ note.")
    assert drawn.count("<math") == 2 and '</math> &lt; <code dir="ltr">a_b</code> and <math' in drawn
    assert drawn.endswith("</math>; a 5$ note.")
    assert render_mixed("costs $5 and $6, a lone $ sign") == "costs $5 and $6, a lone $ sign"


def test_an_answer_keeps_its_words_draws_its_formulas_and_shows_what_was_struck_out() -> None:
    assert render_answer("a ~~<b>~~ c ~ d") == "a <del>&lt;b&gt;</del> c ~ d"
    assert render_answer("~~open") == "~~open"
    assert [part.split(">")[0] for part in render_answer("~~a $x$ b~~").split("<del>")[1:]] == [
        "a </del",
        '<math display="inline" alttext="x"',
        " b</del",
    ]
    drawn = render_answer("so\n\n$$\nx\n$$\n\nand ~~$$y$$~~, $z$ for $5")
    assert (
        drawn.count('<math display="block"') == 2 and drawn.startswith("so<math") and "</math>and <del><math" in drawn
    )
    assert drawn.endswith("</math> for $5")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("4.50", "4.5"), ("10", "10"), ("100", "100"), ("0", "0"), ("0.00", "0"), ("1E+1", "10"), ("3.75", "3.75")],
)
def test_marks_have_no_trailing_zeros(value: str, shown: str) -> None:
    assert show_marks(Decimal(value)) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("گزینهٔ دوم", True),
        ("RNN: شبکه‌ای که پاسخ را در پایان می‌دهد", True),
        ("option 2 (گزینه)", False),
        (r"گرادیان $\frac{\partial J}{\partial o_t} = \hat y_t - y_t$", True),
        ("در این تسک Sentiment Analysis خروجی", True),
        ("گزینه b", True),
        ("b گزینه", False),
        ("", False),
        ("123", False),
    ],
)
def test_persian_is_told_from_english(text: str, expected: bool) -> None:
    assert is_right_to_left(text) is expected


def test_clean_keeps_what_persian_needs_and_mends_line_ends() -> None:
    assert clean("می\u200cدهد\r\nb\rc\u2028d") == "می\u200cدهد\nb\nc\nd"
    assert clean(0.123456) == "0.1235"


def test_tables_are_padded_cut_and_turned_into_text() -> None:
    table = find_table(
        {"columns": ["a", "b"], "rows": [[1, None], [True], [0.333333, "x", "too much"]] + [[0, 0]] * 90}
    )
    assert table is not None
    assert table.rows[:3] == (("1", "–"), ("yes", ""), ("0.3333", "x"))
    assert len(table.rows) == 60 and table.left_out == 33


def test_gaps_break_a_line_and_stand_in_the_table_as_a_dash() -> None:
    plot = find_plot(
        {"title": "t", "series": [{"name": "a", "x": [1, 2, 3, 4], "y": [1, float("nan"), 2, float("inf")]}]}
    )
    assert plot is not None and plot.series[0].ys == (1.0, None, 2.0, None)
    assert [row[1] for row in build_plot_table(plot).rows] == ["1", "–", "2", "–"]
    (path,) = (
        node.attrib["d"]
        for node in ElementTree.fromstring(render_plot(plot, "p"))
        if node.get("class") == "line s0" and "h34" not in node.attrib["d"]
    )
    assert path.count("M") == 2


@pytest.mark.parametrize(
    "series",
    [
        ([1.0], [0.5]),
        ([1, 2], [0, 0]),
        ([1, 1], [3, 4]),
        ([0, 1e9], [-1e-9, 1e9]),
        ([1, 2], [1e14, 1e14]),
        ([0.1, 0.2], [5.0000001, 5.0000002]),
        (list(range(10_000)), list(range(10_000))),
    ],
)
def test_any_line_is_drawn_inside_its_picture(series: tuple[list[float], list[float]]) -> None:
    plot = find_plot({"series": [{"name": "a", "x": series[0], "y": series[1]}]})
    assert plot is not None
    tree = ElementTree.fromstring(render_plot(plot, "p"))
    width, height = map(float, tree.attrib["viewBox"].split()[2:])
    for node in tree.iter("text"):
        assert 0 <= float(node.attrib["x"]) <= width and 0 <= float(node.attrib["y"]) <= height
    assert len(render_plot(plot, "p")) < 40_000


@pytest.mark.parametrize("values", [[-2, 3, 0, 6], [0, 0], [-1, -5], [1e-12], [None, 4], [7]])
def test_any_bars_are_drawn_inside_their_picture(values: list[float]) -> None:
    names = [f"key {number}" for number in range(len(values))]
    plot = find_plot({"kind": "bars", "categories": names, "series": [{"name": "a", "values": values}] * 2})
    assert plot is not None
    tree = ElementTree.fromstring(render_plot(plot, "p"))
    height = float(tree.attrib["viewBox"].split()[3])
    boxes = [node for node in tree.iter("rect")]
    assert len(boxes) == 2 * sum(value is not None for value in values) + 2  # with the two of the legend
    assert all(0 <= float(box.attrib["y"]) <= height - float(box.attrib["height"]) for box in boxes)


def test_bars_of_two_plots_share_no_id() -> None:
    series = (Series(name="a", ys=(1.0,)), Series(name="b", ys=(2.0,)))
    plot = Plot(kind="bars", title="t", series=series, categories=("k",))
    assert 'id="one-hatch-1"' in render_plot(plot, "one") and "one-hatch" not in render_plot(plot, "two")


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-2, 6), (0.68, 0.7), (0, 1e-9), (1, 5), (-1e6, 3e7)])
def test_ticks_are_few_and_cover_the_range(low: float, high: float) -> None:
    ticks = find_ticks(low, high)
    assert ticks[0] <= low + 1e-9 * (high - low) and ticks[-1] >= high - 1e-9 * (high - low) and 3 <= len(ticks) <= 9
