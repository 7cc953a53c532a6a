"""Outliers: found by bounds learnt in the training rows, or by an isolation forest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw

from fivefold.data.cleaning.bounds import beyond, learnt_bounds, limited, require_numbers
from fivefold.data.columns import require_absent, rewritten
from fivefold.data.effects import effect
from fivefold.data.fitting import fitted
from fivefold.errors import ConfigError, nearest
from fivefold.table.engine import names_of

__all__ = ["clip_outliers", "drop_outliers", "flag_outliers"]

_METHODS = ("iqr", "robust_z", "isolation_forest")
_OUT = "__out"


def _learn(
    training: nw.LazyFrame[Any],
    columns: Sequence[str],
    method: str = "iqr",
    factor: float | None = None,
    by: Sequence[str] = (),
    contamination: float = 0.01,
    seed: int = 0,
    key: Sequence[str] = (),
) -> dict[str, Any]:
    """Learn bounds, or a forest."""
    if method not in _METHODS:
        raise ConfigError(
            "the method is unknown", where="method", got=method, allowed=_METHODS,
            hint=nearest(method, _METHODS),
        )  # fmt: skip
    if method != "isolation_forest":
        return learnt_bounds(training, columns, method, factor, by)
    if by or factor is not None:
        raise ConfigError(
            "a forest takes neither factor nor by", where="by" if by else "factor",
            hint="contamination says how many are outliers",
        )  # fmt: skip
    require_numbers(training, columns)
    # Imported here: NumPy and scikit-learn, which composing the config does not need.
    from fivefold.data.cleaning.forest import grown

    return grown(training, columns, key, contamination, seed)


def _flagged(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Mapping[str, Any],
    by: Sequence[str],
) -> nw.LazyFrame[Any]:
    """Add the column ``_OUT``, which says whether the row has an outlier, or is one."""
    if "forest" in statistics:
        from fivefold.data.cleaning.forest import scored

        return scored(table, columns, statistics, _OUT)
    joined, bounds = limited(table, columns, statistics, by)
    out = reduce(or_, (side for name in columns for side in beyond(name, bounds[name])))
    return joined.with_columns(out.alias(_OUT)).select(*names_of(table), _OUT)


def _dropped(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Mapping[str, Any],
    by: Sequence[str] = (),
    rows: str = "training",
    training: str = "",
    **_: Any,
) -> nw.LazyFrame[Any]:
    gone = nw.col(_OUT) if rows == "all" else nw.col(_OUT) & nw.col(training)
    return _flagged(table, columns, statistics, by).filter(gone)


@effect(rows=True, cheap=False, dropped=_dropped)
@fitted(_learn)
def drop_outliers(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Mapping[str, Any],
    method: str = "iqr",  # noqa: ARG001 - for the learning
    factor: float | None = None,  # noqa: ARG001 - for the learning
    by: Sequence[str] = (),
    contamination: float = 0.01,  # noqa: ARG001 - for the learning
    seed: int = 0,  # noqa: ARG001 - for the learning
    rows: str = "training",
    key: Sequence[str] = (),  # noqa: ARG001 - for the learning
    training: str = "",
) -> nw.LazyFrame[Any]:
    """Drop the rows that have an outlier, from the training part only if not told otherwise.

    The test rows stand for what will be met in use, where an odd row can't be dropped: without
    them the measured score would be that of an easier task.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    columns : sequence of str
        Numbers.
    statistics : dict
        The bounds, or the forest.
    method : {"iqr", "robust_z", "isolation_forest"}
        iqr: beyond a quartile by more than ``factor`` times the distance of the quartiles (Tukey,
        1977). robust_z: off the median by more than ``factor`` times the median absolute deviation
        times 1.4826 (Iglewicz and Hoaglin, 1993). isolation_forest: easier to set apart than all
        but the share ``contamination`` of the training rows (Liu, Ting and Zhou, 2008).
    factor : float, optional
        1.5 for iqr, 3.5 for robust_z if not given.
    by : sequence of str
        Columns whose values make groups with bounds of their own.
    contamination : float
        In (0, 0.5].
    seed : int
        Of the forest.
    rows : {"training", "all"}
        Where rows are dropped.
    key : sequence of str
        The table's key, which clean gives.
    training : str
        The column that tells which rows are for training, which clean gives.
    """
    if rows not in ("training", "all"):
        raise ConfigError(
            "which rows is unknown", where="rows", got=rows, allowed=("training", "all")
        )
    kept = ~nw.col(_OUT) if rows == "all" else ~(nw.col(_OUT) & nw.col(training))
    return _flagged(table, columns, statistics, by).filter(kept).drop(_OUT)


@effect(cells="columns")
@fitted(learnt_bounds)
def clip_outliers(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Mapping[str, Any],
    method: str = "iqr",  # noqa: ARG001 - for the learning
    factor: float | None = None,  # noqa: ARG001 - for the learning
    by: Sequence[str] = (),
) -> nw.LazyFrame[Any]:
    """Move outliers to the nearest bound, in every row; see :func:`drop_outliers`."""
    joined, bounds = limited(table, columns, statistics, by)

    def clipped(name: str) -> nw.Expr:
        (low, high), (below, above) = bounds[name], beyond(name, bounds[name])
        moved = nw.col(name) if high is None else nw.when(above).then(high).otherwise(nw.col(name))
        return moved if low is None else nw.when(below).then(low).otherwise(moved)

    return rewritten(joined, (clipped(name).alias(name) for name in columns)).select(
        *names_of(table)
    )


@effect(cheap=False)
@fitted(_learn)
def flag_outliers(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Mapping[str, Any],
    method: str = "iqr",  # noqa: ARG001 - for the learning
    factor: float | None = None,  # noqa: ARG001 - for the learning
    by: Sequence[str] = (),
    contamination: float = 0.01,  # noqa: ARG001 - for the learning
    seed: int = 0,  # noqa: ARG001 - for the learning
    into: str = "outlier",
    key: Sequence[str] = (),  # noqa: ARG001 - for the learning
) -> nw.LazyFrame[Any]:
    """Add a column with 1 where any of the columns is an outlier; see :func:`drop_outliers`."""
    require_absent(table, [into], "into")
    flagged = _flagged(table, columns, statistics, by)
    return flagged.with_columns(nw.col(_OUT).cast(nw.Int64).alias(into)).drop(_OUT)
