"""A metric's range as a bar, with what is good and what is bad in it."""

from __future__ import annotations

import math

from fivefold.metrics import Metric
from fivefold.report import format as form
from fivefold.report.page import Chart
from fivefold.report.theme import BAD, FAINT, GOOD, INK, OTHER
from fivefold.thresholds import Limits, Thresholds, allowed_range

__all__ = ["goal_picture", "guardrail_picture"]

_HEIGHT = 34


def goal_picture(metric: Metric, thresholds: Thresholds) -> Chart:
    """Draw the metric's range with its acceptable and excellent marks.

    Parameters
    ----------
    metric : Metric
        The primary metric.
    thresholds : Thresholds
        At least one mark is set.
    """
    marks = {
        name: value
        for name, value in (
            ("acceptable", thresholds.acceptable),
            ("excellent", thresholds.excellent),
        )
        if value is not None
    }
    low, high = _ends(metric, list(marks.values()))
    worst, best = (low, high) if metric.goal == "maximize" else (high, low)
    # From the worst end to the best, each zone begins at a mark.
    names = ["insufficient", *marks] if thresholds.acceptable is not None else ["open", *marks]
    points = [worst, *marks.values(), best]
    zones = [
        {"zone": name, "from": min(a, b), "to": max(a, b)}
        for name, a, b in zip(names, points[:-1], points[1:], strict=True)
    ]
    better = "higher" if metric.goal == "maximize" else "lower"
    words = [f"{name} from {form.number(value)} on" for name, value in marks.items()]
    return _bar(
        metric,
        zones,
        {"insufficient": BAD, "open": FAINT, "acceptable": OTHER, "excellent": GOOD},
        list(marks.values()),
        (low, high),
        title=f"The goal: {metric.title}",
        caption=f"{' and '.join(words).capitalize()}; the metric's range is "
        f"{allowed_range(metric)}, and {better} is better.",
    )


def guardrail_picture(metric: Metric, limits: Limits) -> Chart:
    """Draw the part of the metric's range that a guardrail allows."""
    marks = [value for value in (limits.min, limits.max) if value is not None]
    low, high = _ends(metric, marks)
    first = low if limits.min is None else limits.min
    last = high if limits.max is None else limits.max
    zones = [
        {"zone": name, "from": a, "to": b}
        for name, a, b in (
            ("forbidden", low, first),
            ("allowed", first, last),
            ("forbidden", last, high),
        )
        if a < b
    ]
    return _bar(
        metric,
        zones,
        {"forbidden": BAD, "allowed": GOOD},
        marks,
        (low, high),
        title=metric.title,
        caption=f"Allowed: {_limits(limits)}.",
        width="half",
    )


def _limits(limits: Limits) -> str:
    if limits.min is None:
        return f"at most {form.number(limits.max)}"
    if limits.max is None:
        return f"at least {form.number(limits.min)}"
    return f"{form.interval(limits.min, limits.max)}"


def _ends(metric: Metric, marks: list[float]) -> tuple[float, float]:
    """Cut an endless range where the picture can still show the marks apart."""
    low, high = metric.low, metric.high
    if math.isinf(high):
        top = max(marks)
        high = low + (top - low) * 1.5 if top > low else low + 1.0
    if math.isinf(low):
        low = min(0.0, min(marks) - 0.5 * abs(high - min(marks)))
    return low, high


def _bar(
    metric: Metric,
    zones: list[dict[str, object]],
    colours: dict[str, str],
    marks: list[float],
    ends: tuple[float, float],
    *,
    title: str,
    caption: str,
    width: str = "full",
) -> Chart:
    names = list(dict.fromkeys(str(zone["zone"]) for zone in zones))
    scale = {"domain": list(ends), "nice": False, "zero": False}
    spec = {
        "width": "container",
        "height": _HEIGHT,
        "layer": [
            {
                "data": {"values": zones},
                "mark": {"type": "bar", "height": _HEIGHT * 0.6, "fillOpacity": 0.55},
                "encoding": {
                    "x": {
                        "field": "from",
                        "type": "quantitative",
                        "scale": scale,
                        "title": metric.title,
                    },
                    "x2": {"field": "to"},
                    "fill": {
                        "field": "zone",
                        "type": "nominal",
                        "scale": {"domain": names, "range": [colours[name] for name in names]},
                    },
                    "tooltip": [
                        {"field": "zone"},
                        {"field": "from", "type": "quantitative"},
                        {"field": "to", "type": "quantitative"},
                    ],
                },
            },
            {
                "data": {"values": [{"mark": mark, "text": form.number(mark)} for mark in marks]},
                "encoding": {"x": {"field": "mark", "type": "quantitative", "scale": scale}},
                "layer": [
                    {"mark": {"type": "rule", "stroke": INK, "strokeWidth": 2}},
                    {
                        "mark": {"type": "text", "dy": -_HEIGHT * 0.5 - 4, "fontWeight": 600},
                        "encoding": {"text": {"field": "text"}},
                    },
                ],
            },
        ],
    }
    return Chart(
        spec,
        title=title,
        caption=caption,
        width="half" if width == "half" else "full",
    )
