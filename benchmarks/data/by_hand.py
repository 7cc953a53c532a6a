"""The data phase as one would write it by hand: polars, one process, nothing kept but the parts.

    python -m benchmarks.data.by_hand <folder of sources> <folder of results>

Joins, cleaning, label, checks and split are those of the flights example. The rows of each part are
sorted by key, because a table in no order differs from run to run.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

KEY = ["time_hour", "carrier", "flight", "origin"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]  # fmt: skip  # noqa: E501
PLANE = ["year", "type", "manufacturer", "engines", "seats", "engine"]
ENDS = [datetime(2013, 9, 1, tzinfo=UTC), datetime(2013, 11, 1, tzinfo=UTC)]
LAST = datetime(2014, 1, 1, tzinfo=UTC)
RANGES = {
    "dep_time": (1, 2400),
    "hour": (0, 23),
    "month": (1, 12),
    "day": (1, 31),
    "distance": (0, None),
    "temp": (-60, 130),
    "humid": (0, 100),
    "pressure": (900, 1100),
    "plane_seats": (1, 900),
    "dest_lat": (-90, 90),
    "dest_lon": (-180, 180),
}
COMPLETE = [*KEY, "dest", "late", "distance", "plane_engine", "carrier_name"]


def table(sources: Path) -> pl.LazyFrame:
    """Join the sources."""
    read = {path.stem: pl.scan_parquet(path) for path in sources.glob("*.parquet")}
    planes = read["planes"].select("tailnum", pl.col(PLANE).name.prefix("plane_"))
    airports = read["airports"].select("faa", pl.col("lat", "lon", "alt").name.prefix("dest_"))
    airlines = read["airlines"].select("carrier", carrier_name="name")
    return (
        read["flights"]
        .join(
            read["weather"].select("origin", "time_hour", *WEATHER),
            on=["origin", "time_hour"],
            how="left",
        )
        .join(planes, on="tailnum", how="left")
        .join(airports, left_on="dest", right_on="faa", how="left")
        .join(airlines, on="carrier", how="left")
    )


def cleaned(joined: pl.LazyFrame) -> pl.LazyFrame:
    """Drop flights without an arrival, fill, label."""
    local = pl.col("time_hour").dt.convert_time_zone("America/New_York")
    return (
        joined.filter(pl.col("arr_delay").is_not_null())
        .with_columns(
            late=(pl.col("arr_delay") >= 15).cast(pl.Int64),
            time_hour_weekday=local.dt.weekday().cast(pl.Int64),
        )
        .with_columns(
            pl.col("plane_type", "plane_manufacturer", "plane_engine").fill_null("unknown")
        )
        .drop("year", "minute")
    )


def main(sources: Path, results: Path) -> None:
    """Make the parts, check them, and write what a reader needs."""
    results.mkdir(parents=True, exist_ok=True)
    joined = table(sources)
    rows = cleaned(joined)
    checks = {
        **{f"{name} is missing": pl.col(name).null_count() for name in COMPLETE},
        **{
            f"{name} is out of range": (
                (pl.col(name) < low) | (pl.lit(False) if high is None else pl.col(name) > high)
            ).sum()
            for name, (low, high) in RANGES.items()
        },
        "origin is unknown": (~pl.col("origin").is_in(["EWR", "JFK", "LGA"])).sum(),
        "rows": pl.len(),
        "late": pl.col("late").sum(),
    }
    matched = joined.select(
        rows=pl.len(),
        weather=pl.col("temp").count(),
        planes=pl.col("plane_type").count(),
        airports=pl.col("dest_lat").count(),
        airlines=pl.col("carrier_name").count(),
    )
    keys = rows.group_by(KEY).len().select(repeated=(pl.col("len") > 1).sum())
    figures = [frame.row(0, named=True) for frame in pl.collect_all([rows.select(**checks), matched, keys], engine="streaming")]  # fmt: skip  # noqa: E501
    wrong = {
        name: count
        for name, count in {**figures[0], **figures[2]}.items()
        if count and name not in ("rows", "late")
    }
    if wrong:
        sys.exit(f"the table is wrong: {wrong}")
    time = pl.col("time_hour")
    parts = {
        "train": time < ENDS[0],
        "test": (time >= ENDS[0]) & (time < ENDS[1]),
        "production": (time >= ENDS[1]) & (time < LAST),
    }
    for name, chosen in parts.items():
        rows.filter(chosen).sort(KEY).sink_parquet(results / f"{name}.parquet")
    report = {"cleaned": figures[0], "joined": figures[1]}
    (results / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
