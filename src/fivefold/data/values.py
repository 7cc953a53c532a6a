"""Cells and keys as plain values for a report."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.table import to_arrow

__all__ = ["dtype_name", "examples", "plain", "rounded", "rows_of", "single"]

# Engines add numbers in different orders, and so differ in a sum's last bits.
_DIGITS = 10
_EPOCH = datetime.datetime(1970, 1, 1)


def plain(value: Any) -> Any:
    """Give a cell as JSON can hold it: dates as ISO 8601, what is not finite as None."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def rounded(value: float | None, digits: int = _DIGITS) -> float | None:
    """Round to significant digits, so that every engine's sum gives the same number."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.{digits - 1}e}")


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Give a small table's rows as Python values.

    Arrow's own way from a timestamp to Python imports pandas: a third of a second.
    """
    columns = {}
    for field in table.schema:
        column = table[field.name]
        if pa.types.is_timestamp(field.type):
            ticks = column.cast(pa.timestamp("us", field.type.tz)).cast(pa.int64())
            start = _EPOCH.replace(tzinfo=datetime.UTC if field.type.tz else None)
            columns[field.name] = [
                None if tick is None else start + datetime.timedelta(microseconds=tick)
                for tick in ticks.to_pylist()
            ]
        else:
            columns[field.name] = column.to_pylist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def single(frame: nw.LazyFrame[Any]) -> dict[str, Any]:
    """Compute a frame of one row and give its cells as plain values."""
    return {name: plain(value) for name, value in rows_of(to_arrow(frame))[0].items()}


def examples(frame: nw.LazyFrame[Any], order: Sequence[str], count: int) -> list[dict[str, Any]]:
    """Give the first rows in the order of some columns, the same on every engine."""
    rows = rows_of(to_arrow(frame.sort(*order).head(count)))
    return [{name: plain(value) for name, value in row.items()} for row in rows]


_NAMES: tuple[tuple[type, str], ...] = (
    (nw.dtypes.IntegerType, "integer"),
    (nw.dtypes.FloatType, "number"),
    (nw.String, "string"),
    (nw.Boolean, "boolean"),
    (nw.Datetime, "datetime"),
    (nw.Date, "date"),
)


def dtype_name(dtype: Any) -> str:
    """Give a column's type by the schema's name, or by Narwhals' where the schema has none."""
    for kind, name in _NAMES:
        if isinstance(dtype, kind) or dtype == kind:
            return name
    return str(dtype).lower()
