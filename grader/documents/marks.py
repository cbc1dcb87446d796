"""The start of a line without its marks (emphasis, strikes, mathematics, bullets), and the way back to the raw line.

Labels are looked for in a view in which digits and look-alike letters are plain, one character for one character; what
is found there is cut from the raw line so that the marks stay balanced.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<space>\\(?:quad|qquad|[,;!: ]|hspace\*?\{[^}]*\}|hfill|noindent|item|displaystyle|large|bullet)"
    r"(?![a-zA-Z])|&)"
    r"|(?P<open>\\(?:text(?:bf|it|rm|sf|tt)?|math(?:bf|rm|it|sf|tt)|boldsymbol|bm|underline|operatorname|emph|tag"
    r"|(?:sub)*section|paragraph|boxed|mbox)\*?\s*\{|\\begin\{[a-z]+\*?\}(?:\{[^}]*\})?|(?<!\\)\{)"
    r"|(?P<close>\})"
    r"|(?P<toggle>\*{1,3}|__|~~|\$\$?|`|(?<![\w}])_(?=[\w(])|(?<=[).:\w])_(?![\w{]))"
    r"|(?P<math>\\[(\[](?=\s|\\|[a-hA-H]\)))|(?P<escape>\\(?=[().\[\]:\-#]))"
)
_ORNAMENT = r"(?:[🔹🔸🔷🔶🔵🔴🟢🟡🟣⭐★◆▶►▸📌📝📍❓]\ufe0f?[ \t]*)"
_PREFIX = re.compile(
    rf"[ \t\u00a0]*(?:>[ \t]?)*(?P<mark>(?:[-*+•●▪‣–]\ufe0f?[ \t]+)?(?:#{{1,6}}[ \t]*)?)(?:\[[ xX]\][ \t]+)?"
    rf"{_ORNAMENT}?(?:[-=–—]{{2,}}[ \t]*(?=[^\W_]))?"
)
_LOOK_AT = 120


@dataclass(frozen=True, slots=True)
class View:
    """The start of a raw line without its marks: ``text[i]`` stands at ``places[i]`` in the raw line."""

    text: str
    places: tuple[int, ...]
    start: int


@functools.lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    """Return one plain character for one character: Latin digits, Persian forms of letters, ordinary spaces."""
    if letter.isdecimal():
        return str(unicodedata.digit(letter))
    if letter in "\n\t\u00a0\u2009\u202f":
        return " "
    if letter in "\u0640\u200c":
        return "\u200c"
    other = {"ي": "ی", "ى": "ی", "ك": "ک", "ؤ": "و", "а": "a", "с": "c", "А": "A", "В": "B", "С": "C"}.get(letter)
    if other:
        return other
    folded = unicodedata.normalize("NFKC", letter)
    return folded if len(folded) == 1 else letter


@functools.lru_cache(maxsize=4096)
def build_view(raw: str) -> View:
    """Return the view of the start of the line ``raw``: no more of it than a label can take.

    A line is looked at once for every part that was not found, so that views are kept.
    """
    prefix = _PREFIX.match(raw)
    start = prefix.end() if prefix else 0
    text: list[str] = []
    places: list[int] = []
    position, limit = start, min(len(raw), start + _LOOK_AT)
    while position < limit:
        token = _TOKEN.search(raw, position)
        end = min(token.start() if token else limit, limit)
        text.extend(map(_plain, raw[position:end]))
        places.extend(range(position, end))
        position = end
        if token and position < limit:
            if token["space"]:
                text.append(" ")
                places.append(position)
            position = token.end()
    return View(text="".join(text), places=tuple(places), start=start)


def cut_rest(raw: str, view: View, end: int) -> tuple[str, bool]:
    """Return the raw line behind ``view.text[:end]``, and whether exactly that much of it is struck out.

    Marks that were opened before ``end`` and not closed there are kept, so that the rest is balanced.
    """
    while end > 0 and view.text[end - 1] == " ":
        end -= 1
    position = view.places[end - 1] + 1 if end else view.start
    opened: list[str] = []
    struck = False
    scan = view.start
    while scan < len(raw):
        token = _TOKEN.match(raw, scan)
        if scan >= position and not (token and token.lastgroup) and not raw[scan].isspace():
            if raw[scan] in ":.-)" and struck and scan == position:
                scan = position = scan + 1
                continue
            break
        if not (token and token.lastgroup):
            scan += 1
            continue
        if scan >= position and not _may_close(token, opened):
            break
        struck |= token["toggle"] == "~~" and "~~" in opened
        _note(token, opened)
        scan = token.end()
        position = max(position, scan)
    rest = raw[position:].lstrip()
    return "".join(opened) + (" " if opened and opened[-1] == "$$" else "") + rest, struck


def _may_close(token: re.Match[str], opened: list[str]) -> bool:
    if token["space"]:
        return True
    if token["close"]:
        return any(mark.endswith("{") for mark in opened)
    return bool(token["toggle"]) and token["toggle"] in opened


def _note(token: re.Match[str], opened: list[str]) -> None:
    """Keep the list of marks that stand open up to date."""
    if token["open"] or token["math"]:
        opened.append(token[0])
    elif token["close"]:
        for index in range(len(opened) - 1, -1, -1):
            if opened[index].endswith("{"):
                del opened[index]
                break
    elif token["toggle"]:
        if token["toggle"] in opened:
            opened.remove(token["toggle"])
        else:
            opened.append(token["toggle"])
