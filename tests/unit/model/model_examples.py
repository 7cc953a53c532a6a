"""Small tables for the model phase: a binary, a multiclass and a regression one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from fivefold.metrics import Task
from fivefold.model.train import TrainConfig, Trained, train
from fivefold.objective import Objective
from fivefold.table import Column, TableSchema

METRICS: dict[Task, tuple[str, ...]] = {
    "binary": ("roc_auc", "average_precision", "brier_score", "log_loss", "accuracy", "f1"),
    "multiclass": ("log_loss", "roc_auc", "accuracy", "f1_macro"),
    "regression": ("root_mean_squared_error", "r2", "median_absolute_error"),
}


@dataclass(frozen=True)
class Example:
    """A table with everything that goes with it."""

    frame: pl.DataFrame
    schema: TableSchema
    objective: Objective

    def part(self, start: int, stop: int) -> nw.LazyFrame[Any]:
        return nw.from_native(self.frame[start:stop].lazy())

    @property
    def train(self) -> nw.LazyFrame[Any]:
        return self.part(0, 300)

    @property
    def test(self) -> nw.LazyFrame[Any]:
        return self.part(300, 450)


def untuned(config: TrainConfig) -> dict[str, Any]:
    """What the tune stage hands on where nothing is searched."""
    candidate = asdict(config.candidate())
    return {"model": config.model, "selected": False, "tuned": False, "candidate": candidate}


def example(task: Task) -> Example:
    rng = np.random.default_rng(7)
    n = 450
    hour = rng.integers(0, 24, n)
    wind = rng.normal(10, 4, n)
    carrier = rng.choice(["AA", "DL", "UA"], n)
    signal = 0.3 * (hour - 12) + 0.4 * (wind - 10) + 2.0 * (carrier == "AA") + rng.normal(size=n)
    target: Any = signal
    if task == "binary":
        target = signal > 0.5
    elif task == "multiclass":
        target = np.array(["early", "on time", "late"])[np.digitize(signal, [-1.5, 2.0])]
    frame = pl.DataFrame(
        {
            "id": np.arange(n),
            "day": np.arange(n) // 10,
            "carrier": carrier,
            "origin": [None if i % 11 == 0 else "JFK" if i % 2 else "EWR" for i in range(n)],
            "hour": hour,
            "wind": [None if i % 7 == 0 else float(w) for i, w in enumerate(wind)],
            "holiday": rng.random(n) > 0.9,
            "flat": np.ones(n),
            "target": target,
        }
    )
    dtype = {"binary": "boolean", "multiclass": "string", "regression": "number"}[task]
    schema = TableSchema(
        {
            "id": Column("integer", role="identifier"),
            "day": Column("integer", role="ignored"),
            "carrier": Column("string", role="sensitive", feature=True),
            "origin": Column("string", nullable=True),
            "hour": Column("integer"),
            "wind": Column("number", nullable=True),
            "holiday": Column("boolean"),
            "flat": Column("number"),
            "target": Column(dtype, role="target"),
        }
    )
    metrics = METRICS[task]
    return Example(frame, schema, Objective("test", task, "target", metrics[0], metrics))


BOOSTING = {"_target_": "sklearn.ensemble.GradientBoostingClassifier", "n_estimators": 15}

FOREST = {
    "classifier": {
        "_target_": "sklearn.ensemble.RandomForestClassifier",
        "n_estimators": 5,
        "n_jobs": -1,
    },
    "regressor": {
        "_target_": "sklearn.ensemble.RandomForestRegressor",
        "n_estimators": 5,
        "n_jobs": -1,
    },
}


def trained(given: Example, **options: Any) -> Trained:
    config = TrainConfig(model="mine", **{**FOREST, **options})
    return train(given.train, given.schema, given.objective, untuned(config), config)
