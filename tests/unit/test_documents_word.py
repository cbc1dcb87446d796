"""Word, OpenDocument and RTF reports: equations, numbering, strikes and tables survive."""

from __future__ import annotations

import base64
import io

import pytest

from grader.documents import Document, Passage, Place, find_passages, read_document
from grader.documents.file_names import find_file_label
from tests.document_maker import CHROMIUM, convert, draw_photo, print_page, repack

REPORT = r"""# HW5

## Q1

a) The ~~first~~ second option

b) the third

## Q2

a) $\frac{\partial L}{\partial W} = \sum_t \delta_t h_{t-1}^\top$

b) $h_t = \tanh(W x_t)$

## سوال ۳

الف) [۶، ۱، ۲]

ب) نه
"""
PARTS = ("1a", "1b", "2a", "2b", "3a", "3b")


def _find(*documents: Document) -> dict[str, Passage]:
    wanted = {part: Place(question=int(part[0]), part=part[1]) for part in PARTS}
    passages = find_passages(documents, list(wanted.values()))
    return {part: passages[place] for part, place in wanted.items()}


def _read(markdown: str, form: str = "docx") -> Document:
    return read_document(f"report.{form}", "docx", convert(markdown, form))


@pytest.mark.parametrize("form", ["docx", "odt"])
def test_answers_of_a_word_file(form: str) -> None:
    found = _find(_read(REPORT, form))
    assert {part: passage.state for part, passage in found.items()} == dict.fromkeys(PARTS, "given")
    assert found["1a"].text == "The ~~first~~ second option"
    assert r"\frac{\partial L}{\partial W} = \sum_{t}\delta_{t}h_{t - 1}^{\top}" in found["2a"].text
    assert "$h_{t} = " in found["2b"].text.replace("$$ ", "$")
    assert found["3a"].text == "[۶، ۱، ۲]"


def test_an_rtf_file() -> None:
    found = _find(_read(REPORT, "rtf"))
    assert found["1a"].text.startswith("The ~~first~~ second")
    assert found["3b"].text == "نه"


def test_the_place_is_the_file_and_no_line_that_nobody_finds() -> None:
    assert str(_find(_read(REPORT))["1b"].location) == "report.docx"


@pytest.mark.parametrize(
    ("markdown", "line"),
    [
        ("a) one\nb) two\n", "b) two"),
        ("(i) one\n(ii) two\n", "(ii) two"),
        ("C. one\nD. two\n", "D. two"),
        ("- one\n- two\n", "- two"),
    ],
)
def test_a_list_keeps_the_labels_that_word_counted(markdown: str, line: str) -> None:
    assert line in [found.text for block in _read(markdown).blocks for found in block.lines]


def test_what_stands_under_a_list_item_stays_with_it() -> None:
    found = _find(_read("## Q1\n\na) first\n\n    $x = 1$\n\nb) second\n"))
    assert "$x = 1$" in found["1a"].text and found["1b"].text == "second"


def test_a_table_of_answers() -> None:
    found = _find(_read("| Q | answer |\n|---|---|\n| 1a | $[1, 2]$ |\n| 1b | 3 |\n"))
    assert found["1a"].text == "$[ 1,2]$" and found["1b"].text == "3"


def test_brackets_and_underscores_are_not_escaped() -> None:
    assert _find(_read("## Q1\n\na) the scores \\[2, 3\\] and h_t * 2\n"))["1a"].text == "the scores [2, 3] and h_t * 2"


def test_a_picture_in_an_answer_is_for_a_person() -> None:
    picture = base64.b64encode(draw_photo(50, 50)).decode()
    document = _read(f"## Q1\n\na) second\n\nb) ![](data:image/png;base64,{picture})\n")
    assert _find(document)["1b"].reason == "part of the answer is a picture"
    html = '<h2>Q1</h2><p>a) second</p><p>b) <img src="scan.png"></p>'
    assert _find(read_document("r.html", "html", html.encode()))["1b"].state == "unreadable"


def test_several_files_together_are_the_report() -> None:
    first = read_document("report1.md", "markdown", b"# Q1\na) second\nb) third\n")
    second = _read("## Q2\n\na) $x$\n\nb) $y$\n")
    found = _find(first, second)
    assert [found[part].state for part in PARTS] == ["given"] * 4 + ["missing"] * 2
    assert str(found["2a"].location) == "report.docx"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (b"<w:p><w:r><w:object/></w:r></w:p>", "equations or objects"),
        (b'<w:p><w:r><w14:contentPart xmlns:w14="urn:x"/></w:r></w:p>', "handwriting"),
        (b"<w:p><w:r><w:txbxContent><w:p><w:r><w:t>b) 3</w:t></w:r></w:p></w:txbxContent></w:r></w:p>", "text boxes"),
    ],
)
def test_what_cannot_be_read_inside_is_not_passed_over(change: bytes, reason: str) -> None:
    data = repack(
        convert(REPORT, "docx"), {"word/document.xml": lambda xml: xml.replace(b"<w:body>", b"<w:body>" + change)}
    )
    document = read_document("report.docx", "docx", data)
    assert reason in document.unreadable
    assert {passage.state for passage in _find(document).values()} == {"unreadable"}


def test_pictures_of_a_word_file_are_not_unpacked() -> None:
    large = io.BytesIO(draw_photo()).getvalue() * 2000
    data = repack(convert(REPORT, "docx"), {"word/media/image1.png": large})
    assert not read_document("report.docx", "docx", data).unreadable


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("old.doc", b"\xd0\xcf\x11\xe0" + bytes(2000), "old format"),
        ("locked.docx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        ("report.pages", b"PK\x03\x04" + bytes(100), "damaged"),
        ("report.docx", b"just text", "no Word"),
    ],
)
def test_other_formats_say_what_they_are(name: str, data: bytes, reason: str) -> None:
    assert reason in read_document(name, "docx", data).unreadable


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Q2.docx", "Q2"),
        ("q2a.pdf", "Q2 a)"),
        ("work/Question 3.docx", "Q3"),
        ("HW5_Q1.md", "Q1"),
        ("سوال ۲.docx", "Q2"),
        ("q1-final.docx", "Q1"),
        ("Q1-Q3.docx", ""),
        ("hw5.docx", ""),
        ("report2.docx", ""),
        ("quiz1.docx", ""),
    ],
)
def test_a_files_name_as_a_label(name: str, label: str) -> None:
    assert find_file_label(name) == label


def test_a_file_named_after_its_question_opens_it() -> None:
    first = read_document("Q1.docx", "docx", convert("a) second\n\nb) third\n", "docx"))
    second = read_document("q2a.md", "markdown", b"$x$\n")
    found = _find(first, second)
    assert [found[part].text for part in ("1a", "1b", "2a")] == ["second", "third", "$x$"]


def test_a_files_name_gives_way_to_the_labels_inside() -> None:
    found = _find(read_document("Q1.md", "markdown", b"# Question 2\na) $x$\n"))
    assert found["2a"].text == "$x$" and found["1a"].state == "missing"


@pytest.mark.parametrize("letters", ["arabicAlpha", "arabicAbjad"])
def test_persian_letters_that_word_counted(letters: str) -> None:
    data = repack(
        convert("## سوال ۱\n\na) دوم\n\nb) سوم\n", "docx"),
        {"word/numbering.xml": lambda xml: xml.replace(b'w:val="lowerLetter"', f'w:val="{letters}"'.encode())},
    )
    found = _find(read_document("report.docx", "docx", data))
    assert [found[part].text for part in ("1a", "1b")] == ["دوم", "سوم"]


BOTH = """## Q1

a) The second option, since one label is given for a whole sequence of words

b) $h_{t-1}^\\top W$

## Q2

a) option 3
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here to print a page with")
def test_one_report_as_word_and_as_pdf_is_one_answer_and_another_is_a_contradiction() -> None:
    printed = read_document("report.pdf", "pdf", print_page(convert(BOTH, "html").decode()))
    for name, data in (("report.docx", convert(BOTH, "docx")), ("report.md", BOTH.encode())):
        typed = read_document(name, "docx" if name.endswith("docx") else "markdown", data)
        for documents in ([typed, printed], [printed, typed]):
            found = _find(*documents)
            assert [found[part].state for part in ("1a", "1b", "2a")] == ["given"] * 3
            assert str(found["1b"].location).startswith(name) and not found["1b"].extracted
    changed = _read(BOTH.replace("option 3", "option 1").replace("second", "third"))
    found = _find(changed, printed)
    assert [found[part].state for part in ("1a", "1b", "2a")] == ["unreadable", "given", "unreadable"]
    assert "differently" in found["2a"].reason


def test_two_typed_reports_are_copies_only_where_they_say_the_same_in_order() -> None:
    markdown = "## Q1\n\na) $y_t - \\hat{y}_t$\n\nb) $\\left( W x \\right)$\n"
    same = _find(read_document("r.md", "markdown", markdown.encode()), _read(markdown))
    assert [same[part].state for part in ("1a", "1b")] == ["given", "given"]
    turned = markdown.replace("y_t - \\hat{y}_t", "\\hat{y}_t - y_t")
    other = _find(read_document("r.md", "markdown", markdown.encode()), _read(turned))
    assert [other[part].state for part in ("1a", "1b")] == ["unreadable", "given"]
