"""The metrics of production where labels have come, against those of the test part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from fivefold.features import target_array
from fivefold.metrics import METRICS
from fivefold.monitor.columns import Status, worst
from fivefold.objective import Objective
from fivefold.report import format as form
from fivefold.scoring import RANKING, Predictions, bootstrap, predict, resampled, scores
from fivefold.table import TableSchema, to_arrow
from fivefold.thresholds import level, within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fivefold.monitor.monitor import MonitorConfig
    from fivefold.onnxmodel import OnnxModel

__all__ = [
    "Judged",
    "Reference",
    "judge",
    "labelled_rows",
    "predictions_of",
    "reference_of",
    "without_labels",
]


@dataclass(frozen=True)
class Reference:
    """The test part's predictions, its metrics, and the metrics on resamples of its rows."""

    metrics: dict[str, float | None]
    interval: dict[str, dict[str, float] | None]
    drawn: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Judged:
    """The metrics of some labelled rows.

    Attributes
    ----------
    rows : int
        The labelled rows.
    metrics, interval : dict
        By metric's name; None where it is undefined on these rows.
    change : dict
        By metric's name: value, low and high of the difference to the test part.
    status : {"ok", "warn", "alarm"}
        alarm: the primary metric is below acceptable, or a guardrail is broken. warn: the
        primary metric is worse than on the test part by more than noise.
    reasons : tuple of str
        What the status is for.
    """

    rows: int
    metrics: dict[str, float | None]
    interval: dict[str, dict[str, float] | None]
    change: dict[str, dict[str, float] | None]
    status: Status
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give the metrics as plain values."""
        return {
            "labelled_rows": self.rows,
            "metrics": self.metrics,
            "interval": self.interval,
            "change": self.change,
            "status": self.status,
            "reasons": list(self.reasons),
        }


def labelled_rows(frame: nw.LazyFrame[Any], schema: TableSchema) -> NDArray[np.bool_]:
    """Tell which rows have a label; none where the target column is not there yet."""
    if schema.target not in frame.collect_schema().names():
        count = frame.select(nw.len()).collect("pyarrow").item()
        return np.zeros(int(count), dtype=bool)
    column = to_arrow(frame.select(schema.target))[schema.target]
    known: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return known


def predictions_of(
    model: OnnxModel,
    frame: nw.LazyFrame[Any],
    features: Any,
    schema: TableSchema,
    objective: Objective,
    threshold: float,
) -> tuple[Predictions, NDArray[np.bool_]]:
    """Score a part's rows, and tell which have a label.

    Returns
    -------
    tuple of (Predictions, ndarray of shape (n_rows,))
        Where a label is missing, ``y_true`` holds a stand-in that nothing may read.
    """
    known = labelled_rows(frame, schema)
    y_true: NDArray[Any]
    if known.any():
        labels = target_array(
            frame.filter(~nw.col(schema.target).is_null()), schema, objective, min_classes=1
        )
        y_true = np.empty(len(known), dtype=labels.dtype)
        y_true[:] = labels[0]
        y_true[known] = labels
    else:
        fill = 0.0 if model.classes_ is None else model.classes_[0]
        y_true = np.full(len(known), fill)
    return predict(model, features, y_true, objective, threshold=threshold), known


def reference_of(
    predictions: Predictions, objective: Objective, config: MonitorConfig
) -> Reference:
    """Measure the test part."""
    names = _metrics(predictions, objective)
    return Reference(
        metrics=scores(names, predictions),
        interval=bootstrap(
            names,
            predictions,
            n_resamples=config.resamples,
            seed=config.seed,
            confidence=config.confidence,
        ),
        # Another seed than production's: the two parts are drawn independently.
        drawn=resampled(names, predictions, n_resamples=config.resamples, seed=config.seed + 1),
    )


def judge(
    predictions: Predictions, reference: Reference, objective: Objective, config: MonitorConfig
) -> Judged:
    """Measure labelled rows, and say whether they are worse than the test part.

    A difference is more than noise where its percentile bootstrap interval, both parts drawn
    independently, leaves out zero: Efron and Tibshirani, *An Introduction to the Bootstrap*
    (1993), chapter 16.
    """
    names = list(reference.metrics)
    metrics = scores(names, predictions)
    drawn = resampled(names, predictions, n_resamples=config.resamples, seed=config.seed)
    tail = (1 - config.confidence) / 2
    interval: dict[str, dict[str, float] | None] = {}
    change: dict[str, dict[str, float] | None] = {}
    for name in names:
        interval[name] = _ends(drawn[name], tail)
        here, there = metrics[name], reference.metrics[name]
        ends = _ends(drawn[name] - reference.drawn[name], tail)
        change[name] = (
            None
            if here is None or there is None or ends is None
            else {"value": here - there, **ends}
        )
    status, reasons = _verdict(metrics, change, objective, config)
    return Judged(len(predictions), metrics, interval, change, status, reasons)


def without_labels(names: list[str]) -> Judged:
    """Give what can be said of rows without labels."""
    nothing: dict[str, Any] = dict.fromkeys(names)
    return Judged(0, nothing, dict(nothing), dict(nothing), "ok", ())


def _metrics(predictions: Predictions, objective: Objective) -> list[str]:
    """Name the metrics that the model's outputs allow: without probabilities, not all."""
    return [
        name
        for name in objective.metrics
        if METRICS[name].needs != "score"
        or (predictions.score is not None and (predictions.probabilistic or name in RANKING))
    ]


def _ends(drawn: NDArray[np.float64], tail: float) -> dict[str, float] | None:
    defined = drawn[np.isfinite(drawn)]
    if 2 * len(defined) <= len(drawn):
        return None
    low, high = np.quantile(defined, [tail, 1 - tail])
    return {"low": float(low), "high": float(high)}


def _verdict(
    metrics: dict[str, float | None],
    change: dict[str, dict[str, float] | None],
    objective: Objective,
    config: MonitorConfig,
) -> tuple[Status, tuple[str, ...]]:
    statuses: list[Status] = ["ok"]
    reasons = []
    primary, metric = metrics.get(objective.primary_metric), objective.primary
    if primary is not None and level(primary, metric, config.thresholds) == "insufficient":
        statuses.append("alarm")
        reasons.append(
            f"{metric.title} is {form.number(primary)}, acceptable is "
            f"{form.number(config.thresholds.acceptable)}"
        )
    for name, limits in config.guardrails.items():
        value = metrics.get(name)
        if value is not None and not within(value, limits):
            statuses.append("alarm")
            reasons.append(f"{METRICS[name].title} is {form.number(value)}, outside its guardrail")
    # Of ten metrics one is off by chance soon enough; the one that ranks decides.
    difference = change.get(objective.primary_metric)
    if difference is not None:
        maximize = metric.goal == "maximize"
        if difference["high"] < 0 if maximize else difference["low"] > 0:
            statuses.append("warn")
            reasons.append(
                f"{metric.title} is worse than on the test part by "
                f"{form.estimate(abs(difference['value']), *_magnitudes(difference))}"
            )
    return worst(statuses), tuple(reasons)


def _magnitudes(difference: dict[str, float]) -> tuple[float, float]:
    low, high = sorted((abs(difference["low"]), abs(difference["high"])))
    return low, high
