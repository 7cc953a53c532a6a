"""Charts of a column and the target in it.

Their specifications are written as they are: a page has a hundred of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    told,
)
from fivefold.report.charts.distributions import of_bins, x_of_bins
from fivefold.report.page import Chart, Width
from fivefold.report.theme import INK, OTHER, PAPER, SERIES

__all__ = ["against"]


def against(
    bins: Iterable[object],
    counts: Iterable[object],
    target: Iterable[object] | Mapping[str, Iterable[object]] | None = None,
    *,
    overall: float | None = None,
    kind: Format = "percent",
    x: str = "",
    y: str = "target",
    title: str = "",
    caption: str = "",
    width: Width = "third",
) -> Chart:
    """Draw how a column is spread, and what the target is in each bin.

    Parameters
    ----------
    bins : iterable
        Edges, shape (n_bins + 1,), or names of categories, shape (n_bins,).
    counts : iterable of int, shape (n_bins,)
    target : iterable of float, shape (n_bins,), or mapping of str to iterable of int, optional
        The target's rate or mean, drawn as a line with an axis of its own; or the rows of each
        class, which share the bars.
    overall : float, optional
        The target's rate or mean over all rows.
    kind : {"percent", "number"}
        How the target is written.
    x, y : str
        What the column and the target are.

    Raises
    ------
    ValueError
        If lengths differ.
    """
    ends, held = column(bins), [int(count or 0) for count in column(counts)]
    numeric = len(ends) == len(held) + 1
    names = of_bins(ends) if numeric else distinct([form.value(end) for end in ends])
    data = rows(bin=names, count=held)
    if numeric:
        for row, (low, high) in zip(
            data, zip(rows(x=ends), rows(x=ends[1:]), strict=False), strict=True
        ):
            row |= {"low": low["x"], "high": high["x"]}
    numbers = {"bin": x or "value", "count": "rows"}
    place = _bars_of_numbers(ends) if numeric else _bars_of_names()
    datasets: dict[str, list[dict[str, Any]]] = {"rows": data}
    along, across = ("y", "x") if numeric else ("x", "y")
    size = {
        "field": "count",
        "type": "quantitative",
        "scale": {"zero": True},
        "axis": {
            "title": "rows",
            "format": axis_format("integer", max(held, default=0)),
            "tickCount": 4 if numeric else 3,
            "grid": True,
        },
    }
    tips = [told("bin", x or "value"), told("count", "rows", "integer")]
    mark: dict[str, Any] = {"type": "rect" if numeric else "bar", "opacity": 0.5}
    if numeric:
        mark |= {"stroke": PAPER, "strokeWidth": 0.8}
    if isinstance(target, Mapping):
        classes = {" ".join(str(name).split()): column(given) for name, given in target.items()}
        picture, datasets["classes"] = _stacked(data, classes, place, (along, size), numeric)
    elif target is None:
        encoding = {**place, along: size, **({f"{along}2": {"datum": 0}} if numeric else {})}
        picture = {
            "data": {"name": "rows"},
            "mark": mark,
            "encoding": {**encoding, "tooltip": tips},
        }
    else:
        values = floats(target)
        for row, at, value in zip(data, range(len(data)), values, strict=True):
            row["target"] = None if value != value else value
            row["middle"] = (row["low"] + row["high"]) / 2 if numeric else at
        numbers["target"] = y
        tips.append(told("target", y, kind))
        picture = _with_line(
            mark, place, (along, across), size, tips,
            _target_axis(values, overall, kind, numeric), overall,
        )  # fmt: skip
        datasets["overall"] = [] if overall is None else [{"target": overall}]
    peak = max(data, key=lambda row: row["count"], default={"bin": form.MISSING})
    return finished(
        picture,
        title=title,
        caption=caption,
        alt_text=f"Rows of {x or title or 'a column'} by {'bin' if numeric else 'category'}, most "
        f"in {peak['bin']}" + ("." if target is None else f", with {y} in each."),
        width=width,
        numbers=numbers,
        height=150 if numeric else max(60, 20 * len(data)),
        **datasets,
    )


def _bars_of_numbers(ends: list[Any]) -> dict[str, Any]:
    axis = x_of_bins(ends, "")
    axis["axis"] |= {"tickCount": 4}
    return {"x": axis, "x2": {"field": "high"}}


def _bars_of_names() -> dict[str, Any]:
    return {
        "y": {
            "field": "bin",
            "type": "nominal",
            "sort": None,
            "scale": {"paddingInner": 0.28, "paddingOuter": 0.1},
            "axis": {"title": None, "labelColor": INK, "labelLimit": 110},
        }
    }


def _target_axis(
    values: Sequence[float], overall: float | None, kind: Format, numeric: bool
) -> dict[str, Any]:
    known = [
        value for value in (*values, *([overall] if overall is not None else [])) if value == value
    ]
    zero = kind == "percent"
    return {
        "field": "target",
        "type": "quantitative",
        "scale": {"zero": zero, "nice": True},
        "axis": {
            "title": None,
            "orient": "right" if numeric else "top",
            "format": axis_format(kind, max(map(abs, known), default=0)),
            "tickCount": 4 if numeric else 3,
            "grid": False,
            "labelColor": OTHER,
            "domain": False,
        },
    }


def _with_line(
    mark: dict[str, Any],
    place: dict[str, Any],
    sides: tuple[str, str],
    size: dict[str, Any],
    tips: list[dict[str, Any]],
    target: dict[str, Any],
    overall: float | None,
) -> dict[str, Any]:
    """Lay the target's line or points over the bars, with a scale of its own."""
    along, across = sides
    numeric = along == "y"
    bars = {
        "mark": mark,
        "encoding": {
            **place,
            along: size,
            **({f"{along}2": {"datum": 0}} if numeric else {}),
            "tooltip": tips,
        },
    }
    middle = {**place[across], "field": "middle"} if numeric else place[across]
    above: list[dict[str, Any]] = []
    if overall is not None:
        above.append(
            {
                "data": {"name": "overall"},
                "mark": {"type": "rule", "strokeDash": [3, 3], "stroke": OTHER, "opacity": 0.7},
                "encoding": {along: target},
            }
        )
    if numeric:
        line = {"type": "line", "stroke": OTHER, "strokeWidth": 1.5}
        above.append({"mark": line, "encoding": {across: middle, along: target}})
    point = {"type": "point", "fill": OTHER, "size": 22 if numeric else 40, "opacity": 1}
    above.append({"mark": point, "encoding": {across: middle, along: target, "tooltip": tips}})
    return {
        "data": {"name": "rows"},
        "layer": [bars, {"layer": above}],
        "resolve": {"scale": {along: "independent"}},
    }


def _stacked(
    data: Sequence[dict[str, Any]],
    classes: Mapping[str, Sequence[Any]],
    place: dict[str, Any],
    size: tuple[str, dict[str, Any]],
    numeric: bool,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Cut each bar by class."""
    along, axis = size
    drawn = []
    for at, row in enumerate(data):
        start = 0
        for name, counts in classes.items():
            end = start + int(counts[at] or 0)
            drawn.append({**row, "class": name, "rows": end - start, "from": start, "to": end})
            start = end
    names = list(classes)
    colours = [SERIES[at % len(SERIES)] for at in range(len(names))]
    encoding = {
        **place,
        along: axis | {"field": "from"},
        f"{along}2": {"field": "to"},
        "color": {
            "field": "class",
            "type": "nominal",
            "scale": {"domain": names, "range": colours},
        },
        "tooltip": [told("bin", "value"), told("class", "class"), told("rows", "rows", "integer")],
    }
    mark: dict[str, Any] = {"type": "rect" if numeric else "bar", "opacity": 0.75}
    return {"data": {"name": "classes"}, "mark": mark, "encoding": encoding}, drawn
