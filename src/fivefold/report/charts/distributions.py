"""Charts of columns: how values are spread, how often, and how many are missing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
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
    sentences,
    told,
)
from fivefold.report.page import Chart, Width
from fivefold.report.theme import INK, MUTED, OTHER, PAPER

__all__ = ["bar", "distributions", "histogram", "missing_values", "of_bins", "x_of_bins"]


def x_of_bins(edges: list[Any], title: str, name: str = "low") -> dict[str, Any]:
    """Describe the axis of binned numbers or dates."""
    axis = {"tickCount": 6, "title": said(title), "zindex": 1}
    if scale_of(edges) == "temporal":
        scale: dict[str, Any] = {"type": "utc", "nice": False}
        return {"field": name, "type": "temporal", "axis": axis, "scale": scale}
    scale = {"zero": False, "nice": False}
    return {"field": name, "type": "quantitative", "axis": axis, "scale": scale}


def of_bins(edges: list[Any]) -> list[str]:
    """Name bins by their ends."""
    return [
        f"{form.value(low, 4)} to {form.value(high, 4)}" for low, high in itertools.pairwise(edges)
    ]


def histogram(
    edges: Iterable[object],
    counts: Iterable[object],
    *,
    x: str = "",
    y: str = "rows",
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw how numbers or dates are spread over bins.

    Parameters
    ----------
    edges : iterable of float or date, shape (n_bins + 1,)
        The bins' ends, ascending.
    counts : iterable of int, shape (n_bins,)
        The rows in each.
    x, y : str
        Titles of the axes; ``x`` with its unit.

    Raises
    ------
    ValueError
        If there isn't one more edge than counts.
    """
    ends = column(edges)
    data = rows(low=ends[:-1], high=ends[1:], count=counts, bin=of_bins(ends))
    most = max((row["count"] for row in data), default=0)
    picture = {
        "data": {"name": "rows"},
        # The paper-coloured edge parts neighbouring bins.
        "mark": {"type": "rect", "stroke": PAPER, "strokeWidth": 0.8},
        "encoding": {
            "x": x_of_bins(ends, x),
            "x2": {"field": "high"},
            "y": {
                "field": "count",
                "type": "quantitative",
                "scale": {"zero": True},
                "axis": {
                    "title": said(y),
                    "format": axis_format("integer", most),
                    "tickCount": 4,
                },
            },
            "y2": {"datum": 0},
            "tooltip": [told("bin", x or "bin"), told("count", y, "integer")],
        },
    }
    peak = max(data, key=lambda row: row["count"], default={"bin": form.MISSING})
    return finished(
        picture,
        title=title,
        caption=caption,
        alt_text=f"Histogram of {x or title or 'values'} from {form.value(ends[0], 4)} to "
        f"{form.value(ends[-1], 4)}; most {y} lie in {peak['bin']}.",
        width=width,
        numbers={"bin": x or "bin", "count": y},
        rows=data,
        height=120 if width == "third" else 220,
    )


def bar(
    categories: Iterable[object],
    values: Iterable[object],
    *,
    x: str = "rows",
    y: str = "",
    kind: Format = "integer",
    sort: bool = True,
    limit: int = 20,
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw a value per category as horizontal bars, the longest first.

    Parameters
    ----------
    categories : iterable, shape (n_categories,)
        Their names.
    values : iterable of float, shape (n_categories,)
        The lengths of the bars.
    x, y : str
        What the values and the categories are.
    kind : {"integer", "number", "percent"}
        How values are written.
    sort : bool
        Whether the longest comes first; else the order is kept.
    limit : int
        How many bars are drawn at most; the caption says how many are not.
    """
    data = rows(name=[form.value(name) for name in column(categories)], value=floats(values))
    if sort:
        data.sort(key=lambda row: (-(row["value"] or 0), row["name"]))
    shown: dict[Format, Callable[[float], str]] = {
        "percent": form.percent,
        "integer": form.integer,
        "number": form.number,
    }
    for row in data:
        row["said"] = shown[kind](row["value"])
    cut = len(data) - limit
    data = data[:limit]
    most = max((row["value"] or 0 for row in data), default=0)
    # Room for the number behind the longest bar.
    scale = {
        "domainMin": 0,
        "domainMax": most * (1.5 if width == "third" else 1.22) or 1,
        "nice": False,
    }
    shared = {
        "y": {
            "field": "name",
            "type": "nominal",
            "sort": None,
            "scale": {"paddingInner": 0.28, "paddingOuter": 0.1},
            "axis": {
                "title": said(y),
                "labelColor": INK,
                "labelLimit": 120 if width == "third" else 170,
            },
        },
        "x": {
            "field": "value",
            "type": "quantitative",
            "scale": scale,
            "axis": {
                "title": said(x),
                "titleAnchor": "start",
                "titlePadding": 2,
                "labels": False,
                "grid": False,
                "domain": False,
            },
        },
        "tooltip": [told("name", y or "category"), told("value", x, kind)],
    }
    text = {"type": "text", "align": "left", "dx": 5, "fill": MUTED, "fontSize": 11}
    picture = {
        "data": {"name": "rows"},
        "encoding": shared,
        "layer": [
            {"mark": {"type": "bar"}},
            {"mark": text, "encoding": {"text": {"field": "said", "type": "nominal"}}},
        ],
    }
    first: dict[str, Any] = data[0] if data else {"name": form.MISSING, "said": form.MISSING}
    if cut > 0:
        caption = sentences(caption, f"{form.plural(cut, 'smaller one')} not shown.")
    return finished(
        picture,
        title=title,
        caption=caption,
        alt_text=f"Bars of {x} per {y or title or 'category'}, {len(data)} in all; the first is "
        f"{first['name']} with {first['said']}.",
        width=width,
        numbers={"name": y or "category", "value": x},
        rows=data,
        height=max(60, 22 * len(data)),
    )


def missing_values(
    columns: Iterable[object],
    shares: Iterable[object],
    *,
    limit: int = 30,
    title: str = "Missing values",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw the share of rows that each column misses; complete columns are left out if any isn't.

    Parameters
    ----------
    columns : iterable of str, shape (n_columns,)
        Their names.
    shares : iterable of float, shape (n_columns,)
        Missing cells by rows, in [0, 1].
    """
    pairs = list(zip(column(columns), floats(shares), strict=True))
    some = [pair for pair in pairs if pair[1] > 0]
    complete = len(pairs) - len(some)
    if some and complete:
        caption = sentences(caption, f"{form.plural(complete, 'column')} without a gap not shown.")
    kept = some or pairs
    return bar(
        [name for name, _ in kept],
        [share for _, share in kept],
        x="rows without a value",
        y="column",
        kind="percent",
        limit=limit,
        title=title,
        caption=caption,
        width=width,
    )


def distributions(
    bins: Iterable[object],
    reference: Iterable[object],
    current: Iterable[object],
    *,
    names: tuple[str, str] = ("reference", "current"),
    x: str = "",
    title: str = "",
    caption: str = "",
    width: Width = "third",
) -> Chart:
    """Compare how a column is spread in two samples, each as shares of its own rows.

    Parameters
    ----------
    bins : iterable
        Edges, shape (n_bins + 1,), or names of categories, shape (n_bins,).
    reference, current : iterable of float, shape (n_bins,)
        Counts or shares of either sample.
    names : pair of str
        What the two are called.

    Raises
    ------
    ValueError
        If the shapes don't fit.
    """
    ends = column(bins)
    shares = tuple(_shares(floats(sample)) for sample in (reference, current))
    far = sum(abs(a - b) for a, b in zip(*shares, strict=True)) / 2
    draw = _binned if len(ends) == len(shares[0]) + 1 else _categorical
    picture, datasets = draw(ends, shares, names, x)
    return finished(
        picture,
        title=title,
        caption=caption,
        alt_text=f"Distribution of {x or title or 'values'} in {names[0]} and {names[1]}; "
        f"{form.percent(far)} of the rows would have to move for the two to agree.",
        width=width,
        numbers={"bin": x or "value", "first": names[0], "second": names[1]},
        height=170 if draw is _binned else max(60, 30 * len(shares[0])),
        **datasets,
    )


def _shares(counts: list[float]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def _colour(names: tuple[str, str], which: int) -> dict[str, Any]:
    """Colour a whole layer as one of the two samples, and name it in the legend."""
    shown = [" ".join(name.split()) for name in names]
    scale = {"domain": shown, "range": [MUTED, OTHER]}
    return {"field": f"name{which}", "type": "nominal", "scale": scale}


def _share_axis(shares: tuple[list[float], ...]) -> dict[str, Any]:
    most = max(map(max, shares))
    return {"title": "share of rows", "format": axis_format("percent", most), "tickCount": 4}


def _binned(
    ends: list[Any], shares: tuple[list[float], ...], names: tuple[str, str], x: str
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    shown = [" ".join(name.split()) for name in names]
    data = rows(
        low=ends[:-1],
        high=ends[1:],
        first=shares[0],
        second=shares[1],
        bin=of_bins(ends),
        name0=[shown[0]] * len(shares[0]),
    )
    # A step line needs its last level twice: at the last bin's both ends.
    steps = rows(low=ends, second=[*shares[1], shares[1][-1]], name1=[shown[1]] * len(ends))
    axis = _share_axis(shares)
    tips = [
        told("bin", x or "bin"),
        told("first", names[0], "percent"),
        told("second", names[1], "percent"),
    ]
    across = x_of_bins(ends, x)
    up = {"type": "quantitative", "axis": axis}
    bars = {
        "data": {"name": "rows"},
        "mark": {"type": "rect", "opacity": 0.45},
        "encoding": {
            "x": across,
            "x2": {"field": "high"},
            "y": {"field": "first", "scale": {"zero": True}, **up},
            "y2": {"datum": 0},
            "color": _colour(names, 0),
            "tooltip": tips,
        },
    }
    outline = {
        "data": {"name": "steps"},
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
        "encoding": {"x": across, "y": {"field": "second", **up}, "color": _colour(names, 1)},
    }
    return {"layer": [bars, outline]}, {"rows": data, "steps": steps}


def _categorical(
    ends: list[Any], shares: tuple[list[float], ...], names: tuple[str, str], x: str
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    count = len(ends)
    shown = [" ".join(name.split()) for name in names]
    data = rows(
        bin=[form.value(end) for end in ends],
        first=shares[0],
        second=shares[1],
        name0=[shown[0]] * count,
        name1=[shown[1]] * count,
    )
    shared = {
        "y": {
            "field": "bin",
            "type": "nominal",
            "sort": None,
            "axis": {"title": said(x), "labelColor": INK},
        },
        "tooltip": [
            told("bin", x or "category"),
            told("first", names[0], "percent"),
            told("second", names[1], "percent"),
        ],
    }
    along = {"type": "quantitative", "axis": _share_axis(shares)}
    first = {
        "mark": {"type": "bar", "opacity": 0.45, "height": 16},
        "encoding": {"x": {"field": "first", **along}, "color": _colour(names, 0)},
    }
    second = {
        "mark": {"type": "tick", "thickness": 3, "height": 22, "opacity": 1},
        "encoding": {"x": {"field": "second", **along}, "color": _colour(names, 1)},
    }
    picture = {"data": {"name": "rows"}, "encoding": shared, "layer": [first, second]}
    return picture, {"rows": data}
