"""Small plots as inline SVG: no image files, no scripts, no fonts of their own, and colours that follow the page.

Matplotlib would draw them too, at the price of a second's import, a fixed palette and repeated ids. What a feedback
page needs (lines over epochs, a few bars) is short enough to draw here. Series differ by dash, marker or hatching as
well as by colour, and every plot says in words what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from grader.feedback.figures import Plot, Series
from grader.feedback.markup import element

WIDTH, HEIGHT, LEFT, RIGHT, ROW = 480.0, 190.0, 58.0, 14.0, 22.0
"""The drawing's width and the height, margins and text rows of its inner field, in SVG units (about a CSS pixel)."""


def render_plot(plot: Plot, prefix: str) -> Markup:
    """Return the plot as an ``<svg>``; every id in it begins with ``prefix``."""
    top = ROW * (len(plot.series) if _has_legend(plot) else 0) + (ROW + 10 if plot.y_label else 10.0)
    low, high = _y_range(plot)
    y_ticks = find_ticks(low, high)
    low, high = min(low, y_ticks[0]), max(high, y_ticks[-1])

    def down(y: float) -> float:
        return top + HEIGHT * (1 - (y - low) / (high - low))

    draw = _draw_bars if plot.kind == "bars" else _draw_lines
    height = top + HEIGHT + ROW * (2 if plot.x_label else 1) + 6
    parts = [
        _hatching(plot, prefix),
        *(_legend(plot, prefix) if _has_legend(plot) else ()),
        _text(4, top - 16, plot.y_label, "label"),
        *(_y_tick(tick, down(tick)) for tick in y_ticks),
        *draw(plot, prefix, down, top + HEIGHT),
        _text((LEFT + WIDTH - RIGHT) / 2, height - 6, plot.x_label, "label middle"),
    ]
    attributes = {"class": "plot", "role": "img", "aria-label": describe(plot), "viewBox": f"0 0 {WIDTH:g} {height:g}"}
    return element("svg", attributes, *parts)


def describe(plot: Plot) -> str:
    """Return in words what the plot shows."""
    name = plot.title or ("Bar chart" if plot.kind == "bars" else "Line plot")
    if plot.kind == "bars":
        said = [
            f"{item.name}: " + ", ".join(f"{c} {_number(y)}" for c, y in zip(plot.categories, item.ys, strict=False))
            for item in plot.series
        ]
    else:
        said = [f"{item.name} {_course(item)}" for item in plot.series]
    return f"{name}. " + "; ".join(said) + "."


def find_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers that cover ``low`` to ``high`` in about ``about`` steps of 1, 2 or 5 times a power of 10."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _course(item: Series) -> str:
    values = [y for y in item.ys if y is not None]
    if len(values) == 1:
        return f"is {_number(values[0])}"
    return f"goes from {_number(values[0])} to {_number(values[-1])} in {len(values)} points"


def _has_legend(plot: Plot) -> bool:
    return len(plot.series) > 1 or any(item.name for item in plot.series)


def _y_range(plot: Plot) -> tuple[float, float]:
    """Return the values to cover: zero where bars or values near it need it, and room around a flat line."""
    values = [y for item in plot.series for y in item.ys if y is not None]
    low, high = min(values), max(values)
    if plot.kind == "bars":
        room = 0.1 * (max(high, 0.0) - min(low, 0.0))  # for the numbers above and below the bars
        low, high = min(low - room, 0.0) if low < 0 else 0.0, max(high + room, 0.0)
    elif 0 <= low < 0.5 * high:
        low = 0.0
    if high - low <= 1e-9 * max(1.0, abs(high)):
        room = abs(high) / 2 or 1.0
        low, high = low - room, high + room
    return low, high


def _x_range(plot: Plot) -> tuple[float, float]:
    values = [x for item in plot.series for x in item.xs]
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _draw_lines(plot: Plot, prefix: str, down: Callable[[float], float], bottom: float) -> list[Markup]:
    low, high = _x_range(plot)

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (x - low) / (high - low)

    whole = all(x.is_integer() for item in plot.series for x in item.xs)
    ticks = [tick for tick in find_ticks(low, high) if low <= tick <= high and (tick.is_integer() or not whole)]
    parts = [_text(across(tick), bottom + 18, _number(tick), "tick middle") for tick in ticks]
    for number, item in enumerate(plot.series):
        points = [(across(x), None if y is None else down(y)) for x, y in zip(item.xs, item.ys, strict=True)]
        parts.append(element("path", {"class": f"line s{number}", "d": _path(points)}))
        seen = [(x, y) for x, y in points if y is not None]
        parts += [_marker(number, x, y) for x, y in seen[:: math.ceil(len(seen) / 24)]]
    return parts


def _path(points: Sequence[tuple[float, float | None]]) -> str:
    """Return SVG path data that breaks off at gaps."""
    commands, pen_down = [], False
    for x, y in points:
        if y is not None:
            commands.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        pen_down = y is not None
    return " ".join(commands)


def _draw_bars(plot: Plot, prefix: str, down: Callable[[float], float], bottom: float) -> list[Markup]:
    slot = (WIDTH - LEFT - RIGHT) / len(plot.categories)
    width = min(46.0, slot * 0.76 / len(plot.series))
    letters = max(3, int(slot / 8))
    parts = [element("path", {"class": "zero", "d": f"M{LEFT:g} {down(0):.1f}H{WIDTH - RIGHT:g}"})]
    for index, name in enumerate(plot.categories):
        middle = LEFT + slot * (index + 0.5)
        short = name if len(name) <= letters else name[: letters - 1] + "…"
        parts.append(_text(middle, bottom + 18, short, "tick middle"))
        for number, item in enumerate(plot.series):
            value = item.ys[index] if index < len(item.ys) else None
            if value is not None:
                start = middle + width * (number - len(plot.series) / 2)
                parts += _bar(number, start, width, down(0), down(value), value, prefix)
    return parts


def _bar(n: int, x: float, width: float, zero: float, end: float, value: float, prefix: str) -> list[Markup]:
    top, height = min(zero, end), max(abs(zero - end), 1.0)
    label = end - 5 if end <= zero else end + 15
    return [
        _box(n, x + 1, top, width - 2, height, prefix),
        *([_text(x + width / 2, label, _number(value), "value middle")] if width >= 22 else []),
    ]


def _box(n: int, x: float, y: float, width: float, height: float, prefix: str) -> Markup:
    """Return a filled box: the first series plain, the others hatched, each at its own angle."""
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}"}
    fill = {"fill": f"url(#{prefix}-hatch-{n})"} if n else {}
    return element("rect", {"class": f"column s{n}", **place, **fill})


def _hatching(plot: Plot, prefix: str) -> Markup:
    if plot.kind != "bars" or len(plot.series) < 2:
        return Markup("")
    patterns = [
        element(
            "pattern",
            {
                "id": f"{prefix}-hatch-{number}",
                "width": "6",
                "height": "6",
                "patternUnits": "userSpaceOnUse",
                "patternTransform": f"rotate({45 * number})",
            },
            element("path", {"class": f"hatch s{number}", "d": "M0 3H6"}),
        )
        for number in range(1, len(plot.series))
    ]
    return element("defs", {}, *patterns)


def _legend(plot: Plot, prefix: str) -> list[Markup]:
    parts = []
    for number, item in enumerate(plot.series):
        y = ROW * number + 12
        if plot.kind == "bars":
            parts.append(_box(number, LEFT, y - 7, 26, 13, prefix))
        else:
            parts.append(element("path", {"class": f"line s{number}", "d": f"M{LEFT:g} {y:g}h34"}))
            parts.append(_marker(number, LEFT + 17, y))
        name = item.name if len(item.name) <= 48 else item.name[:47] + "…"
        parts.append(_text(LEFT + 44, y + 5, name, "label"))
    return parts


_MARKERS = ("M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z", "M-4-4H4V4H-4Z", "M0-5L5 0L0 5L-5 0Z", "M0-5L5 4H-5Z", "M0 5L5-4H-5Z")


def _marker(number: int, x: float, y: float) -> Markup:
    shape = _MARKERS[number % len(_MARKERS)]
    return element("path", {"class": f"marker s{number}", "d": shape, "transform": f"translate({x:.1f} {y:.1f})"})


def _y_tick(value: float, y: float) -> Markup:
    grid = element("path", {"class": "grid", "d": f"M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"})
    return grid + _text(LEFT - 8, y + 5, _number(value), "tick end")


def _text(x: float, y: float, text: str, classes: str) -> Markup:
    return element("text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "class": classes}, text) if text else Markup("")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}".replace("-", "−")
