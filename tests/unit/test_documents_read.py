"""Bytes to blocks: encodings, HTML, notebooks, and files that are not what they seem."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from grader.documents import Document, Passage, Place, find_passages, read_document
from grader.documents.encoding import read_text
from grader.documents.markup import read_lines
from grader.model import Location
from tests.sampling import sample
from tests.timing import count_seconds

PERSIAN = "سوال ۱\nالف) گزینه دوم و سوم\n"
WANTED = [Place(question=1, part="a"), Place(question=1, part="b")]


def _find(document: Document) -> list[Passage]:
    return list(find_passages([document], WANTED).values())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
def test_encodings_of_english(encoding: str) -> None:
    decoded = read_text("Q1\r\na) the naïve one – “2”\r\n".replace("–", "-").replace("“2”", "2").encode(encoding))
    assert decoded is not None
    assert decoded.text == "Q1\na) the naïve one - 2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp1256"])
def test_encodings_of_persian(encoding: str) -> None:
    text = PERSIAN if encoding != "cp1256" else PERSIAN.replace("۱", "1").replace("ی", "ي")
    decoded = read_text(text.encode(encoding))
    assert decoded is not None and decoded.text == text


def _take_for_western(data: bytes) -> str:
    """Return what a Western program shows for bytes that it does not understand."""
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in data)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1256"])
def test_persian_that_was_saved_as_western_letters(encoding: str) -> None:
    text = PERSIAN.replace("۱", "1").replace("ی", "ي") * 3
    decoded = read_text(_take_for_western(text.encode(encoding)).encode())
    assert decoded is not None and decoded.text == text
    assert [finding.code for finding in decoded.findings] == ["documents.encoded_twice"]


@pytest.mark.parametrize(
    "text",
    ["naïve café, déjà vu – “quoted” façade: Zürich größer Übung ", "Réponse : « été », à côté où ça "],
)
def test_western_letters_stay_what_they_are(text: str) -> None:
    decoded = read_text((text * 5).encode())
    assert decoded is not None and decoded.text == text * 5 and decoded.findings == ()


def test_a_guessed_encoding_is_told_to_staff() -> None:
    document = read_document("report.md", "markdown", "Q1\na) naïve café\n".encode("cp1252"))
    assert [(item.code, item.audience) for item in document.findings] == [("documents.encoding_assumed", "staff")]
    assert "cp1252" in document.findings[0].message
    assert read_document("report.md", "markdown", "Q1 naïve".encode()).findings == ()


def test_one_bad_byte_does_not_change_the_encoding() -> None:
    decoded = read_text((PERSIAN * 20).encode() + b"\xff")
    assert decoded is not None and decoded.encoding == "utf-8" and PERSIAN in decoded.text


def test_bytes_that_are_no_text() -> None:
    document = read_document("report.md", "markdown", bytes(range(256)) * 50)
    assert document.unreadable and not document.blocks
    assert {passage.state for passage in _find(document)} == {"unreadable"}


def test_unseen_characters_go_and_overrides_are_told() -> None:
    decoded = read_text("Q\u200b1\u202e\u2066\ufeff می\u200cشود\x07 و این متن بلند است".encode())
    assert decoded is not None and decoded.text == "Q1 می\u200cشود و این متن بلند است"
    assert [item.code for item in decoded.findings] == ["documents.direction_override"]


def test_line_ends_of_every_system() -> None:
    decoded = read_text("a\r\nb\rc\u2028d\x0ce\n".encode())
    assert decoded is not None and decoded.text == "a\nb\nc\nd\ne\n"


def test_html_becomes_inert_and_lines_keep_their_numbers() -> None:
    lines = read_lines("<p>one<br>two</p>\n<b onclick='x()'>three</b> &lt;\n<script>\nfour\n</script>\nx<sup>2</sup>")
    assert [(line.text, line.number) for line in lines if line.text] == [
        ("one", 1),
        ("two", 1),
        ("three <", 2),
        ("x^{2}", 6),
    ]


def test_mathematics_is_no_html() -> None:
    text = "$a<b>c$ and y^{<t-1>} and $$\nx <i> y\n$$ and `<b>`"
    assert "\n".join(line.text for line in read_lines(text)) == text


def test_blocks_tell_headings_lists_tables_formulas_and_programs_apart() -> None:
    text = "# H\n\ntext $a_b$\n\n$$\nx\n\n- y\n$$\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    text += "```\nz\n```\n\n![p](q)\n"
    document = read_document("report.md", "markdown", text.encode())
    assert [block.kind for block in document.blocks] == ["heading", "text", "formula", "list", "table", "code", "image"]
    assert document.blocks[2].text == "$$\nx\n\n- y\n$$"
    assert document.blocks[2].location == Location(file="report.md", line=5, end_line=9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Q1\nDate.\nSubject.\na) 2", True),
        ("Q1\na) 2\n\n$$ b) x $$\n\n~~Q d)~~\n", True),
        ("![](https://cdn.mathpix.com/cropped/1.jpg)", True),
        ("Date: 1 May 2026\nQ1\na) 2 and $x$", False),
        ("Q1\na) ~~1~~ 2", False),
        ("", False),
    ],
)
def test_machine_read(text: str, expected: bool) -> None:
    assert read_document("report.md", "markdown", text.encode()).machine_read is expected


def _notebook(*cells: tuple[str, str | list[str]], **more: Any) -> bytes:
    listed = [{"cell_type": kind, "source": source, "metadata": {}} for kind, source in cells]
    return json.dumps({"cells": listed, "nbformat": 4, "nbformat_minor": 5, "metadata": {}, **more}).encode()


def test_answers_in_a_notebooks_markdown() -> None:
    data = _notebook(
        ("markdown", "# Homework 5"),
        ("code", "import torch\n" + "x = 1\n" * 20),
        ("markdown", ["## Question 1\n", "a) 2 and 3\n"]),
        ("markdown", "b) 3\n\nbecause"),
        ("code", "train()"),
        ("markdown", "# Load the data\n\na) Read the file"),
    )
    first, second = _find(read_document("Q4.ipynb", "notebook", data))
    assert (first.text, first.location) == ("2 and 3", Location(file="Q4.ipynb", line=2, end_line=2, cell=2))
    assert (second.text, second.location) == ("3\n\nbecause", Location(file="Q4.ipynb", line=1, end_line=3, cell=3))


def test_a_notebook_without_programs_is_a_report() -> None:
    data = _notebook(("markdown", "## 1. (15 points)\n### a)\n2 and 3\n### b)\n3"), ("code", "import torch"))
    first, second = _find(read_document("report.ipynb", "notebook", data))
    assert (first.text, second.text) == ("2 and 3", "3")


def test_a_notebooks_own_headings_open_nothing_and_hide_nothing() -> None:
    data = _notebook(
        ("markdown", "## Question 4\n### 1. Data\na) read the file\n(b) drop what is empty"),
        ("markdown", "# 1\na) start of your code"),
        ("code", "# Q1 a) 2\n" + "x = 1\n" * 20),
    )
    assert {passage.state for passage in _find(read_document("Q4.ipynb", "notebook", data))} == {"missing"}


def test_a_broken_notebook_keeps_answers_from_being_missing() -> None:
    document = read_document("Q4.ipynb", "notebook", _notebook(("markdown", "Q1 a) 2"))[:-20])
    assert "notebook" in document.unreadable
    assert {passage.state for passage in _find(document)} == {"unreadable"}


def test_old_and_odd_notebooks() -> None:
    cells = [{"cell_type": "heading", "source": "Q1"}, {"cell_type": "markdown", "source": "a) 2"}]
    old = {"worksheets": [{"cells": cells}]}
    assert _find(read_document("old.ipynb", "notebook", json.dumps(old).encode("utf-16")))[0].text == "2"
    for odd in ([], {"cells": 3}, {"cells": [None, 1, {"cell_type": "markdown", "source": {}}]}, "text"):
        read_document("odd.ipynb", "notebook", json.dumps(odd).encode())
    assert read_document("deep.ipynb", "notebook", b"[" * 100_000).unreadable


def test_plain_text_needs_no_markdown() -> None:
    document = read_document("report.txt", "text", b"Q1\n    a) 2 * 3 * 4\n# b) 3\n")
    assert [passage.text for passage in _find(document)] == ["2 * 3 * 4", "3"]


STRANGE = [
    *("$" * 20_000, "~~" * 20_000, "<" * 50_000, "<b " * 20_000, "[" * 20_000, "> " * 5_000, "a) " * 20_000),
    *("- " * 5_000, "&" * 50_000, "\n" * 50_000, "$$\n" * 10_000, "$$\n\nx\n\n" * 4_000, "Q1 " * 20_000, "![" * 9_000),
    *("date " * 10_000, "| " * 20_000, "*" * 30_000, "(" * 30_000, "a,b " * 9_000, "\\text{" * 9_000, "`" * 20_000),
    *("Q1a: 2; " * 5_000, "a) x\n" * 4_000, "<!--" * 9_000, "\\[" * 9_000, "_" * 40_000, "a) " + "see " * 9_000),
    *("1" * 50_000, "(1) x\n" * 6_000, "a " * 40_000, "(1) x? " * 9_000, "\u06f1" * 30_000, "$x$ " * 9_000),
    *("<del>" * 9_000, "~~x\n" * 9_000, "\u202e" * 9_000, "Name: x\n" * 9_000, "Q1\n" * 9_000, "b-x\n" * 5_000),
]


@pytest.mark.parametrize("text", sample(STRANGE, 10, lambda text: repr(text[:12])))
def test_strange_texts_are_read_in_time(text: str) -> None:
    started = count_seconds()
    _find(read_document("report.md", "markdown", f"Q1\n{text}\nb) 3\n".encode()))
    _find(read_document("report.txt", "text", text.encode()))
    assert count_seconds() - started < 10


def _mutate(data: bytes, random: Random) -> bytes:
    """Return ``data`` with a few bytes changed, lost, doubled or moved, as broken editors and downloads leave it."""
    mutated = bytearray(data)
    for _ in range(random.randint(1, 12)):
        start = random.randrange(len(mutated))
        piece = mutated[start : start + random.randint(1, 60)]
        match random.randrange(5):
            case 0:
                del mutated[start : start + len(piece)]
            case 1:
                mutated[start:start] = piece
            case 2:
                mutated[start] = random.randrange(256)
            case 3:
                mutated[start:start] = random.choice(PIECES)
            case _:
                mutated = mutated[start:] + mutated[:start]
    return bytes(mutated)


PIECES = [
    item.encode() for item in ("$$", "~~", "```", "\n\n", "a)", "Q2", "**", "<b>", "|", "\u202e", "\\[", "}", "{")
]


@pytest.mark.parametrize("name", ["reference", "persian", "terse", "question-repeated", "notebook-export", "utf-16"])
def test_mutated_reports_are_read_without_an_error(name: str) -> None:
    random = Random(name)
    data = (Path(__file__).parents[1] / "golden" / name / "report.md").read_bytes()
    places = [Place(question=number, part=part) for number in (1, 2, 3) for part in "abcd"]
    for media in ["markdown", "text"] * 20:
        passages = find_passages([read_document("report.md", media, _mutate(data, random))], places)
        for passage in passages.values():
            assert (passage.state == "unreadable") == bool(passage.reason)
            assert passage.state != "given" or passage.text.strip()
