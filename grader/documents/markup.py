"""HTML inside a report to inert text: what a reader of the page would see, and nothing that acts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from grader.documents.blocks import Line

_MATHEMATICS = (
    r"\$\$.{0,5000}?\$\$|\\\[.{0,5000}?\\\]|\\\(.{0,2000}?\\\)|\$(?!\s)[^$\n]{0,2000}?(?<!\s)\$"
    r"|(?m:^(?:```|~~~).*?^(?:```|~~~))|`[^`\n]+`"
)
_DROPPED = r"<!--.*?-->|<(?P<name>script|style|head|template|iframe|object|svg|canvas)\b.*?</(?P=name)\s*>"
_KNOWN = (
    "a|abbr|address|article|aside|b|big|blockquote|body|br|button|caption|center|cite|code|col|colgroup|dd|del|details"
    "|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form|h[1-6]|header|hr|html|i|img|input|ins|kbd|label|li"
    "|link|main|mark|meta|nav|ol|option|p|pre|q|s|samp|section|select|small|span|strike|strong|sub|summary|sup|table"
    "|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|var|video|audio|source"
)
_TAG = rf"</?(?:{_KNOWN})(?:\s+[^<>]*?)?\s*/?>"
_PIECE = re.compile(rf"(?is)(?P<kept>{_MATHEMATICS})|(?P<dropped>{_DROPPED})|(?P<tag>{_TAG})|(?P<entity>&\#?\w+;)")
_TAG_NAME = re.compile(r"</?\s*([a-z0-9]+)", re.IGNORECASE)
_BREAKS = frozenset("br p div li tr h1 h2 h3 h4 h5 h6 ul ol table blockquote hr dd dt pre section".split())
_DRAWN = frozenset({"svg", "canvas", "object"})
_STRIKES = frozenset({"s", "del", "strike"})
# Marks a line end that a tag made, so that the numbers of the file's own lines stay right.
_BREAK = "\ue000"


def read_lines(text: str) -> list[Line]:
    """Return the lines of ``text`` with its HTML made inert: tags gone, scripts and comments dropped.

    ``<del>`` becomes ``~~``, ``<sup>`` and ``<sub>`` become ``^{}`` and ``_{}``, a picture ``![](...)``; tags that
    begin a new line begin one. Mathematics and code are left as they are.
    """
    inert = _PIECE.sub(_replace, text.replace(_BREAK, " ")) if "<" in text or "&" in text else text
    return list(_split(inert.split("\n")))


def _split(lines: Iterable[str]) -> Iterator[Line]:
    for number, text in enumerate(lines, 1):
        pieces = text.split(_BREAK)
        for piece in pieces:
            if piece.strip() or len(pieces) == 1:
                yield Line(text=piece.rstrip(), number=number)
        if len(pieces) > 1 and not pieces[-1].strip():
            yield Line(text="", number=number)


def _replace(match: re.Match[str]) -> str:
    if match["kept"] is not None:
        return match["kept"]
    if match["dropped"] is not None:
        # What is drawn is a picture, whatever draws it.
        return ("![](drawing)" if (match["name"] or "").lower() in _DRAWN else "") + "\n" * match["dropped"].count("\n")
    if match["entity"] is not None:
        return html.unescape(match["entity"])
    return _replace_tag(match["tag"])


def _replace_tag(tag: str) -> str:
    found = _TAG_NAME.match(tag)
    name, closing = (found[1].lower() if found else ""), tag.startswith("</")
    lines = "\n" * tag.count("\n")
    if name in _BREAKS:
        return _BREAK + lines
    if name in _STRIKES:
        return "~~" + lines
    if name in ("sup", "sub"):
        return "}" if closing else ("^{" if name == "sup" else "_{")
    if name in ("img", "embed", "video", "object"):
        source = re.search(r"src\s*=\s*[\"']?([^\"'\s>]*)", tag)
        return f"![]({source[1] if source else ''})" + lines
    return (" " if name in ("td", "th") else "") + lines
