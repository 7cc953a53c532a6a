"""Charts of a search: its course, what its arguments did, and what could not be had together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import finished, said, told
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, FAINT, INK, OTHER

__all__ = ["front", "parallel", "search_history", "slices"]

_MOST_LINES = 200


def search_history(
    trials: Sequence[int],
    values: Sequence[float],
    *,
    y: str,
    maximize: bool,
    title: str = "",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw a point per trial, and the best value so far as a line.

    Parameters
    ----------
    trials : sequence of int, shape (n_trials,)
        Their numbers, rising.
    values : sequence of float, shape (n_trials,)
    y : str
        What the values are.
    maximize : bool
        Is more better?
    """
    better = max if maximize else min
    best: list[float] = []
    for value in values:
        best.append(better(best[-1], value) if best else value)
    data = [
        {"trial": int(trial), "value": float(value), "best": float(top)}
        for trial, value, top in zip(trials, values, best, strict=True)
    ]
    scale = {"zero": False, "nice": True}
    x = {
        "field": "trial",
        "type": "quantitative",
        "title": "trial",
        "axis": {"format": "d", "grid": False},
    }
    tips = [
        told("trial", "trial", "integer"),
        told("value", y, "number"),
        told("best", "best so far", "number"),
    ]
    upward = {"type": "quantitative", "title": said(y), "scale": scale}
    spec = {
        "data": {"name": "rows"},
        "encoding": {"x": x},
        "layer": [
            {
                "mark": {"type": "line", "interpolate": "step-after", "color": ACCENT},
                "encoding": {"y": {"field": "best", **upward}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 36, "color": OTHER},
                "encoding": {"y": {"field": "value", **upward}, "tooltip": tips},
            },
        ],
    }
    return finished(
        spec,
        title=title,
        caption=caption,
        alt_text=f"{form.plural(len(data), 'trial')}; the best {y} is "
        f"{form.number(best[-1]) if best else form.MISSING}.",
        width=width,
        height=240,
        numbers={"trial": "trial", "value": y, "best": "best so far"},
        rows=data,
    )


def slices(
    argument: str,
    settings: Sequence[object],
    values: Sequence[float],
    *,
    y: str,
    log: bool = False,
    title: str = "",
    caption: str = "",
    width: Width = "third",
) -> Chart:
    """Draw a point per trial: an argument's value against what came of it.

    Parameters
    ----------
    argument : str
        Its name.
    settings : sequence, shape (n_trials,)
        Numbers, or anything else as a name.
    values : sequence of float, shape (n_trials,)
    y : str
        What the values are.
    log : bool
        Are the numbers drawn by their logarithm?
    """
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in settings)
    data = [
        {"setting": setting if numeric else _name(setting), "value": float(value)}
        for setting, value in zip(settings, values, strict=True)
    ]
    scale = {"type": "log"} if log and numeric else {"zero": False}
    x: dict[str, Any] = {"field": "setting", "title": said(argument)}
    x |= {"type": "quantitative", "scale": scale} if numeric else {"type": "nominal", "sort": None}
    spec = {
        "data": {"name": "rows"},
        "mark": {"type": "point", "filled": True, "size": 30, "opacity": 0.6, "color": ACCENT},
        "encoding": {
            "x": x,
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": said(y),
                "scale": {"zero": False},
            },
            "tooltip": [
                told("setting", argument, "number" if numeric else None),
                told("value", y, "number"),
            ],
        },
    }
    return finished(
        spec,
        title=title,
        caption=caption,
        alt_text=f"{y} against {argument} in {form.plural(len(data), 'trial')}.",
        width=width,
        height=180,
        numbers={"setting": argument, "value": y},
        rows=data,
    )


def parallel(
    axes: Mapping[str, Sequence[float | None]],
    labels: Mapping[str, Sequence[str]],
    values: Sequence[float],
    *,
    y: str,
    maximize: bool,
    title: str = "",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw a line per trial through the arguments it had; the better, the fuller.

    Parameters
    ----------
    axes : mapping of str to sequence of float or None, each of shape (n_trials,)
        Where a trial's value lies on an argument's axis, from 0 to 1; None where it had none.
    labels : mapping of str to sequence of str
        The values as they are told.
    values : sequence of float, shape (n_trials,)
        What came of each trial.
    y : str
        What the values are.
    maximize : bool
        Is more better?
    """
    order = sorted(range(len(values)), key=lambda i: values[i], reverse=maximize)[:_MOST_LINES]
    rank = {index: place for place, index in enumerate(order)}
    data = [
        {
            "line": index,
            "argument": name,
            "at": at,
            "setting": labels[name][index],
            "value": float(values[index]),
            "weight": 1 - rank[index] / max(len(order), 1),
        }
        for name, positions in axes.items()
        for index, at in enumerate(positions)
        if at is not None and index in rank
    ]
    spec = {
        "data": {"name": "rows"},
        "mark": {"type": "line", "point": True, "color": ACCENT, "strokeWidth": 1.2},
        "encoding": {
            "x": {
                "field": "argument",
                "type": "nominal",
                "sort": None,
                "title": None,
                "scale": {"type": "point", "padding": 0.2},
                "axis": {"grid": True, "gridColor": FAINT, "labelAngle": 0, "labelColor": INK},
            },
            "y": {"field": "at", "type": "quantitative", "axis": None},
            "detail": {"field": "line"},
            "opacity": {
                "field": "weight",
                "type": "quantitative",
                "scale": {"range": [0.04, 0.9]},
                "legend": None,
            },
            "tooltip": [
                told("line", "trial", "integer"),
                told("argument", "argument"),
                told("setting", "value"),
                told("value", y, "number"),
            ],
        },
    }
    return finished(
        spec,
        title=title,
        caption=caption,
        alt_text=f"A line for each of {form.plural(len(order), 'trial')} through "
        f"{form.plural(len(axes), 'argument')}; the better, the fuller.",
        width=width,
        height=260,
        numbers={"line": "trial", "argument": "argument", "setting": "value", "value": y},
        rows=data,
    )


def front(
    first: Sequence[float],
    second: Sequence[float],
    on_front: Sequence[bool],
    *,
    x: str,
    y: str,
    chosen: int | None = None,
    title: str = "",
    caption: str = "",
    width: Width = "full",
) -> Chart:
    """Draw two objectives against each other, and the trials that no other beats in both.

    Parameters
    ----------
    first, second : sequence of float, shape (n_trials,)
        The objectives: the second across, the first up.
    on_front : sequence of bool, shape (n_trials,)
    x, y : str
        What the second and the first objective are.
    chosen : int or None
        The position of the trial that was taken.
    """
    kinds = ["taken", "on the front", "beaten"]
    data = [
        {
            "x": float(across),
            "y": float(up),
            "kind": kinds[0] if index == chosen else kinds[1] if best else kinds[2],
        }
        for index, (up, across, best) in enumerate(zip(first, second, on_front, strict=True))
    ]
    # What matters more is drawn later, and so above.
    data.sort(key=lambda row: -kinds.index(str(row["kind"])))
    spec = {
        "data": {"name": "rows"},
        "mark": {"type": "point", "filled": True, "size": 60},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": said(x), "scale": {"zero": False}},
            "y": {"field": "y", "type": "quantitative", "title": said(y), "scale": {"zero": False}},
            "color": {
                "field": "kind",
                "type": "nominal",
                "title": None,
                "scale": {"domain": kinds, "range": [INK, ACCENT, FAINT]},
            },
            "tooltip": [told("x", x, "number"), told("y", y, "number"), told("kind", "trial")],
        },
    }
    return finished(
        spec,
        title=title,
        caption=caption,
        alt_text=f"{sum(on_front)} of {form.plural(len(data), 'trial')} are on the Pareto front of "
        f"{y} and {x}.",
        width=width,
        height=260,
        numbers={"x": x, "y": y, "kind": "trial"},
        rows=data,
    )


def _name(value: object) -> str:
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )
