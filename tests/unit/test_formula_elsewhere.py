"""Names that a student explains above the parts or in another part, and answers in words, in whole reports."""

import pytest

from grader.documents import Place, find_passages, read_document
from grader.formula.told import Told, find_told
from grader.kinds.addressed import leave_out_pleas
from grader.kinds.base import Context
from grader.kinds.formula import check_formula
from grader.model import Answer
from tests.unit.formula_cases import QUESTIONS, WORLDS, resolve

PLACES = {f"q2{part}": Place(question=2, part=part) for part in "abcd"}
# A report's text above its parts and its answers, and what a careful marker gives: None where a person looks.
REPORTS = [
    (
        r"I write $D_k=\operatorname{diag}(\psi'(z_k))$ and $e_t := \hat y_t - y_t$.",
        {
            "a": r"$\partial J_t/\partial o_t = e_t$",
            "b": r"$\prod_{k=i+1}^{t} (W_{hh}^\top D_k)\, W_{yh}^\top e_t$",
            "c": r"$\sum_{i=1}^{t} D_i\, g_{h_i} h_{i-1}^\top$",
            "d": r"$\sum_{t=1}^{3}\sum_{i=1}^{t} D_i\, g_{h_i} h_{i-1}^\top$",
        },
        {"a": "correct", "b": "correct", "c": "correct", "d": "correct"},
    ),
    (
        r"I write $D_k=\operatorname{diag}(\psi(z_k))$ and $e_t := y_t - \hat y_t$.",  # no slope, and the sign turned
        {
            "a": r"$\partial J_t/\partial o_t = -e_t$",
            "b": r"$\prod_{k=i+1}^{t} (W_{hh}^\top D_k)\, W_{yh}^\top g_{o_t}$",
            "c": r"$\sum_{i=1}^{t} D_i\, g_{h_i} h_{i-1}^\top$",
        },
        {"a": "correct", "b": None, "c": None},
    ),
    (
        r"Let $\delta_t$ denote $\partial J_t/\partial o_t$.",  # what was found wrongly in a) is not marked twice
        {"a": r"$\delta_t = y_t - \hat y_t$", "b": r"$W_{yh}^T \delta_t$", "c": r"$g_{h_t} h_{t-1}^T$"},
        {"a": "partial", "b": "correct", "c": "correct"},
    ),
    (
        r"Notation: $\epsilon_i^{(t)} = \partial J_t/\partial h_i$.",
        {
            "a": r"$\hat y_t - y_t$",
            "b": r"$\epsilon_t^{(t)} = W_{yh}^\top g_{o_t}$ and "
            r"$\epsilon_i^{(t)} = W_{hh}^\top \operatorname{diag}(\psi'(z_{i+1}))\, \epsilon_{i+1}^{(t)}$ for $i<t$.",
            "c": r"$\sum_{i=1}^{t} \operatorname{diag}(\psi'(z_i))\, \epsilon_i^{(t)} h_{i-1}^\top$",
            "d": r"$\sum_{t=1}^{3}\sum_{i=1}^{t} \operatorname{diag}(\psi'(z_i))\, \epsilon_i^{(t)} h_{i}^\top$",  # h_i
        },
        {"b": "correct", "c": "correct", "d": "wrong"},
    ),
]


def check_report(above, answers):
    lines = ["# Question 2", above, *(f"**{part})** {text}" for part, text in answers.items())]
    document = read_document("report.md", "markdown", "\n\n".join(lines).encode())
    passages = find_passages([document], list(PLACES.values()))
    read = {
        name: leave_out_pleas(
            Answer(question=name, state=passages[place].state, text=passages[place].text, above=passages[place].above)
        )
        for name, place in PLACES.items()
    }
    context = Context(seed=b"0" * 32, answers=read, questions=QUESTIONS, worlds=WORLDS, resolve=resolve)
    return {name[-1]: check_formula(name, QUESTIONS[name], read[name], context) for name in PLACES}


@pytest.mark.parametrize(("above", "answers", "wanted"), REPORTS, ids=[above[:24] for above, _, _ in REPORTS])
def test_names_hold_in_all_parts(above, answers, wanted):
    evidence = check_report(above, answers)
    found = {part: evidence[part].verdict if evidence[part].review is None else None for part in wanted}
    assert found == wanted, {part: evidence[part].review for part in wanted}


def test_what_stands_above_the_parts_is_no_answer():
    evidence = check_report(r"In short $e_t = \hat y_t - y_t$.", {"a": r"$y_t - \hat y_t$", "b": r"$W_{yh}^T g_{o_t}$"})
    assert (evidence["a"].verdict, evidence["b"].verdict) == ("partial", "correct")


RULES = (
    Told(formula="right", phrases=("prediction minus( the)? label",)),
    Told(formula="turned", phrases=("label minus( the)? prediction",)),
)
FILLERS = ("the", "gradient", "is", "so", "we", "get")


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("So the gradient is the prediction minus the label.", "right"),
        ("label minus prediction", "turned"),
        ("prediction minus label minus prediction", None),
        ("twice the prediction minus the label", None),
        ("prediction minus label squared", None),
        ("not the prediction minus the label", None),
        ("the prediction minus the label = 0", None),
        ("prediction", None),
        ("the " * 70 + "prediction minus label", None),
    ],
)
def test_words_count_where_every_word_is_known(text, formula):
    assert find_told(text, RULES, FILLERS) == formula


def test_words_of_the_rubric_name_formulas_that_it_knows():
    for name, question in QUESTIONS.items():
        for rule in question.told:
            context = Context(seed=b"0" * 32, questions=QUESTIONS, worlds=WORLDS, resolve=resolve)
            answer = Answer(question=name, state="given", text=f"${rule.formula}$")
            assert check_formula(name, question, answer, context).review is None, rule.formula
