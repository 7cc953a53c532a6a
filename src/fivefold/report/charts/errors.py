"""Charts of where a model errs: estimates under long names, and a column's bins.

Their specifications are written as they are: a page has a dozen of them.
"""

from __future__ import annotations

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
    sentences,
    told,
)
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, INK, MUTED, OTHER

__all__ = ["by_bin", "estimates"]

_STEP = 46
_APART = {"domain": ["within", "apart"], "range": [ACCENT, OTHER]}
# Not by colour alone.
_SHAPE = {
    "field": "apart",
    "type": "nominal",
    "legend": None,
    "scale": {"domain": ["within", "apart"], "range": ["circle", "diamond"]},
}


def estimates(
    names: Iterable[object],
    values: Iterable[object],
    low: Iterable[object],
    high: Iterable[object],
    *,
    reference: float | None = None,
    reference_name: str = "",
    counts: Iterable[object] | None = None,
    x: str = "",
    y: str = "",
    kind: Format = "number",
    title: str = "",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw estimates and their intervals, each below its name, which may be a sentence.

    Parameters
    ----------
    names : iterable, shape (n_estimates,)
    values, low, high : iterable of float, shape (n_estimates,)
        What isn't known of an interval is missing.
    reference : float, optional
        What they are compared with, drawn as a dashed line; an interval that leaves it out stands
        out by colour and shape.
    reference_name : str
        What the dashed line is, for the caption.
    counts : iterable of int, shape (n_estimates,), optional
        Rows behind each.
    x, y : str
        What is estimated, and for what.
    """
    data = _data(names, values, low, high, counts, reference)
    encoded, scale = _encodings(data, reference, x, kind)
    tips = _tips(x, y, kind, counts is not None)
    place = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": None,
        "scale": {"paddingInner": 0, "paddingOuter": 0},
    }
    below = {"yOffset": 9}
    picture = {
        "data": {"name": "rows"},
        "layer": [
            *_reference(reference, scale),
            {
                "mark": {"type": "text", "align": "left", "fill": INK, "yOffset": -10,
                         "limit": 640},
                "encoding": {"y": place, "x": {"value": 4}, "text": {"field": "name"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2, **below},
                "encoding": {
                    **encoded, "x": {**scale, "field": "low"}, "x2": {"field": "high"}, "y": place,
                    "tooltip": tips,
                },
            },
            {
                "mark": {"type": "point", "size": 70, "opacity": 1, **below},
                "encoding": {
                    **encoded, "x": {**scale, "field": "value"}, "y": place,
                    "shape": _SHAPE,
                    "tooltip": tips,
                },
            },
        ],
    }  # fmt: skip
    return _drawn(picture, data, reference, reference_name, x, y, kind, title, caption, width,
                  height=_STEP * max(len(data), 1), with_counts=counts is not None)  # fmt: skip


def by_bin(
    bins: Iterable[object],
    values: Iterable[object],
    low: Iterable[object],
    high: Iterable[object],
    counts: Iterable[object],
    *,
    reference: float | None = None,
    reference_name: str = "",
    x: str = "",
    y: str = "",
    kind: Format = "number",
    limit: int = 15,
    title: str = "",
    caption: str = "",
    width: Width = "third",
) -> Chart:
    """Draw a mean and its interval in each bin of a column, in the order they come.

    Parameters
    ----------
    bins : iterable, shape (n_bins,)
        Their names.
    values, low, high : iterable of float, shape (n_bins,)
    counts : iterable of int, shape (n_bins,)
        Rows in each; they are the size of the dots.
    reference, reference_name, x, y, kind
        As in `estimates`.
    limit : int
        How many bins are drawn at most, the first ones.
    """
    data = _data(bins, values, low, high, counts, reference)
    cut = len(data) - limit
    data = data[:limit]
    encoded, scale = _encodings(data, reference, x, kind)
    tips = _tips(x, y, kind, with_counts=True)
    place = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "labelColor": INK, "labelLimit": 120, "grid": False},
    }
    size = {
        "field": "count",
        "type": "quantitative",
        "legend": None,
        "scale": {"range": [18, 110], "zero": True},
    }
    picture = {
        "data": {"name": "rows"},
        "layer": [
            *_reference(reference, scale),
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {
                    **encoded, "x": {**scale, "field": "low"}, "x2": {"field": "high"}, "y": place,
                    "tooltip": tips,
                },
            },
            {
                "mark": {"type": "point", "opacity": 1},
                "encoding": {
                    **encoded, "x": {**scale, "field": "value"}, "y": place, "size": size,
                    "shape": _SHAPE,
                    "tooltip": tips,
                },
            },
        ],
    }  # fmt: skip
    if cut > 0:
        caption = sentences(caption, f"{form.plural(cut, 'smaller one')} not shown.")
    return _drawn(picture, data, reference, reference_name, x, y, kind, title, caption, width,
                  height=max(60, 22 * len(data)), with_counts=True)  # fmt: skip


def _data(
    names: Iterable[object],
    values: Iterable[object],
    low: Iterable[object],
    high: Iterable[object],
    counts: Iterable[object] | None,
    reference: float | None,
) -> list[dict[str, Any]]:
    known = distinct([form.value(name) for name in column(names)])
    data = rows(
        name=known,
        value=floats(values),
        low=floats(low),
        high=floats(high),
        count=[None] * len(known) if counts is None else column(counts),
    )
    for row in data:
        ends = row["low"], row["high"]
        apart = reference is not None and None not in ends and not ends[0] <= reference <= ends[1]
        row["apart"] = "apart" if apart else "within"
    return data


def _encodings(
    data: list[dict[str, Any]], reference: float | None, x: str, kind: Format
) -> tuple[dict[str, Any], dict[str, Any]]:
    colour = {"field": "apart", "type": "nominal", "legend": None, "scale": _APART}
    ends = [row[key] for row in data for key in ("value", "low", "high") if row[key] is not None]
    largest = max(map(abs, [*ends, *([] if reference is None else [reference])]), default=0)
    scale = {
        "type": "quantitative",
        "scale": {"zero": False, "padding": 8},
        "axis": {
            "title": said(x),
            "format": axis_format(kind, largest),
            "tickCount": 5,
            "grid": True,
        },
    }
    return {"color": colour}, scale


def _reference(reference: float | None, scale: dict[str, Any]) -> list[dict[str, Any]]:
    if reference is None:
        return []
    return [
        {
            "data": {"name": "reference"},
            "mark": {"type": "rule", "strokeDash": [5, 4], "stroke": MUTED},
            "encoding": {"x": {**scale, "field": "value"}},
        }
    ]


def _tips(x: str, y: str, kind: Format, with_counts: bool) -> list[dict[str, Any]]:
    tips = [
        told("name", y or "of"),
        told("value", x or "value", kind),
        told("low", "from", kind),
        told("high", "to", kind),
    ]
    return [*tips, told("count", "rows", "integer")] if with_counts else tips


def _drawn(
    picture: dict[str, Any],
    data: list[dict[str, Any]],
    reference: float | None,
    reference_name: str,
    x: str,
    y: str,
    kind: Format,
    title: str,
    caption: str,
    width: Width,
    *,
    height: int,
    with_counts: bool,
) -> Chart:
    dashed = ""
    if reference is not None and reference_name:
        shown = form.percent(reference) if kind == "percent" else form.number(reference)
        dashed = f"Dashed: {reference_name}, {shown}."
    numbers = {"name": y or "of", "value": x or "value", "low": "from", "high": "to"}
    first: dict[str, Any] = data[0] if data else {"name": form.MISSING, "value": None}
    return finished(
        picture,
        title=title,
        caption=sentences(dashed, caption),
        alt_text=f"{x or title or 'values'} and the interval of each {y or 'row'}, {len(data)} in "
        f"all; the first is {first['name']} with {form.number(first['value'])}. {dashed}".strip(),
        width=width,
        numbers={**numbers, "count": "rows"} if with_counts else numbers,
        height=height,
        rows=data,
        reference=[] if reference is None else [{"value": reference}],
    )
