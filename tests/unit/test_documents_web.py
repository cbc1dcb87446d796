"""HTML pages: a notebook's export without its programs, mathematics in every dress, nothing that nobody sees."""

from __future__ import annotations

import pytest

from grader.documents import Document, Passage, Place, find_passages, read_document

CLASSIC = """<div class="cell border-box-sizing text_cell rendered"><div class="prompt input_prompt"></div>
<div class="inner_cell"><div class="text_cell_render">{text}</div></div></div>"""
CLASSIC_CODE = """<div class="cell border-box-sizing code_cell rendered"><div class="input"><pre>a) print(1)</pre></div>
<div class="output"><pre>b) 42</pre></div></div>"""
LAB = """<div class="jp-Cell jp-MarkdownCell jp-Notebook-cell"><div class="jp-Cell-inputWrapper">
<div class="jp-InputPrompt jp-InputArea-prompt"></div><div class="jp-RenderedHTMLCommon">{text}</div></div></div>"""
LAB_CODE = """<div class="jp-Cell jp-CodeCell jp-Notebook-cell">
<div class="jp-Cell-inputWrapper"><pre>a) print(1)</pre></div>
<div class="jp-Cell-outputWrapper"><pre>b) 42</pre></div></div>"""


def _read(html: str) -> Document:
    return read_document("report.html", "html", html.encode())


def _find(document: Document) -> dict[str, Passage]:
    wanted = {part: Place(question=1, part=part) for part in "ab"}
    passages = find_passages([document], list(wanted.values()))
    return {part: passages[place] for part, place in wanted.items()}


@pytest.mark.parametrize(("cell", "code"), [(CLASSIC, CLASSIC_CODE), (LAB, LAB_CODE)])
def test_a_notebooks_export(cell: str, code: str) -> None:
    heading = '<h3 id="Q1">Question 1<a class="anchor-link" href="#Q1">¶</a></h3>'
    answers = cell.format(text=f"{heading}<p>a) $h_{{t-1}}^T$ and so on</p>")
    document = _read(f"<main>{code}{answers}{code}<h2>Next step</h2>{cell.format(text='<p>plot it</p>')}</main>")
    found = _find(document)
    assert document.template
    assert found["a"].text == "$h_{t-1}^T$ and so on"
    assert found["b"].state == "missing"
    assert "print" not in str(document.blocks) and "42" not in str(document.blocks)


@pytest.mark.parametrize(
    "mathematics",
    [
        "$W^T x$",
        r"\(W^T x\)",
        "<math><msup><mi>W</mi><mi>T</mi></msup><mi>x</mi></math>",
        '<script type="math/tex">W^T x</script>',
        '<span class="katex"><span class="katex-mathml"><math><semantics><mrow><msup><mi>W</mi><mi>T</mi></msup>'
        '<mi>x</mi></mrow><annotation encoding="application/x-tex">W^T x</annotation></semantics></math></span>'
        '<span class="katex-html" aria-hidden="true">WTx</span></span>',
    ],
)
def test_mathematics_in_every_dress(mathematics: str) -> None:
    found = _find(_read(f"<h2>Q1</h2><p>a) it is {mathematics} here</p>"))["a"].text
    assert found.replace("{", "").replace("}", "").replace(" ", "") == "itis$W^Tx$here"


@pytest.mark.parametrize(
    "unseen",
    [
        "<script>b) 3</script>",
        "<style>b) 3</style>",
        "<!-- b) 3 -->",
        '<div style="display: none">b) 3</div>',
        '<div hidden="hidden">b) 3</div>',
    ],
)
def test_what_nobody_sees_is_no_answer(unseen: str) -> None:
    found = _find(_read(f"<html><body><h2>Q1</h2><p>a) second</p>{unseen}</body></html>"))
    assert found["a"].text == "second" and found["b"].state == "missing"


def test_strikes_lists_and_tables() -> None:
    page = _read('<h2>Q1</h2><ol type="a"><li><del>first</del> second</li><li>x<sub>t</sub></li></ol>')
    assert [_find(page)[part].text for part in "ab"] == ["~~first~~ second", "x_{t}"]
    table = _read("<table><tr><td>Q1a</td><td>2</td></tr><tr><td>Q1b</td><td>3</td></tr></table>")
    assert [_find(table)[part].text for part in "ab"] == ["2", "3"]


def test_encodings_of_pages() -> None:
    text = "<h2>سوال 1</h2><p>الف) گزينه دوم</p>"
    document = read_document("r.html", "html", text.encode("cp1256"))
    assert _find(document)["a"].text == "گزينه دوم"
    assert [finding.code for finding in document.findings] == ["documents.encoding_assumed"]


def test_a_page_that_only_its_scripts_fill() -> None:
    document = _read("<html><body><div id='app'></div><script>draw()</script></body></html>")
    assert "scripts" in document.unreadable
    assert {passage.state for passage in _find(document).values()} == {"unreadable"}
