"""Charts over a cut: what each threshold gives, what the highest scores gather."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import (
    Format,
    axis_format,
    finished,
    floats,
    rows,
    said,
    sentences,
    thinned,
    told,
)
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, INK, MUTED, SERIES

__all__ = ["over_cuts"]


def over_cuts(
    x: Iterable[object],
    y: Mapping[str, Iterable[object]],
    *,
    marks: Mapping[str, float] | None = None,
    guide: Sequence[tuple[float, float]] = (),
    x_title: str = "",
    y_title: str = "",
    x_kind: Format = "number",
    kind: Format = "number",
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw lines over a cut, and upright lines at the cuts that matter.

    Parameters
    ----------
    x : iterable of float, shape (n_points,)
        The cuts: thresholds, or shares of the rows.
    y : mapping of str to iterable of float, shape (n_points,) each
        Lines by name; what is missing is left out.
    marks : mapping of str to float, optional
        Names and places of upright lines: the threshold in use.
    guide : sequence of (float, float)
        Points of a dashed line: what chance would give.
    x_kind, kind : {"number", "integer", "percent"}
        How x and y are written.
    """
    where, names = floats(x), list(y)
    data: list[dict[str, Any]] = []
    for name, values in y.items():
        known = floats(values)
        kept = thinned(where, known)
        data += rows(
            x=[where[i] for i in kept], y=[known[i] for i in kept], name=[name] * len(kept)
        )
    data = [row for row in data if row["y"] is not None]
    largest = max((abs(row["y"]) for row in data), default=0)
    across = {
        "field": "x",
        "type": "quantitative",
        "axis": {
            "title": said(x_title),
            "format": axis_format(x_kind, max(map(abs, where), default=0)),
            "tickCount": 5,
            "grid": True,
        },
        "scale": {"zero": False, "nice": False},
    }
    up = {
        "field": "y",
        "type": "quantitative",
        "axis": {"title": said(y_title), "format": axis_format(kind, largest), "tickCount": 5},
        "scale": {"zero": True},
    }
    colour: dict[str, Any] = {"value": ACCENT}
    tips = [told("x", x_title or "at", x_kind), told("y", y_title or "value", kind)]
    numbers = {"x": x_title or "at", "y": y_title or "value"}
    if len(names) > 1:
        scale = {"domain": names, "range": [SERIES[i % len(SERIES)] for i in range(len(names))]}
        colour = {"field": "name", "type": "nominal", "scale": scale}
        tips.insert(0, told("name", "line"))
        numbers = {"name": "line", **numbers}
    at = {"x": across, "y": up, "color": colour}
    source = {"name": "rows"}
    layers: list[dict[str, Any]] = [
        {"data": source, "mark": {"type": "line"}, "encoding": at},
        # Invisible points carry the tooltips: a line has but one.
        {
            "data": source,
            "mark": {"type": "point", "opacity": 0, "size": 90},
            "encoding": {**at, "tooltip": tips},
        },
    ]
    dashed = {"strokeDash": [5, 4], "strokeWidth": 1, "stroke": MUTED}
    if guide:
        layers.insert(
            0,
            {
                "data": {"name": "guide"},
                "mark": {"type": "line", **dashed},
                "encoding": {"x": across, "y": up},
            },
        )
    upright = list((marks or {}).items())
    if upright:
        rule = {"type": "rule", "stroke": INK, "strokeWidth": 1.5, "strokeDash": [3, 3]}
        text = {"type": "text", "align": "left", "dx": 4, "dy": 8, "fill": INK}
        layers += [
            {"data": {"name": "marks"}, "mark": rule, "encoding": {"x": across}},
            {
                "data": {"name": "marks"},
                "mark": text,
                "encoding": {"x": across, "y": {"value": 0}, "text": {"field": "name"}},
            },
        ]
    marked = ", ".join(f"{name} at {form.number(place)}" for name, place in upright)
    return finished(
        {"layer": layers},
        title=title,
        caption=caption,
        alt_text=sentences(f"{title}: {', '.join(names)} over {x_title}", marked, caption),
        width=width,
        numbers=numbers,
        height=260,
        rows=data,
        guide=rows(x=[a for a, _ in guide], y=[b for _, b in guide]),
        marks=rows(x=[place for _, place in upright], name=[name for name, _ in upright]),
    )
