"""Rows, the target and features over time, in periods that suit the span."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.data.profiling.groups import Groups, as_float
from fivefold.data.profiling.measured import snapped
from fivefold.data.values import rounded, rows_of
from fivefold.table import TableSchema, to_arrow

__all__ = ["over_time"]

# The longest span, in days, that is shown by day, by week and by month; a longer one by year.
_LONGEST = {"day": 75, "week": 550, "month": 3650}
_DAY, _ROWS, _KNOWN = "__day", "rows", "known"


def over_time(
    frame: nw.LazyFrame[Any],
    time: str,
    groups: Groups,
    schema: TableSchema,
    features: Sequence[str],
) -> dict[str, Any] | None:
    """Count the rows, and average the target and features, per day, week, month or year.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    time : str
        A date or datetime column.
    groups : Groups
        The target and its classes.
    schema : TableSchema
    features : sequence of str
        Those that are followed: the mean of a number, the share of a text's most frequent value.

    Returns
    -------
    dict or None
        ``unit``, ``periods`` (first days, ISO 8601), ``rows``, ``target``, and ``features``, each
        with what ``of`` it is told, its ``values`` and ``missing_share``; None without times.
    """
    dtype = frame.collect_schema()[time]
    if not isinstance(dtype, nw.Datetime | nw.Date):
        return None
    day = nw.col(time).dt.date() if isinstance(dtype, nw.Datetime) else nw.col(time)
    dated = frame.filter(~nw.col(time).is_null())
    counted = _by_day(dated, day, None)
    if not counted:
        return None
    span = (counted[-1][_DAY] - counted[0][_DAY]).days + 1
    unit = next((name for name, longest in _LONGEST.items() if span <= longest), "year")
    rows = _periods(counted, unit, _ROWS)
    target = _target(groups)
    followed: dict[str, Any] = {}
    for name in features:
        value, said = _followed(frame, name, schema.columns[name].dtype)
        followed[name] = said | _averages(_by_day(dated, day, value), unit, rows)
    return {
        "column": time,
        "unit": unit,
        "periods": [first.isoformat() for first in rows],
        "rows": [int(count) for count in rows.values()],
        "target": None
        if target is None
        else _averages(_by_day(dated, day, target), unit, rows)["values"],
        "features": followed,
    }


def _target(groups: Groups) -> nw.Expr | None:
    if not groups.classes:
        return as_float(nw.col(groups.target))
    if len(groups.values) != 2 or len(groups.classes) != 2:
        return None
    column = nw.col(groups.target)
    return nw.when(~column.is_null()).then((column == groups.values[1]).cast(nw.Float64))


def _followed(frame: nw.LazyFrame[Any], name: str, dtype: str) -> tuple[nw.Expr, dict[str, Any]]:
    column = nw.col(name)
    if dtype in ("integer", "number"):
        return as_float(column), {"of": "mean"}
    if dtype == "boolean":
        return nw.when(~column.is_null()).then(column.cast(nw.Int64)).cast(nw.Float64), {
            "of": "share of true"
        }
    counts = frame.filter(~column.is_null()).group_by(name).agg(nw.len().alias(_ROWS))
    first = rows_of(to_arrow(counts.sort(_ROWS, name, descending=[True, False]).head(1)))
    common = str(first[0][name]) if first else ""
    share = nw.when(~column.is_null()).then((column == common).cast(nw.Int64).cast(nw.Float64))
    return share, {"of": f"share of {common[:40]}"}


def _by_day(frame: nw.LazyFrame[Any], day: nw.Expr, value: nw.Expr | None) -> list[dict[str, Any]]:
    wanted = [nw.len().alias(_ROWS)]
    columns = [day.alias(_DAY)]
    if value is not None:
        columns.append(nw.when(value.is_finite()).then(value).alias("__value"))
        wanted += [
            nw.col("__value").sum().alias("sum"),
            nw.col("__value").count().alias(_KNOWN),
            nw.col("__value").max().alias("high"),
            nw.col("__value").min().alias("low"),
        ]
    return rows_of(to_arrow(frame.select(*columns).group_by(_DAY).agg(*wanted).sort(_DAY)))


def _periods(days: Sequence[dict[str, Any]], unit: str, key: str) -> dict[datetime.date, float]:
    found: dict[datetime.date, float] = {}
    for row in days:
        first = _first(row[_DAY], unit)
        # Days are added in their order, so every engine's sums meet in the same way.
        found[first] = found.get(first, 0) + (rounded(float(row[key] or 0)) or 0.0)
    return found


def _averages(
    days: Sequence[dict[str, Any]], unit: str, rows: dict[datetime.date, float]
) -> dict[str, Any]:
    sums, known = _periods(days, unit, "sum"), _periods(days, unit, _KNOWN)
    ends = [abs(float(row[k])) for row in days for k in ("high", "low") if row[k] is not None]
    scale = max(ends, default=0.0)
    return {
        "values": [
            snapped(sums[first] / known[first], scale) if known[first] else None for first in rows
        ],
        "missing_share": [round(1 - known[first] / count, 6) for first, count in rows.items()],
    }


def _first(day: datetime.date, unit: str) -> datetime.date:
    """Give the first day of a day's period; weeks start on Monday."""
    if unit == "week":
        return day - datetime.timedelta(days=day.weekday())
    if unit == "year":
        return day.replace(month=1, day=1)
    return day.replace(day=1) if unit == "month" else day
