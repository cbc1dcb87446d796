"""What counts as a label at the beginning of a line, and what is left of the line."""

from __future__ import annotations

import pytest

from grader.documents.labels import find_last_label

# (line, question, part, what is left)
LABELS = [
    ("### Q1)", 1, "", ""),
    ("a)", None, "a", ""),
    ("(a) text", None, "a", "text"),
    ("**a)** text", None, "a", "text"),
    ("**a) text**", None, "a", "**text**"),
    ("Question 1 (a): 2", 1, "a", "2"),
    ("Q1.a", 1, "a", ""),
    ("Q1.a.", 1, "a", ""),
    ("1-a) 2", 1, "a", "2"),
    ("1)a. 2", 1, "a", "2"),
    ("1a:2", 1, "a", "2"),
    ("Q1a 2,3", 1, "a", "2,3"),
    ("Q 1 ) a ) x", 1, "a", "x"),
    ("Q1, part b: 3", 1, "b", "3"),
    ("Question #1: a. 2", 1, "a", "2"),
    ("Ques 1 part (b) - 3", 1, "b", "3"),
    ("Answer to Q3:", 3, "", ""),
    ("Solution of Q2(b):", 2, "b", ""),
    ("سوال ۱ - الف", 1, "a", ""),
    ("سؤال ۱) الف) گزینه ۲", 1, "a", "گزینه ۲"),
    ("سوال دوم - قسمت ب:", 2, "b", ""),
    ("پاسخ سوال ۲", 2, "", ""),
    ("ب- گزینه", None, "b", "گزینه"),
    ("~~Q d)~~", None, "d", ""),
    ("~~b) wrong~~", None, "b", "~~wrong~~"),
    ("~~b)~~ c) right", None, "c", "right"),
    ("$$ b) J = 1 $$", None, "b", "$$ J = 1 $$"),
    (r"$$ \text { b) } J = 1 $$", None, "b", "$$ J = 1 $$"),
    (r"$\mathbf{b)}$ $J$", None, "b", "$J$"),
    (r"$\text{c) }J$ text", None, "c", "$J$ text"),
    (r"\(b) J\)", None, "b", r"\(J\)"),
    (r"\section*{Q2)}", 2, "", ""),
    ("Part a of question 1: 2", 1, "a", "2"),
    ("Q1 (a) continued", 1, "a", ""),
    ("**Answer Q1-b:** 3", 1, "b", "3"),
    ("Q1 (a) and (b)", 1, "", ""),
    ("> Q2:", 2, "", ""),
    ("HW5 Q1: 3", 1, "", "3"),
    ("first question: 3", 1, "", "3"),
    ("b -> 3", None, "b", "3"),
]


@pytest.mark.parametrize(("line", "question", "part", "rest"), LABELS, ids=[row[0] for row in LABELS])
def test_label(line: str, question: int | None, part: str, rest: str) -> None:
    label = find_last_label(line)
    assert label is not None and label.sure
    assert (label.question, label.part, label.rest) == (question, part, rest)


@pytest.mark.parametrize(
    "line",
    [
        "a network that reads",
        "A recurrent network",
        "2 and 3",
        "a, b and c",
        "a = 3",
        "e.g. this",
        "a.k.a. that",
        r"C:\Users\student",
        "$(a+b)c$",
        "d/dt",
        "1.5 is the score",
        "Q1-Q3 are below",
        "Q1 and Q2 are",
        "Answer: b)",
        "1st task",
        "part of the network",
        "questions are hard",
        "Date.",
        "",
        "   ",
    ],
)
def test_no_label(line: str) -> None:
    assert find_last_label(line) is None


@pytest.mark.parametrize("line", ["1. the first", "(2)", "2)", "### 2", "Answer 2", "1. a) x", "Q1 asks for more"])
def test_a_number_is_no_sure_label(line: str) -> None:
    label = find_last_label(line)
    assert label is not None and not label.sure
