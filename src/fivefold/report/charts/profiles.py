"""Charts of a table before anything is learned of it: columns, their gaps, and their relations.

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
    finished,
    floats,
    rows,
    said,
    told,
)
from fivefold.report.charts.distributions import of_bins, x_of_bins
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, FAINT, INK, OTHER, PAPER, SERIES

__all__ = ["against", "density", "gaps", "heatmap"]

# A line that follows the bars, and a cell with a number in it, need so much room.
_MOST_TOLD = 12
_LONGEST_NAME = 32


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
    names = of_bins(ends) if numeric else _distinct([form.value(end) for end in ends])
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


def heatmap(
    names: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    what: str | tuple[str, str] = "correlation",
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw a square of numbers from -1 to 1: the stronger, the fuller; negative in another colour.

    Parameters
    ----------
    names : sequence of str, shape (n_names,)
    values : sequence of sequence of float or None, shape (n_names, n_names)
        The diagonal is not drawn.
    what : str or (str, str)
        What is measured; a pair names the cells above and below the diagonal.
    """
    shown = _distinct([_short(name) for name in names])
    above, below = (what, what) if isinstance(what, str) else what
    data: list[dict[str, Any]] = [
        {
            "a": shown[column_],
            "b": shown[row],
            "value": round(value, 3),
            **({} if above == below else {"measure": above if column_ > row else below}),
        }
        for row, line in enumerate(values)
        for column_, value in enumerate(line)
        if row != column_ and value is not None
    ]
    axis = {"labelColor": INK, "labelLimit": 130, "title": None, "grid": False, "domain": False}
    side = {"type": "nominal", "sort": None, "scale": {"domain": shown}}
    place = {
        "x": {"field": "a", **side, "axis": {**axis, "labelAngle": -60, "labelOverlap": False}},
        "y": {"field": "b", **side, "axis": axis},
    }
    colour = {
        "field": "sign",
        "type": "nominal",
        "scale": {"domain": ["positive", "negative"], "range": [ACCENT, OTHER]},
        "legend": {} if any(row["value"] < 0 for row in data) else None,
    }
    full = {
        "field": "size",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [0, 1]},
        "legend": None,
    }
    tips = [
        told("a", "column"),
        told("b", "and"),
        *([] if above == below else [told("measure", "measure")]),
        told("value", above if above == below else "value", "number"),
    ]
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rect", "stroke": FAINT, "strokeWidth": 0.6},
            "encoding": {"color": colour, "opacity": full, "tooltip": tips},
        }
    ]
    if len(shown) <= _MOST_TOLD:
        text = {"field": "value", "type": "quantitative", "format": ".2f"}
        layers.append({"mark": {"type": "text", "fontSize": 10}, "encoding": {"text": text}})
    strongest = max(data, key=lambda row: abs(row["value"]), default=None)
    # Worked out by the reader's machine: there are a thousand cells.
    derived = [
        {"calculate": "abs(datum.value)", "as": "size"},
        {"calculate": "datum.value < 0 ? 'negative' : 'positive'", "as": "sign"},
    ]
    return finished(
        {"data": {"name": "rows"}, "transform": derived, "encoding": place, "layer": layers},
        title=title,
        caption=caption,
        alt_text=f"Heat map of {above if above == below else f'{above} and {below}'} of "
        f"{form.plural(len(shown), 'column')}"
        + (
            f"; the strongest is {strongest['value']} of {strongest['a']} and {strongest['b']}."
            if strongest
            else "."
        ),
        width=width,
        numbers={"a": "column", "b": "and"}
        | ({} if above == below else {"measure": "measure"})
        | {"value": above if above == below else "value"},
        height=max(80, (18 if len(shown) > _MOST_TOLD else 26) * len(shown)),
        rows=data,
    )


def gaps(
    columns: Sequence[str],
    patterns: Sequence[tuple[int, Sequence[str]]],
    *,
    total: int,
    title: str = "Which columns miss together",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw the combinations of missing columns, a row for each, the most frequent first.

    Parameters
    ----------
    columns : sequence of str, shape (n_columns,)
    patterns : sequence of (int, sequence of str)
        Rows, and the columns that are missing in them.
    total : int
        Rows of the table.
    """
    shown = dict(zip(columns, _distinct([_short(name) for name in columns]), strict=True))
    labels = _distinct(
        [f"{count:,} rows · {form.percent(count / total if total else 0)}" for count, _ in patterns]
    )
    data = [
        {
            "pattern": label,
            "column": shown[name],
            "state": "missing" if name in set(missing) else "present",
        }
        for label, (_, missing) in zip(labels, patterns, strict=True)
        for name in columns
    ]
    axis = {"labelColor": INK, "title": None, "grid": False, "domain": False}
    state = {
        "field": "state",
        "type": "nominal",
        "scale": {"domain": ["missing", "present"], "range": [ACCENT, FAINT]},
    }
    first = patterns[0] if patterns else (0, ())
    return finished(
        {
            "data": {"name": "rows"},
            "mark": {"type": "rect", "stroke": PAPER, "strokeWidth": 2},
            "encoding": {
                "x": {
                    "field": "column",
                    "type": "nominal",
                    "sort": None,
                    "axis": {**axis, "labelAngle": -40, "labelOverlap": False, "labelLimit": 130},
                },
                "y": {
                    "field": "pattern",
                    "type": "nominal",
                    "sort": None,
                    "axis": {**axis, "labelLimit": 220},
                },
                "color": state,
                "tooltip": [
                    told("pattern", "rows"),
                    told("column", "column"),
                    told("state", "value"),
                ],
            },
        },
        title=title,
        caption=caption,
        alt_text=f"{form.plural(len(patterns), 'combination')} of missing columns; the most "
        f"frequent, in {first[0]:,} rows, misses {', '.join(first[1]) or 'nothing'}.",
        width=width,
        numbers={"pattern": "rows", "column": "column", "state": "value"},
        height=max(60, 22 * len(labels)),
        rows=data,
    )


def density(
    x_edges: Sequence[float],
    y_edges: Sequence[float],
    counts: Sequence[Sequence[int]],
    *,
    x: str,
    y: str,
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw where rows lie on the plane of two numbers: the more, the fuller.

    Parameters
    ----------
    x_edges, y_edges : sequence of float, shapes (n_x + 1,) and (n_y + 1,)
    counts : sequence of sequence of int, shape (n_y, n_x)
    """
    data: list[dict[str, Any]] = [
        {
            "x": x_edges[i],
            "x2": x_edges[i + 1],
            "y": y_edges[j],
            "y2": y_edges[j + 1],
            "rows": count,
        }
        for j, line in enumerate(counts)
        for i, count in enumerate(line)
        if count
    ]
    most = max((row["rows"] for row in data), default=1)

    def side(name: str, text: str) -> dict[str, Any]:
        axis = {"title": said(text), "tickCount": 5, "grid": False}
        scale = {"zero": False, "nice": False}
        return {"field": name, "type": "quantitative", "axis": axis, "scale": scale}

    full = {
        "field": "rows",
        "type": "quantitative",
        # Few rows are seen too, beside a bin of very many.
        "scale": {"type": "sqrt", "domain": [0, most], "range": [0.06, 1]},
        "legend": None,
    }
    return finished(
        {
            "data": {"name": "rows"},
            "mark": {"type": "rect", "fill": ACCENT},
            "encoding": {
                "x": side("x", x),
                "x2": {"field": "x2"},
                "y": side("y", y),
                "y2": {"field": "y2"},
                "opacity": full,
                "tooltip": [
                    told("x", f"{x} from", "number"),
                    told("y", f"{y} from", "number"),
                    told("rows", "rows", "integer"),
                ],
            },
        },
        title=title,
        caption=caption,
        alt_text=f"Where rows lie by {x} and {y}, in {len(data)} cells; at most "
        f"{form.plural(most, 'row')} in one.",
        width=width,
        numbers={"x": x, "y": y, "rows": "rows"},
        height=230,
        rows=data,
    )


def _short(name: str) -> str:
    plain = " ".join(str(name).split())
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME - 1]}…"


def _distinct(names: Sequence[str]) -> list[str]:
    """Tell names apart that were cut to the same: a scale has each once."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        plain = " ".join(name.split())
        seen[plain] = seen.get(plain, 0) + 1
        found.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return found
