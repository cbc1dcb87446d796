"""What a student may see, and nothing else."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from grader.feedback import StudentView, student_view
from grader.feedback.student_view import CriterionView
from grader.model import Deduction, Review
from tests.unit.feedback_sheets import STAFF, everywhere, mark, realistic, sheet


def only(**details) -> CriterionView:
    (group,) = student_view(sheet(mark("q1a", "A part", "5", **details))).groups
    return group.criteria[0]


def said(view: StudentView) -> str:
    return repr(dataclasses.asdict(view))


def test_no_word_for_staff_is_in_the_view() -> None:
    text = said(student_view(realistic()))
    assert [word for word in STAFF if word in text] == []


@pytest.mark.parametrize("visibility", ["after_due", "staff", None, "Visible", "VISIBLE ", True])
def test_what_was_expected_is_hidden_unless_it_is_said_to_be_visible(visibility: object) -> None:
    assert only(verdict="wrong", credit="0", expected={"visibility": visibility, "text": "the answer"}).expected is None


def test_what_was_expected_is_shown_where_visible() -> None:
    seen = only(verdict="wrong", credit="0", expected={"visibility": "visible", "text": "the answer"})
    assert seen.expected is not None and seen.expected.text == "the answer"


def test_a_deduction_is_told_apart_from_what_answers_lost() -> None:
    marks = (mark("q1", "One", "10", "partial", "0.5"), mark("q2", "Two", "5", "unreadable"))
    taken = Deduction(code="late", reason="1 day late", marks=Decimal(2))
    view = student_view(dataclasses.replace(sheet(*marks), awarded_so_far=Decimal(3), deductions=(taken,)))
    assert (view.earned, view.deducted, view.lost, view.waiting) == (3, 2, 5, 5)
    assert view.earned + view.deducted + view.lost + view.waiting == view.available
    assert [(item.text, item.marks) for item in view.deductions] == [("1 day late", 2)]


def test_where_the_time_is_unknown_the_reason_for_staff_is_not_shown() -> None:
    review = Review(reason="STAFF-REASON", suggested_verdict=None)
    view = student_view(
        dataclasses.replace(sheet(mark("q1", "One", "10", "correct", "1")), awarded=None, review=review)
    )
    assert view.undated and not view.settled and "STAFF-REASON" not in said(view)


@pytest.mark.parametrize("verdict", ["correct", "wrong", "unreadable"])
def test_an_undecided_answer_shows_neither_verdict_nor_suggestion(verdict: str) -> None:
    credit = {"correct": "1", "wrong": "0"}.get(verdict)
    seen = only(verdict=verdict, credit=credit, waits=True, reading="scalar")
    assert (seen.verdict, seen.awarded, seen.reading) == ("waiting", None, "")
    assert "person" in seen.waiting and "STAFF" not in seen.waiting


def test_undecided_answers_look_the_same_whatever_is_suggested() -> None:
    """The page must not tell a suggested "correct" from a suggested "wrong"."""
    said = {"says": ["Right."], "observed": {"next": "Go on."}}
    heard = {"says": ["Not so."], "observed": {"next": "Look again."}}
    one = only(verdict="correct", credit="1", waits=True, reading="scalar", **said)
    assert one == only(verdict="wrong", credit="0", waits=True, **heard)


def test_an_answer_that_could_not_be_read_keeps_its_findings() -> None:
    assert only(verdict="unreadable", says=["The page is a photograph."]).messages == ("The page is a photograph.",)


def test_the_sentence_for_waiting_says_why_in_kind_words() -> None:
    assert "our side" in only(verdict="ungraded").waiting
    assert "hard to read" in only(verdict="correct", credit="1", waits=True, observed={"repairs": ["x"]}).waiting
    assert "with certainty" in only(verdict="unreadable").waiting
    assert only(verdict="correct", credit="1").waiting == ""


def test_marks_add_up() -> None:
    view = student_view(realistic())
    assert view.earned + view.lost + view.waiting == view.available
    assert sum((group.available for group in view.groups), Decimal(0)) == view.available
    assert sum((group.awarded for group in view.groups), Decimal(0)) == view.earned


def test_marks_given_by_a_person_replace_the_verdict_that_could_not_be_reached() -> None:
    for given, verdict in (("5", "correct"), ("2", "partial"), ("0", "wrong")):
        undecided = mark("q1a", "A part", "5", "unreadable")
        moderated = dataclasses.replace(undecided, awarded=Decimal(given))
        assert student_view(sheet(moderated)).groups[0].criteria[0].verdict == verdict


def test_steps_begin_where_most_was_lost_and_never_name_what_waits() -> None:
    view = student_view(realistic())
    lost = [step.lost for step in view.steps]
    assert lost == sorted(lost, reverse=True) and len(view.steps) == 4 and view.more_steps == 3
    assert not {step.anchor for step in view.steps} & {"part-q3a", "part-q3b", "part-q4-quality"}
    assert view.steps[0].text.startswith("We found no answer.")


def test_an_error_shows_its_last_line_without_the_folders_of_our_machine() -> None:
    error = 'Traceback (most recent call last):\n  File "/tmp/run-1/x.py", line 3, in <module>\nKeyError: 7\n'
    cells = [
        {"index": 3, "outcome": "raised", "error": error, "source": "x"},
        {"index": 4, "outcome": "raised", "error": "FileNotFoundError: '/tmp/run-1/work/data.csv'", "source": "x"},
        {"index": 5, "outcome": "raised", "error": "FileNotFoundError: '/content/drive/data.csv'", "source": "x"},
    ]
    shown = only(verdict="wrong", credit="0", observed={"cells": cells}).observed.cells
    assert [cell.error for cell in shown] == [
        "KeyError: 7",
        "FileNotFoundError: '…/data.csv'",
        "FileNotFoundError: '/content/drive/data.csv'",
    ]


def test_only_device_and_versions_are_left_of_the_environment() -> None:
    assert student_view(realistic()).environment == "Checked on cpu with Python 3.11.7, torch 2.13.0, NumPy 2.4.6."
    assert student_view(dataclasses.replace(realistic(), environment={})).environment == ""
    absent = {"device": "cuda", "versions": {"torch": "absent"}}
    assert student_view(dataclasses.replace(realistic(), environment=absent)).environment == "Checked on cuda."


@pytest.mark.parametrize(
    "observed",
    [
        {"table": 3},
        {"table": {"columns": [], "rows": []}},
        {"table": {"columns": ["a"], "rows": ["text"]}},
        {"plot": []},
        {"plot": {"series": []}},
        {"plot": {"series": [{"name": "a", "x": [1], "y": [None]}]}},
        {"plot": {"kind": "bars", "categories": None, "series": [{"name": "a", "values": [1]}]}},
        {"cells": ["text", None, 7], "latex": [None, ""], "repairs": None, "next": None, "answer": None},
        {"latex": {"a": 1}, "repairs": "one sentence", "cells": {"index": 1}, "text": 3.14159265},
    ],
)
def test_evidence_of_an_odd_shape_never_stops_the_page(observed: dict) -> None:
    seen = only(verdict="wrong", credit="0", observed=observed).observed
    assert seen.table is None and seen.plot is None


def test_what_could_not_be_drawn_is_said() -> None:
    assert only(verdict="wrong", credit="0", observed={"plot": [1], "table": "x"}).observed.undrawn == ("table", "plot")


def test_long_texts_are_cut_and_say_so() -> None:
    answer = only(verdict="wrong", credit="0", observed={"answer": "a" * 9000}).observed.answer
    assert len(answer) < 4100 and answer.endswith("(shortened; the rest is in your file)")


def test_criteria_of_one_question_stand_together_and_odd_names_have_a_place() -> None:
    view = student_view(sheet(*(mark(name, "A part", "1", "correct", "1") for name in ("q1a", "q1b", "q2", "bonus"))))
    assert [(group.title, len(group.criteria)) for group in view.groups] == [
        ("Question 1", 2),
        ("Question 2", 1),
        ("Your answers", 1),
    ]
    assert [item.label for group in view.groups for item in group.criteria] == ["1a", "1b", "2", ""]


def test_a_finding_said_twice_is_shown_once() -> None:
    assert only(verdict="wrong", credit="0", says=["Look again.", "Look again."]).messages == ("Look again.",)


def test_the_view_can_be_made_of_hostile_text() -> None:
    assert "\x1b" not in said(student_view(everywhere("\x1b[1mbold\x1b[0m")))


def test_advice_that_goes_with_full_marks_is_a_step_too_and_comes_last() -> None:
    full = mark(
        "q1a", "A part", "5", "correct", "1", says=["The GRU never moved."], observed={"next": "Make an optimizer."}
    )
    view = student_view(sheet(full, mark("q1b", "B part", "1", "wrong", "0")))
    assert [(step.title, step.lost) for step in view.steps] == [("B part", 1), ("A part", 0)]


def test_advice_that_repeats_a_finding_is_said_once() -> None:
    seen = only(verdict="wrong", credit="0", says=["Clear the gradients."], observed={"next": "Clear the gradients."})
    assert (seen.messages, seen.next) == (("Clear the gradients.",), "")


def test_a_table_of_what_is_right_is_kept_back_while_the_answer_is_undecided() -> None:
    table = {"table": {"columns": ["Quantity", "Read as"], "rows": [["scores", "right"]]}}
    assert only(verdict="correct", credit="1", waits=True, observed=table).observed.table is None
    assert only(verdict="correct", credit="1", observed=table).observed.table is not None


def test_full_marks_without_a_finding_need_no_advice() -> None:
    assert only(verdict="correct", credit="1", observed={"next": "Nothing to mend."}).next == ""
    assert only(verdict="partial", credit="0.5", observed={"next": "Mend this."}).next == "Mend this."
