"""Charts of two revisions, one laid over the other: curves, changes, costs.

Their specifications are written as they are: Altair's import would take longer than all the rest of
a diff.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from fivefold.report.charts.canvas import column, floats, rows, scale_of, thinned
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, BAD, GOOD, INK, MUTED, SERIES

__all__ = ["changes", "overlay", "paired_bars"]

Mark = Literal["line", "point", "bar"]

_HEIGHT = 300
_BESIDE = {"field": "nth", "type": "ordinal"}
_TOGGLE = "Click a name in the legend to see it alone, and once more to see all."
_CHOSEN = {
    "name": "chosen",
    "select": {"type": "point", "fields": ["name"], "toggle": "true"},
    "bind": "legend",
}


def overlay(
    curves: Mapping[str, Mapping[str, Iterable[object]]],
    *,
    x: str = "",
    y: str = "",
    unit: bool = False,
    end: float = 1.0,
    guide: Sequence[tuple[float, float]] = (),
    mark: Mark = "line",
    faint: Sequence[str] = (),
    groups: Sequence[str] = (),
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw curves over one another; the legend switches between them.

    Parameters
    ----------
    curves : mapping of str to mapping of str to iterable, shape (n_points,) each
        By name: ``x`` and ``y``, and ``low`` and ``high`` where y has an interval.
    x, y : str
        What the axes are.
    unit : bool, default=False
        Whether both axes run from 0 to `end`.
    end : float, default=1
        Rare events have their probabilities near zero.
    guide : sequence of (float, float)
        Points of a dashed line behind the curves.
    mark : {"line", "point", "bar"}
        Bars are for categories.
    faint : sequence of str
        The names that are drawn dashed: what the others are compared with.
    groups : sequence of str, shape (n_curves,), optional
        What each curve is of: those of one group share a colour. By default the faint ones are
        grey, and every other has its own colour.
    """
    curves = {_said(name): curve for name, curve in curves.items()}
    faint = [_said(name) for name in faint]
    names = list(curves)
    data = [
        row | {"nth": nth}
        for nth, name in enumerate(names)
        for row in _points(name, curves[name], mark)
    ]
    x_type = {"temporal": "temporal", "quantitative": "quantitative"}.get(
        scale_of([row["x"] for row in data]), "ordinal"
    )
    scale: dict[str, Any] = {"zero": False}
    axis: dict[str, Any] = {"grid": True, "tickCount": 5}
    if unit:
        scale = {"domain": [0, end], "nice": False, "clamp": True}
        axis = {"tickCount": 4, "format": ".2~f", "grid": True}
    across: dict[str, Any] = {"field": "x", "type": x_type, "title": _said(x) or None}
    if x_type == "quantitative":
        across |= {"scale": scale | {"nice": False}, "axis": axis}
    else:
        across |= {"sort": None, "axis": {"labelAngle": 0}}
    up = {
        "field": "y",
        "type": "quantitative",
        "title": _said(y) or None,
        "scale": scale,
        "axis": axis,
    }
    tips = [
        {"field": "name", "type": "nominal", "title": "revision"},
        {"field": "x", "title": _said(x or "x"), **_shown(x_type)},
        {"field": "y", "title": _said(y or "y"), **_shown("quantitative")},
    ]
    # One curve needs no name beside its title.
    legend = {"symbolType": "stroke" if mark == "line" else "circle"} if len(names) > 1 else None
    opacity = {"condition": {"param": "chosen", "value": 1}, "value": 0.08}
    shared = {
        "color": {
            "field": "name",
            "type": "nominal",
            "scale": {"domain": names, "range": _colours(names, faint, groups)},
            "legend": legend,
        },
        "opacity": opacity,
    }
    if mark == "bar":
        layers = [_bars(across, up, shared, tips)]
    else:
        layers = _curves(across, up, shared, tips, (names, faint), lines=mark == "line")
        if any(row["low"] is not None for row in data):
            ends = {"y": up | {"field": "low"}, "y2": {"field": "high"}}
            layers.insert(
                1, {"mark": {"type": "rule"}, "encoding": {"x": across, **ends, **shared}}
            )
    # A selection belongs to one layer of a chart, and holds in all of them.
    layers[0]["params"] = [_CHOSEN]
    if guide:
        line = {"type": "line", "strokeDash": [5, 4], "strokeWidth": 1, "stroke": MUTED}
        layers.insert(
            0,
            {"data": {"name": "guide"}, "mark": line, "encoding": {"x": across, "y": up}},
        )
    said = " and ".join(names)
    return Chart(
        {
            "width": "container",
            "height": _HEIGHT,
            "data": {"name": "rows"},
            "datasets": {
                "rows": data,
                "guide": rows(x=[a for a, _ in guide], y=[b for _, b in guide]),
            },
            "layer": layers,
        },
        title=title,
        caption=" ".join(part for part in (caption, _TOGGLE if len(names) > 1 else "") if part),
        alt=f"{title}: {y or 'values'} over {x or 'rows'} of {said}.",
        width=width,
        numbers={"name": "revision", "x": x or "x", "y": y or "y"},
    )


def _points(name: str, curve: Mapping[str, Iterable[object]], mark: Mark) -> list[dict[str, Any]]:
    x, y = column(curve["x"]), floats(curve["y"])
    low, high = (
        floats(curve[end]) if curve.get(end) else [None] * len(x) for end in ("low", "high")
    )
    kept = list(range(len(x)))
    plain = mark != "bar" and all(isinstance(value, (int, float)) for value in x)
    if plain and all(map(math.isfinite, (*x, *y))):
        kept = thinned(x, y)
    return rows(
        name=[name] * len(kept),
        x=[x[i] for i in kept],
        y=[y[i] for i in kept],
        low=[low[i] for i in kept],
        high=[high[i] for i in kept],
        at=range(len(kept)),
    )


def _colours(names: Sequence[str], faint: Sequence[str], groups: Sequence[str]) -> list[str]:
    if groups:
        known = list(dict.fromkeys(groups))
        return [SERIES[known.index(group) % len(SERIES)] for group in groups]
    others = iter(SERIES)
    return [MUTED if name in faint else next(others, INK) for name in names]


def _curves(
    across: Any,
    up: Any,
    shared: Any,
    tips: Any,
    names: tuple[list[str], Sequence[str]],
    *,
    lines: bool,
) -> list[dict[str, Any]]:
    known, faint = names
    dashes = [[4, 3] if name in faint else [1, 0] for name in known]
    dashed = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": known, "range": dashes},
    }
    place = {"x": across, "y": up}
    if not lines:
        return [{"mark": {"type": "point"}, "encoding": {**place, **shared, "tooltip": tips}}]
    line = {
        "mark": {"type": "line"},
        "encoding": {
            **place,
            **shared,
            "strokeDash": dashed,
            "order": {"field": "at", "type": "quantitative"},
        },
    }
    # A line has one tooltip; points that show when they are near have one each.
    near = {"param": "near", "empty": False, "value": 1}
    points = {
        "params": [
            {
                "name": "near",
                "select": {
                    "type": "point",
                    "on": "pointerover",
                    "clear": "pointerout",
                },
            }
        ],
        "mark": {"type": "point", "size": 120},
        "encoding": {
            **place,
            "color": shared["color"],
            "opacity": {"condition": near, "value": 0},
            "tooltip": tips,
        },
    }
    return [line, points]


def _bars(across: Any, up: Any, shared: Any, tips: Any) -> dict[str, Any]:
    along = up | {"scale": {"zero": True}, "stack": None}
    place = {"y": across | {"axis": {"labelColor": INK}}, "x": along, "yOffset": _BESIDE}
    return {"mark": {"type": "bar"}, "encoding": {**place, **shared, "tooltip": tips}}


def _said(text: str) -> str:
    # Titles and the names of a scale become strings of Vega expressions, where some line breaks
    # would end them.
    plain = " ".join(text.split())
    # vega-tooltip makes a heading of "title" and a picture of "image".
    return f"{plain}:" if plain in ("title", "image") else plain


def _shown(kind: str) -> dict[str, Any]:
    if kind == "quantitative":
        return {"type": "quantitative", "format": ",.4~g"}
    return {"type": kind}


def changes(
    names: Sequence[str],
    change: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    told: Sequence[str] = (),
    kinds: Sequence[str] = (),
    share: bool = True,
    title: str = "Changes and their 95% intervals",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw each metric's change with its interval: a forest plot, with what is better to the right.

    Parameters
    ----------
    names : sequence of str, shape (n_metrics,)
    change, low, high : sequence of float, shape (n_metrics,)
        In shares of the base's value, or in the metric's unit; above 0 is better.
    told : sequence of str, shape (n_metrics,), optional
        The change in the metric's own unit, for the tooltip.
    kinds : sequence of {"better", "worse", "within noise"}, shape (n_metrics,), optional
        How each is judged; by default by its interval.
    share : bool, default=True
        Whether `change` is in shares of the base's value.
    """
    kinds = kinds or [
        "better" if a > 0 else "worse" if b < 0 else "within noise"
        for a, b in zip(low, high, strict=True)
    ]
    unit = "change against the base's value" if share else "change"
    amount = {"type": "quantitative", "format": "+.2%" if share else "+.4~f"}
    data = rows(
        name=names, change=change, low=low, high=high, kind=kinds, told=told or [""] * len(names)
    )
    x = {
        "type": "quantitative",
        "title": f"{unit}; better to the right",
        "axis": {"format": "+.1~%" if share else "+.4~f", "grid": True, "tickCount": 7},
        "scale": {"zero": True, "padding": 12},
    }
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelColor": INK},
    }
    kind = {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": ["better", "within noise", "worse"], "range": [GOOD, MUTED, BAD]},
    }
    # Not by colour alone.
    shape = {
        "field": "kind",
        "type": "nominal",
        "scale": {
            "domain": ["better", "within noise", "worse"],
            "range": ["triangle-right", "circle", "triangle-left"],
        },
    }
    tips = [
        {"field": "name", "type": "nominal", "title": "of"},
        {"field": "told", "type": "nominal", "title": "change"},
        {"field": "change", "title": unit, **amount},
        {"field": "low", "title": "from", **amount},
        {"field": "high", "title": "to", **amount},
        {"field": "kind", "type": "nominal", "title": "judged"},
    ]
    ends = {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y, "color": kind}
    layers = [
        {"data": {"name": "zero"}, "mark": {"type": "rule", "stroke": MUTED},
         "encoding": {"x": x | {"field": "change"}}},
        {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**ends, "tooltip": tips}},
        {
            "mark": {"type": "point", "size": 110, "opacity": 1},
            "encoding": {
                "x": x | {"field": "change"}, "y": y, "color": kind, "shape": shape, "tooltip": tips
            },
        },
    ]  # fmt: skip
    said = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    return Chart(
        {
            "width": "container",
            "height": max(80, 34 * len(names)),
            "data": {"name": "rows"},
            "datasets": {"rows": data, "zero": [{"change": 0}]},
            "layer": layers,
        },
        title=title,
        caption=caption or "An interval that holds zero may be noise.",
        alt=f"{title}: {said}.",
        width=width,
        numbers={
            "name": "of",
            "told": "told",
            "change": unit,
            "low": "from",
            "high": "to",
            "kind": "judged",
        },
    )


def paired_bars(
    names: Sequence[str],
    base: Sequence[float | None],
    head: Sequence[float | None],
    *,
    labels: tuple[str, str] = ("base", "head"),
    x: str = "",
    title: str = "",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw two bars per name, the base's above the head's.

    Parameters
    ----------
    names : sequence of str, shape (n_names,)
    base, head : sequence of float or None, shape (n_names,)
        In one unit; None where that side has none.
    labels : (str, str)
        What the two are.
    x : str
        What is measured, with its unit.
    """
    labels = (_said(labels[0]), _said(labels[1]))
    data = [
        {"name": side, "nth": nth, "x": name, "y": value}
        for nth, (side, values) in enumerate(zip(labels, (base, head), strict=True))
        for name, value in zip(names, values, strict=True)
        if value is not None
    ]
    tips = [
        {"field": "x", "type": "nominal", "title": "stage"},
        {"field": "name", "type": "nominal", "title": "revision"},
        {"field": "y", "title": _said(x or "value"), **_shown("quantitative")},
    ]
    colour = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": list(labels), "range": [MUTED, ACCENT]},
    }
    return Chart(
        {
            "width": "container",
            "height": max(80, 34 * len(names)),
            "data": {"name": "rows"},
            "datasets": {"rows": data},
            "params": [_CHOSEN],
            "mark": {"type": "bar"},
            "encoding": {
                "y": {
                    "field": "x",
                    "type": "nominal",
                    "sort": None,
                    "title": None,
                    "axis": {"labelColor": INK},
                },
                "x": {
                    "field": "y",
                    "type": "quantitative",
                    "title": _said(x) or None,
                    "axis": {"grid": True, "tickCount": 6},
                    "stack": None,
                },
                "yOffset": _BESIDE,
                "color": colour,
                "opacity": {"condition": {"param": "chosen", "value": 1}, "value": 0.15},
                "tooltip": tips,
            },
        },
        title=title,
        caption=caption or _TOGGLE,
        alt=f"{title}: {x} of {labels[0]} and {labels[1]}.",
        width=width,
        numbers={"x": "name", "name": "revision", "y": x or "value"},
    )
