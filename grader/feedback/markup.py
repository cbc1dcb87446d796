"""Text to markup, escaped: the one place where strings of a hand-in become part of a page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from markupsafe import Markup

# Terminal colours and titles first, then every other control character, the invisible characters that reorder a line
# of text (a student's file may carry them to make a page read differently), and what UTF-8 or HTML cannot hold.
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MATHS = re.compile(r"\$\$?[^$]*\$\$?|\\[A-Za-z]+")
_WORD = re.compile(r"[^\W\d_]+")


def element(name: str, attributes: Mapping[str, str], *children: str) -> Markup:
    """Return an element; its name is ours, attribute values and text children are escaped, Markup children kept."""
    opened = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in attributes.items())
    return Markup("<{0}{1}>{2}</{0}>").format(name, opened, Markup("").join(children))


def clean(value: Any, limit: int = 4000) -> str:
    """Return ``value`` as text that a page can hold: no control characters, at most ``limit`` characters."""
    text = _number(value) if isinstance(value, float) else str(value)
    cut = len(text) > limit
    text = text[:limit].replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", _ANSI.sub("", text)))
    return text.strip("\n") + (" … (shortened; the rest is in your file)" if cut else "")


def _number(value: float) -> str:
    return f"{value:.4g}"


def show_marks(value: Decimal) -> str:
    """Return marks without trailing zeros: ``4.5``, ``10``."""
    return f"{value.normalize():f}" if value else "0"


def is_right_to_left(text: str) -> bool:
    """Return True where most words are written from right to left; formulas do not count, the first breaks a tie."""
    words = [unicodedata.bidirectional(word[0]) in ("R", "AL") for word in _WORD.findall(_MATHS.sub(" ", text))]
    return bool(words) and (2 * sum(words), words[0]) > (len(words), False)


def render_direction(text: str) -> Markup:
    """Return the ``dir`` and ``lang`` attributes for a text of a student: Persian runs from right to left."""
    return Markup('dir="rtl" lang="fa"') if is_right_to_left(text) else Markup('dir="auto"')
