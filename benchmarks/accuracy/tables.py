"""The tables that both sides learn: late flights, and those that ship with scikit-learn."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np

from benchmarks.projects import bake, timed
from fivefold.metrics import Task
from fivefold.objective import Objective
from fivefold.table import Column, TableSchema

__all__ = ["TABLES", "Case", "load"]

TABLES = ("flights", "breast_cancer", "diabetes", "digits", "iris", "wine")
_METRICS: dict[Task, str] = {
    "binary": "roc_auc",
    "multiclass": "log_loss",
    "regression": "root_mean_squared_error",
}
_TEST = 0.3


@dataclass(frozen=True)
class Case:
    """A table cut in two, and what is asked of it."""

    name: str
    train: nw.LazyFrame[Any]
    test: nw.LazyFrame[Any]
    schema: TableSchema
    objective: Objective


def load(name: str, seed: int) -> Case:
    """Give a table by its name; scikit-learn's are cut by chance, the flights by time."""
    return _flights() if name == "flights" else _bundled(name, seed)


def _flights() -> Case:
    import polars as pl

    with tempfile.TemporaryDirectory() as made:
        project = bake(Path(made) / "late-flights", full=False)
        timed(project, "fivefold", "repro", "split")
        schema = json.loads((project / "reports" / "schema.json").read_text(encoding="utf-8"))
        objective = json.loads((project / "reports" / "objective.json").read_text(encoding="utf-8"))
        parts = [
            pl.read_parquet(project / "data" / f"{part}.parquet") for part in ("train", "test")
        ]
    train, test = (nw.from_native(part.lazy()) for part in parts)
    return Case(
        "flights", train, test, TableSchema.from_json(schema), Objective.from_json(objective)
    )


def _bundled(name: str, seed: int) -> Case:
    import polars as pl
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    given = getattr(datasets, f"load_{name}")(as_frame=True)
    features = given.data.rename(columns=str)
    classes = len(np.unique(given.target))
    task: Task = "regression"
    if name != "diabetes":
        task = "binary" if classes == 2 else "multiclass"
    frame = pl.from_pandas(features.astype(float)).with_columns(
        pl.Series("target", given.target.to_numpy())
    )
    rows = np.arange(len(frame))
    stratify = None if task == "regression" else given.target
    fitted, judged = train_test_split(rows, test_size=_TEST, random_state=seed, stratify=stratify)
    schema = TableSchema(
        {
            **{column: Column("number") for column in features.columns},
            "target": Column("number" if task == "regression" else "integer", role="target"),
        }
    )
    metric = _METRICS[task]
    train, test = (nw.from_native(frame[np.sort(part)].lazy()) for part in (fitted, judged))
    return Case(name, train, test, schema, Objective(name, task, "target", metric, (metric,)))
