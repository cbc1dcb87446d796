"""choice: the case table, and what must hold for every answer."""

from __future__ import annotations

from typing import Any

import pytest

from grader.kinds.choice_question import Option, Question
from tests.sampling import sample
from tests.unit.kind_cases import PERSIAN, PLEAS, check, judge, load_cases, mutate, name

CASES = load_cases("choice")


@pytest.mark.parametrize("case", CASES, ids=name)
def test_case(case: dict[str, Any]) -> None:
    assert judge(case) == []


def test_table_is_large_and_varied() -> None:
    verdicts = {verdict for case in CASES for verdict in case["verdict"].split("|")}
    assert len(CASES) >= 120
    assert sum(bool(PERSIAN.search(case["answer"])) for case in CASES) >= 15
    assert verdicts == {"correct", "partial", "wrong", "missing", "unreadable"}


@pytest.mark.parametrize("plea", sample(PLEAS, 2))
def test_speaking_to_the_grader_never_raises_a_credit(plea: str) -> None:
    for case in CASES:
        if case.get("state", "given") == "given":
            before = check(case["criterion"], case["answer"])
            after = check(case["criterion"], case["answer"] + "\n\n" + plea)
            assert (after.credit or 0) <= (before.credit or 0), case["answer"]
            assert "answer.addressed_to_grader" in [f.code for f in after.findings if f.audience == "staff"]


def test_nothing_that_a_student_writes_raises() -> None:
    for criterion, text in mutate("choice", 300):
        evidence = check(criterion, text)
        assert (evidence.credit is None) == (evidence.verdict in ("unreadable", "ungraded"))


@pytest.mark.parametrize(
    "text", ["$x_1$ and $x_3$", "365 days", "the label is 0 or 1", "a second-order model", "T_y = 1"]
)
def test_numbers_in_formulas_and_reasons_name_no_option(text: str) -> None:
    assert check("q1a", text).observed["chosen"] == []


@pytest.mark.parametrize(
    "formula",
    [
        "P(y_t | y_1, ..., y_{t-1})",
        "$\\mathbb{P}(y_t \\mid y_{t-1},\\ldots,y_1)$",
        "$P(y^{<t>} | y^{<1>}, \\dots, y^{<t-1>})$",
        "Pr[yt | y1..y(t-1)]",
        "p(yₜ | y₁ … yₜ₋₁)",
        "$p(y_t|y_{<t})$",
        "$p(y_{t} \\vert y_{1:t-1})$",
    ],
)
def test_one_formula_in_many_notations(formula: str) -> None:
    assert check("q1c", formula).observed["chosen"] == [3]


def test_a_rubric_that_names_options_that_are_not_there_is_refused() -> None:
    option = Option(number=1, text="one")
    with pytest.raises(ValueError, match="only options that there are"):
        Question(kind="choice", options=(option,), key=(2,))
    with pytest.raises(ValueError, match="phrase"):
        Option(number=1, text="one", phrases=("(open",))


def test_a_group_counts_alone_and_is_for_a_person_beside_words_that_tell_its_options_apart() -> None:
    assert check("q1b", "Unidirectional, a simpler network is enough.").verdict == "partial"
    evidence = check("q1b", "Unidirectional, because of the weather of some days.")
    assert evidence.verdict == "unreadable" and evidence.review is not None


@pytest.mark.parametrize(
    "reason",
    ["only today's weather matters", "the days before play no role", "the future is needed", "we read backwards"],
)
def test_a_reason_that_contradicts_the_right_option_is_for_a_person(reason: str) -> None:
    evidence = check("q1b", f"3, because {reason}.")
    assert evidence.credit is None and evidence.review is not None and evidence.review.suggested_credit == 1
    assert check("q1b", "3, because not only today but also the past matters.").verdict == "correct"
