"""The gradebook: a row for everybody, exact marks, and no cell that a spreadsheet would calculate."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal

import pytest

from grader.batch.gradebook import Gradebook, guard_cell, show_marks
from grader.model import Deduction, Marksheet
from tests.unit.feedback_sheets import mark, sheet

HEAD = ["student", "status", "total", "so_far", "available", "q1", "q2", "waiting_for_a_person", "on_roster"]


def read(book: Gradebook) -> list[list[str]]:
    """Return the rows as another program reads them, the head checked and left out."""
    head, *rows = csv.reader(io.StringIO("".join(book.export()), newline=""), strict=True)
    assert head == HEAD and {len(row) for row in rows} <= {len(HEAD)}
    return rows


def graded(student: str, one: str = "0.5", two: str | None = "1") -> Marksheet:
    marks = (
        mark("q1", "One", "10", "partial", one),
        mark("q2", "Two", "90", "ungraded" if two is None else "partial", two),
    )
    return sheet(*marks, submission=student)


def test_every_student_of_the_roster_has_a_row_in_its_order_and_others_come_after() -> None:
    book = Gradebook(["q1", "q2"], ["s10", "s2", "s7", "s1"])
    for student in ("x10", "s1", "x9", "s10"):
        book.add(graded(student))
    book.add_ungraded("s7", "failed")
    book.add_ungraded("x1", "not graded")
    assert [(row[0], row[1], row[-1]) for row in read(book)] == [
        ("s10", "final", "yes"),
        ("s2", "no hand-in", "yes"),
        ("s7", "failed", "yes"),
        ("s1", "final", "yes"),
        ("x1", "not graded", "no"),
        ("x9", "final", "no"),
        ("x10", "final", "no"),
    ]
    assert all(row[2:-1] == [""] * 6 for row in read(book) if row[1] in ("no hand-in", "failed", "not graded"))


def test_a_deadline_has_columns_of_its_own() -> None:
    book = Gradebook(["q1", "q2"], ["s1", "s2"], late=True)
    taken = Deduction(code="late", reason="r", marks=Decimal("2.50"))
    book.add(replace(graded("s1"), deductions=(taken,), submitted_at="2026-12-03T10:12:00Z"))
    head, one, two = csv.reader(io.StringIO("".join(book.export())))
    assert head[4:8] == ["available", "submitted_at", "deducted", "q1"] and len(one) == len(two) == len(head)
    assert one[5:7] == ["2026-12-03T10:12:00Z", "2.5"] and two[1:3] == ["no hand-in", ""]


def test_without_a_roster_all_come_in_natural_order() -> None:
    book = Gradebook(["q1", "q2"])
    for student in ("s10", "s9", "s1"):
        book.add(graded(student))
    book.add_ungraded("s2", "failed")
    assert [(row[0], row[-1]) for row in read(book)] == [("s1", ""), ("s2", ""), ("s9", ""), ("s10", "")]


def test_an_empty_class_has_a_head_and_an_empty_one_on_a_roster_a_row_each() -> None:
    assert read(Gradebook(["q1", "q2"])) == []
    assert read(Gradebook(["q1", "q2"], ["a"])) == [["a", "no hand-in", *[""] * 6, "yes"]]


def test_what_is_undecided_is_blank_and_never_nought() -> None:
    book = Gradebook(["q1", "q2"])
    book.add(graded("waits", "0", None))
    book.add(graded("zero", "0", "0"))
    assert read(book) == [
        ["waits", "needs review", "", "0", "100", "0", "", "q2", ""],
        ["zero", "final", "0", "0", "100", "0", "0", "", ""],
    ]


def test_columns_follow_the_rubric_and_not_the_sheet() -> None:
    book = Gradebook(["q1", "q2"])
    book.add(replace(graded("a"), marks=tuple(reversed(graded("a").marks))))
    book.add(replace(graded("b"), marks=graded("b").marks[:1]))
    assert [row[5:7] for row in read(book)] == [["5", "90"], ["5", ""]]


def test_a_student_added_twice_has_the_later_marks() -> None:
    book = Gradebook(["q1", "q2"])
    book.add_ungraded("a", "failed")
    book.add(graded("a"))
    assert [row[:3] for row in read(book)] == [["a", "final", "95"]]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("0.1"), "0.1"),
        (Decimal("33.33"), "33.33"),
        (Decimal("100"), "100"),
        (Decimal("1E+2"), "100"),
        (Decimal("4.50"), "4.5"),
        (Decimal("0.00"), "0"),
        (Decimal("0.1") + Decimal("0.2"), "0.3"),
        (Decimal("0.0000001"), "0.0000001"),
        (None, ""),
    ],
)
def test_marks_are_exact(value: Decimal | None, shown: str) -> None:
    assert show_marks(value) == shown


FORMULAS = [
    *("=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "-2+3+cmd|' /C calc'!A0"),
    *("\t=1", "\tx", "\r=1", "\rx", "\n=1", "  =1", " \u00a0+1", "\u2003@x"),
    *("＝1", "＋1", "－1", "＠x", "|x", "%x", "\ufeff=1", "\u200b=1", "\u200c+1"),
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_taken_for_a_formula_wherever_it_stands(text: str) -> None:
    book = Gradebook(["q1", "q2"], [text])
    book.add_ungraded("other " + text, text)
    rows = read(book)
    assert [row[0] for row in rows] == ["'" + text.replace("\r", "\n"), "other " + text.replace("\r", "\n")]
    assert rows[1][1].startswith("'")
    head = next(csv.reader(io.StringIO("".join(Gradebook([text]).export()), newline="")))
    assert head[5].startswith("'")


@pytest.mark.parametrize("text", ["", "s0001", "1-2", "a=b", "5", "0.1", "a@b", "100%", "علی", " a", "'a"])
def test_ordinary_cells_are_left_alone(text: str) -> None:
    assert guard_cell(text) == text


@pytest.mark.parametrize("name", ["a,b", 'say "a"', "a\nb", '",\n"', "علی‌رضا، ۱", "a;b\tc", "日本", ""])
def test_any_name_comes_back_as_it_was(name: str) -> None:
    book = Gradebook(["q1", "q2"], ["before", name, "after"])
    book.add(graded(name))
    assert [row[:3] for row in read(book)] == [["before", "no hand-in", ""], [name, "final", "95"],
                                               ["after", "no hand-in", ""]]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shown"), [("a\rb", "a\nb"), ("a\r\nb", "a\nb"), ("a\0b\x1b[1m", "a\ufffdb\ufffd[1m")]
)
def test_what_would_break_a_row_or_a_reader_is_replaced(name: str, shown: str) -> None:
    book = Gradebook(["q1", "q2"], [name, "after"])
    assert [row[0] for row in read(book)] == [shown, "after"]
