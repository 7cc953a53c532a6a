"""Cells and keys as plain values for a report."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.table import to_arrow

__all__ = ["dtype_name", "examples", "plain", "rounded", "single"]

# Engines add numbers in different orders, and so differ in a sum's last bits.
_DIGITS = 10


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


def single(frame: nw.LazyFrame[Any]) -> dict[str, Any]:
    """Compute a frame of one row and give its cells as plain values."""
    return {name: plain(column[0]) for name, column in to_arrow(frame).to_pydict().items()}


def examples(frame: nw.LazyFrame[Any], order: Sequence[str], count: int) -> list[dict[str, Any]]:
    """Give the first rows in the order of some columns, the same on every engine."""
    rows = to_arrow(frame.sort(*order).head(count)).to_pylist()
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
