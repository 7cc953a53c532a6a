"""The target over time, in periods that suit the span."""

from __future__ import annotations

import datetime
from typing import Any

import narwhals as nw

from fivefold.data.values import rounded, rows_of
from fivefold.table import to_arrow

__all__ = ["over_time"]

# The longest span, in days, that is shown by day, and by week; a longer one is shown by month.
_LONGEST = {"day": 75, "week": 550}


def over_time(frame: nw.LazyFrame[Any], time: str, value: str | None) -> dict[str, Any] | None:
    """Count the rows, and average the target, per day, week or month.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    time : str
        A date or datetime column.
    value : str or None
        The column that is averaged; only rows are counted if None.

    Returns
    -------
    dict or None
        ``unit``, ``periods`` (first days, ISO 8601), ``rows`` and ``target``; None without times.
    """
    dtype = frame.collect_schema()[time]
    if not isinstance(dtype, nw.Datetime | nw.Date):
        return None
    day = nw.col(time).dt.date() if isinstance(dtype, nw.Datetime) else nw.col(time)
    wanted = [nw.len().alias("rows")]
    if value is not None:
        wanted.append(nw.col(value).sum().alias("sum"))
    grouped = (
        frame.filter(~nw.col(time).is_null())
        .with_columns(day.alias("__day"))
        .group_by("__day")
        .agg(*wanted)
        .sort("__day")
    )
    days = rows_of(to_arrow(grouped))
    if not days:
        return None
    span = (days[-1]["__day"] - days[0]["__day"]).days + 1
    unit = next((name for name, longest in _LONGEST.items() if span <= longest), "month")
    periods: dict[datetime.date, list[float]] = {}
    for row in days:
        held = periods.setdefault(_first(row["__day"], unit), [0, 0.0])
        held[0] += int(row["rows"])
        # Days are added in their order, so every engine's sums meet in the same way.
        held[1] += rounded(float(row["sum"])) or 0.0 if value is not None else 0.0
    return {
        "column": time,
        "unit": unit,
        "periods": [first.isoformat() for first in periods],
        "rows": [int(held[0]) for held in periods.values()],
        "target": None
        if value is None
        else [rounded(held[1] / held[0], 9) for held in periods.values()],
    }


def _first(day: datetime.date, unit: str) -> datetime.date:
    """Give the first day of a day's period; weeks start on Monday."""
    if unit == "week":
        return day - datetime.timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day
