"""Tables and plots as evidence carries them (JSON) to records that a page can draw. Student data passes through."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

from grader.feedback.markup import clean
from grader.model import Json

ROWS, COLUMNS, SERIES, POINTS, BARS = 60, 12, 6, 400, 24
"""The most that one table or plot shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as text; ``left_out`` rows did not fit."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line (``xs`` and ``ys``) or one set of bars (``ys`` alone); None is a gap."""

    name: str
    xs: tuple[float, ...] = ()
    ys: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot: lines over numbers, or bars over ``categories``."""

    kind: Literal["line", "bars"]
    title: str
    x_label: str = ""
    y_label: str = ""
    series: tuple[Series, ...] = ()
    categories: tuple[str, ...] = ()


def find_table(value: Json) -> Table | None:
    """Return the table that ``value`` describes, None where it describes none."""
    if not (isinstance(value, Mapping) and _is_list(value.get("columns")) and _is_list(value.get("rows"))):
        return None
    columns, rows = value["columns"][:COLUMNS], value["rows"]
    if not columns or not all(_is_list(row) for row in rows):
        return None
    padded = [[*row[: len(columns)], *[""] * (len(columns) - len(row))] for row in rows[:ROWS]]
    return Table(
        columns=tuple(_cell(item) for item in columns),
        rows=tuple(tuple(_cell(item) for item in row) for row in padded),
        left_out=max(0, len(rows) - ROWS),
    )


def find_plot(value: Json) -> Plot | None:
    """Return the plot that ``value`` describes, None where it describes none or holds nothing to draw."""
    if not (isinstance(value, Mapping) and _is_list(value.get("series"))):
        return None
    bars = value.get("kind") == "bars"
    found = [_find_bars(item) if bars else _find_line(item) for item in value["series"][:SERIES]]
    series = tuple(item for item in found if item is not None and any(y is not None for y in item.ys))
    categories = value.get("categories", []) if bars else []
    if not series or not _is_list(categories) or (bars and not categories):
        return None
    names = {key: clean(value.get(key) or "", 120) for key in ("title", "x_label", "y_label")}
    return Plot(
        kind="bars" if bars else "line",
        series=series,
        categories=tuple(_cell(item) for item in categories[:BARS]),
        **names,
    )


def build_plot_table(plot: Plot) -> Table:
    """Return a plot's numbers as a table: for readers who do not see it, and for those who want the numbers."""
    names = tuple(item.name for item in plot.series)
    if plot.kind == "bars":
        rows = [
            (name, *(_show(item.ys[index] if index < len(item.ys) else None) for item in plot.series))
            for index, name in enumerate(plot.categories)
        ]
        return Table(columns=(plot.x_label or "Item", *names), rows=tuple(rows))
    values = [dict(zip(item.xs, item.ys, strict=True)) for item in plot.series]
    places = sorted({x for item in plot.series for x in item.xs})
    kept = places[:: math.ceil(len(places) / ROWS)]
    rows = [(_show(x), *(_show(item.get(x)) for item in values)) for x in kept]
    return Table(columns=(plot.x_label or "x", *names), rows=tuple(rows), left_out=len(places) - len(kept))


def _find_line(item: Json) -> Series | None:
    if not (isinstance(item, Mapping) and _is_list(item.get("x")) and _is_list(item.get("y"))):
        return None
    pairs = [(x, y) for x, y in zip(map(_find_number, item["x"]), map(_find_number, item["y"]), strict=False)]
    kept = [(x, y) for x, y in pairs[:: max(1, math.ceil(len(pairs) / POINTS))] if x is not None]
    return Series(name=_cell(item.get("name") or ""), xs=tuple(x for x, _ in kept), ys=tuple(y for _, y in kept))


def _find_bars(item: Json) -> Series | None:
    if not (isinstance(item, Mapping) and _is_list(item.get("values"))):
        return None
    return Series(name=_cell(item.get("name") or ""), ys=tuple(_find_number(value) for value in item["values"][:BARS]))


def _find_number(value: Json) -> float | None:
    """Return a finite number that can be drawn; infinities, NaN and text are gaps."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None


def _is_list(value: Json) -> TypeGuard[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _cell(value: Json) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(value, 300)


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
