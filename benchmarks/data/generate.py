"""Tables of the shape of the flights example, as large as wanted: the same rows every time.

The flights are in the order of the days, and in none within a day, as in the original; the hours of
one year hold as many as it takes. Streamed to Parquet day by day.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["TABLES", "generate"]

TABLES = ("flights", "weather", "planes", "airports", "airlines")
DAYS, FIRST_HOUR, HOURS = 365, 5, 19
ORIGINS = ("EWR", "JFK", "LGA")
_START = np.datetime64("2013-01-01T00:00:00", "us")
_PLANES, _AIRPORTS, _AIRLINES = 4000, 105, 16
# Some planes, as in the original, are in no register.
_REGISTERED = 3300


def generate(folder: Path, rows: int) -> None:
    """Write the five tables, with ``rows`` flights, unless the folder has them already."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(2013)
    small = {
        "weather": _weather(draw),
        "planes": _planes(draw),
        "airports": _airports(draw),
        "airlines": _airlines(),
    }
    for name, table in small.items():
        pq.write_table(table, folder / f"{name}.parquet")
    path = folder / "flights.parquet"
    part = path.with_suffix(".part")
    writer = None
    for day in range(DAYS):
        count = rows * (day + 1) // DAYS - rows * day // DAYS
        table = _flights(np.random.default_rng([2013, day]), day, count)
        writer = writer or pq.ParquetWriter(part, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    part.replace(path)


def _flights(draw: np.random.Generator, day: int, count: int) -> pa.Table:
    date = _START + np.timedelta64(day, "D")
    hour = draw.integers(FIRST_HOUR, FIRST_HOUR + HOURS, count)
    minute = draw.integers(0, 60, count)
    delay = np.round(draw.gamma(0.6, 30, count) - 8).astype(np.int64)
    flown = draw.integers(20, 600, count)
    arrival = delay + draw.integers(-25, 25, count)
    clock = (hour * 60 + minute + delay) % 1440
    landed = (hour * 60 + minute + flown + arrival) % 1440
    cancelled = draw.random(count) < 0.028
    plane = draw.integers(0, _PLANES, count)
    month, in_month = str(date)[5:7], str(date)[8:10]
    # The number of a flight tells those of an hour apart, so that the key is unique.
    order = np.argsort(hour, kind="stable")
    starts = np.searchsorted(hour[order], np.arange(HOURS) + FIRST_HOUR)
    number = np.empty(count, dtype=np.int64)
    number[order] = np.arange(count) - starts[hour[order] - FIRST_HOUR] + 1
    whole = {
        "year": np.full(count, 2013),
        "month": np.full(count, int(month)),
        "day": np.full(count, int(in_month)),
        "dep_time": (_clock(clock), cancelled),
        "sched_dep_time": hour * 100 + minute,
        "dep_delay": (delay, cancelled),
        "arr_time": (_clock(landed), cancelled),
        "sched_arr_time": _clock((hour * 60 + minute + flown) % 1440),
        "arr_delay": (arrival, cancelled),
        "carrier": _words("C", _AIRLINES, draw.integers(0, _AIRLINES, count)),
        "flight": number,
        "tailnum": _words("N", _PLANES, plane, cancelled & (plane % 3 == 0)),
        "origin": pa.array(ORIGINS).take(pa.array(draw.integers(0, 3, count))),
        "dest": _words("D", _AIRPORTS, draw.integers(0, _AIRPORTS, count)),
        "air_time": (flown, cancelled),
        "distance": flown * 7,
        "hour": hour,
        "minute": minute,
        "time_hour": _times(date + hour.astype("timedelta64[h]") + np.timedelta64(5, "h")),
    }
    return pa.table({name: _column(values) for name, values in whole.items()})


def _weather(draw: np.random.Generator) -> pa.Table:
    hours = np.arange(DAYS * 24 + 6)
    kept = draw.random((len(ORIGINS), len(hours))) < 0.995
    origin = np.repeat(np.arange(len(ORIGINS)), len(hours))[kept.ravel()]
    hour = np.tile(hours, len(ORIGINS))[kept.ravel()]
    count = len(hour)

    def measured(low: float, high: float, missing: float = 0.0) -> pa.Array:
        values = np.round(draw.uniform(low, high, count), 2)
        return pa.array(values, mask=draw.random(count) < missing)

    return pa.table(
        {
            "origin": pa.array(ORIGINS).take(pa.array(origin)),
            "temp": measured(10, 100),
            "dewp": measured(-10, 78),
            "humid": measured(12, 100),
            "wind_dir": pa.array(draw.integers(0, 37, count) * 10),
            "wind_speed": measured(0, 40),
            "wind_gust": measured(16, 66, 0.79),
            "precip": measured(0, 1.2),
            "pressure": measured(983, 1042, 0.1),
            "visib": measured(0, 10),
            "time_hour": _times(_START + hour.astype("timedelta64[h]")),
        }
    )


def _planes(draw: np.random.Generator) -> pa.Table:
    number = np.arange(_REGISTERED)
    return pa.table(
        {
            "tailnum": _words("N", _PLANES, number),
            "year": pa.array(draw.integers(1960, 2013, len(number)), mask=number % 47 == 0),
            "type": _words("type ", 3, draw.integers(0, 3, len(number))),
            "manufacturer": _words("maker ", 35, draw.integers(0, 35, len(number))),
            "model": _words("model ", 127, draw.integers(0, 127, len(number))),
            "engines": draw.integers(1, 5, len(number)),
            "seats": draw.integers(2, 451, len(number)),
            "engine": _words("engine ", 6, draw.integers(0, 6, len(number))),
        }
    )


def _airports(draw: np.random.Generator) -> pa.Table:
    number = np.arange(_AIRPORTS - 4)
    return pa.table(
        {
            "faa": _words("D", _AIRPORTS, number),
            "lat": np.round(draw.uniform(20, 60, len(number)), 6),
            "lon": np.round(draw.uniform(-150, -60, len(number)), 6),
            "alt": draw.integers(0, 9000, len(number)),
        }
    )


def _airlines() -> pa.Table:
    number = np.arange(_AIRLINES)
    return pa.table(
        {"carrier": _words("C", _AIRLINES, number), "name": _words("Airline ", _AIRLINES, number)}
    )


def _clock(minutes: Any) -> Any:
    return np.maximum(minutes // 60 * 100 + minutes % 60, 1)


def _words(prefix: str, many: int, numbers: Any, missing: Any = None) -> pa.Array:
    width = len(str(many))
    words = pa.array([f"{prefix}{number:0{width}}" for number in range(many)])
    return words.take(pa.array(numbers, mask=missing))


def _times(values: Any) -> pa.Array:
    return pa.array(values.astype("datetime64[us]")).cast(pa.timestamp("us", "UTC"))


def _column(values: Any) -> pa.Array:
    if isinstance(values, tuple):
        return pa.array(values[0], mask=values[1])
    return values if isinstance(values, pa.Array) else pa.array(values)
