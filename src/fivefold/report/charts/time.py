"""Charts of something over an ordered axis, most often time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import (
    Format,
    axis_format,
    column,
    finished,
    floats,
    rows,
    said,
    scale_of,
    told,
)
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, INK, MUTED, SERIES

__all__ = ["line", "target_over_time"]

# Single points are marked as long as they can be told apart.
_MOST_MARKED = 40


def line(
    x: Iterable[object],
    y: Iterable[object] | Mapping[str, Iterable[object]],
    *,
    low: Iterable[object] | None = None,
    high: Iterable[object] | None = None,
    reference: Mapping[str, float] | None = None,
    x_title: str = "",
    y_title: str = "",
    kind: Format = "number",
    zero: bool = False,
    title: str = "",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw one line with its interval as a band, or several lines.

    Parameters
    ----------
    x : iterable of float, date or str, shape (n_points,)
        Where; texts keep their order.
    y : iterable of float, shape (n_points,), or a mapping of names to such
        How much; a mapping draws a line for each name, without bands.
    low, high : iterable of float, shape (n_points,), optional
        The interval around the one line.
    reference : mapping of str to float, optional
        Names and heights of dashed lines: a goal, a bound.
    kind : {"number", "integer", "percent"}
        How ``y`` is written.
    zero : bool
        Whether the axis of ``y`` starts at zero.

    Raises
    ------
    ValueError
        If lengths differ.
    """
    where = column(x)
    many = {name: floats(v) for name, v in y.items()} if isinstance(y, Mapping) else {"": floats(y)}
    data: list[dict[str, Any]] = []
    for name, values in many.items():
        banded = low is not None and high is not None and len(many) == 1
        data += rows(
            x=where,
            when=[form.value(value) for value in where],
            name=[name] * len(where),
            y=values,
            low=floats(low) if banded and low is not None else [None] * len(where),
            high=floats(high) if banded and high is not None else [None] * len(where),
        )
    known = [r[key] for r in data for key in ("y", "low", "high") if r[key] is not None]
    references = list((reference or {}).items())
    known += [height for _, height in references]
    across = _x(where, x_title)
    up = {
        "type": "quantitative",
        "axis": {
            "title": said(y_title),
            "format": axis_format(kind, max(map(abs, known), default=0)),
            "tickCount": 5,
        },
        "scale": {"zero": zero},
    }
    at = {"x": across, "y": {"field": "y", **up}}
    colour: dict[str, Any] = {"value": ACCENT}
    if len(many) > 1:
        range_ = [SERIES[i % len(SERIES)] for i in range(len(many))]
        scale = {"domain": list(many), "range": range_}
        colour = {"field": "name", "type": "nominal", "scale": scale}
    tips = [told("when", x_title or "at"), told("y", y_title or "value", kind)]
    numbers = {"when": x_title or "at", "y": y_title or "value"}
    layers: list[dict[str, Any]] = []
    if any(row["low"] is not None for row in data):
        ends_of = {"x": across, "y": {"field": "low", **up}, "y2": {"field": "high"}}
        layers.append({"mark": {"type": "area", "opacity": 0.2}, "encoding": ends_of})
        tips += [told("low", "from", kind), told("high", "to", kind)]
        numbers |= {"low": "from", "high": "to"}
    if len(many) > 1:
        tips.insert(0, told("name", "line"))
        numbers = {"name": "line", **numbers}
    layers.append({"mark": {"type": "line"}, "encoding": {**at, "color": colour}})
    marked = len(where) <= _MOST_MARKED
    point = {"type": "point", "size": 36 if marked else 120, "opacity": 1 if marked else 0}
    layers.append({"mark": point, "encoding": {**at, "color": colour, "tooltip": tips}})
    layers += _references(references, up)
    ends = [row["y"] for row in data if row["y"] is not None]
    shown = form.percent if kind == "percent" else form.number
    return finished(
        {"data": {"name": "rows"}, "layer": layers},
        title=title,
        caption=caption,
        alt_text=f"Line of {y_title or title or 'values'} over {x_title or 'time'}, "
        f"{len(where)} points from "
        f"{form.value(where[0] if where else None)} to {form.value(where[-1] if where else None)}"
        f"; between {shown(min(ends, default=None))} and {shown(max(ends, default=None))}.",
        width=width,
        numbers=numbers,
        height=240,
        rows=data,
        references=[{"name": name, "y": height} for name, height in references],
    )


def _x(where: list[Any], title: str) -> dict[str, Any]:
    found: dict[str, Any] = {"field": "x", "type": scale_of(where)}
    if found["type"] == "ordinal":
        # Names keep the order they came in.
        axis: dict[str, Any] = {"title": said(title), "labelAngle": 0}
        return found | {"sort": None, "axis": axis, "scale": {"type": "point", "padding": 0.3}}
    axis = {"title": said(title), "tickCount": 8}
    timed = {"type": "utc"} if found["type"] == "temporal" else {"zero": False, "nice": False}
    return found | {"axis": axis, "scale": timed}


def _references(references: list[tuple[str, float]], up: dict[str, Any]) -> list[dict[str, Any]]:
    if not references:
        return []
    data = {"name": "references"}
    y = {"field": "y", **up}
    text = {"type": "text", "align": "right", "baseline": "bottom", "dy": -3, "fill": INK}
    name = {"x": {"value": "width"}, "y": y, "text": {"field": "name", "type": "nominal"}}
    return [
        {
            "data": data,
            "mark": {"type": "rule", "strokeDash": [5, 4], "stroke": MUTED},
            "encoding": {"y": y},
        },
        {"data": data, "mark": {**text, "fontSize": 11}, "encoding": name},
    ]


def target_over_time(
    periods: Iterable[object],
    values: Iterable[object],
    *,
    low: Iterable[object] | None = None,
    high: Iterable[object] | None = None,
    y_title: str = "target rate",
    kind: Format = "percent",
    title: str = "Target over time",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw the target's rate, or its mean, per period, with its interval.

    Parameters
    ----------
    periods : iterable of date or str, shape (n_periods,)
        Ascending.
    values, low, high : iterable of float, shape (n_periods,)
        The rate in [0, 1] (or the mean, with ``kind="number"``) and its interval.
    """
    return line(
        periods,
        values,
        low=low,
        high=high,
        y_title=y_title,
        kind=kind,
        zero=True,
        title=title,
        caption=caption,
        width=width,
    )
