"""The stage ``export``: the whole fitted pipeline as ONNX, and the proof that it is the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError, DataError, ExportError
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.report.page import Page

__all__ = ["ExportConfig", "Exported", "export"]

_OPSETS = (15, 22)


@dataclass(frozen=True)
class ExportConfig:
    """How the model is exported, and how exact it has to be.

    Attributes
    ----------
    tolerance : float
        The largest difference that is none, above 0 and at most 1. Of probabilities: absolute. Of
        values: relative to the value, or to the spread of the values where that is larger.
    max_rows_beyond : int
        How many rows may differ by more, at least 0.
    rows : int or None
        How many rows of the test part the proof takes, evenly spaced; null for all.
    opset : int
        The version of the ONNX operators, 15 to 22: the newest that the serving runtime reads.
    """

    tolerance: float = 1e-5
    max_rows_beyond: int = 0
    rows: int | None = None
    opset: int = 18

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance) and 0 < self.tolerance <= 1):
            raise _bounds("tolerance", self.tolerance, "above 0, at most 1")
        if self.max_rows_beyond < 0:
            raise _bounds("max_rows_beyond", self.max_rows_beyond, "0 or more")
        if self.rows is not None and self.rows < 1:
            raise _bounds("rows", self.rows, "1 or more, or null for all")
        if not _OPSETS[0] <= self.opset <= _OPSETS[1]:
            raise _bounds("opset", self.opset, f"{_OPSETS[0]} to {_OPSETS[1]}")


@dataclass(frozen=True)
class Exported:
    """What the stage leaves.

    Attributes
    ----------
    model : bytes
        The ONNX file.
    metrics : dict
        rows, max_difference, rows_beyond_tolerance, label_disagreements.
    report : dict
        The model's signature, size and operators, and how the differences are spread.
    page : Page
        The same for people.
    """

    model: bytes
    metrics: dict[str, Any]
    report: dict[str, Any]
    page: Page


def export(
    estimator: Any,
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: ExportConfig,
) -> Exported:
    """Convert a fitted pipeline to ONNX, and prove on the test part that it predicts the same.

    Parameters
    ----------
    estimator : object
        The fitted pipeline, preprocessing inside.
    test : narwhals.LazyFrame
        The rows of the proof.
    schema : TableSchema
        Its features are the model's inputs.
    objective : Objective
        The task.
    config : ExportConfig
        How exact the twin has to be.

    Returns
    -------
    Exported

    Raises
    ------
    ExportError
        The pipeline can't be converted, or its twin differs; with the cause where it can be found.
    DataError
        The test part has no rows.
    """
    import numpy as np

    from fivefold.deploy.conversion import converted
    from fivefold.deploy.parity import cause_of, compare
    from fivefold.deploy.signature import page, report
    from fivefold.features import feature_frame
    from fivefold.onnxmodel import OnnxModel

    features = feature_frame(test, schema)
    if not len(features):
        raise DataError(
            "the test part has no rows, so nothing can be proved",
            where="test",
            hint="look at the split's sizes in reports/split.json",
        )
    if config.rows is not None and config.rows < len(features):
        features = features.iloc[np.arange(config.rows) * len(features) // config.rows]
    data = converted(estimator, schema, objective, config.opset)
    model = OnnxModel(data)
    parity = compare(estimator, model, features)
    beyond = parity.differences > config.tolerance
    metrics = {
        "rows": len(features),
        "max_difference": float(parity.differences.max()),
        "rows_beyond_tolerance": int(beyond.sum()),
        "label_disagreements": int(parity.disagree.sum()),
    }
    if metrics["rows_beyond_tolerance"] > config.max_rows_beyond:
        cause = cause_of(
            estimator,
            model,
            features[beyond],
            schema,
            objective,
            tolerance=config.tolerance,
            opset=config.opset,
        )
        raise ExportError(
            "the ONNX model does not predict what the pipeline predicts",
            where="models/model.onnx",
            got=f"{metrics['rows_beyond_tolerance']:,} of {metrics['rows']:,} rows differ, by up "
            f"to {metrics['max_difference']:.3g}: {cause.words}",
            allowed=f"{config.max_rows_beyond:,} rows beyond a tolerance of {config.tolerance:g}",
            hint=cause.hint,
        )
    written = report(data, model, parity, config.tolerance, config.opset)
    return Exported(
        model=data,
        metrics=metrics,
        report=written,
        page=page(written, metrics, objective, config.tolerance),
    )


def _bounds(key: str, got: Any, allowed: str) -> ConfigError:
    return ConfigError(
        "the value is out of bounds", where=f"export.{key}", got=got, allowed=allowed
    )
