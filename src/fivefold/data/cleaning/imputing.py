"""Missing values filled from other rows: from the training rows, or forward in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.cleaning.grouped import attached, grouped_table, overall
from fivefold.data.columns import require_dtype, require_listed, rewritten
from fivefold.data.effects import effect
from fivefold.data.fitting import fitted, told_training
from fivefold.data.values import rows_of
from fivefold.errors import ConfigError, DataError, nearest
from fivefold.table import to_arrow
from fivefold.table.engine import names_of

__all__ = ["fill_forward", "impute"]

_HOW = ("median", "mean", "mode")
_COUNT = "__rows"


def _typical(
    training: nw.LazyFrame[Any],
    columns: Sequence[str],
    how: str = "median",
    by: Sequence[str] = (),
    fallback: Any = None,
) -> dict[str, Any]:
    """Learn the value to fill in, of all training rows and of each group."""
    require_listed(training, columns)
    require_listed(training, by, "by")
    if how not in _HOW:
        raise ConfigError(
            "the statistic is unknown", where="how", got=how, allowed=_HOW,
            hint=nearest(how, _HOW),
        )  # fmt: skip
    for name in columns:
        if name in by:
            raise ConfigError("a column can't be filled by its own groups", where="by", got=name)
        if how != "mode":
            require_dtype(training, name, ("integer", "number"), "columns")
    learnt: dict[str, Any] = {"values": _learnt(training, columns, how)}
    if by:
        learnt["groups"] = _learnt_by(training, columns, how, by)
    for name, value in learnt["values"].items():
        if value is None and fallback is None:
            raise DataError(
                f"no training row has a value of the column {name!r} to learn from",
                where="columns", got=name, hint="give fallback, or drop the column",
            )  # fmt: skip
        if value is None:
            learnt["values"][name] = fallback
    return learnt


def _learnt(training: nw.LazyFrame[Any], columns: Sequence[str], how: str) -> dict[str, Any]:
    if how != "mode":
        return overall(training, {name: (how, name) for name in columns})
    values = {}
    for name in columns:
        known = training.filter(~nw.col(name).is_null())
        counts = known.group_by(name).agg(nw.len().alias(_COUNT))
        # Of values that are equally frequent, the smallest: one must be chosen, the same each time.
        first = rows_of(to_arrow(counts.sort(_COUNT, name, descending=[True, False]).head(1)))
        values[name] = first[0][name] if first else None
    return values


def _learnt_by(
    training: nw.LazyFrame[Any], columns: Sequence[str], how: str, by: Sequence[str]
) -> pa.Table:
    if how != "mode":
        return grouped_table(training, by, {name: (how, name) for name in columns})
    tables = []
    for name in columns:
        known = training.select(*by, name).drop_nulls()
        counts = known.group_by(*by, name).agg(nw.len().alias(_COUNT))
        order = [*by, _COUNT, name]
        ordered = to_arrow(counts.sort(*order, descending=[n == _COUNT for n in order]))
        firsts: dict[tuple[Any, ...], int] = {}
        for at, row in enumerate(zip(*(ordered[n].to_pylist() for n in by), strict=True)):
            firsts.setdefault(row, at)
        tables.append(ordered.take(pa.array(firsts.values(), pa.int64())).drop_columns([_COUNT]))
    table, *others = tables
    for other in others:
        table = table.join(other, list(by), join_type="full outer")
    return table.sort_by([(name, "ascending") for name in by])


@effect(cells="columns")
@fitted(_typical)
def impute(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Mapping[str, Any],
    how: str = "median",  # noqa: ARG001 - for the learning
    by: Sequence[str] = (),
    fallback: Any = None,  # noqa: ARG001 - for the learning
) -> nw.LazyFrame[Any]:
    """Fill missing values with what is typical in the training rows.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    columns : sequence of str
        Which.
    statistics : dict
        What is typical.
    how : {"median", "mean", "mode"}
        The median and the mean are of finite numbers, and are rounded to a whole number in a
        column of such; the mode is of any type, the smallest of those that are equally frequent.
    by : sequence of str
        Columns whose values make groups. A group that has no value takes that of all training rows.
    fallback : str, int, float or bool, optional
        The value of a column that has none in the training rows.
    """
    values = statistics["values"]
    filled, learnt = attached(table, statistics.get("groups"), by, columns)
    return rewritten(
        filled,
        (
            nw.coalesce(nw.col(name), *learnt(name), nw.lit(values[name])).alias(name)
            if learnt(name)
            else nw.col(name).fill_null(values[name])
            for name in columns
        ),
    ).select(*names_of(table))


def _needs_training(
    split: Mapping[str, Any], by: Sequence[str], order_by: Sequence[str], **_: Any
) -> bool:
    """Tell whether an earlier row of the group can be a test row that must not be looked at."""
    method = split.get("method", "random")
    if method == "time":
        return list(order_by)[:1] != [split.get("time")]
    return not (method == "grouped" and split.get("by") in list(by))


@effect(cells="columns", cheap=False)
@told_training(_needs_training)
def fill_forward(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    by: Sequence[str],
    order_by: Sequence[str],
    training: str | None = None,
    key: Sequence[str] = (),
) -> nw.LazyFrame[Any]:
    """Fill missing values with the last one before them in the same group.

    Where the split is by the same time, or keeps a group in one part, every earlier row counts:
    it is known when the prediction is made. Otherwise only the training rows among them do.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    columns : sequence of str
        Which.
    by : sequence of str
        Columns whose values make the groups.
    order_by : sequence of str
        What makes a row early or late; a row without it is left as it is.
    training : str, optional
        The column that tells which rows are for training, which clean gives.
    key : sequence of str
        The table's key, which clean gives: it decides where the order ties.
    """
    for listed, where in ((columns, "columns"), (by, "by"), (order_by, "order_by")):
        require_listed(table, listed, where)
        if not listed:
            raise ConfigError("a column is needed", where=where, got="none")
    timed = [~nw.col(name).is_null() for name in order_by]
    placed = nw.all_horizontal(*timed, ignore_nulls=False)
    source = placed if training is None else placed & nw.col(training)
    order = [*order_by, *(name for name in key if name not in {*order_by, *by})]
    carried = {name: f"__carried_{at}" for at, name in enumerate(columns)}
    prepared = rewritten(
        table,
        (
            nw.when(source).then(nw.col(name)).otherwise(None).alias(into)
            for name, into in carried.items()
        ),
    )
    filled = rewritten(
        prepared,
        (
            nw.col(into).fill_null(strategy="forward").over(*by, order_by=order).alias(into)
            for into in carried.values()
        ),
    )
    return rewritten(
        filled,
        (
            nw.when(nw.col(name).is_null() & placed)
            .then(nw.col(into))
            .otherwise(nw.col(name))
            .alias(name)
            for name, into in carried.items()
        ),
    ).select(*names_of(table))
