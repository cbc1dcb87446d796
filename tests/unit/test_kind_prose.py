"""prose: the case table, and what must hold for every answer."""

from __future__ import annotations

from typing import Any

import pytest

from grader.documents.phrases import compile_phrase, find_phrase
from grader.documents.wording import fold
from tests.sampling import sample
from tests.timing import count_seconds
from tests.unit.kind_cases import PERSIAN, PLEAS, check, judge, load_cases, mutate, name

CASES = load_cases("prose")


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
    for criterion, text in mutate("prose", 300):
        evidence = check(criterion, text)
        assert (evidence.credit is None) == (evidence.verdict in ("unreadable", "ungraded"))


@pytest.mark.parametrize(
    ("phrase", "text", "said"),
    [
        ("not differentia*", "argmax is not differentiable", True),
        ("not differentia*", "Argmax isn't differentiable", True),
        ("not differentia*", "a non-differentiable function", True),
        ("not differentia*", "it is not only differentiable but cheap", False),
        ("not differentia*", "it is not the case that it is not differentiable", False),
        ("differentiable", "argmax is not differentiable", False),
        ("(gradient*|derivative*) ... zero", "the derivative of argmax is zero", True),
        ("(gradient*|derivative*) ... zero", "the gradient is not zero", False),
        ("gradient* ... lost", "the gradient of softmax, but the rest is lost", False),
        ("not مشتق پذیر", "argmax مشتق‌پذیر نیست", True),
        ("مشتق پذیر", "argmax مشتق‌پذیر است", True),
        ("keys + queries", "queries and keys", True),
        ("keys + queries", "keys alone", False),
        ("not differentia*", "not differentiable (can't do backprop)", True),
        ("not train*", "I don't think we can train it", True),
        ("not gradient*", "the gradient is not zero", False),
        ("not train*", "a non-differentiable function is used to train", False),
        ("مشتق (ندارد|نیست)", "argmax مشتق ندارد و پارامترها تغییر نمی‌کنند", True),
        ("one ?way", "oneway", True),
    ],
)
def test_phrases(phrase: str, text: str, said: bool) -> None:
    assert (find_phrase(phrase, fold(text)) is not None) == said


def test_what_is_said_of_a_foil_is_no_statement_about_the_subject() -> None:
    said = "the gradient is zero and the keys are not trained, but it is cheap."
    assert check("q3b", f"With argmax {said}").verdict == "correct"
    assert check("q3b", f"With softmax {said}").verdict == "unreadable"
    assert check("q3b", f"Unlike softmax, with argmax {said}").verdict == "correct"


def test_a_statement_that_is_taken_back_is_for_a_person() -> None:
    said = "Argmax has zero gradient so the keys are not trained and information is lost"
    assert check("q3b", f"{said}.").verdict == "correct"
    assert check("q3b", f"{said}, but this is wrong.").verdict == "unreadable"
    assert check("q3b", f"Some people say: {said}.").verdict == "unreadable"


@pytest.mark.parametrize("phrase", ["(open", "not ", "+ + +", ""])
def test_a_phrase_that_cannot_be_read_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="phrase"):
        compile_phrase(phrase)


def test_a_referred_answer_shows_the_sentence_to_look_at() -> None:
    evidence = check("q3b", "It is cheap. The gradient does something odd with the queries.")
    assert evidence.verdict == "unreadable" and evidence.review is not None
    assert evidence.observed["highlight"] == ["The gradient does something odd with the queries."]


def test_an_unfinished_answer_is_not_told_the_key_points() -> None:
    evidence = check("q3b", "It is cheap.")
    shown = str((evidence.observed, evidence.findings))
    assert evidence.verdict == "partial"
    assert "piecewise" not in shown and "receive no signal" not in shown


def test_a_text_that_is_far_too_long_is_for_a_person() -> None:
    evidence = check("q3b", "Argmax is not differentiable. " * 1000)
    assert evidence.verdict == "unreadable" and evidence.review is not None
    assert "characters" in evidence.review.reason


@pytest.mark.parametrize(
    "text", ["gradient " * 1300, "not " * 3000, "\n" * 11_000 + "x", "[(" * 5000, "گرادیان نیست " * 900]
)
def test_no_text_takes_long_to_read(text: str) -> None:
    start = count_seconds()
    check("q3b", text)
    assert count_seconds() - start < 10
