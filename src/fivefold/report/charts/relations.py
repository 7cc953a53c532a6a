"""Charts of how columns relate: their correlations, their gaps, and where their rows lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import distinct, finished, said, told
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, FAINT, INK, OTHER, PAPER

__all__ = ["density", "gaps", "heatmap"]

# A cell with a number in it needs so much room.
_MOST_TOLD = 12
_LONGEST_NAME = 32


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
    shown = distinct([_short(name) for name in names])
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
    shown = dict(zip(columns, distinct([_short(name) for name in columns]), strict=True))
    labels = distinct(
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
