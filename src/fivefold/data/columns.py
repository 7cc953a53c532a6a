"""What a cleaning step asks of the columns it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw

from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, DataError
from fivefold.table import require_columns
from fivefold.table.engine import names_of

__all__ = ["as_floats", "require_absent", "require_dtype", "require_listed", "rewritten"]


def require_listed(
    table: nw.LazyFrame[Any], columns: Sequence[str], where: str = "columns"
) -> None:
    """Raise where a column is absent, or a single name was given for a list."""
    if isinstance(columns, str):
        raise ConfigError(
            "a list of columns is needed", where=where, got=columns, hint=f"{where}: [{columns}]"
        )
    require_columns(table, columns, where)


def require_dtype(
    table: nw.LazyFrame[Any], column: str, allowed: Sequence[str], where: str
) -> None:
    """Raise where a column's type is none of those a step takes."""
    dtype = dtype_name(table.collect_schema()[column])
    if dtype not in allowed:
        raise DataError(
            f"the column {column!r} has a type that the step does not take",
            where=where,
            got=dtype,
            allowed=allowed,
        )


def require_absent(table: nw.LazyFrame[Any], names: Sequence[str], where: str) -> None:
    """Raise where a column that a step would add is there already."""
    have = names_of(table)
    for name in names:
        if name in have:
            raise DataError("the column is there already", where=where, got=name)


def as_floats(table: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Make columns of whole numbers floating-point ones, also past 2**53, to the nearest.

    A division does it on every engine; Arrow refuses the cast of what is not exact.
    """
    schema = table.collect_schema()
    return rewritten(
        table,
        (
            (nw.col(name) / 1).alias(name)
            for name in dict.fromkeys(columns)
            if dtype_name(schema[name]) == "integer"
        ),
    )


def rewritten(table: nw.LazyFrame[Any], expressions: Iterable[nw.Expr]) -> nw.LazyFrame[Any]:
    """Write columns, if any: a step that has nothing to do gives the table as it is."""
    listed = list(expressions)
    return table.with_columns(*listed) if listed else table
