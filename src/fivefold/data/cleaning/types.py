"""Types and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from fivefold.data.columns import as_floats, require_dtype, require_listed, rewritten
from fivefold.data.effects import effect
from fivefold.data.keys import count_rows
from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, DataError

__all__ = ["cast", "convert_units"]

# Whole numbers up to here are themselves as floating-point numbers; up to there, as integers.
_EXACT = 2**53
_LARGEST = 2.0**63

# Only casts that give the same value on every engine: texts are read by the source, where
# `types:` says so, or by the steps parse_numbers and parse_dates.
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
                hint="set types: in the source's read:, or add parse_numbers or parse_dates"
                if dtype == "string"
                else None,
            )
        if (dtype, wanted) == ("number", "integer"):
            column = nw.col(name)
            _require_none(table, column != column.floor(), name, "a fraction")
            _require_none(table, column.abs() >= _LARGEST, name, "more than 64 bits hold")
        if (dtype, wanted) == ("integer", "number"):
            exact = (nw.col(name) >= -_EXACT) & (nw.col(name) <= _EXACT)
            _require_none(table, ~exact, name, "more than the 53 bits of a number")
        changes[name] = _CASTS[dtype, wanted](nw.col(name)).alias(name)
    return rewritten(table, changes.values())


def _require_none(table: nw.LazyFrame[Any], wrong: nw.Expr, name: str, what: str) -> None:
    count = count_rows(table.filter(wrong))
    if count:
        raise DataError(
            f"the values of the column {name!r} would not be the same",
            where=f"types.{name}",
            got=f"{count:,} rows with {what}",
        )


@effect(cells="columns")
def convert_units(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    factor: float = 1.0,
    offset: float = 0.0,
    reason: str = "",  # noqa: ARG001 - it stands in the audit
) -> nw.LazyFrame[Any]:
    """Convert numbers to another unit: each becomes ``value * factor + offset``, a number.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    columns : sequence of str
        Which.
    factor, offset : float
        From degrees Celsius to Fahrenheit, say: factor 1.8, offset 32.
    reason : str
        Such as "miles to kilometres", for the audit.
    """
    require_listed(table, columns)
    for name in columns:
        require_dtype(table, name, ("integer", "number"), "columns")
    if factor == 0:
        raise ConfigError("a factor of 0 makes all values the same", where="factor", got=factor)
    return rewritten(
        as_floats(table, columns),
        ((nw.col(name) * float(factor) + float(offset)).alias(name) for name in columns),
    )
