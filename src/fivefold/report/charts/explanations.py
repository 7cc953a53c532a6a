"""Charts of what a model heeds: importances, a row taken apart, what changed input does.

Written in Vega-Lite's own words, as a page has many of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import distinct, finished, said, told
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, FAINT, INK, MUTED, OTHER, PAPER

__all__ = ["contributions", "importances", "matrix"]


def importances(
    names: Sequence[str],
    values: Sequence[float],
    low: Sequence[float | None],
    high: Sequence[float | None],
    *,
    x: str,
    title: str = "",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw an importance and its interval per feature, in the order given.

    Parameters
    ----------
    names : sequence of str, shape (n_features,)
    values, low, high : sequence of float, shape (n_features,)
        An interval that is not known is None. Those that hold zero are drawn hollow and grey.
    x : str
        What is measured.
    """
    data = [
        {
            "name": name,
            "value": value,
            "low": a,
            "high": b,
            "apart": "yes" if a is None or b is None or a > 0 or b < 0 else "no",
        }
        for name, value, a, b in zip(distinct(names), values, low, high, strict=True)
    ]
    axis = {"title": said(x), "tickCount": 5, "grid": True}
    place = {"type": "quantitative", "axis": axis, "scale": {"zero": True}}
    colour = {
        "field": "apart",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": ["yes", "no"], "range": [ACCENT, MUTED]},
    }
    fill = {"condition": {"test": "datum.apart == 'no'", "value": PAPER}, "value": ACCENT}
    tips = [
        told("name", "feature"),
        told("value", x, "number"),
        told("low", "from", "number"),
        told("high", "to", "number"),
    ]
    y: dict[str, Any] = {"field": "name", "type": "nominal", "sort": None}
    y["axis"] = {"title": None, "labelColor": INK}
    spec = {
        "data": {"name": "rows"},
        "encoding": {"y": y, "tooltip": tips},
        "layer": [
            {
                "mark": {"type": "rule", "strokeDash": [5, 4]},
                "encoding": {
                    "x": {"datum": 0, **place},
                    "y": {"value": 0},
                    "y2": {"value": "height"},
                },
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {
                    "x": {"field": "low", **place},
                    "x2": {"field": "high"},
                    "color": colour,
                },
            },
            {
                "mark": {"type": "point", "size": 70, "filled": True, "strokeWidth": 2},
                "encoding": {"x": {"field": "value", **place}, "fill": fill, "stroke": colour},
            },
        ],
    }  # fmt: skip
    top = data[0]["name"] if data else form.MISSING
    return finished(
        spec,
        title=title,
        caption=caption,
        alt_text=f"{x} of {form.plural(len(data), 'feature')}; the most important is {top}.",
        width=width,
        numbers={"name": "feature", "value": x, "low": "from", "high": "to"},
        height=max(80, 22 * len(data)),
        rows=data,
    )


def contributions(
    names: Sequence[str],
    values: Sequence[float],
    *,
    x: str,
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw what each feature added to one prediction, or took from it, in the order given.

    Parameters
    ----------
    names : sequence of str, shape (n_features,)
        Most often ``feature = value``.
    values : sequence of float, shape (n_features,)
    x : str
        What is added to.
    """
    data = [
        {"name": name, "value": value, "way": "up" if value >= 0 else "down"}
        for name, value in zip(distinct(names), values, strict=True)
    ]
    spec = {
        "data": {"name": "rows"},
        "mark": {"type": "bar"},
        "encoding": {
            "y": {
                "field": "name",
                "type": "nominal",
                "sort": None,
                "axis": {"title": None, "labelColor": INK, "labelLimit": 230},
            },
            "x": {
                "field": "value",
                "type": "quantitative",
                "axis": {"title": said(x), "tickCount": 5, "grid": True},
            },
            "color": {
                "field": "way",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": ["up", "down"], "range": [ACCENT, OTHER]},
            },
            "tooltip": [told("name", "feature"), told("value", x, "number")],
        },
    }
    most = max(data, key=lambda row: abs(float(row["value"])), default={"name": form.MISSING})
    return finished(
        spec,
        title=title,
        caption=caption,
        alt_text=f"{x} of {form.plural(len(data), 'feature')}; the largest is of {most['name']}.",
        width=width,
        numbers={"name": "feature", "value": x},
        height=max(60, 20 * len(data)),
        rows=data,
    )


def matrix(
    down: Sequence[str],
    across: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    y: str,
    x: str,
    what: str,
    title: str = "",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw a table of numbers: the larger, the fuller; below zero in another colour.

    Parameters
    ----------
    down, across : sequence of str, shapes (n_down,) and (n_across,)
    values : sequence of sequence of float or None, shape (n_down, n_across)
        What does not apply is None, and left blank.
    y, x, what : str
        What the rows, the columns and the numbers are.
    """
    rows, columns = distinct(down), distinct(across)
    data: list[dict[str, Any]] = [
        {"row": rows[j], "column": columns[i], "value": value, "size": abs(value),
         "sign": "worse" if value >= 0 else "better"}
        for j, line in enumerate(values)
        for i, value in enumerate(line)
        if value is not None
    ]  # fmt: skip
    most = max((row["size"] for row in data), default=0.0) or 1.0
    axis = {"labelColor": INK, "grid": False, "domain": False}
    spec = {
        "data": {"name": "rows"},
        "encoding": {
            "x": {
                "field": "column", "type": "nominal", "sort": None, "scale": {"domain": columns},
                "axis": {**axis, "title": None, "orient": "top", "labelAngle": -30},
            },
            "y": {
                "field": "row", "type": "nominal", "sort": None, "scale": {"domain": rows},
                "axis": {**axis, "title": None},
            },
            "tooltip": [told("row", y), told("column", x), told("value", what, "number")],
        },
        "layer": [
            {
                "mark": {"type": "rect", "stroke": FAINT, "strokeWidth": 0.6},
                "encoding": {
                    "color": {
                        "field": "sign", "type": "nominal",
                        "legend": {} if any(row["value"] < 0 for row in data) else None,
                        "scale": {"domain": ["worse", "better"], "range": [OTHER, ACCENT]},
                    },
                    "opacity": {
                        "field": "size", "type": "quantitative", "legend": None,
                        "scale": {"domain": [0, most], "range": [0, 0.85]},
                    },
                },
            },
            {
                "mark": {"type": "text", "fontSize": 10},
                "encoding": {
                    "text": {"field": "value", "type": "quantitative", "format": ".2~g"}
                },
            },
        ],
    }  # fmt: skip
    worst = max(data, key=lambda row: row["value"], default=None)
    return finished(
        spec,
        title=title,
        caption=caption,
        alt_text=f"{what} by {y} and {x}"
        + (f"; the most is {form.number(worst['value'])}, {worst['row']}, {worst['column']}."
           if worst else "."),
        width=width,
        numbers={"row": y, "column": x, "value": what},
        height=max(80, 22 * len(rows)),
        rows=data,
    )  # fmt: skip
