"""Production compared with its references: columns, prediction, label, metrics, periods."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from fivefold.drift import Bins, psi
from fivefold.features import feature_frame
from fivefold.monitor.columns import ColumnDrift, Status, drift_of, worst
from fivefold.monitor.performance import (
    Judged,
    Reference,
    judge,
    predictions_of,
    reference_of,
    without_labels,
)
from fivefold.monitor.periods import period_starts, periods_of
from fivefold.objective import Objective
from fivefold.scoring import Predictions
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fivefold.monitor.monitor import MonitorConfig
    from fivefold.onnxmodel import OnnxModel

__all__ = ["Comparison", "Period", "compare"]


@dataclass(frozen=True)
class Period:
    """One period of production.

    Attributes
    ----------
    start : date
        Its first day.
    rows : int
        Its rows.
    psi : dict of str to float
        By feature; empty where there are too few rows to judge.
    prediction_psi : float or None
        Of the prediction.
    judged : Judged
        The metrics of its labelled rows.
    """

    start: datetime.date
    rows: int
    psi: dict[str, float]
    prediction_psi: float | None
    judged: Judged

    def to_json(self) -> dict[str, Any]:
        """Give the period as plain values."""
        return {
            "start": self.start.isoformat(),
            "rows": self.rows,
            "prediction_psi": self.prediction_psi,
            **self.judged.to_json(),
            "psi": self.psi,
        }


@dataclass(frozen=True)
class Comparison:
    """All that was compared; columns the most drifted first."""

    rows: dict[str, int]
    columns: tuple[ColumnDrift, ...]
    prediction: ColumnDrift | None
    target: ColumnDrift | None
    reference: Reference
    judged: Judged
    periods: tuple[Period, ...]
    period: str

    @property
    def status(self) -> Status:
        """The worst of the columns', the prediction's and the metrics' statuses."""
        drifts = [*self.columns, *(part for part in (self.prediction, self.target) if part)]
        return worst([*(part.status for part in drifts), self.judged.status])

    @property
    def drifted(self) -> list[str]:
        """The features whose status is alarm."""
        return [column.name for column in self.columns if column.status == "alarm"]

    @property
    def degraded(self) -> list[Period]:
        """The periods whose metrics call for a warning or an alarm."""
        return [period for period in self.periods if period.judged.status != "ok"]

    def metrics(self) -> dict[str, Any]:
        """Give what ``dvc metrics diff`` reads."""
        count = len(self.columns)
        return {
            "rows": self.rows["production"],
            "labelled_rows": self.judged.rows,
            "features": count,
            "drifted_features": len(self.drifted),
            "drifted_share": len(self.drifted) / count if count else None,
            "max_psi": max((column.psi for column in self.columns), default=None),
            "prediction_psi": self.prediction.psi if self.prediction else None,
            "degraded_periods": len(self.degraded),
            **self.judged.metrics,
            "interval": self.judged.interval,
        }

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return {
            "status": self.status,
            "rows": self.rows,
            "columns": [column.to_json() for column in self.columns],
            "prediction": self.prediction.to_json() if self.prediction else None,
            "target": self.target.to_json() if self.target else None,
            "test": {"metrics": self.reference.metrics, "interval": self.reference.interval},
            "production": self.judged.to_json(),
            "period": self.period,
            "periods": [period.to_json() for period in self.periods],
        }


def compare(
    model: OnnxModel,
    train: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    production: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: MonitorConfig,
) -> Comparison:
    """Compare production with the training part, and its predictions with the test part's."""
    threshold = model.threshold if config.threshold is None else config.threshold
    tested, _ = predictions_of(
        model, test, feature_frame(test, schema), schema, objective, threshold
    )
    reference = reference_of(tested, objective, config)
    known = feature_frame(train, schema)
    current = feature_frame(production, schema)
    rows = {"train": len(known), "test": len(tested), "production": len(current)}
    nothing = without_labels(list(reference.metrics))
    if not len(current):
        return Comparison(rows, (), None, None, reference, nothing, (), config.period)
    bins = {
        name: Bins.of(known[name].to_numpy(), _kind(schema, name), config.bins)
        for name in schema.features
    }
    columns = [
        drift_of(name, known[name].to_numpy(), bins[name], current[name].to_numpy(), config)
        for name in schema.features
    ]
    predicted, labelled = predictions_of(model, production, current, schema, objective, threshold)
    first, second = _prediction(tested), _prediction(predicted)
    kind = "number" if first.dtype.kind == "f" else "string"
    prediction_bins = Bins.of(first, kind, config.bins)
    target = None
    if labelled.any():
        truth, observed = _target(tested), _target(predicted)[labelled]
        target_kind = "number" if truth.dtype.kind == "f" else "string"
        target_bins = Bins.of(truth, target_kind, config.bins)
        target = drift_of(objective.target, truth, target_bins, observed, config)
    periods = []
    for start, positions in periods_of(period_starts(production, schema, config.period)):
        enough = len(positions) >= config.min_rows
        periods.append(
            Period(
                start=start,
                rows=len(positions),
                psi={
                    name: psi(
                        bins[name].reference, bins[name].count(current[name].to_numpy()[positions])
                    )
                    for name in schema.features
                }
                if enough
                else {},
                prediction_psi=psi(
                    prediction_bins.reference, prediction_bins.count(second[positions])
                )
                if enough
                else None,
                judged=_judged(
                    predicted, positions[labelled[positions]], reference, objective, config
                )
                or nothing,
            )
        )
    return Comparison(
        rows=rows,
        columns=tuple(sorted(columns, key=lambda column: (-column.psi, column.name))),
        prediction=drift_of("prediction", first, prediction_bins, second, config),
        target=target,
        reference=reference,
        judged=_judged(predicted, np.flatnonzero(labelled), reference, objective, config)
        or nothing,
        periods=tuple(periods),
        period=config.period,
    )


def _judged(
    predictions: Predictions,
    positions: NDArray[np.intp],
    reference: Reference,
    objective: Objective,
    config: MonitorConfig,
) -> Judged | None:
    if len(positions) < config.min_rows:
        return None
    return judge(predictions.take(positions), reference, objective, config)


def _kind(schema: TableSchema, name: str) -> str:
    return "string" if schema.columns[name].dtype == "string" else "number"


def _prediction(predictions: Predictions) -> NDArray[Any]:
    """Give what is followed: the value, the positive class's score, or else the class."""
    if predictions.value is not None:
        return predictions.value
    if predictions.score is not None and predictions.score.ndim == 1:
        return predictions.score
    return _names(predictions.label)


def _target(predictions: Predictions) -> NDArray[Any]:
    return predictions.y_true if predictions.classes is None else _names(predictions.y_true)


def _names(values: Any) -> NDArray[Any]:
    return np.array([str(value) for value in values.tolist()], dtype=object)
