"""The table on which both sides tune, and the space in which they do."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from fivefold.model.candidate import Candidate
from fivefold.objective import Objective
from fivefold.table import Column, TableSchema

__all__ = ["CANDIDATE", "FOLDS", "SEED", "objective", "schema", "train"]

SEED, FOLDS = 7, 3
_FEATURES = 10
CANDIDATE = Candidate(
    "tree",
    classifier={"_target_": "sklearn.tree.DecisionTreeClassifier"},
    search={
        "classifier": {
            "max_depth": {"low": 2, "high": 12},
            # A number that no two trials share: what was fitted once is not fitted again.
            "min_impurity_decrease": {"low": 1.0e-6, "high": 1.0e-2, "log": True},
            "criterion": {"choices": ["gini", "entropy"]},
        }
    },
)


def train(rows: int) -> nw.LazyFrame[Any]:
    """Draw a table of numbers and a yes or no."""
    rng = np.random.default_rng(SEED)
    features = rng.normal(size=(rows, _FEATURES))
    signal = features[:, 0] * features[:, 1] + features[:, 2] + rng.normal(size=rows)
    columns = {f"x{i}": features[:, i] for i in range(_FEATURES)}
    return nw.from_native(pl.DataFrame({**columns, "y": signal > 0}).lazy())


def schema() -> TableSchema:
    columns = {f"x{i}": Column("number") for i in range(_FEATURES)}
    return TableSchema({**columns, "y": Column("boolean", role="target")})


def objective() -> Objective:
    return Objective("benchmark", "binary", "y", "roc_auc", ("roc_auc",))
