"""Charts of the prediction along one feature or two, with the rows that lie near each value.

Written in Vega-Lite's own words, as a page has many of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import distinct, finished, said, told
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, FAINT, INK, MUTED

__all__ = ["dependence", "plane"]

_MOST_LINES = 6
# The rows' bars take up to this share of the height, so that they stay below the curves.
_BARS = 0.22


def dependence(
    values: Sequence[Any],
    rows: Sequence[int],
    means: Sequence[Sequence[float]],
    *,
    lines: Sequence[str] = (),
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    curves: Sequence[Sequence[float]] = (),
    x: str,
    y: str,
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw the mean prediction along a feature's values, and how many rows lie near each.

    Parameters
    ----------
    values : sequence, shape (n_values,)
        Rising numbers, or names of categories.
    rows : sequence of int, shape (n_values,)
        Rows near each: where there are few, the model was taught little.
    means : sequence of sequence of float, shape (n_lines, n_values)
    lines : sequence of str, shape (n_lines,)
        What each line is of, where there is more than one.
    low, high : sequence of float, shape (n_values,), optional
        A band around the line.
    curves : sequence of sequence of float, shape (n_curves, n_values)
        Single rows' own.
    x, y : str
        The feature, and what is predicted.
    """
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    at = list(values) if numeric else distinct([str(value) or form.MISSING for value in values])
    named = distinct(list(lines)) or [""]
    data = [
        {"x": at[i], "mean": mean[i], "line": name, "rows": int(rows[i])}
        | ({} if low is None or high is None else {"low": low[i], "high": high[i]})
        for name, mean in list(zip(named, means, strict=True))[:_MOST_LINES]
        for i in range(len(at))
    ]
    own = [
        {"x": at[i], "mean": curve[i], "row": number}
        for number, curve in enumerate(curves)
        for i in range(len(at))
    ]
    counts = [{"x": place, "rows": int(count)} for place, count in zip(at, rows, strict=True)]
    tips = [told("x", x), told("mean", y, "number"), told("rows", "training rows", "integer")]
    if numeric:
        tips[0] = told("x", x, "number")
    if len(named) > 1:
        tips.insert(1, told("line", "class"))
    spec = (_numeric if numeric else _nominal)(x, y, tips, counts, several=len(named) > 1)
    ends = [value for mean in means for value in mean]
    return finished(
        spec,
        title=title,
        caption=caption,
        alt_text=f"Mean of {y} along {x}, from {form.number(min(ends, default=0))} to "
        f"{form.number(max(ends, default=0))}, with the rows near each value.",
        width=width,
        numbers={"x": x}
        | ({"line": "class"} if len(named) > 1 else {})
        | {"mean": y, "rows": "training rows"},
        height=200 if numeric else max(90, 22 * len(at)),
        rows=data,
        curves=own,
        counts=counts,
    )


def _bars(counts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Scale the rows' bars to the lowest part of the picture, without an axis."""
    most = max((row["rows"] for row in counts), default=1) or 1
    scale = {"domain": [0, most / _BARS]}
    return {"field": "rows", "type": "quantitative", "axis": None, "scale": scale}


def _numeric(
    x: str, y: str, tips: list[Any], counts: list[dict[str, Any]], *, several: bool
) -> dict[str, Any]:
    along = {
        "field": "x",
        "type": "quantitative",
        "scale": {"zero": False, "nice": False},
        "axis": {"title": said(x), "tickCount": 6},
    }
    up: dict[str, Any] = {
        "type": "quantitative",
        "scale": {"zero": False},
        "axis": {"title": said(y), "tickCount": 4},
    }
    mean: dict[str, Any] = {"y": {"field": "mean", **up}, "tooltip": tips}
    if several:
        mean["color"] = {"field": "line", "type": "nominal", "sort": None}
    lines = {
        "layer": [
            {
                "mark": {"type": "area", "color": ACCENT, "opacity": 0.12},
                "encoding": {"y": {"field": "low", **up}, "y2": {"field": "high"}},
            },
            {
                "data": {"name": "curves"},
                "mark": {"type": "line", "strokeWidth": 1, "opacity": 0.25, "color": MUTED},
                "encoding": {
                    "y": {"field": "mean", **up},
                    "detail": {"field": "row", "type": "nominal"},
                },
            },
            {"mark": {"type": "line", "strokeWidth": 2.5}, "encoding": mean},
            {"mark": {"type": "point", "size": 30, "filled": True}, "encoding": mean},
        ]
    }
    return {
        "data": {"name": "rows"},
        "encoding": {"x": along},
        "layer": [
            {
                "data": {"name": "counts"},
                "mark": {"type": "bar", "color": FAINT, "size": 6},
                "encoding": {"y": _bars(counts)},
            },
            lines,
        ],
        "resolve": {"scale": {"y": "independent"}},
    }


def _nominal(
    x: str, y: str, tips: list[Any], counts: list[dict[str, Any]], *, several: bool
) -> dict[str, Any]:
    along = {
        "field": "x",
        "type": "nominal",
        "sort": None,
        "axis": {"title": said(x), "labelColor": INK, "labelLimit": 130},
    }
    across: dict[str, Any] = {
        "type": "quantitative",
        "scale": {"zero": False, "padding": 6},
        "axis": {"title": said(y), "tickCount": 4, "grid": True},
    }
    mean: dict[str, Any] = {"x": {"field": "mean", **across}, "tooltip": tips}
    points = [{"mark": {"type": "point", "size": 60, "filled": True}, "encoding": mean}]
    if several:
        mean["color"] = {"field": "line", "type": "nominal", "sort": None}
    else:
        band = {"x": {"field": "low", **across}, "x2": {"field": "high"}}
        rule = {"type": "rule", "strokeWidth": 2, "color": ACCENT, "opacity": 0.4}
        points.insert(0, {"mark": rule, "encoding": band})
    return {
        "data": {"name": "rows"},
        "encoding": {"y": along},
        "layer": [
            {
                "data": {"name": "counts"},
                "mark": {"type": "bar", "color": FAINT},
                "encoding": {"x": _bars(counts)},
            },
            {"layer": points},
        ],
        "resolve": {"scale": {"x": "independent"}},
    }


def plane(
    x_values: Sequence[Any],
    y_values: Sequence[Any],
    means: Sequence[Sequence[float]],
    rows: Sequence[Sequence[int]],
    *,
    x: str,
    y: str,
    what: str,
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw the mean prediction on the plane of two features: the higher, the fuller.

    Parameters
    ----------
    x_values, y_values : sequence, shapes (n_x,) and (n_y,)
    means : sequence of sequence of float, shape (n_y, n_x)
    rows : sequence of sequence of int, shape (n_y, n_x)
        Training rows near each cell; one without any is crossed out.
    x, y, what : str
        The features, and what is predicted.
    """
    left, up = ([form.value(value) for value in values] for values in (x_values, y_values))
    data = [
        {"x": left[i], "y": up[j], "mean": means[j][i], "rows": int(rows[j][i])}
        for j in range(len(up))
        for i in range(len(left))
    ]
    known = [value for line in means for value in line]
    ends = [min(known, default=0.0), max(known, default=1.0)]
    spec = {
        "data": {"name": "rows"},
        "encoding": {
            "x": {"field": "x", "type": "ordinal", "sort": None,
                  "axis": {"title": said(x), "labelAngle": -40}},
            "y": {"field": "y", "type": "ordinal", "sort": left and up[::-1],
                  "axis": {"title": said(y)}},
            "tooltip": [
                told("x", x), told("y", y), told("mean", what, "number"),
                told("rows", "training rows", "integer"),
            ],
        },
        "layer": [
            {
                "mark": {"type": "rect", "fill": ACCENT, "stroke": FAINT, "strokeWidth": 0.6},
                "encoding": {
                    "opacity": {
                        "field": "mean", "type": "quantitative", "legend": None,
                        "scale": {"domain": ends, "range": [0.05, 1]},
                    }
                },
            },
            {
                "transform": [{"filter": "datum.rows == 0"}],
                "mark": {"type": "text", "text": "\N{MULTIPLICATION SIGN}", "color": INK},
            },
        ],
    }  # fmt: skip
    return finished(
        spec,
        title=title,
        caption=caption,
        alt_text=f"Mean of {what} by {x} and {y}, from {form.number(ends[0])} to "
        f"{form.number(ends[1])}.",
        width=width,
        numbers={"x": x, "y": y, "mean": what, "rows": "training rows"},
        height=max(120, 22 * len(up)),
        rows=data,
    )
