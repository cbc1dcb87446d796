"""Answers tried on the rubric from the command line, one by one and from a table of cases."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.trying import try_
from grader.course import load_course
from grader.errors import ConfigError
from grader.model import Evidence, Review
from grader.workbench.trial import Case, Trial, build_report, find_coverage, find_precision, load_cases

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def course():
    return load_course([], root=ROOT, rubric=None, class_folder=None)


def run(*arguments: str):
    return CliRunner().invoke(try_, [*arguments, "--course", str(ROOT)])


def make_trial(expected, verdict, *, review=False, also_ok=()):
    credit = (
        None if verdict in ("unreadable", "ungraded") else {"correct": 1, "wrong": 0, "missing": 0}.get(verdict, 0.5)
    )
    evidence = Evidence(criterion="c", verdict=verdict, credit=credit, review=Review(reason="odd") if review else None)
    return Trial(case=Case(criterion="c", answer="", expected=(expected, *also_ok)), evidence=evidence)


@pytest.mark.parametrize(
    ("trial", "agrees"),
    [
        (make_trial("correct", "correct"), True),
        (make_trial("correct", "wrong"), False),
        (make_trial("partial", "wrong", also_ok=["wrong"]), True),
        (make_trial("correct", "correct", review=True), False),
        (make_trial("unreadable", "unreadable", review=True), True),
        (make_trial("unreadable", "correct", review=True), True),
        (make_trial("unreadable", "correct"), False),
        (make_trial("correct", "unreadable", review=True), False),
    ],
)
def test_a_row_agrees_when_it_is_decided_as_expected_or_left_to_a_person_where_that_is_expected(trial, agrees):
    assert trial.agrees is agrees


def test_coverage_is_of_what_can_be_decided_and_precision_of_what_was():
    trials = [
        make_trial("correct", "correct"),
        make_trial("correct", "wrong"),
        make_trial("wrong", "unreadable", review=True),
        make_trial("unreadable", "unreadable", review=True),
        make_trial("unreadable", "correct"),
    ]
    assert find_coverage(trials) == pytest.approx(2 / 3)
    assert find_precision(trials) == pytest.approx(1 / 3)
    assert find_precision(trials[2:4]) is None
    report = build_report("c", trials)
    assert [row["agrees"] for row in report["rows"]] == [True, False, False, True, False]


def test_one_answer_is_shown_with_what_was_read():
    result = run("q2a", "--text", r"$y_t - \hat y_t$")
    assert result.exit_code == 0
    assert r"y_{t} - \hat{y}_{t}" in result.output and "partial" in result.output and "sign_flipped" in result.output


def test_kinds_other_than_formulas_and_standard_input():
    assert "output [6, 1, 2]" in run("q3a", "--text", "[۶, ۱, ۲]").output
    result = CliRunner().invoke(try_, ["q1a", "-", "--course", str(ROOT), "--json"], input="2 and 3")
    assert json.loads(result.stdout)["rows"][0]["verdict"] == "correct"


def test_a_table_of_cases_gives_figures_and_disagreements(tmp_path):
    rows = [
        {"answer": r"$\hat y_t - y_t$", "verdict": "correct"},
        {"answer": r"$\hat y_t + y_t$", "verdict": "correct"},
        {"answer": "2 and 3", "verdict": "correct", "criterion": "q1a"},
        {"answer": "I did not get this far, but see $\\mathfrak{Q}$", "verdict": "unreadable"},
    ]
    file = tmp_path / "cases.yaml"
    file.write_text(json.dumps(rows))
    result = run("q2a", "--cases", str(file), "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [row["agrees"] for row in report["rows"]] == [True, False, True, True]
    assert report["coverage"] == 1.0 and report["precision"] == pytest.approx(2 / 3)
    assert "Decided otherwise than expected" in run("q2a", "--cases", str(file)).output
    file.write_text(json.dumps(rows[2:]))
    assert run("q2a", "--cases", str(file)).exit_code == 0


def test_every_problem_of_a_table_is_told_at_once_with_its_line(tmp_path, course):
    file = tmp_path / "cases.yaml"
    file.write_text("- {answer: a, verdict: rigth}\n- {answer: a, verdict: wrong, criterion: q9}\n- {answer: [1]}\n")
    with pytest.raises(ConfigError) as error:
        load_cases(file, "q2a", course)
    assert [problem.line for problem in error.value.problems] == [1, 2, 3]
    assert "'rigth'" in str(error.value) and "no criterion 'q9'" in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["q2a"], "Give one of"),
        (["q2a", "x.md", "--text", "y"], "Give one of"),
        (["--text", "y"], "CRITERION"),
        (["q4_train", "--text", "y"], "asks for a notebook"),
        (["q9", "--text", "y"], "no criterion"),
        (["q2a", "/no/such/file"], "/no/such/file"),
    ],
)
def test_what_cannot_be_tried_is_said(arguments, words):
    result = run(*arguments)
    assert result.exit_code != 0
    assert words in result.output + str(result.exception)
