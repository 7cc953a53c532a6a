"""The estimators of the extra ``boosting``; skipped where it is not installed."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from fivefold.deploy.export import ExportConfig, export
from fivefold.estimator import Float32Cast
from fivefold.features import feature_frame, target_array
from fivefold.objective import Objective
from fivefold.table import Column, TableSchema

ROWS = 800
SCHEMA = TableSchema(
    {
        "a": Column("number", nullable=True),
        "b": Column("number"),
        "y": Column("integer", role="target"),
    }
)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_the_twin_of_a_boosting_library_predicts_the_same(library: str, task: Any) -> None:
    module = pytest.importorskip(library)
    pytest.importorskip("onnxmltools")
    prefix = {"xgboost": "XGB", "lightgbm": "LGBM"}[library]
    kind = "Regressor" if task == "regression" else "Classifier"
    options: dict[str, Any] = {"n_estimators": 20, "n_jobs": 1}
    if library == "lightgbm":
        options["verbose"] = -1
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=ROWS), rng.normal(size=ROWS)
    truth = a + b + rng.normal(size=ROWS)
    y = {"binary": truth > 0, "multiclass": np.digitize(truth, [-1, 1]), "regression": truth * 9}
    frame = pl.DataFrame({"a": np.where(rng.random(ROWS) < 0.1, np.nan, a), "b": b})
    frame = frame.with_columns(pl.Series("y", y[task].astype(int)))
    part = nw.from_native(frame.lazy())
    metric = "r2" if task == "regression" else "log_loss"
    objective = Objective("boosted", task, "y", metric, (metric,))
    pipeline = Pipeline(
        [
            ("cast", Float32Cast()),
            ("impute", SimpleImputer()),
            ("model", getattr(module, f"{prefix}{kind}")(**options)),
        ]
    ).fit(feature_frame(part, SCHEMA), target_array(part, SCHEMA, objective))
    result = export(pipeline, part, SCHEMA, objective, ExportConfig())
    assert result.metrics["rows_beyond_tolerance"] == 0
    assert result.metrics["rows"] == ROWS
