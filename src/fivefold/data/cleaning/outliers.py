"""Outliers: found by bounds learnt in the training rows, or by an isolation forest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.cleaning.grouped import attached, finite, grouped_table, overall
from fivefold.data.columns import as_floats, require_absent, require_dtype, require_listed
from fivefold.data.effects import effect
from fivefold.data.fitting import fitted
from fivefold.data.values import dtype_name, rows_of
from fivefold.errors import ConfigError, nearest
from fivefold.table import from_arrow, to_arrow
from fivefold.table.engine import names_of

__all__ = ["clip_outliers", "drop_outliers", "flag_outliers"]

_METHODS = ("iqr", "robust_z", "isolation_forest")
# Tukey (1977); Iglewicz and Hoaglin (1993).
_FACTORS = {"iqr": 1.5, "robust_z": 3.5}
# Makes the median absolute deviation of a normal distribution its standard deviation.
_SIGMA = 1.482602218505602
_OUT, _LOW, _HIGH = "__out", "low", "high"


def _bounds(
    training: nw.LazyFrame[Any],
    columns: Sequence[str],
    method: str = "iqr",
    factor: float | None = None,
    by: Sequence[str] = (),
) -> dict[str, Any]:
    """Learn between which two numbers a value of each column is usual."""
    _require_numbers(training, columns)
    require_listed(training, by, "by")
    if method not in _FACTORS:
        raise ConfigError(
            "the method is unknown, or gives no bounds", where="method", got=method,
            allowed=tuple(_FACTORS), hint=nearest(method, _FACTORS),
        )  # fmt: skip
    times = _FACTORS[method] if factor is None else float(factor)
    if not (times > 0 and math.isfinite(times)):
        raise ConfigError("not a factor", where="factor", got=factor, allowed="above 0")
    schema = training.collect_schema()
    wholes = [name for name in columns if dtype_name(schema[name]) == "integer"]
    # As floating-point numbers, because a quartile of whole numbers need not be whole.
    numbers = as_floats(training, columns)
    learn = _of_quartiles if method == "iqr" else _of_deviations
    learnt: dict[str, Any] = {"bounds": {}}
    whole = learn(numbers, columns, ())[0]
    for at, name in enumerate(columns):
        learnt["bounds"][name] = _ends(*whole[f"{at}"], times, name in wholes)
    if by:
        rows = learn(numbers, columns, by)
        learnt["groups"] = _group_bounds(training, rows, columns, times, wholes, by)
    return learnt


Spread = tuple[float | None, float | None]


def _of_quartiles(
    numbers: nw.LazyFrame[Any], columns: Sequence[str], by: Sequence[str]
) -> list[dict[str, Any]]:
    """Give, by column, the two points that the bounds start from, and the spread between them."""
    wanted = {
        f"{end} {at}": (end, name) for at, name in enumerate(columns) for end in ("lower", "upper")
    }
    found = rows_of(grouped_table(numbers, by, wanted)) if by else [overall(numbers, wanted)]
    return [
        {
            **{name: row[name] for name in by},
            **{
                f"{at}": (
                    row[f"lower {at}"],
                    row[f"upper {at}"],
                    None if row[f"lower {at}"] is None else row[f"upper {at}"] - row[f"lower {at}"],
                )
                for at in range(len(columns))
            },
        }
        for row in found
    ]


def _of_deviations(
    numbers: nw.LazyFrame[Any], columns: Sequence[str], by: Sequence[str]
) -> list[dict[str, Any]]:
    """Give, by column, the median twice, and the median absolute deviation from it."""
    centres = {f"centre {at}": ("median", name) for at, name in enumerate(columns)}
    spreads = {f"spread {at}": ("median", f"__away_{at}") for at in range(len(columns))}
    cleared = finite(numbers, columns)
    if by:
        groups = grouped_table(cleared, by, centres)
        engine = str(numbers.implementation.value)
        placed = cleared.join(from_arrow(groups, engine), on=list(by), how="inner")
        away = placed.with_columns(
            (nw.col(name) - nw.col(f"centre {at}")).abs().alias(f"__away_{at}")
            for at, name in enumerate(columns)
        )
        deviations = grouped_table(away, by, spreads)
        pairs = zip(rows_of(groups), rows_of(deviations), strict=True)
        found = [{**centre, **spread} for centre, spread in pairs]
    else:
        centre = overall(cleared, centres)
        away = cleared.with_columns(
            (nw.col(name) - nw.lit(centre[f"centre {at}"], nw.Float64)).abs().alias(f"__away_{at}")
            for at, name in enumerate(columns)
        )
        found = [{**centre, **overall(away, spreads)}]
    return [
        {
            **{name: row[name] for name in by},
            **{
                f"{at}": (
                    row[f"centre {at}"],
                    row[f"centre {at}"],
                    None if row[f"spread {at}"] is None else row[f"spread {at}"] * _SIGMA,
                )
                for at in range(len(columns))
            },
        }
        for row in found
    ]


def _ends(
    low: float | None, high: float | None, spread: float | None, times: float, whole: bool
) -> dict[str, Any]:
    """Give the bounds; there are none where at least half of the values are one and the same."""
    if low is None or high is None or not spread:
        return {_LOW: None, _HIGH: None}
    ends = float(f"{low - times * spread:.9e}"), float(f"{high + times * spread:.9e}")
    return {
        _LOW: math.floor(ends[0]) if whole else ends[0],
        _HIGH: math.ceil(ends[1]) if whole else ends[1],
    }


def _group_bounds(
    training: nw.LazyFrame[Any],
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    times: float,
    wholes: Sequence[str],
    by: Sequence[str],
) -> pa.Table:
    keys = to_arrow(training.select(*by).head(0)).schema
    data: dict[str, pa.Array] = {
        name: pa.array([row[name] for row in rows], keys.field(name).type) for name in by
    }
    for at, name in enumerate(columns):
        ends = [_ends(*row[f"{at}"], times, name in wholes) for row in rows]
        kind = pa.int64() if name in wholes else pa.float64()
        for end in (_LOW, _HIGH):
            data[f"{name} {end}"] = pa.array([e[end] for e in ends], kind)
    return pa.table(data)


def _require_numbers(table: nw.LazyFrame[Any], columns: Sequence[str]) -> None:
    require_listed(table, columns)
    if not columns:
        raise ConfigError("a column is needed", where="columns", got="none")
    for name in columns:
        require_dtype(table, name, ("integer", "number"), "columns")


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
        return _bounds(training, columns, method, factor, by)
    if by or factor is not None:
        raise ConfigError(
            "a forest takes neither factor nor by", where="by" if by else "factor",
            hint="contamination says how many are outliers",
        )  # fmt: skip
    _require_numbers(training, columns)
    # Imported here: NumPy and scikit-learn, which composing the config does not need.
    from fivefold.data.cleaning.forest import grown

    return grown(training, columns, key, contamination, seed)


def _limited(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Mapping[str, Any],
    by: Sequence[str],
) -> tuple[nw.LazyFrame[Any], dict[str, tuple[nw.Expr, nw.Expr]]]:
    """Give the table and, by column, the bounds of each row; a bound that is not there is null."""
    ends = [f"{name} {end}" for name in columns for end in (_LOW, _HIGH)]
    joined, learnt = attached(table, statistics.get("groups"), by, ends)
    schema = table.collect_schema()

    def bound(name: str, end: str) -> nw.Expr:
        whole = dtype_name(schema[name]) == "integer"
        value = nw.lit(statistics["bounds"][name][end], nw.Int64 if whole else nw.Float64)
        return nw.coalesce(*learnt(f"{name} {end}"), value) if learnt(f"{name} {end}") else value

    return joined, {name: (bound(name, _LOW), bound(name, _HIGH)) for name in columns}


def _outside(column: str, low: nw.Expr, high: nw.Expr) -> nw.Expr:
    return (nw.col(column) < low).fill_null(False) | (nw.col(column) > high).fill_null(False)


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
    joined, bounds = _limited(table, columns, statistics, by)
    out = reduce(or_, (_outside(name, *bounds[name]) for name in columns))
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
@fitted(_bounds)
def clip_outliers(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Mapping[str, Any],
    method: str = "iqr",  # noqa: ARG001 - for the learning
    factor: float | None = None,  # noqa: ARG001 - for the learning
    by: Sequence[str] = (),
) -> nw.LazyFrame[Any]:
    """Move outliers to the nearest bound, in every row; see :func:`drop_outliers`."""
    joined, bounds = _limited(table, columns, statistics, by)

    def clipped(name: str) -> nw.Expr:
        column, (low, high) = nw.col(name), bounds[name]
        moved = nw.when((column > high).fill_null(False)).then(high).otherwise(column)
        return nw.when((column < low).fill_null(False)).then(low).otherwise(moved)

    return joined.with_columns(clipped(name).alias(name) for name in columns).select(
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
