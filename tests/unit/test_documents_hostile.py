"""Documents made to harm: each is unreadable with a reason, or read in part, within ten seconds and 512 MB."""

from __future__ import annotations

import io
import json
import random
import resource
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.documents import Document, Place, child, draw_pages, find_passages, read_document
from grader.documents.child import MEMORY_BYTES, WALL_SECONDS, ask_child
from tests.document_maker import convert, draw_photo, repack, typeset
from tests.sampling import sample
from tests.timing import count_seconds

REPORT = "## Q1\n\na) second\n\nb) third\n"


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    xml = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">{entities}]><w:document>&l11;</w:document>'
    return repack(convert(REPORT, "docx"), {"word/document.xml": xml.encode()})


def _zip_bomb() -> bytes:
    return repack(convert(REPORT, "docx"), {"word/document.xml": b"<w:p/>" + bytes(400_000_000)})


def _wide_docx() -> bytes:
    def flood(xml: bytes) -> bytes:
        return xml.replace(b"<w:body>", b"<w:body>" + b"<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 1_200_000)

    return repack(convert(REPORT, "docx"), {"word/document.xml": flood})


def _deep_docx() -> bytes:
    def nest(xml: bytes) -> bytes:
        return xml.replace(b"<w:body>", b"<w:body>" + b"<w:sdt><w:sdtContent>" * 300_000)

    return repack(convert(REPORT, "docx"), {"word/document.xml": nest})


def _lying_zip() -> bytes:
    """Return a package whose directory says that a part is small."""
    data = bytearray(_zip_bomb())
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        data[place + 24 : place + 28] = (100).to_bytes(4, "little")
        place = data.find(b"PK\x01\x02", place + 4)
    return bytes(data)


def _many_parts() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as package:
        package.writestr("word/document.xml", "<w:document/>")
        for number in range(20_000):
            package.writestr(f"word/{number}.xml", "")
    return stream.getvalue()


def _pdf(body: bytes, pages: int = 1) -> bytes:
    """Return a PDF of equal pages that share one content stream."""
    kids = " ".join(["3 0 R"] * pages)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n" % len(zlib.compress(body)) + zlib.compress(body) + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>/Length 24>>stream\n"
        b"/X Do /X Do /X Do /X Do \nendstream",
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, item in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + item + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out) + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)


def _encrypted() -> bytes:
    data = typeset(["Q1", "a) second"])
    return data.replace(b"trailer", b"9999 0 obj<</Filter/Standard/V 1/R 2/O(x)/U(y)/P -4>>endobj\ntrailer").replace(
        b"/Root", b"/Encrypt 9999 0 R /ID[(a)(b)] /Root"
    )


UNREADABLE: dict[str, tuple[Any, Callable[[], bytes]]] = {
    "billion laughs": ("docx", _laughs),
    "zip bomb": ("docx", _zip_bomb),
    "zip that lies about its size": ("docx", _lying_zip),
    "zip of many parts": ("docx", _many_parts),
    "deep docx": ("docx", _deep_docx),
    "truncated docx": ("docx", lambda: convert(REPORT, "docx")[:3000]),
    "empty docx": ("docx", lambda: b""),
    "deep rtf": ("docx", lambda: b"{\\rtf1" + b"{" * 5_000_000),
    "binary page": ("html", lambda: bytes(range(256)) * 400),
    "truncated pdf": ("pdf", lambda: typeset(["Q1", "a) second"])[:300]),
    "no pdf": ("pdf", lambda: b"%PDF-1.7\n" + bytes(1000)),
    "encrypted pdf": ("pdf", _encrypted),
    "empty pdf": ("pdf", lambda: b""),
}
HEAVY: dict[str, tuple[Any, Callable[[], bytes]]] = {
    "wide docx": ("docx", _wide_docx),
    "deep page": ("html", lambda: b"<h2>Q1</h2>" + b"<div>" * 200_000),
    "deep lists": ("html", lambda: b"<ul><li>" * 100_000),
    "page of many lines": ("html", lambda: b"<h2>Q1</h2>" + b"<p>a) x b) y</p>" * 60_000),
    "wide page": ("html", lambda: b"<p>a) x<b>" * 1_000_000),
    "flood of characters": (
        "pdf",
        lambda: _pdf(b"BT /F 9 Tf " + b"9 9 Td (aaaaaaaaaaaaaaaaaaaa) Tj " * 300_000 + b"ET", 200),
    ),
    "flood of bars": ("pdf", lambda: _pdf(b"BT /F 9 Tf (Q1 a) Tj ET " + b"0 0 99 1 re f " * 2_000_000, 50)),
    "form that draws itself": ("pdf", lambda: _pdf(b"BT /F 9 Tf (Q1) Tj ET /X Do")),
    "inflated stream": ("pdf", lambda: _pdf(b" " * 300_000_000)),
}


def _read(media: Any, data: bytes) -> Document:
    began = count_seconds()
    document = read_document("report", media, data)
    assert count_seconds() - began < WALL_SECONDS + 2
    return document


@pytest.mark.parametrize("name", sample(UNREADABLE, 6))
def test_hostile_documents_are_unreadable_with_a_reason(name: str) -> None:
    media, make = UNREADABLE[name]
    document = _read(media, make())
    assert document.unreadable and not document.blocks
    assert [finding.code for finding in document.findings] == ["documents.unread"]


@pytest.mark.parametrize("name", sample(HEAVY, 4))
def test_heavy_documents_end_in_time(name: str) -> None:
    media, make = HEAVY[name]
    began = count_seconds()
    document = _read(media, make())
    (passage,) = find_passages([document], [Place(question=1, part="a")]).values()
    assert passage.state == "unreadable" and count_seconds() - began < WALL_SECONDS + 3


def test_the_first_pages_of_a_very_long_pdf_are_read_and_the_rest_is_told() -> None:
    document = _read("pdf", _pdf(b"BT /F 9 Tf 50 700 Td (Question 1 a\\) second) Tj ET", 10_000))
    assert document.blocks and document.partly.startswith("only the first 200 of 10000 pages")
    assert [(finding.code, finding.audience) for finding in document.findings] == [("documents.partly_read", "staff")]


def test_reasons_say_what_is_wrong() -> None:
    assert "entities" in _read("docx", _laughs()).unreadable
    assert "larger" in _read("docx", _zip_bomb()).unreadable
    assert "encrypted" in _read("pdf", _encrypted()).unreadable


# What a child that a file has taken over might do, in place of the parser.
TAKEN_OVER = {
    "allocates": ("x = bytearray(2**30)", "memory"),
    "sleeps": ("import time; time.sleep(60)", "seconds"),
    "spins": ("while True: pass", "seconds"),
    "forks and stays": ("import os, time; os.fork(); os.fork(); time.sleep(60)", "seconds"),
    "floods": ("import sys\nwhile True: sys.stdout.write('x' * 10**6)", "more text"),
    "says nonsense": ("print('[1, 2')", "memory"),
    "dies": ("import os; os.kill(os.getpid(), 11)", "memory"),
}


@pytest.mark.parametrize("name", sample(TAKEN_OVER, 3))
def test_a_child_that_a_file_has_taken_over(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, reason = TAKEN_OVER[name]
    walls = "from grader.documents.extraction.walls import raise_walls; raise_walls()\n"
    real = subprocess.Popen
    started: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], **settings: Any) -> subprocess.Popen[bytes]:
        started.append(real([sys.executable, "-c", walls + program], **settings))
        return started[-1]

    monkeypatch.setattr(child.subprocess, "Popen", start)
    monkeypatch.setattr(child, "WALL_SECONDS", 3.0)
    began = time.monotonic()
    answer = ask_child("pdf", "x", b"")
    assert reason in answer["fault"] and time.monotonic() - began < 6
    assert started[0].poll() is not None


def test_a_child_has_no_network_sends_no_signal_and_writes_no_file(tmp_path: Path) -> None:
    program = f"""
import json, os, socket, resource
from grader.documents.extraction.walls import raise_walls
raise_walls()
def fails(act):
    try: act()
    except OSError as error: return error.errno
    return 0
print(json.dumps([fails(socket.socket), fails(os.setsid), fails(lambda: os.kill(os.getppid(), 0)),
    fails(lambda: open({str(tmp_path / "x")!r}, "w").write("x" * 10**6)),
    resource.getrlimit(resource.RLIMIT_AS)[1]]))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    network, session, signal, file, memory = json.loads(run.stdout)
    assert (network, session, signal, file, memory) == (1, 1, 1, 27, MEMORY_BYTES)


def test_a_child_starts_without_the_graders_libraries() -> None:
    program = (
        "import sys; import grader.documents.extraction.__main__; "
        "print(sorted({'torch', 'pydantic', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", draw_photo()[:500], typeset(["x"])[:200], b"\x89PNG\r\n\x1a\n" + bytes(100)],
)
def test_what_cannot_be_drawn_gives_no_picture(data: bytes) -> None:
    assert draw_pages(data, [1]) == ()


def test_a_picture_that_unpacks_to_gigabytes_is_not_drawn() -> None:
    assert draw_pages(_bomb_picture(), [1]) == ()


def _bomb_picture() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    size = (60_000).to_bytes(4, "big")
    rows = zlib.compress(bytes(60_001) * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size * 2 + b"\x08\0\0\0\0") + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("seed", sample(range(24), 6))
def test_a_mutated_document_ends_in_a_document(seed: int) -> None:
    from tests.benchmarks.fuzz_documents import check_one, make_samples

    check_one(make_samples(), random.Random(seed))


def test_the_limits_of_this_process_stay() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    _read("docx", convert(REPORT, "docx"))
    assert resource.getrlimit(resource.RLIMIT_AS) == before
