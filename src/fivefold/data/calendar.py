"""Parts of dates and times, read off the clock of a time zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import narwhals as nw

from fivefold.errors import ConfigError, DataError

__all__ = ["PARTS", "local_times"]

PARTS: dict[str, Callable[[nw.Expr], nw.Expr]] = {
    "year": lambda time: time.dt.year(),
    "quarter": lambda time: (time.dt.month() + 2) // 3,
    "month": lambda time: time.dt.month(),
    "day": lambda time: time.dt.day(),
    "ordinal_day": lambda time: time.dt.ordinal_day(),
    "weekday": lambda time: time.dt.weekday(),
    "hour": lambda time: time.dt.hour(),
    "minute": lambda time: time.dt.minute(),
}


def local_times(
    table: nw.LazyFrame[Any], column: str, time_zone: str | None, into: str
) -> nw.LazyFrame[Any]:
    """Add a column with the times as a clock in the zone shows them.

    Raises
    ------
    ConfigError
        The zone is unknown.
    DataError
        The column's times have no zone of their own to convert from.
    """
    if time_zone is None:
        return table.with_columns(nw.col(column).alias(into))
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(
            "the time zone is unknown",
            where="time_zone",
            got=time_zone,
            allowed="a name of the IANA database, such as Europe/Berlin",
        ) from None
    dtype = table.collect_schema()[column]
    if not isinstance(dtype, nw.Datetime) or dtype.time_zone is None:
        raise DataError(
            f"the times of the column {column!r} have no zone to convert from",
            where="time_zone",
            got=str(dtype),
            hint="leave time_zone out",
        )
    if table.implementation.is_duckdb():
        # DuckDB keeps one zone per connection; its own function gives the clock's time in another.
        native = nw.to_native(table)
        quoted = '"' + column.replace('"', '""') + '"'
        zone = time_zone.replace("'", "''")
        projected: nw.LazyFrame[Any] = nw.from_native(
            native.project(f"*, timezone('{zone}', {quoted}) AS \"{into}\"")
        )
        return projected
    return table.with_columns(nw.col(column).dt.convert_time_zone(time_zone).alias(into))
