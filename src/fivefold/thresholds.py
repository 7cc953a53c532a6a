"""The marks a metric has to reach, and the limits another must keep: what several phases judge by.

The plan writes them down; ``conf/`` hands the same values to the stages that judge a result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fivefold.errors import PlanError, nearest
from fivefold.metrics import METRICS, Metric, Task

__all__ = [
    "Level",
    "Limits",
    "Thresholds",
    "allowed_range",
    "check_guardrails",
    "check_metric",
    "check_thresholds",
    "level",
    "metrics_for",
    "within",
]

Level = Literal["excellent", "acceptable", "insufficient"]


@dataclass(frozen=True)
class Thresholds:
    """The marks of the primary metric, in its own unit.

    Attributes
    ----------
    acceptable : float or None
        From here on the model may be used. Within the metric's range.
    excellent : float or None
        From here on more work is not worth its cost. At least as good as ``acceptable``.
    """

    acceptable: float | None = None
    excellent: float | None = None


@dataclass(frozen=True)
class Limits:
    """The limits that a metric other than the primary one must keep, in its own unit.

    Attributes
    ----------
    min : float or None
        The smallest value allowed, itself included.
    max : float or None
        The largest value allowed, itself included.
    """

    min: float | None = None
    max: float | None = None


def metrics_for(task: Task | str) -> list[str]:
    """Name the catalogue's metrics of a task."""
    return [name for name, metric in METRICS.items() if task in metric.tasks]


def allowed_range(metric: Metric) -> str:
    """Word a metric's range.

    Examples
    --------
    >>> allowed_range(METRICS["roc_auc"]), allowed_range(METRICS["r2"])
    ('0 to 1', 'at most 1')
    """
    if math.isinf(metric.low):
        return "any number" if math.isinf(metric.high) else f"at most {metric.high:g}"
    return (
        f"at least {metric.low:g}"
        if math.isinf(metric.high)
        else f"{metric.low:g} to {metric.high:g}"
    )


def check_metric(name: str, task: Task | str, where: str) -> Metric:
    """Give the metric of a name, if it fits the task.

    Raises
    ------
    PlanError
        The metric is unknown, or made for another task; names those that fit.
    """
    fitting = metrics_for(task)
    metric = METRICS.get(name)
    if metric is None:
        raise PlanError(
            f"unknown metric {name!r}",
            where=where,
            got=name,
            allowed=fitting,
            hint=nearest(name, fitting) or nearest(name, METRICS),
        )
    if task not in metric.tasks:
        raise PlanError(
            f"the metric {name!r} does not fit the task {task!r}",
            where=where,
            got=f"{name}, a metric for {' and '.join(metric.tasks)}",
            allowed=fitting,
            hint=f"choose one of these, or set task: {metric.tasks[0]}",
        )
    return metric


def check_thresholds(thresholds: Thresholds, metric: Metric, where: str) -> None:
    """Refuse marks outside the metric's range or in the wrong order.

    Raises
    ------
    PlanError
        Names the mark, the range, and the order that the metric's direction asks for.
    """
    acceptable, excellent = thresholds.acceptable, thresholds.excellent
    _check_range(acceptable, metric, f"{where}.acceptable")
    _check_range(excellent, metric, f"{where}.excellent")
    if acceptable is None or excellent is None:
        return
    maximize = metric.goal == "maximize"
    if excellent < acceptable if maximize else excellent > acceptable:
        raise PlanError(
            f"excellent is worse than acceptable: {metric.name} is better when "
            f"{'higher' if maximize else 'lower'}",
            where=where,
            got=f"acceptable {acceptable:g}, excellent {excellent:g}",
            allowed=f"excellent {'>=' if maximize else '<='} acceptable",
            hint="swap the two",
        )


def check_guardrails(
    guardrails: Mapping[str, Limits], task: Task | str, where: str, primary: str | None = None
) -> None:
    """Refuse limits on a metric that doesn't fit, without an end, out of range or out of order.

    Raises
    ------
    PlanError
        Names the metric and what is allowed.
    """
    for name, limits in guardrails.items():
        metric = check_metric(name, task, where)
        here = f"{where}.{name}"
        if name == primary:
            raise PlanError(
                "the primary metric can't be its own guardrail",
                where=here,
                got=name,
                hint="set its acceptable value under thresholds",
            )
        if limits.min is None and limits.max is None:
            raise PlanError(
                "the guardrail has neither min nor max", where=here, hint="set at least one"
            )
        _check_range(limits.min, metric, f"{here}.min")
        _check_range(limits.max, metric, f"{here}.max")
        if limits.min is not None and limits.max is not None and limits.min > limits.max:
            raise PlanError(
                "the guardrail's min is above its max",
                where=here,
                got=f"min {limits.min:g}, max {limits.max:g}",
                hint="swap the two",
            )


def level(value: float, metric: Metric, thresholds: Thresholds) -> Level | None:
    """Judge a metric's value by the marks, or give None where there are none.

    Examples
    --------
    >>> level(0.7, METRICS["roc_auc"], Thresholds(acceptable=0.65, excellent=0.75))
    'acceptable'
    """

    def reached(mark: float | None) -> bool:
        if mark is None:
            return False
        return value >= mark if metric.goal == "maximize" else value <= mark

    if thresholds.acceptable is None and thresholds.excellent is None:
        return None
    if reached(thresholds.excellent):
        return "excellent"
    if reached(thresholds.acceptable):
        return "acceptable"
    # With an excellent mark alone nothing says what would be too little.
    return None if thresholds.acceptable is None else "insufficient"


def within(value: float, limits: Limits) -> bool:
    """Whether a value keeps the limits."""
    return (limits.min is None or value >= limits.min) and (
        limits.max is None or value <= limits.max
    )


def _check_range(value: float | None, metric: Metric, where: str) -> None:
    if value is None:
        return
    if not math.isfinite(value):
        raise PlanError("not a finite number", where=where, got=value, hint="leave it out, or null")
    if not metric.low <= value <= metric.high:
        raise PlanError(
            f"the value lies outside the range of {metric.name}",
            where=where,
            got=value,
            allowed=allowed_range(metric),
        )
