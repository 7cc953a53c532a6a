"""Charts of scores and errors: per group, per fold, per prediction."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import (
    Format,
    altair,
    axis_format,
    chart,
    column,
    even,
    finished,
    floats,
    rows,
    tip,
)
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, INK, MUTED, OTHER

__all__ = ["intervals", "residuals", "scores_per_fold"]

_MOST_DOTS = 1500
_BINS = 20


def intervals(
    groups: Iterable[object],
    estimates: Iterable[object],
    low: Iterable[object],
    high: Iterable[object],
    *,
    overall: float | None = None,
    counts: Iterable[object] | None = None,
    x: str = "",
    y: str = "",
    kind: Format = "number",
    sort: bool = True,
    title: str = "",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw an estimate and its interval per group, the highest first.

    Groups whose interval leaves out the overall value stand out by colour and shape.

    Parameters
    ----------
    groups : iterable, shape (n_groups,)
        Their names.
    estimates, low, high : iterable of float, shape (n_groups,)
        The metric and its interval.
    overall : float, optional
        The metric over all rows, drawn as a dashed line.
    counts : iterable of int, shape (n_groups,), optional
        Rows per group, for the tooltip.
    x, y : str
        What the metric and the groups are.
    """
    alt = altair()
    names = [form.value(name) for name in column(groups)]
    data = rows(
        name=names,
        value=floats(estimates),
        low=floats(low),
        high=floats(high),
        count=[None] * len(names) if counts is None else column(counts),
    )
    for row in data:
        ends = row["low"], row["high"]
        apart = overall is not None and None not in ends and not ends[0] <= overall <= ends[1]
        row["apart"] = "apart" if apart else "within"
    if sort:
        data.sort(
            key=lambda row: (-math.inf if row["value"] is None else -row["value"], row["name"])
        )
    known = [row[key] for row in data for key in ("value", "low", "high") if row[key] is not None]
    axis = alt.Axis(
        title=x, format=axis_format(kind, max(known, default=0)), tickCount=5, grid=True
    )
    x_of = {"axis": axis, "scale": alt.Scale(zero=False, padding=8)}
    colour = alt.Color(
        "apart:N", legend=None, scale=alt.Scale(domain=["within", "apart"], range=[ACCENT, OTHER])
    )
    shape = alt.Shape(
        "apart:N",
        legend=None,
        scale=alt.Scale(domain=["within", "apart"], range=["circle", "diamond"]),
    )
    tips = [
        tip(alt, "name", y or "group"),
        tip(alt, "value", x or "value", kind),
        tip(alt, "low", "from", kind),
        tip(alt, "high", "to", kind),
    ]
    numbers = {"name": y or "group", "value": x or "value", "low": "from", "high": "to"}
    if counts is not None:
        tips.append(tip(alt, "count", "rows", "integer"))
        numbers["count"] = "rows"
    shared = chart(alt).encode(
        y=alt.Y("name:N", sort=None, axis=alt.Axis(title=y or None, labelColor=INK)), color=colour
    )
    layers = [
        shared.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", **x_of), x2="high", tooltip=tips),
        shared.mark_point(size=70, opacity=1).encode(
            x=alt.X("value:Q", **x_of), shape=shape, tooltip=tips
        ),
    ]
    said = ""
    if overall is not None:
        line = chart(alt, "overall")
        layers.insert(
            0,
            line.mark_rule(strokeDash=[5, 4], stroke=MUTED).encode(x=alt.X("value:Q", **x_of)),
        )
        shown = form.percent(overall) if kind == "percent" else form.number(overall)
        said = f"Dashed: all rows together, {shown}."
        far = [row["name"] for row in data if row["apart"] == "apart"]
        if far:
            said += (
                f" Diamonds: {form.plural(len(far), y or 'group')} whose interval leaves it out."
            )
    return finished(
        alt.layer(*layers),
        title=title,
        caption=f"{said} {caption}".strip(),
        alt_text=f"{x or title or 'values'} and its interval per {y or 'group'}. {said}".strip(),
        width=width,
        numbers=numbers,
        height=max(80, 24 * len(data)),
        rows=data,
        overall=[] if overall is None else [{"value": overall}],
    )


def scores_per_fold(
    scores: Mapping[str, Iterable[object]],
    *,
    x: str = "score",
    y: str = "candidate",
    highest_first: bool = True,
    title: str = "Scores per fold",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw the score of every fold as a dot, and each candidate's mean as a bar across.

    Parameters
    ----------
    scores : mapping of str to iterable of float, shape (n_folds,)
        Scores by candidate; a fold that failed is NaN.
    x, y : str
        What the scores and the candidates are.
    highest_first : bool
        Which end the best candidate is at: False for a metric to be minimised.
    """
    alt = altair()
    data: list[dict[str, Any]] = []
    means: list[dict[str, Any]] = []
    for name, values in scores.items():
        known = floats(values)
        data += rows(name=[name] * len(known), score=known, fold=range(1, len(known) + 1))
        finite = [value for value in known if math.isfinite(value)]
        means.append({"name": name, "mean": statistics.fmean(finite) if finite else None})
    sign = -1 if highest_first else 1
    means.sort(key=lambda row: (row["mean"] is None, sign * (row["mean"] or 0), row["name"]))
    order = [row["name"] for row in means]
    data.sort(key=lambda row: (order.index(row["name"]), row["fold"]))
    largest = max((abs(row["score"]) for row in data if row["score"] is not None), default=0)
    axis = alt.Axis(title=x, format=axis_format("number", largest), tickCount=5, grid=True)
    x_of = {"axis": axis, "scale": alt.Scale(zero=False, padding=8)}
    across = alt.Y("name:N", sort=order, axis=alt.Axis(title=y or None, labelColor=INK))
    dots = (
        chart(alt)
        .mark_point(size=55, opacity=0.65)
        .encode(
            x=alt.X("score:Q", **x_of),
            y=across,
            tooltip=[
                tip(alt, "name", y),
                tip(alt, "fold", "fold", "integer"),
                tip(alt, "score", x, "number"),
            ],
        )
    )
    ticks = (
        chart(alt, "means")
        .mark_tick(thickness=2, height=22, color=INK, opacity=1)
        .encode(
            x=alt.X("mean:Q", **x_of),
            y=across,
            tooltip=[tip(alt, "name", y), tip(alt, "mean", f"mean {x}", "number")],
        )
    )
    best: dict[str, Any] = means[0] if means else {"name": form.MISSING, "mean": None}
    return finished(
        alt.layer(dots, ticks),
        title=title,
        caption=caption or "A dot is a fold, the upright bar the mean.",
        alt_text=f"{x} per fold of {form.plural(len(means), y or 'candidate')}; the best mean is "
        f"{form.number(best['mean'])}, of {best['name']}.",
        width=width,
        numbers={"name": y, "fold": "fold", "score": x},
        height=max(80, 34 * len(means)),
        rows=data,
        means=means,
    )


def residuals(
    predicted: Iterable[object],
    residual: Iterable[object],
    *,
    x: str = "predicted",
    y: str = "observed minus predicted",
    title: str = "Residuals",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw errors over predictions: an even sample of the rows, and the median per bin of all.

    Parameters
    ----------
    predicted, residual : iterable of float, shape (n_rows,)
        In the target's unit. At most 1,500 rows, evenly spaced by rank of the prediction, are
        drawn; the medians are of all rows, in up to 20 bins of equal count.
    """
    alt = altair()
    pairs = sorted(
        (a, b)
        for a, b in zip(floats(predicted), floats(residual), strict=True)
        if math.isfinite(a) and math.isfinite(b)
    )
    sample = [pairs[index] for index in even(len(pairs), _MOST_DOTS)]
    data = rows(predicted=[a for a, _ in sample], residual=[b for _, b in sample])
    size = max(1, math.ceil(len(pairs) / _BINS))
    parts = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    medians = rows(
        predicted=[statistics.median(a for a, _ in part) for part in parts],
        residual=[statistics.median(b for _, b in part) for part in parts],
    )
    widest = max((abs(value) for pair in pairs for value in pair), default=0)
    shown = axis_format("number", widest)
    across = alt.X(
        "predicted:Q",
        scale=alt.Scale(zero=False),
        axis=alt.Axis(title=x, format=shown, tickCount=6),
    )
    up = alt.Y("residual:Q", axis=alt.Axis(title=y, format=shown, tickCount=6))
    tips = [tip(alt, "predicted", x, "number"), tip(alt, "residual", y, "number")]
    dots = chart(alt).mark_point(size=16, opacity=0.35, strokeOpacity=0)
    middle = chart(alt, "medians").mark_line(stroke=OTHER, strokeWidth=2.5)
    zero = chart(alt, "zero").mark_rule(stroke=MUTED, strokeDash=[5, 4])
    if len(sample) < len(pairs):
        caption = f"{form.integer(len(sample))} of {form.plural(len(pairs), 'row')}. {caption}"
    return finished(
        alt.layer(
            dots.encode(x=across, y=up, tooltip=tips),
            zero.encode(y=up),
            middle.encode(x=across, y=up, tooltip=tips),
        ),
        title=title,
        caption=f"The line is the median; around zero is right. {caption}".strip(),
        alt_text=f"{title} over {x} of {form.plural(len(pairs), 'row')}; half of them lie within "
        f"{form.number(statistics.median(abs(b) for _, b in pairs) if pairs else None)} of zero.",
        width=width,
        height=300,
        rows=data,
        medians=medians,
        zero=[{"residual": 0}],
    )
