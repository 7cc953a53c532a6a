"""A metric of several things against the limit of each."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import (
    Format,
    axis_format,
    column,
    distinct,
    finished,
    floats,
    rows,
    said,
    told,
)
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, BAD, GOOD, INK

__all__ = ["against_limits"]

_STATES = ("no limit", "kept", "broken")


def against_limits(
    names: Iterable[object],
    values: Iterable[object],
    low: Iterable[object],
    high: Iterable[object],
    limits: Iterable[object],
    *,
    lower_is_better: bool,
    x: str = "",
    y: str = "",
    kind: Format = "number",
    best: float | None = None,
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw a value and its interval per name, and the limit that it has to keep.

    Parameters
    ----------
    names : iterable, shape (n_names,)
        What the values are of.
    values, low, high : iterable of float, shape (n_names,)
        The metric and its interval.
    limits : iterable of float or None, shape (n_names,)
        The limit of each; None where it has none.
    lower_is_better : bool
        Is the limit the largest value allowed, and not the smallest?
    x, y : str
        What the metric and the names are.
    best : float, optional
        The value that could not be better, which the axis begins or ends with.
    """
    kept = column(names)
    data = rows(
        name=distinct([form.value(name) for name in kept]),
        value=floats(values),
        low=floats(low),
        high=floats(high),
        limit=floats(limits),
    )
    for row in data:
        row["state"] = _state(row["value"], row["limit"], lower_is_better=lower_is_better)
    known = [row[key] for row in data for key in ("value", "low", "high", "limit")]
    ends = [value for value in [*known, best] if value is not None]
    scale = {"zero": False, "nice": True, "domain": [min(ends), max(ends)]} if ends else {}
    shown = axis_format(kind, max((abs(end) for end in ends), default=0))
    axis = {"title": said(x), "format": shown, "tickCount": 5, "grid": True}

    def across(field: str) -> dict[str, Any]:
        return {"field": field, "type": "quantitative", "axis": axis, "scale": scale}

    up = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": {"title": said(y), "labelColor": INK},
    }
    colour = {
        "field": "state",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(_STATES), "range": [ACCENT, GOOD, BAD]},
    }
    shape = {
        "field": "state",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(_STATES), "range": ["circle", "circle", "diamond"]},
    }
    tips = [
        told("name", y or "name"),
        told("value", x or "value", kind),
        told("low", "from", kind),
        told("high", "to", kind),
        told("limit", "limit", kind),
        told("state", "the limit is"),
    ]
    broken = sum(row["state"] == "broken" for row in data)
    limited = sum(row["limit"] is not None for row in data)
    words = []
    if limited:
        side = "left" if lower_is_better else "right"
        words.append(f"The upright bar is the limit: to its {side} it is kept.")
    if broken:
        words.append(f"Diamonds: {form.plural(broken, 'limit')} broken.")
    layers = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {"x": across("low"), "x2": {"field": "high"}, "tooltip": tips},
        },
        {
            "mark": {"type": "point", "size": 70, "opacity": 1},
            "encoding": {"x": across("value"), "shape": shape, "tooltip": tips},
        },
        {
            "mark": {"type": "tick", "thickness": 3, "height": 20, "opacity": 1, "color": INK},
            "encoding": {"x": across("limit"), "color": {"value": INK}, "tooltip": tips},
        },
    ]
    return finished(
        {
            "data": {"name": "rows"},
            "encoding": {"y": up, "color": colour},
            "layer": layers,
        },
        title=title,
        caption=" ".join([*words, caption]).strip(),
        alt_text=f"{title or x} of {form.plural(len(data), 'row')}, {limited} with a limit, "
        f"{broken} of them broken.",
        width=width,
        numbers={
            "name": y or "name",
            "value": x or "value",
            "low": "from",
            "high": "to",
            "limit": "limit",
        },
        height=max(80, 30 * len(data)),
        rows=data,
    )


def _state(value: float | None, limit: float | None, *, lower_is_better: bool) -> str:
    if value is None or limit is None or math.isnan(value):
        return "no limit"
    return "kept" if (value <= limit if lower_is_better else value >= limit) else "broken"
