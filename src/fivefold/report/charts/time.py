"""Charts of something over an ordered axis, most often time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import (
    Format,
    altair,
    axis_format,
    chart,
    column,
    finished,
    floats,
    rows,
    scale_of,
    tip,
)
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, INK, MUTED, SERIES

__all__ = ["line", "target_over_time"]

# Single points are marked as long as they can be told apart.
_MOST_MARKED = 40


def line(
    x: Iterable[object],
    y: Iterable[object] | Mapping[str, Iterable[object]],
    *,
    low: Iterable[object] | None = None,
    high: Iterable[object] | None = None,
    reference: Mapping[str, float] | None = None,
    x_title: str = "",
    y_title: str = "",
    kind: Format = "number",
    zero: bool = False,
    title: str = "",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw one line with its interval as a band, or several lines.

    Parameters
    ----------
    x : iterable of float, date or str, shape (n_points,)
        Where; texts keep their order.
    y : iterable of float, shape (n_points,), or a mapping of names to such
        How much; a mapping draws a line for each name, without bands.
    low, high : iterable of float, shape (n_points,), optional
        The interval around the one line.
    reference : mapping of str to float, optional
        Names and heights of dashed lines: a goal, a bound.
    kind : {"number", "integer", "percent"}
        How ``y`` is written.
    zero : bool
        Whether the axis of ``y`` starts at zero.

    Raises
    ------
    ValueError
        If lengths differ.
    """
    alt = altair()
    where = column(x)
    many = {name: floats(v) for name, v in y.items()} if isinstance(y, Mapping) else {"": floats(y)}
    data: list[dict[str, Any]] = []
    for name, values in many.items():
        banded = low is not None and high is not None and len(many) == 1
        data += rows(
            x=where,
            when=[form.value(value) for value in where],
            name=[name] * len(where),
            y=values,
            low=floats(low) if banded and low is not None else [None] * len(where),
            high=floats(high) if banded and high is not None else [None] * len(where),
        )
    known = [r[key] for r in data for key in ("y", "low", "high") if r[key] is not None]
    references = list((reference or {}).items())
    known += [height for _, height in references]
    shared = chart(alt).encode(x=_x(alt, where, x_title))
    y_axis = alt.Axis(
        title=y_title, format=axis_format(kind, max(map(abs, known), default=0)), tickCount=5
    )
    y_of = {"axis": y_axis, "scale": alt.Scale(zero=zero)}
    colour = alt.value(ACCENT)
    if len(many) > 1:
        scale = alt.Scale(
            domain=list(many), range=[SERIES[i % len(SERIES)] for i in range(len(many))]
        )
        colour = alt.Color("name:N", scale=scale)
    tips = [tip(alt, "when", x_title or "at"), tip(alt, "y", y_title or "value", kind)]
    if len(many) > 1:
        tips.insert(0, tip(alt, "name", "line"))
    numbers = {"when": x_title or "at", "y": y_title or "value"}
    layers = []
    if any(row["low"] is not None for row in data):
        layers.append(shared.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", **y_of), y2="high"))
        tips += [tip(alt, "low", "from", kind), tip(alt, "high", "to", kind)]
        numbers |= {"low": "from", "high": "to"}
    if len(many) > 1:
        numbers = {"name": "line", **numbers}
    layers.append(shared.mark_line().encode(y=alt.Y("y:Q", **y_of), color=colour))
    size = 36 if len(where) <= _MOST_MARKED else 120
    layers.append(
        shared.mark_point(size=size, opacity=1 if len(where) <= _MOST_MARKED else 0).encode(
            y=alt.Y("y:Q", **y_of), color=colour, tooltip=tips
        )
    )
    layers += _references(alt, references, y_of)
    ends = [row["y"] for row in data if row["y"] is not None]
    shown = form.percent if kind == "percent" else form.number
    return finished(
        alt.layer(*layers),
        title=title,
        caption=caption,
        alt_text=f"Line of {y_title or title or 'values'} over {x_title or 'time'}, "
        f"{len(where)} points from "
        f"{form.value(where[0] if where else None)} to {form.value(where[-1] if where else None)}"
        f"; between {shown(min(ends, default=None))} and {shown(max(ends, default=None))}.",
        width=width,
        numbers=numbers,
        height=240,
        rows=data,
        references=[{"name": name, "y": height} for name, height in references],
    )


def _x(alt: Any, where: list[Any], title: str) -> Any:
    scale = scale_of(where)
    axis = alt.Axis(title=title or None, tickCount=8)
    if scale == "temporal":
        return alt.X("x", type="temporal", axis=axis, scale=alt.Scale(type="utc"))
    if scale == "quantitative":
        return alt.X("x", type="quantitative", axis=axis, scale=alt.Scale(zero=False, nice=False))
    # Names keep the order they came in.
    axis = alt.Axis(title=title or None, labelAngle=0)
    return alt.X(
        "x", type="ordinal", sort=None, axis=axis, scale=alt.Scale(type="point", padding=0.3)
    )


def _references(alt: Any, references: list[tuple[str, float]], y_of: dict[str, Any]) -> list[Any]:
    if not references:
        return []
    shared = chart(alt, "references").encode(y=alt.Y("y:Q", **y_of))
    return [
        shared.mark_rule(strokeDash=[5, 4], stroke=MUTED),
        shared.mark_text(align="right", baseline="bottom", dy=-3, fill=INK, fontSize=11).encode(
            x=alt.value("width"), text="name:N"
        ),
    ]


def target_over_time(
    periods: Iterable[object],
    values: Iterable[object],
    *,
    low: Iterable[object] | None = None,
    high: Iterable[object] | None = None,
    y_title: str = "target rate",
    kind: Format = "percent",
    title: str = "Target over time",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw the target's rate, or its mean, per period, with its interval.

    Parameters
    ----------
    periods : iterable of date or str, shape (n_periods,)
        Ascending.
    values, low, high : iterable of float, shape (n_periods,)
        The rate in [0, 1] (or the mean, with ``kind="number"``) and its interval.
    """
    return line(
        periods,
        values,
        low=low,
        high=high,
        y_title=y_title,
        kind=kind,
        zero=True,
        title=title,
        caption=caption,
        width=width,
    )
