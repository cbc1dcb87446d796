"""Notebook files as they are handed in, and the words that come out of a run; no kernel is started here."""

import json

import pytest

from grader.sandbox.notebooks import UnreadableNotebookError, read_notebook
from grader.sandbox.replies import parse_looks, parse_value
from grader.sandbox.texts import clean_text, cut_text, find_output_text

CELLS = [
    {"cell_type": "markdown", "source": "# عنوان"},
    {"cell_type": "code", "source": ["x = 1\n", "y = 'سلام'"], "id": "a"},
    {"cell_type": "code", "source": "z = 3", "id": "a"},
]
NOTEBOOK = {"cells": CELLS, "metadata": {"kernelspec": {"name": "ir"}}, "nbformat": 4, "nbformat_minor": 5}
TEXT = json.dumps(NOTEBOOK, ensure_ascii=False)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        b"\xff\xfe\x00\x00" + TEXT.encode("utf-32-le"),
        b"\n\n  " + TEXT.encode(),
    ],
    ids=["utf-8", "mark", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "blank lines first"],
)
def test_a_notebook_is_read_in_any_encoding(content):
    cells = read_notebook(content)
    assert [(cell.index, cell.kind, cell.source) for cell in cells] == [
        (0, "text", "# عنوان"),
        (1, "code", "x = 1\ny = 'سلام'"),
        (2, "code", "z = 3"),
    ]


def test_format_3_is_read():
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["a\r\n", "b"]}]}, {"cells": []}]}
    assert [cell.source for cell in read_notebook(json.dumps(old).encode())] == ["a\nb"]


def test_odd_cells_are_survived():
    cells = [
        None,
        5,
        {},
        {"cell_type": "code"},
        {"cell_type": "code", "source": None},
        {"cell_type": "code", "source": 3},
    ]
    content = json.dumps({"cells": cells, "metadata": None}).encode()
    assert [cell.source for cell in read_notebook(content)] == ["", "", "", ""]
    assert read_notebook(b'{"cells": []}') == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf  ", "empty"),
        (TEXT.encode()[:150], "cut off"),
        (b"\n<!DOCTYPE html><html></html>", "web page"),
        (b'{"name": "no notebook"}', "no list of cells"),
        (b"[1, 2]", "no list of cells"),
        (b"[" * 100_000, "damaged"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "damaged"),
        (b"print('hello')", "damaged"),
    ],
)
def test_what_is_no_notebook_is_explained(content, says):
    with pytest.raises(UnreadableNotebookError, match=says):
        read_notebook(content)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\x1b[31mred\x1b[0m and \x1b]0;title\x07plain", "red and plain"),
        (" 10%\r 50%\r100%\ndone", "100%\ndone"),
        ("a\r\nb", "a\nb"),
        ("<Foo at 0x7f12ab34cd56>", "<Foo at 0x...>"),
        ("color 0xff", "color 0xff"),
        ("invalid syntax (3449544908.py, line 2)", "invalid syntax (line 2)"),
        ("No such file: '/tmp/room/work/x.csv' in /tmp/room/work", "No such file: 'x.csv' in ."),
        ("bell\x07 nul\x00", "bell nul"),
        ("half a pair \ud800", "half a pair ?"),
    ],
)
def test_text_is_cleaned(raw, clean):
    assert clean_text(raw, ["/tmp/room/work", "/tmp/room"]) == clean


def test_text_is_cut_between_letters():
    assert cut_text("سلام", 5) == "سل"


def test_warnings_and_pictures_are_no_text():
    assert find_output_text("stream", {"name": "stderr", "text": "warning"}) == ""
    assert find_output_text("stream", {"name": "stdout", "text": "hi"}) == "hi"
    assert find_output_text("display_data", {"data": {"image/png": "AAAA", "text/plain": "<Figure>"}}) == "<Figure>\n"
    assert find_output_text("stream", {"name": "stdout", "text": 5}) == ""


def test_malformed_looks_are_dropped():
    good = {"name": "n", "identity": 1, "kind": "Network", "digest": "ab", "parameters": 3}
    rows = [good, good | {"identity": "1"}, {"name": "n"}, 7, good | {"parameters": True}]
    assert [look.name for look in parse_looks(rows)] == ["n"]
    assert parse_looks("forged") == parse_looks(None) == ()


def test_values_are_json_within_the_limit():
    assert parse_value("[1.5, null]", 100).value == [1.5, None]
    assert "larger than 3 bytes" in parse_value("[1.5]", 3).error
    assert parse_value("{", 100).error == parse_value("[" * 90, 100).error == "the reply is not JSON"
    assert parse_value(None, 100).error == "the reply had no value"
