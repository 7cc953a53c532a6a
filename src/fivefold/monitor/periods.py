"""Rows by the period they belong to."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fivefold.table import TableSchema, to_arrow

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PERIODS", "period_starts", "periods_of"]

PERIODS = ("day", "week", "month", "quarter", "year")


def period_starts(
    frame: nw.LazyFrame[Any], schema: TableSchema, period: str
) -> list[datetime.date | None] | None:
    """Give the first day of each row's period, by the schema's first time column.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        Shape (n_rows, n_columns).
    schema : TableSchema
        Names the time column.
    period : {"day", "week", "month", "quarter", "year"}
        Weeks begin on Monday.

    Returns
    -------
    list of date or None, or None
        One per row, None where the time is missing; None where there is no time column, or it
        holds neither dates nor times.
    """
    names = schema.with_role("time")
    if not names or names[0] not in frame.collect_schema().names():
        return None
    column = to_arrow(frame.select(names[0]))[names[0]]
    if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        return None
    starts = pc.floor_temporal(column, unit=period, week_starts_monday=True)
    values: list[datetime.date | None] = pc.cast(starts, pa.date32(), safe=False).to_pylist()
    return values


def periods_of(
    starts: list[datetime.date | None] | None,
) -> list[tuple[datetime.date, NDArray[np.intp]]]:
    """Group rows by period: each period's first day and the positions of its rows, in order."""
    rows: dict[datetime.date, list[int]] = {}
    for position, start in enumerate(starts or ()):
        if start is not None:
            rows.setdefault(start, []).append(position)
    return [(start, np.array(rows[start], dtype=np.intp)) for start in sorted(rows)]
