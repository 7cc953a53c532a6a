"""The fairness metrics by name: how far groups of people are apart, and the limits of it.

The names are fairlearn's where it has one, and made as it makes them where it has none: a measure,
then ``difference``, ``ratio``, ``group_min`` or ``group_max`` over the groups. Reading the
catalogue imports nothing heavy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from fivefold.errors import PlanError, nearest
from fivefold.metrics import Goal, Metric, Needs, Task

__all__ = [
    "FAIRNESS",
    "MEASURES",
    "Limits",
    "check_fairness",
    "columns_of",
    "fairness_for",
    "fairness_metric",
]

Limits = Mapping[str, Mapping[str, Mapping[str, float]]]
"""By column, or by columns as in ``"sex, age"``; by metric; ``min`` or ``max``."""

_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_RATE = (0.0, 1.0)

# What is measured per group: tasks, which way is better (None: no way is), range, what it is
# computed from, and how a person calls it.
MEASURES: dict[str, tuple[tuple[Task, ...], Goal | None, tuple[float, float], Needs, str]] = {
    "selection_rate": (_CLASSES, None, _RATE, "label", "selection rate"),
    "true_positive_rate": (_CLASSES, "maximize", _RATE, "label", "true positive rate"),
    "false_positive_rate": (_CLASSES, "minimize", _RATE, "label", "false positive rate"),
    "false_negative_rate": (_CLASSES, "minimize", _RATE, "label", "false negative rate"),
    "true_negative_rate": (_CLASSES, "maximize", _RATE, "label", "true negative rate"),
    "precision_score": (_CLASSES, "maximize", _RATE, "label", "precision"),
    "accuracy_score": (_CLASSES, "maximize", _RATE, "label", "accuracy"),
    "calibration_gap": (_CLASSES, None, (-1.0, 1.0), "score", "calibration gap"),
    "mean_error": (("regression",), None, (-math.inf, math.inf), "value", "mean error"),
    "mean_absolute_error": (("regression",), "minimize", (0.0, math.inf), "value", "MAE"),
    "mean_prediction": (("regression",), None, (-math.inf, math.inf), "value", "mean prediction"),
}

_NAMED = {
    "demographic_parity": "demographic parity",
    "equalized_odds": "equalized odds",
    "equal_opportunity": "equal opportunity",
}


def _catalogue() -> Iterable[Metric]:
    for name, title in _NAMED.items():
        yield Metric(
            f"{name}_difference", _CLASSES, "minimize", 0.0, 1.0, "label", f"{title} difference"
        )
        yield Metric(f"{name}_ratio", _CLASSES, "maximize", 0.0, 1.0, "label", f"{title} ratio")
    for name, (tasks, goal, (low, high), needs, title) in MEASURES.items():
        yield Metric(
            f"{name}_difference", tasks, "minimize", 0.0, high - low, needs, f"{title}, difference"
        )
        # Of what may be negative a ratio says nothing.
        if low == 0:
            yield Metric(f"{name}_ratio", tasks, "maximize", 0.0, 1.0, needs, f"{title}, ratio")
        if goal is not None:
            for end, word in (("min", "lowest"), ("max", "highest")):
                yield Metric(
                    f"{name}_group_{end}", tasks, goal, low, high, needs, f"{title}, {word} group"
                )


FAIRNESS: dict[str, Metric] = {metric.name: metric for metric in _catalogue()}


def fairness_for(task: Task | str) -> list[str]:
    """Name the fairness metrics of a task."""
    return [name for name, metric in FAIRNESS.items() if task in metric.tasks]


def fairness_metric(name: str) -> Metric | None:
    """Give the metric that a dotted name ends in, or None.

    Examples
    --------
    >>> fairness_metric("sex.demographic_parity_ratio").goal
    'maximize'
    """
    return FAIRNESS.get(name.rpartition(".")[2])


def columns_of(key: str, known: Iterable[str] = ()) -> tuple[str, ...]:
    """Split ``"sex, age"`` into the columns that make the groups.

    Parameters
    ----------
    key : str
        A column, or columns with commas between.
    known : iterable of str
        The columns there are: one whose own name has a comma is not split.

    Examples
    --------
    >>> columns_of("sex, age")
    ('sex', 'age')
    """
    if key in known:
        return (key,)
    return tuple(part.strip() for part in key.split(","))


def check_fairness(limits: Limits, task: Task | str, where: str, target: str = "") -> None:
    """Refuse limits on a metric that doesn't fit, from the wrong side, or out of its range.

    Raises
    ------
    PlanError
        Names the key, the value, and what is allowed.
    """
    for key, metrics in limits.items():
        here = f"{where}.{key}"
        columns = columns_of(key)
        if not all(columns) or len(set(columns)) < len(columns):
            raise PlanError(
                "the limits name no group",
                where=here,
                got=key or "an empty text",
                allowed='a column, or several different ones as in "sex, age"',
            )
        if target and target in columns:
            raise PlanError("the target makes no group", where=here, got=key)
        if not metrics:
            raise PlanError(
                "no fairness metric is limited", where=here, hint="set one, or take the key out"
            )
        for name, ends in metrics.items():
            _check_ends(_fitting(name, task, here), ends, f"{here}.{name}")


def _fitting(name: str, task: str, where: str) -> Metric:
    metric, fitting = FAIRNESS.get(name), fairness_for(task)
    if metric is None:
        raise PlanError(
            f"unknown fairness metric {name!r}",
            where=where,
            got=name,
            allowed=fitting,
            hint=nearest(name, fitting) or nearest(name, FAIRNESS),
        )
    if task not in metric.tasks:
        raise PlanError(
            f"the fairness metric {name!r} does not fit the task {task!r}",
            where=where,
            got=f"{name}, a metric for {' and '.join(metric.tasks)}",
            allowed=fitting,
        )
    return metric


def _check_ends(metric: Metric, ends: Mapping[str, float], where: str) -> None:
    wanted, better = ("max", "lower") if metric.goal == "minimize" else ("min", "higher")
    if list(ends) != [wanted]:
        raise PlanError(
            f"{metric.name} is better when {better}, and so is limited by {wanted}",
            where=where,
            got=", ".join(map(str, ends)) or "nothing",
            allowed=f"{wanted}, and nothing else",
        )
    value = ends[wanted]
    if not (math.isfinite(value) and metric.low <= value <= metric.high):
        top = "" if math.isinf(metric.high) else f" to {metric.high:g}"
        raise PlanError(
            f"the value lies outside the range of {metric.name}",
            where=f"{where}.{wanted}",
            got=value,
            allowed=f"{metric.low:g}{top}" if top else f"at least {metric.low:g}",
        )
