"""vector: the case table, and what must hold for every answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.documents.numbers import read_numbers
from tests.unit.kind_cases import PERSIAN, PLEAS, check, judge, load_cases, load_question, mutate, name

CASES = load_cases("vector")


@pytest.mark.parametrize("case", CASES, ids=name)
def test_case(case: dict[str, Any]) -> None:
    assert judge(case) == []


def test_table_is_large_and_varied() -> None:
    verdicts = {verdict for case in CASES for verdict in case["verdict"].split("|")}
    assert len(CASES) >= 120
    assert sum(bool(PERSIAN.search(case["answer"])) for case in CASES) >= 15
    assert verdicts == {"correct", "partial", "wrong", "missing", "unreadable"}


@pytest.mark.parametrize("plea", PLEAS)
def test_speaking_to_the_grader_never_raises_a_credit(plea: str) -> None:
    for case in CASES:
        if case.get("state", "given") == "given":
            before = check(case["criterion"], case["answer"])
            after = check(case["criterion"], case["answer"] + "\n\n" + plea)
            assert (after.credit or 0) <= (before.credit or 0), case["answer"]
            assert "answer.addressed_to_grader" in [f.code for f in after.findings if f.audience == "staff"]


def test_nothing_that_a_student_writes_raises() -> None:
    for criterion, text in mutate("vector", 300):
        evidence = check(criterion, text)
        assert (evidence.credit is None) == (evidence.verdict in ("unreadable", "ungraded"))


def test_the_rubric_numbers_are_those_of_the_sheet() -> None:
    _, question = load_question("q3a")
    given = {value.title: np.array(value.values) for value in question.given}
    keys = np.array([given[f"key {i}"] for i in range(1, 5)])
    values = np.array([given[f"value {i}"] for i in range(1, 5)])
    scores = keys @ given["q"]
    weights = np.exp(scores) / np.exp(scores).sum()
    steps = {step.title: step for step in question.steps}
    assert steps["scores"].values == tuple(scores)
    assert steps["argmax index"].values == (scores.argmax(),)
    assert question.answer.values == tuple(values[scores.argmax()])
    mistakes = {mistake.code: mistake for mistake in question.mistakes}
    for code, result in {
        "vector.softmax_instead_of_argmax": weights @ values,
        "vector.scores_used_as_weights": scores @ values,
        "vector.values_averaged": values.mean(axis=0),
        "vector.largest_score_times_value": scores.max() * values[scores.argmax()],
        "vector.key_instead_of_value": keys[scores.argmax()],
    }.items():
        assert np.allclose(mistakes[code].values, result, rtol=0, atol=1e-4), code
    others = {m.values for m in question.mistakes if m.code == "vector.other_value_selected"}
    assert others == {tuple(value) for value in values[:3]}


def test_a_rounded_softmax_result_is_not_the_answer() -> None:
    for output in ("[6, 0.905, 1.994]", "[6, 0.91, 1.99]", "[6.0, 0.9, 2.0]"):
        evidence = check("q3a", f"output = {output}")
        assert evidence.verdict == "partial"
        assert "vector.softmax_instead_of_argmax" in [finding.code for finding in evidence.findings]


def test_a_reading_slip_is_told_from_a_writing_slip() -> None:
    text = "q = [3,-1], k_2 = [2,2,7]\nscores = {-2,3,0,6}\noutput = [6,1,2]"
    read = check("q3a", text, machine_read=True)
    assert read.verdict == "correct" and read.review is not None and read.review.suggested_verdict == "correct"
    assert [repair.split(" read")[0] for repair in read.observed["repairs"]] == ["q", "key 2"]
    typed = check("q3a", text)
    assert typed.decided and "vector.input_differs" in [finding.code for finding in typed.findings]


def test_scores_are_plotted_only_where_the_student_has_them() -> None:
    assert check("q3a", "scores (-2, 3, 0, 6), output [6,1,2]").observed["plot"]["series"][0]["values"] == [-2, 3, 0, 6]
    assert "plot" not in check("q3a", "output [6,1,0]").observed


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("(۶، ۱، ۲)", (6, 1, 2)),
        ("\\begin{bmatrix} -1 \\\\ \\frac{1}{2} \\\\ .5 \\end{bmatrix}", (-1, 0.5, 0.5)),
        ("np.array([1e-1, −2, + 3])", (0.1, -2, 3)),
        ("[[6],[1],[2]]", (6, 1, 2)),
        ("\\{-2,3\\}", (-2, 3)),
        ("۲-، ۳، ۰ و ۶", (-2, 3, 0, 6)),
    ],
)
def test_notations_of_a_vector(text: str, values: tuple[float, ...]) -> None:
    assert [vector.values for vector in read_numbers(text).vectors] == [values]


@pytest.mark.parametrize("text", ["[1, a, 2]", "\\frac{1}{0}, 2, 3", "f(x)", "365 days", "~~[6,1,2]~~"])
def test_what_is_no_vector(text: str) -> None:
    assert read_numbers(text).vectors == ()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("o_1 = 6, o_2 = 1, o_3 = 2", (6, 1, 2)),
        ("y[0] = 6, y[1] = 1, y[2] = 2", (6, 1, 2)),
        ("x = 6, y = -1 and z = 2", (6, -1, 2)),
        ("6i - j + 2k", (6, -1, 2)),
        ("minus two, three, zero and six", (-2, 3, 0, 6)),
        ("منفی دو، سه، صفر و شش", (-2, 3, 0, 6)),
        ("[6, I, 2]", (6, 1, 2)),
    ],
)
def test_vectors_in_words_and_by_components(text: str, values: tuple[float, ...]) -> None:
    assert [vector.values for vector in read_numbers(text).vectors] == [values]


@pytest.mark.parametrize("text", ["one label of two", "[i, l, o]", "a_1 = 6, a_3 = 2", "q_1 = 3 * 2, q_2 = 1, q_3 = 2"])
def test_what_is_no_vector_of_components(text: str) -> None:
    assert read_numbers(text).vectors == ()
