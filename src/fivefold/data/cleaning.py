"""Cleaning steps: functions that ``clean.steps`` names by ``_target_``.

A step takes a table and gives a table. None of these learns a statistic from other rows: that
would carry the test rows into the training, so medians, scalings and encodings belong to the
model's own preprocessing, which is fitted on the training part only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Any

import narwhals as nw

from fivefold.data.calendar import PARTS, local_times
from fivefold.data.columns import require_dtype, require_listed
from fivefold.data.effects import effect
from fivefold.data.values import dtype_name, single
from fivefold.errors import ConfigError, DataError, nearest

__all__ = [
    "at_least",
    "cast",
    "date_parts",
    "drop_columns",
    "drop_constant",
    "drop_duplicates",
    "drop_missing",
    "fill_missing",
    "strip",
]

# Said one by one: engines differ in what they call white space.
_SPACES = " \t\n\r\x0b\x0c\u00a0\u2003\u3000\ufeff"


@effect(rows=True)
def drop_missing(table: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Drop the rows in which any of the columns has no value."""
    require_listed(table, columns)
    return table.filter(*(~nw.col(name).is_null() for name in columns))


@effect(cells="columns")
def fill_missing(
    table: nw.LazyFrame[Any], columns: Sequence[str], value: str | int | float | bool
) -> nw.LazyFrame[Any]:
    """Put a constant where a value is missing.

    Raises
    ------
    DataError
        The value is not of a column's type.
    """
    require_listed(table, columns)
    schema = table.collect_schema()
    for name in columns:
        dtype = dtype_name(schema[name])
        fitting: dict[str, Any] = {
            "integer": int,
            "number": (int, float),
            "string": str,
            "boolean": bool,
        }
        fits = isinstance(value, fitting.get(dtype, ())) and (
            isinstance(value, bool) == (dtype == "boolean")
        )
        if not fits:
            raise DataError(
                f"the value can't fill the column {name!r}",
                where="value",
                got=f"{value!r} for a column of type {dtype}",
                hint="name columns of one type, a step for each type",
            )
    return table.with_columns(nw.col(name).fill_null(value) for name in columns)


@effect(rows=True)
def drop_duplicates(
    table: nw.LazyFrame[Any],
    by: Sequence[str] | None = None,
    order_by: Sequence[str] | None = None,
    keep: str = "first",
    key: Sequence[str] | None = None,
) -> nw.LazyFrame[Any]:
    """Drop repeated rows.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    by : sequence of str, optional
        The columns in which repeated rows agree; all columns if not given. Rows with a missing
        value among them repeat nothing.
    order_by : sequence of str, optional
        Of the rows that agree, the first (or last) in the order of these columns stays, missing
        values first; what ties is ordered by the other columns.
    keep : {"first", "last"}
        Which one stays.
    key : sequence of str, optional
        The table's key, which clean gives: rows that agree in all columns agree in these.
    """
    if keep not in ("first", "last"):
        raise ConfigError(
            "which row to keep is unknown", where="keep", got=keep, allowed=("first", "last")
        )
    if by is None:
        if order_by is not None:
            raise ConfigError("order_by needs by", where="order_by", got=list(order_by))
        return table.unique() if key is None or _repeats(table, key) else table
    require_listed(table, by, "by")
    require_listed(table, order_by or (), "order_by")
    if not _repeats(table, by):
        return table
    names = table.collect_schema().names()
    count, place, one = "__rows", "__place", "__one"
    counted = table.join(
        table.group_by(*by).agg(nw.len().alias(count)).filter(nw.col(count) > 1),
        on=list(by),
        how="left",
    )
    complete = reduce(and_, (~nw.col(name).is_null() for name in by))
    repeats = complete & ~nw.col(count).is_null()
    # Few rows repeat, so only these are put in order.
    rest = [name for name in names if name not in {*by, *(order_by or ())}]
    repeated = counted.filter(repeats).with_columns(nw.lit(1).alias(one))
    placed = repeated.with_columns(
        nw.col(one).cum_sum().over(*by, order_by=[*(order_by or ()), *rest]).alias(place)
    )
    wanted = nw.lit(1) if keep == "first" else nw.col(count)
    kept = placed.filter(nw.col(place) == wanted).select(*names)
    return nw.concat([counted.filter(~repeats).select(*names), kept])


@effect()
def drop_constant(table: nw.LazyFrame[Any], keep: Sequence[str] = ()) -> nw.LazyFrame[Any]:
    """Drop the columns that have the same value, or none, in every row, but those to keep."""
    require_listed(table, keep, "keep")
    names = table.collect_schema().names()
    distinct = single(table.select(nw.col(name).n_unique().alias(name) for name in names))
    return table.select(name for name in names if name in keep or distinct[name] > 1)


@effect()
def drop_columns(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    reason: str = "",  # noqa: ARG001 - it stands in the audit
) -> nw.LazyFrame[Any]:
    """Drop columns; the reason stands in the audit."""
    require_listed(table, columns)
    return table.drop(*columns)


@effect(adds="into")
def at_least(
    table: nw.LazyFrame[Any], column: str, value: int | float, into: str
) -> nw.LazyFrame[Any]:
    """Add a label: 1 where the column is at least the value, 0 elsewhere, missing where it is."""
    require_listed(table, [column], "column")
    require_dtype(table, column, ("integer", "number"), "column")
    return table.with_columns((nw.col(column) >= value).cast(nw.Int64).alias(into))


@effect()
def date_parts(
    table: nw.LazyFrame[Any],
    column: str,
    parts: Sequence[str],
    time_zone: str | None = None,
) -> nw.LazyFrame[Any]:
    """Add parts of a date or time as integer columns named ``<column>_<part>``.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    column : str
        A date or datetime.
    parts : sequence of {"year", "quarter", "month", "day", "ordinal_day", "weekday", "hour", \
"minute"}
        Which; a weekday is 1 for Monday to 7 for Sunday.
    time_zone : str, optional
        Where the clock hangs, such as "America/New_York"; as the times are kept if not given.
    """
    require_listed(table, [column], "column")
    require_dtype(table, column, ("date", "datetime"), "column")
    for part in parts:
        if part not in PARTS:
            raise ConfigError(
                "the part of a date is unknown",
                where="parts",
                got=part,
                allowed=PARTS,
                hint=nearest(part, PARTS),
            )
    names = table.collect_schema().names()
    local = "__local"
    timed = local_times(table, column, time_zone, into=local)
    added = {f"{column}_{part}": PARTS[part](nw.col(local)).cast(nw.Int64) for part in parts}
    for name in added:
        if name in names:
            raise DataError("the column is there already", where="column", got=name)
    return timed.with_columns(**added).select(*names, *added)


@effect(cells="columns")
def strip(table: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Take white space off both ends of texts; what is then empty is missing."""
    require_listed(table, columns)
    for name in columns:
        require_dtype(table, name, ("string",), "columns")
    stripped = {name: nw.col(name).str.strip_chars(_SPACES) for name in columns}
    return table.with_columns(
        nw.when(text != "").then(text).otherwise(None).alias(name)
        for name, text in stripped.items()
    )


# Only casts that give the same value on every engine: text is read as numbers or dates by the
# source, where `types:` says so and a wrong value is reported with its line.
_CASTS: dict[tuple[str, str], Any] = {
    ("integer", "number"): lambda column: column.cast(nw.Float64),
    ("integer", "string"): lambda column: column.cast(nw.String),
    ("integer", "boolean"): lambda column: column != 0,
    ("number", "integer"): lambda column: column.cast(nw.Int64),
    ("boolean", "integer"): lambda column: column.cast(nw.Int64),
    ("boolean", "number"): lambda column: column.cast(nw.Int64).cast(nw.Float64),
    ("date", "datetime"): lambda column: column.cast(nw.Datetime("us")),
    ("datetime", "date"): lambda column: column.dt.date(),
}


@effect(cells="types")
def cast(table: nw.LazyFrame[Any], types: Mapping[str, str]) -> nw.LazyFrame[Any]:
    """Change the types of columns.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    types : mapping of str to str
        The new type by column: integer, number, string, boolean, datetime or date.

    Raises
    ------
    DataError
        The change would lose something, such as a number's fraction.
    """
    require_listed(table, list(types), "types")
    schema = table.collect_schema()
    changes = {}
    for name, wanted in types.items():
        dtype = dtype_name(schema[name])
        if dtype == wanted:
            continue
        if (dtype, wanted) not in _CASTS:
            possible = [to for of, to in _CASTS if of == dtype]
            raise DataError(
                f"a column of type {dtype} can't become {wanted}",
                where=f"types.{name}",
                got=wanted,
                allowed=possible or "none",
                hint="set types: in the source's read:" if dtype == "string" else None,
            )
        if (dtype, wanted) == ("number", "integer"):
            _require_whole(table, name)
        changes[name] = _CASTS[dtype, wanted](nw.col(name)).alias(name)
    return table.with_columns(**changes)


def _repeats(table: nw.LazyFrame[Any], columns: Sequence[str]) -> bool:
    """Tell whether rows agree in the columns; mostly none do, and the table stays as it is."""
    counts = table.group_by(*columns).agg(nw.len().alias("__rows"))
    return int(single(counts.select(nw.col("__rows").max().alias("most")))["most"] or 0) > 1


def _require_whole(table: nw.LazyFrame[Any], name: str) -> None:
    fraction = nw.col(name) != nw.col(name).floor()
    count = single(table.filter(fraction).select(nw.len().alias("rows")))["rows"]
    if count:
        raise DataError(
            f"the numbers of the column {name!r} are not whole",
            where=f"types.{name}",
            got=f"{count:,} rows with a fraction",
        )
