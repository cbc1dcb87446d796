"""Word's .docx, OpenDocument's .odt and .rtf to Markdown."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from typing import Any, Final

from grader.documents.extraction.faults import UnreadableError
from grader.documents.extraction.pandoc import build_tree
from grader.documents.extraction.tree import Dialect, Node, render_tree

_MOST_PARTS: Final = 5_000
_MOST_XML_BYTES: Final = 60_000_000
_PROLOG_BYTES: Final = 65_536
_PICTURES: Final = re.compile(
    r"\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp|heic|mp4|mov|avi|wav|mp3|ttf|odttf)\Z", re.IGNORECASE
)
_DECLARES: Final = re.compile(rb"<!\s*ENTITY", re.IGNORECASE)
_BODIES: Final = frozenset({"word/document.xml", "content.xml"})
# The package is not compressed any more when this is looked for.
_PERSIAN_LIST: Final = re.compile(rb'numFmt w:val="arabicA(?:bjad|lpha)"')
# OpenDocument names a formula's folder in several ways, of which pandoc knows one.
_OBJECT: Final = re.compile(rb'(<draw:object\b[^>]*?\bxlink:href=")(?:\./)?([^"/:]+)/?"')
_TEXT_BOX: Final = re.compile(rb"<w:txbxContent\b(?:(?!</w:txbxContent>).){0,20000}?<w:t\b[^>]*>[^<]*\w", re.DOTALL)
_OLE: Final = b"\xd0\xcf\x11\xe0"


def read_word(_name: str, data: bytes) -> dict[str, Any]:
    """Return the Markdown of a word processor's file under ``parts``. Raises UnreadableError."""
    form = find_form(data)
    if form == "rtf":
        return {"parts": [{"text": render_tree(build_tree(form, data), Dialect(quotes=False))}]}
    data, body = check_package(data)
    tree = build_tree(form, data)
    if lost := find_loss(body, tree):
        raise UnreadableError(lost)
    dialect = Dialect(quotes=False, persian=_PERSIAN_LIST.search(data) is not None)
    return {"parts": [{"text": render_tree(tree, dialect)}]}


def find_form(data: bytes) -> str:
    """Return pandoc's name of the format, by the bytes and not by the name. Raises UnreadableError."""
    if data.startswith(b"{\\rtf"):
        return "rtf"
    if data.startswith(_OLE):
        encrypted = "EncryptedPackage".encode("utf-16-le") in data
        old = "Word's old format .doc is not read (.docx and PDF are)"
        raise UnreadableError("it is encrypted" if encrypted else old)
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = set(package.namelist())
        if "word/document.xml" in names or "[Content_Types].xml" in names:
            return "docx"
        if "content.xml" in names:
            return "odt"
    raise UnreadableError("it is no Word, OpenDocument or RTF file")


def check_package(data: bytes) -> tuple[bytes, bytes]:
    """Return the package with its pictures emptied, and its main part. Raises UnreadableError.

    Every part is unpacked once within bounds. Sizes that a zip declares may be lies: what counts is what comes out.
    """
    kept, body = io.BytesIO(), b""
    left = _MOST_XML_BYTES
    with zipfile.ZipFile(io.BytesIO(data)) as package, zipfile.ZipFile(kept, "w") as copy:
        infos = package.infolist()
        if len(infos) > _MOST_PARTS:
            raise UnreadableError("it holds more parts than any report")
        for info in infos:
            if info.flag_bits & 1:
                raise UnreadableError("it is encrypted")
            if info.is_dir():
                continue
            if _PICTURES.search(info.filename):  # named in the text as long as it is there at all
                copy.writestr(info.filename, b"-")
                continue
            with package.open(info) as stream:
                part = stream.read(left + 1)
            left -= len(part)
            if left < 0:
                raise UnreadableError("unpacked it is far larger than any report")
            _check_part(part)
            if info.filename in _BODIES:
                body = part = _OBJECT.sub(rb'\1./\2"', part)
            copy.writestr(info.filename, part)
    return kept.getvalue(), body


def _check_part(part: bytes) -> None:
    """Refuse a part that declares entities: no word processor writes them, and they are what XML bombs are made of."""
    prolog = part[:_PROLOG_BYTES]
    if _DECLARES.search(prolog) or _DECLARES.search(prolog.replace(b"\x00", b"")):
        raise UnreadableError("it declares XML entities, as no word processor does")


def find_loss(body: bytes, tree: Sequence[Node]) -> str:
    """Return what of a document pandoc passes over in silence ("" for nothing): half an answer is worse than none."""
    objects = body.count(b"<w:object") + body.count(b"<draw:object ")
    # OpenDocument keeps formulas as objects, and pandoc reads most of them; of Word's objects it reads none.
    read = json.dumps(tree).count('"t": "Math"') if b"<draw:object " in body else 0
    if objects > read:
        return "it holds equations or objects of an editor whose format is not read"
    if b"contentPart" in body:
        return "it holds handwriting (ink), which is not read"
    if _TEXT_BOX.search(body):
        return "it holds text boxes, which are not read"
    return ""
