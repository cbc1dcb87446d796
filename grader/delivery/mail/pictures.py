"""Formulas and plots as PNG pictures, since mail programs draw neither MathML nor SVG.

A formula goes through the page's own guard (grader.feedback.formula) first: what a page shows as its source is shown as
its source here. Plots are the page's drawings, in the page's colours. Pictures have twice the pixels of their size, and
fonts that come with the packages, so that they look the same wherever they are made.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup, escape

from grader.feedback.figures import Plot
from grader.feedback.formula import render_formula, render_mixed
from grader.feedback.markup import element
from grader.feedback.plots import describe, render_plot

SCALE = 2
MOST_PLOTS, MOST_FORMULAS = 2, 40
WIDEST, HIGHEST = 1200.0, 400.0
"""Size of the largest formula that is drawn, in CSS pixels; beyond, its source is easier to read."""
ROOM = 500.0
"""Width that a picture may take in a message, in CSS pixels."""
_LONGEST = 800
HEAVIEST = 1500
"""How often parts of a formula may be set, all in all: about a third of a second."""
_SIMPLE = re.compile(r"([A-Za-z])(?:_(?:([A-Za-z0-9])|\{([A-Za-z0-9,]{1,4})\}))?")
_MATH_SIZE = {True: 19.0, False: 16.5}
_FONT = "DejaVu Sans"
# The library sets a hat that is a letter of the text far above its own.
_HAT = ("<mo>^</mo></mover>", '<mo stretchy="false">\u02c6</mo></mover>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A PNG; size and ``depth`` (how much of it hangs below the line of text) in CSS pixels."""

    data: bytes
    width: int
    height: int
    depth: int = 0


class Pictures:
    """Gathers the pictures of one message; its methods return the HTML that stands where each belongs."""

    def __init__(self, domain: str, css: str) -> None:
        """Take the domain that pictures are named in, and the style sheet of the page."""
        self.found: dict[str, Picture] = {}
        self._domain, self._css = domain, css
        self._plots: set[str] = set()

    def mixed(self, text: str) -> Markup:
        """Return a sentence with its formulas drawn."""
        return render_mixed(text, self._draw)

    def formula(self, latex: str) -> Markup:
        """Return a formula that stands by itself."""
        return self._draw(latex, display=True)

    def plot(self, plot: Plot) -> Markup:
        """Return a plot; "" once the message has as many as it may have."""
        picture = draw_plot(plot, self._css)
        if picture is None:
            return Markup("")
        name = self._name(picture)
        if name not in self._plots and len(self._plots) >= MOST_PLOTS:
            return Markup("")
        self._plots.add(name)
        return self._show(picture, describe(plot), "plot")

    def _draw(self, latex: str, *, display: bool = True) -> Markup:
        if not display and latex.isdecimal():
            return escape(latex)
        simple = None if display else _SIMPLE.fullmatch(latex)
        if simple:
            below = simple[2] or simple[3]
            return element("i", {}, simple[1]) + (element("sub", {}, below) if below else Markup(""))
        drawn = render_formula(latex, display=display)
        picture = draw_formula(str(drawn), display) if drawn.startswith("<math") and len(latex) <= _LONGEST else None
        if picture is None or (len(self.found) >= MOST_FORMULAS and self._name(picture) not in self.found):
            return drawn if drawn.startswith("<code") else element("code", {"class": "tex", "dir": "ltr"}, latex)
        return self._show(picture, latex, "formula" if display else "inline")

    def _name(self, picture: Picture) -> str:
        return f"{hashlib.sha256(picture.data).hexdigest()[:20]}@{self._domain}"

    def _show(self, picture: Picture, words: str, kind: str) -> Markup:
        name = self._name(picture)
        self.found[name] = picture
        shrink = min(1.0, ROOM / picture.width)
        size = {"width": str(round(picture.width * shrink)), "height": str(round(picture.height * shrink))}
        place = {"style": f"vertical-align:-{picture.depth}px"} if kind == "inline" else {}
        return Markup("<img{}>").format(
            Markup("").join(
                Markup(' {}="{}"').format(key, value)
                for key, value in {"class": kind, "src": f"cid:{name}", "alt": words, **size, **place}.items()
            )
        )


@lru_cache(maxsize=4096)  # a class's messages show the same formulas: the expected ones, and most students' wrong ones
def draw_formula(mathml: str, display: bool) -> Picture | None:
    """Return the picture of a formula that the page's guard has let through; None where it cannot be drawn."""
    if any(unicodedata.category(letter) == "Lo" for letter in mathml):
        return None  # Persian, for one: the font has no letters for it, and would draw boxes
    draw = _find_drawer()
    try:
        drawn = draw(_simplify(mathml.replace(*_HAT)), size=_MATH_SIZE[display])
        width, height = drawn.getsize()
        if not (0 < width <= WIDEST and 0 < height <= HIGHEST):
            return None
        svg, below = drawn.svg(), -drawn.getyofst()
    except Exception:  # the library raises exceptions of many kinds on what it does not know
        return None
    return _rasterise(svg, round(width + 2), depth=max(0, round(below) + 1))


def _simplify(mathml: str) -> str:
    """Return the formula without rows of one element, which cost much and say nothing. Raises ValueError: too deep.

    The library sets every row twice to learn its height, and so what is in it: time doubles with each level.
    """
    tree = ElementTree.fromstring(mathml)  # noqa: S314 (made from a list of allowed elements, without declarations)
    _flatten(tree)
    if len(tree) == 1 and tree[0].tag == "mrow" and not tree[0].attrib:
        tree[:] = list(tree[0])
    if _weigh(tree, 1) > HEAVIEST:
        raise ValueError("a formula of too many levels")
    return ElementTree.tostring(tree, encoding="unicode")


def _flatten(node: ElementTree.Element) -> None:
    for place, child in enumerate(node):
        _flatten(child)
        if child.tag == "mrow" and len(child) == 1 and not child.attrib:
            node[place] = child[0]


def _weigh(node: ElementTree.Element, times: int) -> int:
    times *= 2 if node.tag == "mrow" else 1
    return times + sum(_weigh(child, times) for child in node)


@lru_cache(maxsize=1)
def _find_drawer() -> Any:
    with warnings.catch_warnings():  # its import asks for a function that Python 3.11 and 3.12 call deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        from ziamath import zmath
    return zmath.Math


@lru_cache(maxsize=256)
def draw_plot(plot: Plot, css: str) -> Picture | None:
    """Return the picture of a plot, in the light colours of the page's style sheet; None where it cannot be drawn."""
    import css_inline

    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, resolve_css_variables=True)
    svg = inliner.inline_fragment(str(render_plot(plot, "plot")), css)
    # HTML is written; XML is read: it knows no &nbsp;, and the words about the plot go into the message instead.
    svg = re.sub(r' aria-label="[^"]*"', "", svg, count=1).replace("&nbsp;", "&#160;")
    return _rasterise(
        svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1), round(ROOM), fonts=_find_fonts()
    )


def _rasterise(svg: str, width: int, *, depth: int = 0, fonts: Sequence[str] = ()) -> Picture | None:
    import resvg_py

    try:
        made = resvg_py.svg_to_bytes(
            svg_string=svg,
            background="#ffffff",
            width=width * SCALE,
            skip_system_fonts=True,
            font_files=list(fonts),
            font_family=_FONT,
            sans_serif_family=_FONT,
        )
    except ValueError:
        return None
    data = bytes(made)
    # The size stands in the first chunk: https://www.w3.org/TR/png-3/#11IHDR
    pixels = int.from_bytes(data[20:24], "big")
    return Picture(data=data, width=width, height=max(1, round(pixels / SCALE)), depth=depth)


@lru_cache(maxsize=1)
def _find_fonts() -> tuple[str, ...]:
    """Return the fonts that come with matplotlib, which is not imported for that: it takes a second."""
    spec = importlib.util.find_spec("matplotlib")
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" if spec and spec.origin else Path()
    return tuple(str(path) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf") if (path := folder / name).is_file())
