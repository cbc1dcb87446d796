r"""LaTeX to MathML that a browser draws by itself, safe whatever the LaTeX holds.

latex2mathml does not escape text, turns ``\href`` and ``\style`` into attributes, expands macros without a limit and
passes unknown commands as letters. So its tree is rebuilt here from lists of allowed elements and attributes, macro
definitions are refused, and a formula that it does not wholly know is shown as its source.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from grader.feedback.markup import clean, element

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ELEMENTS = frozenset(
    "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle merror mpadded mphantom menclose msub msup msubsup "
    "munder mover munderover mmultiscripts mprescripts none mtable mtr mtd".split()
)
_WORDS = frozenset(
    "accent accentunder columnalign columnlines displaystyle fence form largeop mathvariant movablelimits notation "
    "rowlines scriptlevel separator stretchy symmetric".split()
)
_LENGTHS = frozenset("columnspacing depth height linethickness lspace maxsize minsize rowspacing rspace width".split())
_WORD = re.compile(r"[A-Za-z0-9 +-]{1,40}")
_LENGTH = re.compile(r"[+-]?(\d{0,2}\.?\d{1,4})(em|ex|mu|px|pt)?")
_DEFINITIONS = re.compile(r"\\(re|provide)?newcommand|\\(g|e|x)?def\b|\\(re)?newenvironment|\\DeclareMath|\\let\b")
_INLINE = re.compile(r"`([^`\n]+)`|\$\$(.+?)\$\$|\$(?=\S)([^$]*[^$\s])\$(?!\d)", re.DOTALL)

_ANSWER = re.compile(
    r"~~(?P<struck>.+?)~~|\s*\$\$(?P<display>.+?)\$\$\s*|\$(?=\S)(?P<inline>[^$]*[^$\s])\$(?!\d)", re.DOTALL
)

_DRAWN = re.compile(r"(<math.*?</math>)", re.DOTALL)

LONGEST = 2000
"""Characters of the longest formula that is drawn."""

DEEPEST = 60
"""Levels of nesting that are drawn; below, browsers and Python both run out of stack."""

WIDEST = 12.0
"""Largest length, in its unit, that a formula may ask for, so that it cannot push the page aside."""


class _NotDrawnError(ValueError):
    """A formula that cannot be drawn faithfully."""


@lru_cache(maxsize=1024)  # a class's pages show the same formulas: the expected ones, and most students' right ones
def render_formula(latex: str, *, display: bool = True) -> Markup:
    """Return MathML for ``latex`` with the source as ``alttext``, or the source where it cannot be drawn."""
    source = clean(latex, LONGEST + 1).strip()
    try:
        return _build(_convert(source, display), source, display)
    except Exception:  # latex2mathml raises exceptions of many kinds on broken LaTeX, IndexError among them
        return element("code", {"class": "tex", "dir": "ltr"}, source)


def render_mixed(text: str, draw: Callable[..., Markup] = render_formula) -> Markup:
    """Return a sentence, escaped, with formulas between ``$`` signs drawn and code between backticks set as code.

    ``draw`` is called as ``render_formula`` is: mail has pictures in place of MathML.
    """
    pieces: list[Markup] = []
    end = 0
    for match in _INLINE.finditer(text):
        pieces.append(escape(text[end : match.start()]))
        code, formula = match[1], match[2] or match[3]
        pieces.append(element("code", {"dir": "ltr"}, code) if code else draw(formula, display=False))
        end = match.end()
    return Markup("").join([*pieces, escape(text[end:])])


def render_answer(text: str) -> Markup:
    """Return a student's own words, escaped, with formulas drawn and what stands between ``~~`` struck out."""
    pieces: list[Markup] = []
    end = 0
    for match in _ANSWER.finditer(text):
        pieces.append(escape(text[end : match.start()]))
        if match["struck"]:
            # Words and formulas apart: a line through words would cross every sign of a formula at its own height.
            struck = render_answer(match["struck"])
            pieces += [element("del", {}, Markup(part)) for part in _DRAWN.split(struck) if part]  # noqa: S704 (ours)
        else:
            pieces.append(render_formula(match["display"] or match["inline"], display=bool(match["display"])))
        end = match.end()
    return Markup("").join([*pieces, escape(text[end:])])


def _convert(source: str, display: bool) -> Element:
    """Return latex2mathml's tree. Raises whatever it raises, and _NotDrawnError for what it should have refused."""
    if not source or len(source) > LONGEST or _DEFINITIONS.search(source):
        raise _NotDrawnError(source)
    from latex2mathml.converter import convert_to_element

    tree: Element = convert_to_element(source, display="block" if display else "inline")
    return tree


def _build(tree: Element, source: str, display: bool) -> Markup:
    inner = Markup("").join(_rebuild(child, 0) for child in tree)
    attributes = {"display": "block" if display else "inline", "alttext": source}
    return element("math", attributes, inner)


def _rebuild(node: Element, depth: int) -> Markup:
    """Return one element and what is in it, made anew from allowed parts. Raises _NotDrawnError."""
    # The library writes its own symbols as entities, so text is unescaped once and then escaped as a whole.
    text = html.unescape(node.text or "")
    if node.tag not in _ELEMENTS or depth > DEEPEST or (text.startswith("\\") and len(text) > 1):
        raise _NotDrawnError(node.tag)
    attributes = {key: value for key, value in node.attrib.items() if _is_allowed(key, value)}
    return element(node.tag, attributes, text, *(_rebuild(child, depth + 1) for child in node))


def _is_allowed(key: str, value: str) -> bool:
    if key in _WORDS:
        return _WORD.fullmatch(value) is not None
    found = _LENGTH.fullmatch(value) if key in _LENGTHS else None
    return found is not None and float(found[1]) <= WIDEST
