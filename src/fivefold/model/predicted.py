"""The predictions that evaluate kept, read back for the stages that look closer at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivefold.errors import DataError
from fivefold.objective import Objective
from fivefold.scoring import Predictions
from fivefold.table import require_columns, to_arrow

__all__ = ["read_predictions"]

_WHERE = "data/predictions.parquet"


def read_predictions(
    predictions: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    objective: Objective,
    key: Sequence[str],
    *,
    probabilistic: bool = True,
) -> Predictions:
    """Give the predictions of the test part's rows, in the test part's order.

    Parameters
    ----------
    predictions : narwhals.LazyFrame
        What ``evaluate`` kept: the key, the target, ``score`` or ``score_<class>``, ``predicted``.
    test : narwhals.LazyFrame
        The test part; its rows are sorted by the key, as those of the predictions are.
    objective : Objective
        Names the target and the task.
    key : sequence of str
        The columns that name a row.
    probabilistic : bool, default True
        Are the scores probabilities?

    Returns
    -------
    Predictions

    Raises
    ------
    DataError
        The predictions are of other rows than the test part's.
    """
    require_columns(predictions, [*key, objective.target, "predicted"], where=_WHERE)
    kept = to_arrow(predictions)
    if not to_arrow(test.select(*key)).equals(kept.select(list(key))):
        raise DataError(
            "the predictions are of other rows than the test part's",
            where=_WHERE,
            got=f"{kept.num_rows:,} rows",
            hint="dvc repro evaluate",
        )
    y_true, predicted = _values(kept[objective.target]), _values(kept["predicted"])
    if objective.task == "regression":
        return Predictions(y_true.astype(np.float64), value=predicted.astype(np.float64))
    names = [name for name in kept.column_names if name.startswith("score_")]
    if "score" in kept.column_names and objective.task == "binary":
        classes = np.unique(np.concatenate([np.unique(y_true), np.unique(predicted)]))
        return Predictions(y_true, classes, _values(kept["score"]), predicted, None, probabilistic)
    if not names:
        classes = np.unique(np.concatenate([np.unique(y_true), np.unique(predicted)]))
        return Predictions(y_true, classes, None, predicted, None, probabilistic=False)
    # The classes as the columns' names tell them, in the type of the predicted ones.
    told = [name.removeprefix("score_") for name in names]
    by_text = {str(value): value for value in [*np.unique(predicted), *np.unique(y_true)]}
    classes = np.array([by_text.get(text, text) for text in told], dtype=predicted.dtype)
    score = np.column_stack([_values(kept[name]) for name in names])
    return Predictions(y_true, classes, score, predicted, None, probabilistic)


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy())
