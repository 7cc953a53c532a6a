"""Missing values and infinities: dropped, filled with a constant, flagged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw

from fivefold.data.columns import require_absent, require_dtype, require_listed, rewritten
from fivefold.data.effects import effect
from fivefold.data.values import dtype_name
from fivefold.errors import DataError

__all__ = ["drop_missing", "fill_missing", "flag_missing", "replace_infinite"]


def _incomplete(table: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    missing = (nw.col(name).is_null() for name in columns)
    return table.filter(reduce(or_, missing)) if columns else table.head(0)


@effect(rows=True, dropped=_incomplete)
def drop_missing(table: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Drop the rows in which any of the columns has no value."""
    require_listed(table, columns)
    return table.filter(*(~nw.col(name).is_null() for name in columns)) if columns else table


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
    return rewritten(table, (nw.col(name).fill_null(value) for name in columns))


@effect()
def flag_missing(
    table: nw.LazyFrame[Any], columns: Sequence[str], suffix: str = "_missing"
) -> nw.LazyFrame[Any]:
    """Add a column for each, with 1 where its value is missing and 0 elsewhere.

    Raises
    ------
    DataError
        A column of the new name is there already.
    """
    require_listed(table, columns)
    require_absent(table, [name + suffix for name in columns], "suffix")
    return rewritten(
        table, (nw.col(name).is_null().cast(nw.Int64).alias(name + suffix) for name in columns)
    )


@effect(cells="columns")
def replace_infinite(table: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Make infinities missing; a later step may then fill them."""
    require_listed(table, columns)
    for name in columns:
        require_dtype(table, name, ("integer", "number"), "columns")
    schema = table.collect_schema()
    numbers = [name for name in columns if dtype_name(schema[name]) == "number"]
    return rewritten(
        table,
        (
            nw.when(nw.col(name).is_finite()).then(nw.col(name)).otherwise(None).alias(name)
            for name in numbers
        ),
    )
