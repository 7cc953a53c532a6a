"""The validation rows: training rows that no fit sees, for what is decided after it."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.errors import DataError
from fivefold.model.folds import codes_of, method_of
from fivefold.objective import Objective
from fivefold.table import TableSchema

__all__ = ["held_out"]


def held_out(
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    y: NDArray[Any],
    *,
    share: float,
    seed: int,
) -> tuple[NDArray[np.intp], NDArray[np.intp], str]:
    """Cut the training rows in two, as the project's parts are cut.

    Parameters
    ----------
    train : narwhals.LazyFrame
        The training part.
    schema : TableSchema
        With a time column the latest rows are held out, with a group column whole groups.
    objective : Objective
        Classes are kept in proportion otherwise.
    y : ndarray of shape (n_rows,)
        The target.
    share : float
        In (0, 1). How much is held out, about.
    seed : int
        For what is drawn.

    Returns
    -------
    tuple of (ndarray, ndarray, str)
        Positions of the rows to fit on and of those held out, both rising; and how they were cut.

    Raises
    ------
    DataError
        One of the two would be empty, or lack a class.
    """
    method = method_of("auto", schema, objective)
    try:
        held = _held(method, train, schema, y, share, seed)
    except ValueError as error:
        raise _refused(str(error), len(y)) from None
    kept = np.setdiff1d(np.arange(len(y)), held)
    if not len(held) or not len(kept):
        raise _refused("one of the two would be empty", len(y))
    if objective.is_classification:
        for part, name in ((kept, "fitted"), (held, "held out")):
            if len(np.unique(y[part])) < len(np.unique(y)):
                raise _refused(f"the rows {name} lack a class", len(y))
    return kept, held, method


def _held(
    method: str,
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    y: NDArray[Any],
    share: float,
    seed: int,
) -> NDArray[np.intp]:
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    rows = np.arange(len(y))
    if method == "time":
        times = codes_of(train, schema.with_role("time")[:1])
        # A moment that the cut goes through is held out as a whole.
        first = np.sort(times)[min(int(len(y) * (1 - share)), len(y) - 1)]
        return np.flatnonzero(times >= first)
    if method == "group":
        groups = codes_of(train, schema.with_role("group"))
        cut = GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed)
        return np.sort(next(cut.split(rows, y, groups))[1])
    stratify = y if method == "stratified" else None
    return np.sort(train_test_split(rows, test_size=share, random_state=seed, stratify=stratify)[1])


def _refused(why: str, n_rows: int) -> DataError:
    return DataError(
        f"no validation rows can be cut from the training part: {why}",
        where="train.validation",
        got=f"{n_rows:,} rows",
        hint="change train.validation, or leave calibration, decision and early_stopping out",
    )
