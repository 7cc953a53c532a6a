"""The data phase as one would write it by hand: polars, one process, nothing kept but the parts.

    python -m benchmarks.data.by_hand <folder of sources> <folder of results> [--keep]

Joins, cleaning, label, checks and split are those of the flights example. The rows of each part are
sorted by key, because a table in no order differs from run to run; a year of many rows is sorted
month by month, for memory. With ``--keep`` it also writes what the pipeline keeps from stage to
stage, and reads it again: the collected, integrated, labelled and cleaned tables.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import polars as pl

KEY = ["time_hour", "carrier", "flight", "origin"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]  # fmt: skip  # noqa: E501
PLANE = ["year", "type", "manufacturer", "engines", "seats", "engine"]
ENDS = [datetime(2013, 9, 1, tzinfo=UTC), datetime(2013, 11, 1, tzinfo=UTC)]
LAST = datetime(2014, 1, 1, tzinfo=UTC)
MANY = 5_000_000
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


def labelled(joined: pl.LazyFrame) -> pl.LazyFrame:
    """Say which flights are late."""
    return joined.with_columns(late=(pl.col("arr_delay") >= 15).cast(pl.Int64))


def cleaned(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Drop flights without an arrival, fill, add the weekday."""
    local = pl.col("time_hour").dt.convert_time_zone("America/New_York")
    unknown = ["plane_type", "plane_manufacturer", "plane_engine"]
    return (
        rows.filter(pl.col("late").is_not_null())
        .with_columns(
            pl.col(unknown).fill_null("unknown"),
            time_hour_weekday=local.dt.weekday().cast(pl.Int64),
        )
        .drop("year", "minute")
    )


def checked(joined: pl.LazyFrame, rows: pl.LazyFrame) -> dict[str, dict[str, int]]:
    """Count rows, matches and what is wrong with the table."""
    wrong = {
        **{f"{name} is missing": pl.col(name).null_count() for name in COMPLETE},
        **{
            f"{name} is out of range": (
                (pl.col(name) < low) | (pl.lit(False) if high is None else pl.col(name) > high)
            ).sum()
            for name, (low, high) in RANGES.items()
        },
        "origin is unknown": (~pl.col("origin").is_in(["EWR", "JFK", "LGA"])).sum(),
    }
    matched = joined.select(
        rows=pl.len(),
        weather=pl.col("temp").count(),
        planes=pl.col("plane_type").count(),
        airports=pl.col("dest_lat").count(),
        airlines=pl.col("carrier_name").count(),
    )
    figures = rows.select(rows=pl.len(), late=pl.col("late").sum())
    queries = [rows.select(**wrong), matched, figures]
    found = [frame.row(0, named=True) for frame in pl.collect_all(queries, engine="streaming")]
    if any(found[0].values()):
        sys.exit(f"the table is wrong: {found[0]}")
    return {"joined": found[1], "cleaned": found[2]}


def write_sorted(rows: pl.LazyFrame, low: datetime, high: datetime, path: Path) -> None:
    """Sort the rows of a range of time, and write them if no key stands twice."""
    time = pl.col("time_hour")
    part = rows.filter((time >= low) & (time < high)).sort(KEY).collect(engine="streaming")
    if part.select(pl.struct(KEY).rle_id().last() + 1).item() not in (None, part.height):
        sys.exit("a key stands twice")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_parquet(path)


def ranges(many: bool) -> dict[str, list[tuple[datetime, datetime]]]:
    """Give the ranges of each part."""
    if many:
        months = [datetime(2013, month, 1, tzinfo=UTC) for month in range(1, 13)]
        pairs = list(pairwise([*months, LAST]))
        return {
            "train": [pair for pair in pairs if pair[0] < ENDS[0]],
            "test": [pair for pair in pairs if ENDS[0] <= pair[0] < ENDS[1]],
            "production": [pair for pair in pairs if pair[0] >= ENDS[1]],
        }
    starts = [datetime(2013, 1, 1, tzinfo=UTC), *ENDS]
    parts = ("train", "test", "production")
    return {part: [pair] for part, pair in zip(parts, pairwise([*starts, LAST]), strict=True)}


def main(sources: Path, results: Path, keep: bool) -> None:
    """Make the parts, check them, and write what a reader needs."""
    results.mkdir(parents=True, exist_ok=True)

    def kept(frame: pl.LazyFrame, name: str) -> pl.LazyFrame:
        if not keep:
            return frame
        path = results / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.sink_parquet(path)
        return pl.scan_parquet(path)

    if keep:
        for path in sources.glob("*.parquet"):
            kept(pl.scan_parquet(path), f"collected/{path.stem}")
        sources = results / "collected"
    joined = kept(table(sources), "integrated")
    rows = kept(cleaned(kept(labelled(joined), "labelled")), "cleaned")
    report = checked(joined, rows)
    for part, pairs in ranges(report["cleaned"]["rows"] > MANY).items():
        for number, (low, high) in enumerate(pairs):
            write_sorted(rows, low, high, results / part / f"{number:02}.parquet")
    (results / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "--keep" in sys.argv)
