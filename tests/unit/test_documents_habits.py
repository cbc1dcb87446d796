"""The same nine answers under labels in many habits: each must be found, and nothing of another with it."""

from __future__ import annotations

import random
import re

import pytest

from grader.course import load_course
from grader.documents import find_passages, read_document
from tests.document_maker import convert
from tests.sampling import sample
from tests.unit.test_documents_passages import ROOT, WANTED

ANSWERS = {
    (1, "a"): "Options 2 and 3, because one label comes at the end.",
    (1, "b"): "The third one: the mood y_t depends on x_1..x_t.",
    (1, "c"): "The third, P(y_t given y_1..y_{t-1}).",
    (2, "a"): r"$g_{o_t} = \hat y_t - y_t$",
    (2, "b"): r"$\frac{\partial J_t}{\partial h_i} = (W_{hh}^T)^{t-i} W_{yh}^T g_{o_t}$",
    (2, "c"): r"$\frac{\partial J_t}{\partial W_{hh}} = \sum_{i=1}^t g_{h_i} h_{i-1}^T$",
    (2, "d"): r"$\frac{\partial J}{\partial W_{hh}} = \sum_{t=1}^3 g_{W_{hh},t}$",
    (3, "a"): "Scores are -2, 3, 0, 6 so index 3 and the output is [6, 1, 2].",
    (3, "b"): "argmax has zero gradient almost everywhere, so queries and keys are not trained. It is cheap.",
}
PERSIAN, DIGITS = ("الف", "ب", "ج", "د"), "۰۱۲۳۴"
ORDINALS = ("اول", "دوم", "سوم", "چهارم")
NTH = ("first", "second", "third", "fourth")
ROMAN = ("i", "ii", "iii", "iv")
TITLES = ("Choosing", "Backpropagation through time", "Attention")

# How a question is headed (None where its parts name it), how a part begins, and what stands between two answers. The
# names are explained in _write.
HABITS: dict[str, tuple[str | None, str, str]] = {
    "bold letter": ("## Q{q}", "**{p}** ", "\n\n"),
    "heading letter": ("# Question {q}", "### {p}\n\n", "\n\n"),
    "upper letter heading": ("# Question {q}", "### {P}\n\n", "\n\n"),
    "q1 - 1": (None, "#### Question {q} - {i}\n", "\n\n"),
    "Q1.1 colon": (None, "Q{q}.{i}: ", "\n\n"),
    "Q1_1": (None, "**Q{q}_{i}**\n", "\n\n"),
    "Q1(1)": (None, "Q{q}({i}) ", "\n\n"),
    "Q1 (a) dash": (None, "Q{q} ({p}) — ", "\n\n"),
    "Q1/a": (None, "Q{q}/{p}: ", "\n\n"),
    "[1a]": (None, "[{q}{p}] ", "\n\n"),
    "[Q1a]": (None, "[Q{q}{p}]\n", "\n\n"),
    "<1a>": (None, "({q}{p}) ", "\n\n"),
    "1a": (None, "{q}{p} ", "\n\n"),
    "1.a": (None, "{q}.{p} ", "\n\n"),
    "1.a)": (None, "{q}.{p}) ", "\n\n"),
    "1 a nl": (None, "{q} {p}\n", "\n\n"),
    "1A bold": (None, "**{q}{P}.** ", "\n\n"),
    "ans(a)": ("Answer {q}:", "ans ({p}): ", "\n\n"),
    "Answer to question 1 part a": (None, "Answer to question {q} part {p}: ", "\n\n"),
    "Answer of part a of Q1": (None, "Answer of part {p} of question {q}:\n", "\n\n"),
    "For part a": ("Question {q}:", "For part {p}: ", "\n\n"),
    "In question 1 part a,": (None, "In question {q} part {p}: ", "\n\n"),
    "Part A nl": ("QUESTION {q}", "PART {P}\n", "\n\n"),
    "Problem 1, roman": ("Problem {q}.", "({r}) ", "\n\n"),
    "Problem 1 roman noparen": ("Problem {q}.", "{r}. ", "\n\n"),
    "numbers under heading": ("## Q{q}", "{i}. ", "\n"),
    "numbers paren para": ("## Q{q}", "{i}) ", "\n\n"),
    "bold numbers": ("## Q{q}", "**{i}** ", "\n\n"),
    "ordinal words": ("## Q{q}", "{nth} part: ", "\n\n"),
    "the first question": ("The {nthq} question", "{p}) ", "\n\n"),
    "Question One": ("Question {one}", "{p}) ", "\n\n"),
    "bullets letter": ("**Question {q}**", "- {p}: ", "\n"),
    "nested list": ("{q}.", "   {p}. ", "\n"),
    "nested list2": ("- Q{q}", "    - {p}) ", "\n"),
    "1. then a)": ("{q})", "{p}) ", "\n\n"),
    "letter dash": ("Q{q}", "{p} - ", "\n\n"),
    "letter dot nl": ("Q{q}", "{p}.\n", "\n\n"),
    "quote question letter": ("Q{q}", "({p})\n> ", "\n\n"),
    "backtick": ("Q{q}", "`{p}` ", "\n\n"),
    "no labels order": ("Q{q}", "", "\n\n"),
    "no labels at all": (None, "", "\n\n"),
    "emoji": ("🔹 Question {q}", "▪️ {p}) ", "\n\n"),
    "equals line": ("===== Q{q} =====", "--- {p} ---\n", "\n\n"),
    "dashes": ("----- Question {q} -----", "{p})-> ", "\n\n"),
    "comment #": ("# ---- Q{q} ----", "# {p}\n", "\n\n"),
    "Task": ("Task {q}", "{q}.{p}: ", "\n\n"),
    "Ex": ("Ex. {q}", "{p}) ", "\n\n"),
    "Exercise no": ("Exercise no. {q}", "{p}) ", "\n\n"),
    "Nr": ("No {q}", "{p}) ", "\n\n"),
    "№": ("№{q}", "{p}) ", "\n\n"),
    "#1": ("#{q}", "{p}) ", "\n\n"),
    "(1)": ("({q})", "({p}) ", "\n\n"),
    "Section 1": ("Section {q}: RNN", "{p}) ", "\n\n"),
    "Part 1 sub a": ("Part {q}", "{p}) ", "\n\n"),
    "roman question": ("{R}.", "{p}) ", "\n\n"),
    "Question I": ("Question {R}", "{p}) ", "\n\n"),
    "sub-question": ("Question {q}", "Sub-question {p}: ", "\n\n"),
    "latex sections": ("\\section*{{Question {q}}}", "\\subsection*{{({p})}} ", "\n\n"),
    "latex enumerate": ("\\section{{Q{q}}}", "\\item[({p})] ", "\n"),
    "latex textbf": ("\\textbf{{Question {q}}}", "\\textbf{{{p})}} ", "\n\n"),
    "fa1": ("سوال {dq}", "{fa}) ", "\n\n"),
    "fa2": ("## سوال {oq}", "**{fa})** ", "\n\n"),
    "fa3": ("پاسخ سوال {dq}:", "قسمت {fa}: ", "\n\n"),
    "fa4": (None, "سوال {dq} قسمت {fa}: ", "\n\n"),
    "fa5": (None, "{dq}-{fa}: ", "\n\n"),
    "fa6": (None, "{dq}.{di} ", "\n\n"),
    "fa8": ("سوال {dq}", "بخش {oi}: ", "\n\n"),
    "fa9": ("سوال {dq}", "**{fa}** ", "\n\n"),
    "fa10": ("سوال{dq})", "{di}) ", "\n\n"),
    "fa11": ("مسئله {oq}", "{fa} - ", "\n\n"),
    "fa12": ("جواب سوال {oq}", "{fa} : ", "\n\n"),
    "fa13": ("س{dq}", "{fa}. ", "\n\n"),
    "fa14": ("سوال {dq}", "جواب قسمت {fa}\n", "\n\n"),
    "fa15": ("سوال {dq}", "مورد {oi}) ", "\n\n"),
    "fa16": ("پرسش شماره {dq}", "({fa}) ", "\n\n"),
    "Q1 a = ": (None, "Q{q} {p} = ", "\n\n"),
    "Q1 a)": (None, "Q{q} {p}) ", "\n\n"),
    "q1, a": (None, "q{q},{p} ", "\n\n"),
    "1st question": ("{nd} question:", "{p}) ", "\n\n"),
    "Question 1 title": ("## Question {q}: {title}", "### Part ({p})\n", "\n\n"),
    "Question 1 (15 pts)": ("## Question {q} (15 points)", "{p}) (5 points) ", "\n\n"),
    "titles in parts": ("## Question {q}", "### {p}) Gradient or choice\n", "\n\n"),
    "a1 order": (None, "A{q}{p}: ", "\n\n"),
    "A1. (a)": (None, "A{q}. ({p}) ", "\n\n"),
    "A: Q1a": (None, "Q{q}{p}) ???\nA: ", "\n\n"),
}
TABLES = {
    "a column each for question and part": ("| Question | Part | Answer |", "| {q} | {p} | {x} |"),
    "one column for both": ("| Part | Answer |", "| {q} / {p} | {x} |"),
    "the question once": ("| Q | Part | Answer |", "| {once} | {p} | {x} |"),
    "in Persian": ("| سوال | پاسخ |", "| {digit} - {fa} | {x} |"),
}


def _write(head: str | None, part: str, between: str) -> str:
    pieces = []
    for question, letters in ((1, "abc"), (2, "abcd"), (3, "ab")):
        n = question - 1
        # q, dq, oq, nthq, one, R, nd: the question as 1, ۱, اول, first, One, I, 1st.
        asked = {"q": question, "dq": DIGITS[question], "oq": ORDINALS[n], "nthq": NTH[n], "title": TITLES[n]}
        asked |= {"one": ("One", "Two", "Three")[n], "R": ROMAN[n].upper(), "nd": ("1st", "2nd", "3rd")[n]}
        if head is not None:
            pieces.append(head.format(**asked))
        for i, p in enumerate(letters):
            # p, P, i, di, fa, oi, nth, r: the part as a, A, 1, ۱, الف, اول, First, i.
            named = {"p": p, "P": p.upper(), "i": i + 1, "di": DIGITS[i + 1], "fa": PERSIAN[i], "oi": ORDINALS[i]}
            begins = part.format(**asked, **named, nth=NTH[i].capitalize(), r=ROMAN[i])
            pieces.append(begins + ANSWERS[question, p])
    return between.join(pieces)


def _tabulate(titles: str, row: str) -> str:
    lines = [titles, "|" + "---|" * (titles.count("|") - 1)]
    for (question, letter), text in ANSWERS.items():
        names = {
            "once": question if letter == "a" else "",
            "digit": DIGITS[question],
            "fa": PERSIAN["abcd".index(letter)],
        }
        lines.append(row.format(q=question, p=letter, x=text, **names))
    return "\n".join(lines)


def _check(report: str, media: str) -> None:
    found = find_passages([read_document("report", media, report.encode())], WANTED)
    for place, passage in found.items():
        mine = ANSWERS[place.question, place.part]
        assert passage.state == "given", (place.question, place.part, passage.reason)
        assert "".join(mine.split()) in "".join(passage.text.split())
        assert not [other for other in ANSWERS.values() if other != mine and other in passage.text]


@pytest.mark.parametrize("media", ["markdown", "text"])
@pytest.mark.parametrize("name", sample(HABITS, 30))
def test_every_answer_is_found_under_labels_in_any_habit(name: str, media: str) -> None:
    _check(_write(*HABITS[name]), media)


@pytest.mark.parametrize("name", TABLES)
def test_every_answer_is_found_in_a_table(name: str) -> None:
    _check(_tabulate(*TABLES[name]), "markdown")


@pytest.mark.parametrize("format_", ["docx", "html"])
@pytest.mark.parametrize("name", sample(["bold letter", "Q1 (a) dash", "table", "q1 - 1", "fa4", "fa9"], 2))
def test_every_answer_is_found_in_a_file_of_another_kind(name: str, format_: str) -> None:
    report = _tabulate(*TABLES["one column for both"]) if name == "table" else _write(*HABITS[name])
    found = find_passages([read_document(f"report.{format_}", format_, convert(report, format_))], WANTED)
    assert {passage.state for passage in found.values()} == {"given"}


@pytest.mark.parametrize(
    "text",
    [
        "**a** and **b** are right, c is not.",
        "👉 b) is what I choose, not c).",
        "It is 2. A1 = W x is only the first step; b) does not fit.",
        "| b) | no |\n|---|---|\n| c) | yes |",
    ],
)
def test_what_is_like_a_label_inside_an_answer_opens_nothing(text: str) -> None:
    report = f"Q1\n\nPart a: {text}\n\nPart b: 3\n\nPart c: 3\n"
    found = find_passages([read_document("report.md", "markdown", report.encode())], WANTED)
    (first,) = [passage for place, passage in found.items() if (place.question, place.part) == (1, "a")]
    assert first.state == "given" and "".join(text.split())[-6:] in "".join(first.text.split())
    assert {found[place].text for place in WANTED if place.question == 1 and place.part != "a"} == {"3"}


def _damage(report: str, chance: random.Random) -> str:
    """Return a report with one label spoilt: left out, without its bracket, with a letter too few or too many."""
    lines = report.split("\n")
    index = chance.choice([index for index, line in enumerate(lines) if line.strip()])
    line = lines[index]
    act, place = chance.randrange(5), chance.randrange(min(6, len(line)))
    if act == 0:
        line = next((answer for answer in ANSWERS.values() if answer in line), line)
    elif act == 1:
        line = re.sub(r"[)\]:.]", " ", line, count=1)
    elif act == 2:
        line = line[:place] + line[place + 1 :]
    elif act == 3:
        line = line[:place] + chance.choice("abcdq123) ") + line[place:]
    else:
        line = re.sub(r"\b[abcd]\b", lambda _: chance.choice("abcd"), line, count=1)
    return "\n".join([*lines[:index], line, *lines[index + 1 :]])


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_an_answer_under_a_spoilt_label_is_not_missing(seed: int) -> None:
    course = load_course([], root=ROOT, rubric=None, class_folder=None)
    places = [place for place in course.rubric.places.values() if place in WANTED]
    chance = random.Random(seed)
    lost = []
    for name, habit in HABITS.items():
        for _ in range(4):
            report = _damage(_write(*habit), chance)
            found = find_passages([read_document("report.md", "markdown", report.encode())], places)
            plain = "".join(report.split())
            lost += [
                (name, place, report)
                for place, passage in found.items()
                if passage.state == "missing" and "".join(ANSWERS[place.question, place.part].split()) in plain
            ]
    # Of some 3,000 answers; with a label that names another part, a reader is misled as well.
    assert len(lost) <= 2, lost[:3]
