"""Predictions whose errors are planted: where, and how large."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from fivefold.metrics import Task
from fivefold.model.diagnose import DiagnoseConfig, Diagnosed, diagnose
from fivefold.objective import Objective
from fivefold.table import Column, TableSchema, from_arrow

ROWS = 3000


@dataclass(frozen=True)
class Case:
    """A training part, a test part, and what was predicted for it."""

    train: pl.DataFrame
    test: pl.DataFrame
    predictions: pl.DataFrame
    schema: TableSchema
    objective: Objective

    def diagnosed(self, engine: str = "polars", **options: Any) -> Diagnosed:
        frames = [
            from_arrow(frame.to_arrow(), engine)
            for frame in (self.predictions, self.train, self.test)
        ]
        options = {"resamples": 100, **options}
        config = DiagnoseConfig(key=["id"], **options)
        return diagnose(*frames, self.schema, self.objective, config)

    def report(self, **options: Any) -> dict[str, Any]:
        return self.diagnosed(**options).report

    def altered(self, **columns: Any) -> Case:
        """Give the case with columns of the predictions replaced."""
        added = [pl.Series(name, values) for name, values in columns.items()]
        return replace(self, predictions=self.predictions.with_columns(added))


def table(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "time": [
                start + datetime.timedelta(hours=int(i * 24 * 60 / rows)) for i in range(rows)
            ],
            "carrier": rng.choice(["AA", "DL", "UA"], rows),
            "hour": rng.integers(0, 24, rows),
            "wind": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(10, 4, rows)),
            "origin": [["JFK", "EWR", None][i] for i in rng.choice(3, rows, p=[0.5, 0.4, 0.1])],
            "holiday": rng.random(rows) > 0.8,
            "flat": np.ones(rows),
        }
    ).with_columns(wind=pl.col("wind").fill_nan(None))


SCHEMA: Mapping[str, Column] = {
    "id": Column("integer", role="identifier"),
    "time": Column("datetime", role="time"),
    "carrier": Column("string", role="group"),
    "hour": Column("integer"),
    "wind": Column("number", nullable=True),
    "origin": Column("string", nullable=True),
    "holiday": Column("boolean"),
    "flat": Column("number"),
}


def case(
    task: Task, worse: Any = None, *, rows: int = ROWS, seed: int = 3, times: float = 4
) -> Case:
    """Predict well but where ``worse``, a polars expression, holds."""
    train, test = table(2000, seed), table(rows, seed + 1)
    rng = np.random.default_rng(seed + 2)
    bad = np.zeros(rows, dtype=bool) if worse is None else test.select(worse.fill_null(False))
    bad = np.asarray(bad).reshape(rows)
    if task == "regression":
        truth: Any = rng.normal(50, 10, rows)
        noise = rng.normal(size=rows) * np.where(bad, times, 1)
        told: dict[str, Any] = {"target": truth, "predicted": truth - noise}
        targets: Any = rng.normal(50, 10, len(train))
    elif task == "binary":
        chance = np.clip(rng.beta(1, 3, rows), 0.01, 0.99)
        truth = rng.random(rows) < np.where(bad, 1 - chance, chance)
        told = {"target": truth, "score": chance, "predicted": chance >= 0.5}
        targets = rng.random(len(train)) < 0.25
    else:
        classes = np.array(["early", "late", "on time"])
        true = rng.integers(0, 3, rows)
        score = np.full((rows, 3), 0.1)
        wrong = rng.random(rows) < np.where(bad, 0.6, 0.1)
        said = np.where(wrong, (true + 1) % 3, true)
        score[np.arange(rows), said] = 0.8
        truth = classes[true]
        told = {
            "target": truth,
            **{f"score_{name}": score[:, at] for at, name in enumerate(classes)},
            "predicted": classes[said],
        }
        targets = classes[rng.integers(0, 3, len(train))]
    metrics: dict[Task, tuple[str, ...]] = {
        "binary": ("log_loss", "roc_auc"),
        "multiclass": ("log_loss", "accuracy"),
        "regression": ("mean_absolute_error", "r2"),
    }
    dtype = {"binary": "boolean", "multiclass": "string", "regression": "number"}[task]
    return Case(
        train.with_columns(target=pl.Series(targets)),
        test.with_columns(target=pl.Series(truth)),
        pl.DataFrame({"id": np.arange(rows), **told}),
        TableSchema({**SCHEMA, "target": Column(dtype, role="target")}),
        Objective("test", task, "target", metrics[task][0], metrics[task]),
    )


def lazy(frame: pl.DataFrame) -> nw.LazyFrame[Any]:
    return nw.from_native(frame.lazy())
