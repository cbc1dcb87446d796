"""Bytes to text, whatever editor wrote them, without the characters that nobody sees."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

from grader.model import Finding

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_PERSIAN = re.compile(r"[\u0600-\u06ff]")
# Directional marks and overrides, invisible spaces and joiners, soft hyphens, byte-order marks inside the text. The
# zero-width non-joiner stays: it is part of Persian spelling.
_UNSEEN = re.compile("[\u061c\u200b\u200d-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_WESTERN = re.compile(
    "[\u0080-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2022\u2026"
    "\u2030\u2039\u203a\u20ac\u2122]"
)
_OVERRIDE = re.compile("[\u202d\u202e]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A file's text with plain line ends; ``findings`` tell staff what was assumed."""

    text: str
    encoding: str
    findings: tuple[Finding, ...] = ()


def read_text(data: bytes) -> Decoded | None:
    """Return the text in ``data``, None where it is no text in any encoding known here.

    UTF-8 and everything with a byte-order mark is certain. UTF-16 without one shows by its zero bytes; else the bytes
    are taken for cp1256 where that makes Persian words of them, for cp1252 otherwise, and a finding says so.
    """
    encoding, sure = _find_encoding(data)
    if encoding is None:
        return None
    try:
        text = data.decode(encoding)
    except UnicodeError:
        text = data.decode(encoding, errors="replace")
        sure = False
    if _looks_binary(text):
        return None
    findings = [] if sure else [_assumed(encoding)]
    if mended := _find_twice_encoded(text):
        text = mended
        findings.append(_twice_encoded())
    if _OVERRIDE.search(text):
        findings.append(_overridden())
    return Decoded(text=clean_text(text), encoding=encoding, findings=tuple(findings))


def clean_text(text: str) -> str:
    """Return ``text`` with plain line ends and without the characters that nobody sees."""
    return _CONTROL.sub("", _UNSEEN.sub("", _LINE_ENDS.sub("\n", text)))


def _find_encoding(data: bytes) -> tuple[str | None, bool]:
    """Return the encoding and whether it is certain."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, True
    if b"\x00" in data:
        return _find_utf16(data), False
    try:
        data.decode("utf-8")
        return "utf-8", True
    except UnicodeDecodeError as error:
        # One bad byte in a long UTF-8 text is a slip of the editor, not another encoding.
        good = data.decode("utf-8", errors="ignore")
        bad = len(data) - len(good.encode())
        if bad * 50 < len(data) and (not good.isascii() or error.start + 4 >= len(data)):
            return "utf-8", False
    return ("cp1256" if _reads_as_persian(data) else "cp1252"), False


def _find_utf16(data: bytes) -> str | None:
    """Return the byte order in which most zero bytes are the upper halves of Latin characters."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if max(even, odd) * 5 < len(data) // 2:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _reads_as_persian(data: bytes) -> bool:
    """Tell whether cp1256 turns the bytes over 127 into words: letters that stand beside one another."""
    text = data.decode("cp1256", errors="replace")
    pairs = len(re.findall(r"[\u0600-\u06ff](?=[\u0600-\u06ff])", text))
    return pairs * 2 >= len(_PERSIAN.findall(text)) > 0


def _find_twice_encoded(text: str) -> str:
    """Return what Persian was before a program took its bytes for Western letters ("Ø³ÙˆØ§Ù„"); "" for any other text.

    English with accents stays what it is: its letters give no sound UTF-8 and no Persian words.
    """
    western = len(_WESTERN.findall(text))
    if western < 8 or western * 2 < sum(not sign.isascii() for sign in text):
        return ""
    data = b"".join(_to_byte(sign) for sign in text)
    for encoding in ("utf-8", "cp1256"):
        try:
            mended = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        words = len(re.findall(r"[\u0600-\u06ff]{2}", mended))
        if words * 4 >= western // (2 if encoding == "utf-8" else 1) and (
            encoding == "utf-8" or _reads_as_persian(data)
        ):
            return mended
    return ""


def _to_byte(sign: str) -> bytes:
    """Return the byte that a Western program made this character of; one that it could not make stands as UTF-8."""
    for encoding in ("cp1252", "latin-1"):
        with contextlib.suppress(UnicodeEncodeError):
            return sign.encode(encoding)
    return sign.encode("utf-8", "replace")


def _looks_binary(text: str) -> bool:
    strange = len(_CONTROL.findall(text)) + text.count("\ufffd")
    return strange * 20 > len(text)


def _assumed(encoding: str) -> Finding:
    return Finding(
        code="documents.encoding_assumed",
        message=f"The file does not say its encoding and is not sound UTF-8; it was read as {encoding}.",
        audience="staff",
    )


def _twice_encoded() -> Finding:
    return Finding(
        code="documents.encoded_twice",
        message="The file's Persian was saved as if it were Western letters; it was turned back.",
        audience="staff",
    )


def _overridden() -> Finding:
    return Finding(
        code="documents.direction_override",
        message="The file holds characters that turn the direction of text around; they were removed.",
        audience="staff",
    )
