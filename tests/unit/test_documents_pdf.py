"""Typed PDFs: formulas, Persian and strikes as they stand on the page; scans are recognised as such."""

from __future__ import annotations

import io

import pytest

from grader.documents import Document, Passage, Place, find_passages, find_printed, read_document
from grader.documents.extraction.order import order
from tests.document_maker import CHROMIUM, draw_photo, print_page, typeset

PARTS = ("1a", "1b", "2a", "2b")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here to print a page with")


def _read(data: bytes) -> Document:
    return read_document("report.pdf", "pdf", data)


def _find(document: Document) -> dict[str, Passage]:
    wanted = {part: Place(question=int(part[0]), part=part[1]) for part in PARTS}
    passages = find_passages([document], list(wanted.values()))
    return {part: passages[place] for part, place in wanted.items()}


def _texts(document: Document) -> list[str]:
    found = _find(document)
    return [found[part].text for part in PARTS]


def test_pages_answers_and_their_places() -> None:
    document = _read(typeset(["Question 1", "a) options 2 and 3", "b) the third"], ["Question 2", "a) x", "b) y"]))
    found = _find(document)
    assert document.extracted and document.pages == 2 and not document.machine_read
    assert [found[part].text for part in PARTS] == ["options 2 and 3", "the third", "x", "y"]
    assert str(found["2a"].location) == "report.pdf, page 2"
    assert all(passage.extracted for passage in found.values())


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (r"$h_t = W_{hh} h_{t-1}$", "h_{t} =W_{hh}h_{t−1}"),
        (r"$\frac{\partial L}{\partial W} = x \delta^T$", "\\frac{∂L}{∂W} =xδ^{T}"),
        (r"$\sum_{t=1}^{3} g_t$", "∑^{3}_{t=1}g_{t}"),
        (r"$h_{t-1}^T x$", "h^{T}_{t−1}x"),
    ],
)
def test_formulas_keep_their_shape(typed: str, read: str) -> None:
    assert _texts(_read(typeset(["Q1", f"a) {typed}", "b) and some words that make it a typed page"])))[0] == read


def test_printed_dates_addresses_and_page_numbers_are_no_answers() -> None:
    lines = ["11/26/26, 7:26 AM report", "Q1", "a) x", "b) y", "file:///home/me/report.html 1/1"]
    assert _texts(_read(typeset(lines)))[1] == "y"


@needs_chromium
def test_a_printed_page_with_strikes_and_mathematics() -> None:
    body = (
        "<h2>Q1</h2><p>a) <del>option 1</del> option 3</p><p>b) <u>second</u></p><h2>Q2</h2>"
        "<p>a) <math><mfrac><mrow><mo>∂</mo><mi>J</mi></mrow><mrow><mo>∂</mo><mi>W</mi></mrow></mfrac><mo>=</mo>"
        "<msub><mover><mi>y</mi><mo>^</mo></mover><mi>t</mi></msub></math></p>"
        "<table border=1><tr><td>b</td><td>[1,2]</td></tr><tr><td>c</td><td>[3,4]</td></tr></table>"
    )
    texts = _texts(_read(print_page(f"<meta charset=utf-8>{body}")))
    assert texts[0] == "~~option 1~~ option 3" and texts[1] == "second"
    assert texts[2].startswith("\\frac{𝜕𝐽}{𝜕𝑊} =") or texts[2].startswith("\\frac{∂J}{∂W} =")
    assert "\\frac{b}" not in texts[2] and "\\frac" not in texts[3]


@needs_chromium
@pytest.mark.parametrize("direction", ["rtl", "ltr"])
def test_persian_in_either_base_direction(direction: str) -> None:
    body = (
        "<h2>سوال ۱</h2><p>الف) گزینه ۲ و ۳ (هر دو) درست است.</p>"
        "<p>ب) گزینه سوم، چون <del>اولی</del> غلط است و softmax پیوسته است؛ این متن آن‌قدر بلند است که خط آن "
        "شکسته می‌شود و باز هم باید به ترتیب خوانده شود.</p>"
        "<h2>سوال ۲</h2><p>الف) [۰٫۵، ۰٫۲۵]</p><p>ب) ۱۲۳۴</p>"
    )
    document = _read(print_page(f'<html dir="{direction}"><meta charset=utf-8><body>{body}</body></html>'))
    texts = _texts(document)
    assert texts[0] == "گزینه ۲ و ۳ (هر دو) درست است."
    assert texts[1].startswith("گزینه سوم، چون ~~اولی~~ غلط است و softmax پیوسته است")
    assert texts[1].endswith("خوانده شود.")
    assert texts[3] == "۱۲۳۴"
    # Set from the left, brackets around numbers alone could belong to either direction.
    assert texts[2] == "[۰٫۵، ۰٫۲۵]" or direction == "ltr"


@needs_chromium
def test_what_is_missing_in_a_persian_pdf_is_for_a_person() -> None:
    document = _read(print_page("<html dir=rtl><meta charset=utf-8><h2>سوال ۱</h2><p>الف) گزینه دوم</p></html>"))
    assert _find(document)["1b"].state == "unreadable"


@pytest.mark.parametrize(
    ("drawn", "read"),
    [
        ("ینعی", "یعنی"),
        ("۱ لاوس", "سوال ۱"),
        ("دوم )فلا", "الف) مود"),  # a lone bracket behind a label closes it, whichever way it stood
        ("softmax(12) تسا", "است softmax(12)"),
    ],
)
def test_the_order_of_a_drawn_line(drawn: str, read: str) -> None:
    assert order(drawn, right_to_left=True) == read


@pytest.mark.parametrize("data", [draw_photo(form="PDF"), draw_photo(2000, 2800, "PDF")])
def test_a_scan_is_for_a_person_who_sees_its_pages(data: bytes) -> None:
    document = _read(data)
    assert "scan" in document.unreadable and document.pages == 1
    assert {passage.state for passage in _find(document).values()} == {"unreadable"}


def test_an_empty_page_holds_no_text() -> None:
    assert "no text" in _read(typeset([])).unreadable


def test_a_short_typed_page_is_no_scan() -> None:
    assert _texts(_read(typeset(["Q1", "a) 2", "b) 3"])))[:2] == ["2", "3"]


def test_a_scanned_page_among_typed_ones() -> None:
    import pypdfium2 as pdfium

    book = pdfium.PdfDocument(typeset(["Q1", "a) options 2 and 3, because one label is given for the whole text"]))
    book.import_pages(pdfium.PdfDocument(draw_photo(form="PDF")))
    stream = io.BytesIO()
    book.save(stream)
    document = _read(stream.getvalue())
    found = _find(document)
    assert "page 2 is a picture" in document.partly
    assert found["1b"].state == "unreadable" and found["2a"].state == "unreadable"


def test_a_lone_number_at_the_end_of_a_page_is_an_answer() -> None:
    assert _texts(_read(typeset(["Q1", "a) second", "b)", "3"], ["Q2", "a) x", "b) y"])))[1] == "3"


def test_page_numbers_and_running_titles_are_no_answers() -> None:
    pages = [["HW5 report", "Q1", "a) x", "b) y", "1"], ["HW5 report", "Q2", "a) u", "b) v", "2"]]
    assert _texts(_read(typeset(*pages))) == ["x", "y", "u", "v"]
    assert _texts(_read(typeset(["Q1", "a) x", "b) y", "Page 1 of 1"])))[1] == "y"


@pytest.mark.parametrize("kind", ["FPDF_ANNOT_INK", "FPDF_ANNOT_FREETEXT", "FPDF_ANNOT_STRIKEOUT"])
def test_what_is_written_over_a_page_is_for_a_person(kind: str) -> None:
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    book = pdfium.PdfDocument(typeset(["Q1", "a) options 2 and 3"]))
    page = book[0]
    raw.FPDFPage_CloseAnnot(raw.FPDFPage_CreateAnnot(page, getattr(raw, kind)))
    stream = io.BytesIO()
    book.save(stream)
    page.close()
    book.close()
    document = _read(stream.getvalue())
    assert "written over" in document.unreadable and document.pages == 1


def test_a_notebook_printed_to_pdf_is_known_as_one() -> None:
    printed = _read(typeset(["Q4", "In [1]:", "import torch", "model = 1"]))
    assert find_printed([printed]) == "report.pdf"
    assert find_printed([_read(typeset(["Q1", "a) options 2 and 3, which import nothing"]))]) == ""


def test_a_filled_form_is_for_a_person() -> None:
    field = b"/Annots[<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(3)/Rect[9 9 99 30]>>]"
    document = _read(typeset(["Q1", "a) options 2 and 3"]).replace(b"/Annots 10 0 R", field, 1))
    assert "form" in document.unreadable
