"""The stage ``monitor``: production against what the model was trained and tested on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError, nearest
from fivefold.objective import Objective
from fivefold.table import TableSchema
from fivefold.thresholds import Limits, Thresholds

if TYPE_CHECKING:
    from fivefold.report.page import Page

__all__ = ["MonitorConfig", "Monitored", "monitor"]

_PERIODS = ("day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class MonitorConfig:
    """What is worth a warning.

    Attributes
    ----------
    psi_warn : float
        From this population stability index on a column is warned of; above 0.
    psi_alarm : float
        From this one on it has drifted; at least ``psi_warn``.
    missing_warn : float
        By how much the share of missing values may grow, in [0, 1].
    new_warn : float
        The share of rows that may have a category not seen in training, in [0, 1].
    bins : int
        Bins of a number, 2 to 100, with equally many rows of the reference each.
    period : str
        What production is cut into by its time column: day, week, month, quarter or year.
    min_rows : int
        Periods of fewer rows are not judged; at least 1.
    thresholds : Thresholds
        The plan's marks of the primary metric.
    guardrails : dict of str to Limits
        The plan's limits of other metrics.
    threshold : float or None
        In [0, 1]. Two classes: from this probability on, the positive class is predicted; as the
        model itself decides if null.
    seed : int
        For the bootstrap, at least 0.
    resamples : int
        Bootstrap resamples behind every interval, at least 100.
    confidence : float
        The share of resamples within an interval, in (0.5, 1).
    """

    psi_warn: float = 0.1
    psi_alarm: float = 0.25
    missing_warn: float = 0.05
    new_warn: float = 0.01
    bins: int = 10
    period: str = "month"
    min_rows: int = 200
    thresholds: Thresholds = field(default_factory=Thresholds)
    guardrails: dict[str, Limits] = field(default_factory=dict)
    threshold: float | None = None
    seed: int = 0
    resamples: int = 500
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name, good, allowed in (
            ("psi_warn", self.psi_warn > 0, "above 0"),
            ("psi_alarm", self.psi_alarm >= self.psi_warn, f"at least psi_warn, {self.psi_warn:g}"),
            ("missing_warn", 0 <= self.missing_warn <= 1, "0 to 1"),
            ("new_warn", 0 <= self.new_warn <= 1, "0 to 1"),
            ("bins", 2 <= self.bins <= 100, "2 to 100"),
            ("min_rows", self.min_rows >= 1, "1 or more"),
            ("threshold", 0 <= (self.threshold or 0) <= 1, "0 to 1"),
            ("seed", self.seed >= 0, "0 or more"),
            ("resamples", self.resamples >= 100, "100 or more"),
            ("confidence", 0.5 < self.confidence < 1, "between 0.5 and 1"),
        ):
            value = getattr(self, name)
            if not (good and math.isfinite(value or 0)):
                raise ConfigError(
                    "the value is out of bounds",
                    where=f"monitor.{name}",
                    got=value,
                    allowed=allowed,
                )
        if self.period not in _PERIODS:
            raise ConfigError(
                "unknown period",
                where="monitor.period",
                got=self.period,
                allowed=_PERIODS,
                hint=nearest(self.period, _PERIODS),
            )


@dataclass(frozen=True)
class Monitored:
    """What the stage leaves.

    Attributes
    ----------
    metrics : dict
        rows, labelled_rows, features, drifted_features, drifted_share, max_psi, prediction_psi,
        degraded_periods, then the task's metrics on production, ``interval`` by metric.
    report : dict
        Every column, the prediction, the label, every period, with statuses and reasons.
    page : Page
        The same for people.
    """

    metrics: dict[str, Any]
    report: dict[str, Any]
    page: Page


def monitor(
    model: bytes,
    train: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    production: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: MonitorConfig,
) -> Monitored:
    """Compare production with the training part, and the model's results with the test part's.

    Features are compared with the training part, of which the model learned. Predictions and
    metrics are compared with the test part: on rows it was fitted to, a model is surer and better
    than it can be later.

    Parameters
    ----------
    model : bytes
        The exported ONNX model.
    train, test, production : narwhals.LazyFrame
        The parts of the split; production may be empty, and its target missing.
    schema : TableSchema
        The columns' types and roles; a time column cuts production into periods.
    objective : Objective
        The task and its metrics.
    config : MonitorConfig
        What is worth a warning.

    Returns
    -------
    Monitored

    Raises
    ------
    ModelError
        The ONNX file is refused.
    DataError
        A feature is absent or not of the schema's type.
    """
    from fivefold.monitor.comparison import compare
    from fivefold.monitor.overview import page
    from fivefold.onnxmodel import OnnxModel

    found = compare(OnnxModel(model), train, test, production, schema, objective, config)
    return Monitored(
        metrics=found.metrics(), report=found.to_json(), page=page(found, objective, config)
    )
