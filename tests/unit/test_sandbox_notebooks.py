"""Notebook files as they are handed in, and the words that come out of a run; no kernel is started here."""

import gzip
import io
import json
import random
import zipfile
from pathlib import Path

import pytest

from grader.sandbox import notebooks
from grader.sandbox.notebooks import UnreadableNotebookError, read_notebook
from grader.sandbox.replies import parse_looks, parse_value
from grader.sandbox.texts import clean_text, cut_text, find_output_text
from tests.timing import count_seconds

CELLS = [
    {"cell_type": "markdown", "source": "# عنوان"},
    {"cell_type": "code", "source": ["x = 1\n", "y = 'سلام'"], "id": "a"},
    {"cell_type": "code", "source": "z = 3", "id": "a"},
]
NOTEBOOK = {"cells": CELLS, "metadata": {"kernelspec": {"name": "ir"}}, "nbformat": 4, "nbformat_minor": 5}
TEXT = json.dumps(NOTEBOOK, ensure_ascii=False)
ROOT = Path(__file__).resolve().parents[2]
REAL = [(ROOT / path).read_bytes() for path in ("submissions/99521082/Q4.ipynb", "reference/hw5/solution.ipynb")]


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


def code(source="x = 1", **more):
    return {"cell_type": "code", "source": source, **more}


def whole(*cells, **more) -> bytes:
    return json.dumps({"cells": list(cells), **more}).encode()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("Q4.ipynb", TEXT)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "sources"),
    [
        pytest.param(whole(code(["a\r\n", "b"])), ["a\nb"], id="Windows line ends"),
        pytest.param(whole(code("a\rb")), ["a\nb"], id="old Mac line ends"),
        pytest.param(whole(code([["a\n", ["b\n"]], "c", 5, None])), ["a\nb\nc"], id="lists within lists"),
        pytest.param(whole(code({"0": "a"}), code(None), code(3), {"cell_type": "code"}), [""] * 4, id="no source"),
        pytest.param(whole(None, 5, {}, code("a")), ["", "a"], id="things that are no cells"),
        pytest.param(whole(), [], id="no cells"),
        pytest.param(whole([code("a"), [code("b")]], {"cells": [{"cells": [code("c")]}]}), list("abc"), id="groups"),
        pytest.param(whole(code("a"), metadata=None, nbformat="four"), ["a"], id="metadata null"),
        pytest.param(whole(code("a", metadata=[1], id=7), code("b", id=7)), ["a", "b"], id="same ids"),
        pytest.param(whole(code("a\x00b")), ["ab"], id="zero within code"),
        pytest.param(b'{"cells": [{"cell_type": "code", "source": "\\ud83d\\ude00 \\ud800 x"}]}', ["😀 \ufffd x"],
                     id="half a letter"),
        pytest.param(b'{"cells": [{"cell_type": "code", "source": ["\\ud83d", "\\ude00"]}]}', ["😀"],
                     id="a letter in two halves"),
        pytest.param(b'{"cells": [{"cell_type": "code", "source": "a\n\tb"}]}', ["a\n\tb"], id="raw line end"),
        pytest.param(b'{"cells": [{"cell_type": "code", "source": "sal\xe9"}]}', ["sal\ufffd"], id="Latin-1"),
        pytest.param(b'{"cells": [], "cells": [{"cell_type": "code", "source": "a"}]}', ["a"], id="duplicate keys"),
        pytest.param(b'{"x": [NaN, -Infinity, 1e999], "cells": [{"cell_type": "code", "source": "a"}]}', ["a"],
                     id="NaN"),
        pytest.param(b'{"x": ' + b"7" * 9000 + b', "cells": [{"cell_type": "code", "source": "a"}]}', ["a"],
                     id="number of 9000 digits"),
        pytest.param(b'{"x": 0.' + b"7" * 9000 + b', "cells": [{"cell_type": "code", "source": "a"}]}', ["a"],
                     id="fraction of 9000 digits"),
        pytest.param(whole(code("a")) + b"\n}\n", ["a"], id="a brace too many"),
        pytest.param(whole(code("a")) + b"\x00" * 500, ["a"], id="zeros at the end"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbf" + whole(code("a")), ["a"], id="two marks"),
        pytest.param(json.dumps({"type": "notebook", "content": {"cells": [code("a")]}}).encode(), ["a"],
                     id="as the Jupyter server sends it"),
        pytest.param(whole(code("a"), metadata={"kernelspec": {"name": "3f2a9c"}}), ["a"], id="a VS Code hash"),
        pytest.param(whole({"source": "a", "outputs": []}), ["a"], id="no cell_type"),
        pytest.param(json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": "a"}]}, {}, None]}).encode(),
                     ["a"], id="nbformat 3"),
        pytest.param(json.dumps({"nbformat": 2, "worksheets": [{"cells": [{"cell_type": "code", "input": ["a\r\n", "b"],
                                 "prompt_number": 1}]}]}).encode(), ["a\nb"], id="nbformat 2"),
        pytest.param(json.dumps({"nbformat": 1, "cells": [{"cell_type": "code", "code": "a"},
                                 {"cell_type": "text", "text": "t"}]}).encode(), ["a", "t"], id="nbformat 1"),
        pytest.param(whole(code("a", attachments={"x": {"image/png": "A" * 2_000_000}})), ["a"], id="a large picture"),
        pytest.param(whole(code("a", outputs=[{"output_type": "stream", "text": "y" * 20_000_000}])), ["a"],
                     id="a flood that was stored"),
        pytest.param(whole(code("a", outputs=["x"] * 100_000)), ["a"], id="outputs that are none"),
    ],
)  # fmt: skip
def test_a_battered_notebook_is_read(content, sources):
    started = count_seconds()
    assert [cell.source for cell in read_notebook(content)] == sources
    assert count_seconds() - started < 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf  ", "empty"),
        (b"\x00" * 4096, "empty"),
        (TEXT.encode()[:150], r"cut off \(in line 1\)"),
        (REAL[0][:-40], "cut off"),
        (TEXT.encode("utf-16")[:151], "cut off"),
        (b"\n<!DOCTYPE html><html></html>", "web page"),
        (b"<html>" + b"colab" * 100_000, "web page"),
        (b"From: <Saved by Blink>\nSnapshot-Content-Location: https://x", "web page"),
        (b'{"name": "no notebook"}', "no list of cells"),
        (b"[1, 2]", "no list of cells"),
        (b'"a notebook"', "no list of cells"),
        (b'{"cells": {"0": {}}}', "no list of cells"),
        (b"[" * 100_000, "lists within lists"),
        (b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "lists within lists"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "lists within lists"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "picture"),
        (b"\xff\xd8\xff\xe0", "picture"),
        (b"%PDF-1.7\n%\xe2", "PDF"),
        (zipped(), "archive"),
        (gzip.compress(TEXT.encode()), "archive"),
        (b"\xd0\xcf\x11\xe0\xa1", "text processor"),
        (b"{\\rtf1\\ansi {\\fonttbl", "text processor"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "Git LFS"),
        (b"print('hello')", "Python program"),
        (b"# %%\nimport torch\n", "Python program"),
        (b"#!/usr/bin/env python3\n# https://example.org\nx = 1", "Python program"),
        ("# تمرین پنجم\n\nimport torch\nx = [1, 2]".encode(), "Python program"),
        (b"https://colab.research.google.com/drive/1AbC?usp=sharing\n", "only a link"),
        (b"[InternetShortcut]\r\nURL=https://colab.research.google.com/drive/1AbC", "only a link"),
        (b'{"url": "https://drive.google.com/open?id=1AbC", "doc_id": "1AbC", "email": "x"}', "only a link"),
        (b"my homework is on my laptop", "damaged"),
        (b"{'cells': []}", "damaged"),
        (TEXT.encode().replace(b"}]", b"},]"), "a comma too many in line 1"),
        (b'{"cells": [],\n"a": 1,\n}', "a comma too many in line 3"),
        (TEXT.encode() + b"\nsomething else", "something follows its end in line 1"),
        (TEXT.encode() + b"\n" + TEXT.encode(), "two notebooks"),
        (
            TEXT.encode()[:90] + b"\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> main\n" + TEXT.encode()[90:],
            "conflict markers",
        ),
        (b"<<<<<<< HEAD\n" + TEXT.encode() + b"\n=======\n{}\n>>>>>>> main\n", "conflict markers"),
        (TEXT.encode() + b"\n=======\n" + TEXT.encode() + b"\n>>>>>>> main\n", "conflict markers"),
        (b" " * (notebooks.MOST_BYTES + 1), "64 MB"),
        (b"[" + b"[],[]," * 1_000_000 + b"]", "millions"),
        (b'{"cells": [' + b"{}," * 1_000_000 + b"{}]}", "10,000 cells"),
        (whole(code("x" * (notebooks.MOST_CODE + 1))), "letters of code"),
    ],
)
def test_what_is_no_notebook_is_explained(content, says):
    started = count_seconds()
    with pytest.raises(UnreadableNotebookError, match=says):
        read_notebook(content)
    assert count_seconds() - started < 2


def test_stored_outputs_are_read_in_words():
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["a\n", "b\n"]},
        {"output_type": "stream", "name": "stderr", "text": "warning"},
        {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": ["<Figure>"]}},
        {"output_type": "execute_result", "execution_count": 7, "data": {"text/plain": "3"}},
        {"output_type": "error", "ename": "ValueError", "evalue": "x", "traceback": ["..."]},
    ]
    cell, bare, cleared, text = read_notebook(
        whole(code(outputs=outputs, execution_count=7), code(outputs=[]), code(execution_count=True), {"source": "t"})
    )
    assert (cell.stored, cell.stored_error, cell.count) == ("a\nb\n<Figure>\n3\n", "ValueError", 7)
    assert [(other.stored, other.count) for other in (bare, cleared, text)] == [(None, None)] * 3


def test_stored_outputs_of_older_formats_are_read():
    outputs = [
        {"output_type": "stream", "stream": "stdout", "text": "a\n"},
        {"output_type": "stream", "stream": "stderr", "text": "warning\n"},
        {"output_type": "pyout", "prompt_number": 2, "text": ["b"], "png": "AAAA"},
        {"output_type": "pyerr", "ename": "KeyError"},
    ]
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": "x", "prompt_number": 2, "outputs": outputs}]}]}
    (cell,) = read_notebook(json.dumps(old).encode())
    assert (cell.stored, cell.stored_error, cell.count) == ("a\nb\n", "KeyError", 2)


def test_stored_outputs_are_bounded():
    many = [{"output_type": "stream", "text": "y" * 1000}] * 1000
    (cell,) = read_notebook(whole(code(outputs=many)))
    assert len(cell.stored) == notebooks.STORED_CHARACTERS


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir", "language": "R"}}, "R"),
        ({"kernelspec": {"name": "ir"}}, "R"),
        ({"kernelspec": {"name": "julia-1.9", "display_name": "Julia"}}, "Julia"),
        ({"kernelspec": {"name": "ir"}, "language_info": {"name": "python"}}, ""),
        ({"kernelspec": {"name": "5c1d0e7f3a9b", "language": "python"}}, ""),
        ({"kernelspec": {"name": "5c1d0e7f3a9b"}}, ""),
        ({"kernelspec": "python", "language_info": 5}, ""),
        (None, ""),
    ],
)
def test_a_foreign_language_is_seen(metadata, language):
    assert {cell.language for cell in read_notebook(whole(code(), metadata=metadata))} == {language}


def mutate(content: bytes, chance: random.Random) -> bytes:
    """Return ``content`` as a bad disk, a bad editor or a bad merge leaves it."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 30))):
        start = chance.randrange(len(data))
        end = min(len(data), start + chance.choice((1, 2, 50, 2000)))
        kind = chance.randrange(6)
        if kind == 0:
            data[start:end] = b""
        elif kind == 1:
            data[start:end] = chance.randbytes(end - start)
        elif kind == 2:
            data[start:start] = data[end : end + 500]
        elif kind == 3:
            data[start:start] = chance.choice(
                (b'"', b"{", b"]", b",", b"\\", b"\x00", b"[" * 3000, b"\\ud800", b"9" * 6000)
            )
        elif kind == 4:
            del data[end:]
        else:
            data = bytearray(
                bytes(data).replace(*chance.choice(((b"[", b"{"), (b'"code"', b"5"), (b"null", b"1e400"))))
            )
        data = data or bytearray(b" ")
    return bytes(data)


def test_no_damage_breaks_the_reader():
    chance = random.Random(13)
    read = 0
    for number in range(300):
        content = mutate(REAL[number % 2], chance)
        started = count_seconds()
        try:
            for cell in read_notebook(content):
                cell.source.encode(), (cell.stored or "").encode()
                read += 1
        except UnreadableNotebookError as error:
            assert str(error).endswith(".")
        assert count_seconds() - started < 0.5, number
    assert read > 300  # not all were refused


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\x1b[31mred\x1b[0m and \x1b]0;title\x07plain", "red and plain"),
        (" 10%\r 50%\r100%\ndone", "100%\ndone"),
        (" 10%\r 50%\r\nnext\r", " 50%\nnext"),
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


def test_cleaning_takes_time_that_grows_with_the_text():
    started = count_seconds()
    clean_text("y" * 1_000_000 + "(<ipython-input" * 50_000)
    assert count_seconds() - started < 1


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
