"""The numbers of an assessment: groups, their rates, the aggregates, and the limits."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.fairness import FAIRNESS, MEASURES, columns_of
from fivefold.model.disparity import (
    Aggregate,
    Counted,
    Means,
    Rate,
    aggregates,
    rates,
    resampled_counts,
    wilson,
)
from fivefold.model.groups import Grouping, group_rows
from fivefold.model.predicted import read_predictions
from fivefold.objective import Objective
from fivefold.scoring import Predictions
from fivefold.table import TableSchema, require_columns

if TYPE_CHECKING:
    from fivefold.model.assess import AssessConfig

__all__ = ["HEADLINES", "assessed"]

# More classes than this are not compared one by one; the rarest share a place.
_MOST_CLASSES = 10

_CLASS_HEADLINES = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "equal_opportunity_difference",
    "accuracy_score_difference",
    "accuracy_score_ratio",
    "accuracy_score_group_min",
    "calibration_gap_difference",
)

# What goes into the metrics file, and so into every diff; the rest is in the report.
HEADLINES: Mapping[str, tuple[str, ...]] = {
    "binary": _CLASS_HEADLINES,
    "multiclass": _CLASS_HEADLINES,
    "regression": (
        "mean_absolute_error_difference",
        "mean_absolute_error_ratio",
        "mean_absolute_error_group_max",
        "mean_error_difference",
        "mean_prediction_difference",
    ),
}


@dataclass(frozen=True)
class _Outcomes:
    """What is compared between groups, per row.

    Attributes
    ----------
    shown : list
        The classes whose rates are compared: the positive one, or several; None for regression.
    true, predicted : ndarray of shape (n_rows,)
        Positions of classes; all 0 for regression.
    places : int
        How many positions there are.
    values : dict of str to ndarray of shape (n_rows, n_shown)
        What is averaged per group.
    binary : bool
        Is the last of two classes the positive one?
    """

    shown: list[Any]
    true: NDArray[np.intp]
    predicted: NDArray[np.intp]
    places: int
    values: Mapping[str, NDArray[np.float64]]
    binary: bool


def assessed(
    predictions: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: AssessConfig,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the metrics and the report; see :func:`fivefold.model.assess.assess`."""
    sensitive = schema.with_role("sensitive")
    wanted = _wanted([*dict.fromkeys([*sensitive, *config.columns])], schema, config)
    for name in dict.fromkeys(column for columns in wanted.values() for column in columns):
        told = name in sensitive or name in config.columns
        place = "assess.columns" if told else "plan.fairness"
        require_columns(test, [name], where=place, table="the test part")
    outcomes = _outcomes(read_predictions(predictions, test, objective, config.key), objective)
    found = {}
    for name, columns in wanted.items():
        grouping = _grouping(test, columns, config)
        found[name] = _attribute(grouping, outcomes, config)
    limits = list(_limits(found, config))
    report = {
        "task": objective.task,
        "rows": len(outcomes.true),
        "positive": _plain(outcomes.shown[0]) if outcomes.binary else None,
        "confidence": config.confidence,
        "resamples": config.resamples,
        "min_group_rows": config.min_group_rows,
        "sensitive": sensitive,
        "overall": _overall(outcomes),
        "columns": found,
        "limits": limits,
    }
    return _metrics(found, limits, objective), report


def _wanted(
    columns: list[str], schema: TableSchema, config: AssessConfig
) -> dict[str, tuple[str, ...]]:
    """Name what is compared: each column, their intersections, and what the plan limits."""
    found = {
        frozenset(chosen): (", ".join(chosen), chosen)
        for size in range(1, config.order + 1)
        for chosen in itertools.combinations(columns, size)
    }
    for key in config.limits:
        # As the plan spells it, so that its gate finds the metric.
        chosen = columns_of(key, schema.columns)
        found[frozenset(chosen)] = (key, chosen)
    return dict(found.values())


def _grouping(test: nw.LazyFrame[Any], columns: tuple[str, ...], config: AssessConfig) -> Grouping:
    parts = [
        group_rows(test, name, bins=config.bins, edges=config.edges.get(name)) for name in columns
    ]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.crossed(part)
    return whole


def _outcomes(p: Predictions, objective: Objective) -> _Outcomes:
    if objective.task == "regression":
        nothing = np.zeros(len(p), dtype=np.intp)
        value = np.asarray(p.value)
        error = value - p.y_true
        values = {
            "mean_error": error[:, None],
            "mean_absolute_error": np.abs(error)[:, None],
            "mean_prediction": value[:, None],
        }
        return _Outcomes([None], nothing, nothing, 1, values, binary=False)
    known = np.asarray(p.classes).tolist()
    classes = known + [value for value in np.unique(p.y_true).tolist() if value not in known]
    place = {value: index for index, value in enumerate(classes)}
    true, predicted = (
        np.fromiter((place[value] for value in labels.tolist()), np.intp, len(p))
        for labels in (p.y_true, np.asarray(p.label))
    )
    binary = objective.task == "binary"
    score = p.score if p.probabilistic else None
    gaps: dict[str, NDArray[np.float64]] = {}
    if binary:
        if score is not None:
            gaps["calibration_gap"] = (score - (true == 1))[:, None]
        return _Outcomes(classes[1:2], true, predicted, 2, gaps, binary=True)
    shown = np.arange(len(classes))
    if len(classes) > _MOST_CLASSES:
        counts = np.bincount(true, minlength=len(classes))
        shown = np.sort(np.argsort(-counts, kind="stable")[:_MOST_CLASSES])
    if score is not None:
        # A class that the model never met has no column.
        scored = np.zeros((len(p), len(classes)))
        scored[:, : score.shape[1]] = score
        gaps["calibration_gap"] = scored[:, shown] - (true[:, None] == shown)
    true, predicted = _folded(true, predicted, shown, len(classes))
    places = len(shown) + (2 if len(shown) < len(classes) else 0)
    return _Outcomes([classes[i] for i in shown], true, predicted, places, gaps, binary=False)


def _folded(
    true: NDArray[np.intp], predicted: NDArray[np.intp], shown: NDArray[np.intp], n_classes: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the other classes one place, and one more to those of them that are confused."""
    place = np.full(n_classes, len(shown))
    place[shown] = np.arange(len(shown))
    others = (place[true] == len(shown)) & (place[predicted] == len(shown))
    confused = others & (true != predicted)
    return place[true], np.where(confused, len(shown) + 1, place[predicted])


def _cells(outcomes: _Outcomes, codes: NDArray[np.intp], n_groups: int) -> NDArray[np.int64]:
    size = outcomes.places
    flat = (codes * size + outcomes.true) * size + outcomes.predicted
    return np.bincount(flat, minlength=n_groups * size * size).reshape(n_groups, size, size)


def _rates(outcomes: _Outcomes, cells: NDArray[np.int64]) -> dict[str, Rate]:
    """Count by measure, of the classes that are compared; nothing for regression."""
    if outcomes.places == 1:
        return {}
    width = len(outcomes.shown)
    return {
        name: (numerator[..., :width], denominator[..., :width])
        for name, (numerator, denominator) in rates(cells, binary=outcomes.binary).items()
    }


def _overall(outcomes: _Outcomes) -> dict[str, Any]:
    everyone = np.zeros(len(outcomes.true), dtype=np.intp)
    counted = _rates(outcomes, _cells(outcomes, everyone, 1))
    shares = {name: _divided(*rate)[0] for name, rate in counted.items()}
    means = {name: values.mean(axis=0) for name, values in outcomes.values.items()}
    return {
        name: [_number(value) for value in values] for name, values in {**shares, **means}.items()
    }


def _attribute(grouping: Grouping, outcomes: _Outcomes, config: AssessConfig) -> dict[str, Any]:
    counts = grouping.counts
    order = sorted(range(len(counts)), key=lambda index: -counts[index])
    chosen = np.sort(np.array(order[: config.max_groups], dtype=np.intp))
    place = np.full(len(counts), -1)
    place[chosen] = np.arange(len(chosen))
    inside = place[grouping.codes] >= 0
    codes = place[grouping.codes][inside]
    part = _Outcomes(
        outcomes.shown,
        outcomes.true[inside],
        outcomes.predicted[inside],
        outcomes.places,
        {name: values[inside] for name, values in outcomes.values.items()},
        outcomes.binary,
    )
    counted, means, spread = _measured(part, codes, len(chosen), config)
    rows = counts[chosen]
    large = rows >= config.min_group_rows
    found = aggregates(counted, means, large, config.confidence)
    everyone = (
        found if large.all() else aggregates(counted, means, np.ones_like(large), config.confidence)
    )
    groups = [
        {
            "group": list(grouping.groups[index]),
            "rows": int(rows[position]),
            "small": not large[position],
            "measures": _group_measures(part, counted, means, spread, position, config),
        }
        for position, index in enumerate(chosen)
    ]
    return {
        "columns": list(grouping.columns),
        "edges": dict(grouping.edges),
        "groups": groups,
        "left_out": {
            "groups": len(counts) - len(chosen),
            "rows": int((~inside).sum()),
        },
        "undefined": _undefined(groups),
        "aggregates": {
            name: _told(name, found[name], everyone[name]) for name in FAIRNESS if name in found
        },
    }


def _measured(
    part: _Outcomes, codes: NDArray[np.intp], n_groups: int, config: AssessConfig
) -> tuple[Counted, Means, dict[str, NDArray[np.float64]]]:
    """Measure every group, and again on resamples; and the standard errors of the means."""
    generator = np.random.default_rng(config.seed)
    cells = _cells(part, codes, n_groups)
    drawn = resampled_counts(cells, config.resamples, generator)
    counted = Counted(_rates(part, cells), _rates(part, drawn))
    sizes = drawn.sum(axis=(-2, -1))
    rows = np.bincount(codes, minlength=n_groups)
    point, sampled, errors = {}, {}, {}
    for name, values in part.values.items():
        mean = (
            np.stack([np.bincount(codes, column, n_groups) for column in values.T], axis=1)
            / rows[:, None]
        )
        away = (values - mean[codes]) ** 2
        spread = np.sqrt(
            np.stack([np.bincount(codes, column, n_groups) for column in away.T], axis=1)
            / rows[:, None]
        )
        noise = generator.standard_normal((config.resamples, *mean.shape))
        with np.errstate(divide="ignore", invalid="ignore"):
            means = mean + spread / np.sqrt(sizes)[..., None] * noise
        point[name] = mean
        sampled[name] = np.where(sizes[..., None] > 0, means, np.nan)
        errors[name] = spread / np.sqrt(rows)[:, None]
    return counted, Means(point, sampled), errors


def _group_measures(
    part: _Outcomes,
    counted: Counted,
    means: Means,
    errors: Mapping[str, NDArray[np.float64]],
    position: int,
    config: AssessConfig,
) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for name, (numerators, denominators) in counted.point.items():
        n, d = numerators[position], denominators[position]
        low, high = wilson(n, d, config.confidence)
        found[name] = _entries(part, _divided(n, d), low, high)
    for name, values in means.point.items():
        tails = [(1 - config.confidence) / 2, (1 + config.confidence) / 2]
        low, high = np.nanquantile(means.drawn[name][:, position], tails, axis=0)
        # A row alone has no spread, and so no interval.
        unknown = errors[name][position] == 0
        found[name] = _entries(
            part,
            values[position],
            np.where(unknown, np.nan, low),
            np.where(unknown, np.nan, high),
        )
    return {name: found[name] for name in MEASURES if name in found}


def _entries(part: _Outcomes, values: Any, low: Any, high: Any) -> list[dict[str, Any]]:
    # One value stands for all classes, as accuracy does; else there is one per class.
    classes = part.shown if len(values) == len(part.shown) > 1 else [None]
    return [
        {"class": _plain(cls), "value": _number(v), "low": _number(a), "high": _number(b)}
        for cls, v, a, b in zip(classes, values, low, high, strict=True)
    ]


def _undefined(groups: list[dict[str, Any]]) -> dict[str, list[list[str | None]]]:
    """Name the groups that a rate can't be had of: they lack the rows that it is of."""
    found: dict[str, list[list[str | None]]] = {}
    for group in groups:
        for name, entries in group["measures"].items():
            if not group["small"] and any(entry["value"] is None for entry in entries):
                found.setdefault(name, []).append(group["group"])
    return found


def _told(name: str, found: Aggregate, everyone: Aggregate) -> dict[str, Any]:
    metric = FAIRNESS[name]

    def bounded(value: float | None) -> float | None:
        return None if value is None else float(min(max(value, metric.low), metric.high))

    return {
        "value": found.value,
        "low": bounded(found.low),
        "high": bounded(found.high),
        "percentiles": None if found.percentiles is None else list(found.percentiles),
        "groups": found.groups,
        "all_groups": everyone.value,
    }


def _limits(found: Mapping[str, Any], config: AssessConfig) -> Iterator[dict[str, Any]]:
    for key, metrics in config.limits.items():
        for name, ends in metrics.items():
            aggregate = found[key]["aggregates"].get(name, {})
            for end, limit in ends.items():
                yield {
                    "attribute": key,
                    "metric": name,
                    "end": end,
                    "limit": limit,
                    **_judged(aggregate, end, limit),
                }


def _judged(aggregate: Mapping[str, Any], end: str, limit: float) -> dict[str, Any]:
    """Say whether a limit is kept, and whether the interval is on one side of it."""
    value, low, high = (aggregate.get(name) for name in ("value", "low", "high"))
    told = {"value": value, "low": low, "high": high}
    if value is None or low is None or high is None:
        return {**told, "state": "undefined", "decided": False}
    if end == "max":
        kept, decided = value <= limit, low > limit or high <= limit
    else:
        kept, decided = value >= limit, high < limit or low >= limit
    return {**told, "state": "kept" if kept else "broken", "decided": bool(decided)}


def _metrics(
    found: Mapping[str, Any], limits: list[dict[str, Any]], objective: Objective
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    limited = {(limit["attribute"], limit["metric"]) for limit in limits}
    for attribute, item in found.items():
        for name, aggregate in item["aggregates"].items():
            if name not in HEADLINES[objective.task] and (attribute, name) not in limited:
                continue
            values[f"{attribute}.{name}"] = aggregate["value"]
            ends = {"low": aggregate["low"], "high": aggregate["high"]}
            intervals[f"{attribute}.{name}"] = None if ends["low"] is None else ends
    return {**values, "interval": intervals} if values else {}


def _divided(numerator: Any, denominator: Any) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        result: NDArray[np.float64] = numerator / denominator
    return result


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
