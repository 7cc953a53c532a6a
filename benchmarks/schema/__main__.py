"""Thirty-five checks of a million rows, side by side in one session.

    python -m benchmarks.schema [--rows 1000000] [--runs 3] [--peer PYTHON]

Each way runs in a process of its own, in turn: the same checks written out in polars; pandera
alone; validate on each engine, from the Parquet file, with all that it reports; and Great
Expectations, where ``--peer`` names a Python that has it. Of each the whole process (imports and
reading too), and the checks alone, which in validate read the file, and elsewhere find it read.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.schema.ways import ALLOWED, CHECKS, INTEGERS, NUMBERS, TEXTS
from fivefold.table import ENGINES, Rows, write_rows

WAYS = Path(__file__).parent / "ways.py"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schema")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, help="how often each way is run")
    parser.add_argument("--peer", type=Path, help="a Python that has great_expectations")
    options = parser.parse_args()
    ways = dict.fromkeys(("plain", "pandera"), sys.executable)
    ways |= {f"fivefold:{engine}": sys.executable for engine in ENGINES}
    if options.peer:
        ways["great_expectations"] = str(options.peer)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        write_rows(Rows.of(table(options.rows)), path)
        figures: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
        for _ in range(options.runs):
            for way, python in ways.items():
                figures[way].append(measured(python, way, path))
    first = [statistics.median(column) for column in zip(*figures["plain"], strict=True)]
    print(f"{CHECKS} checks, {options.rows:,} rows: seconds, and times plain polars")
    print(f"{'':<20}{'process':>10}{'':>7}{'checks':>10}{'':>7}{'MB':>8}")
    for way, runs in figures.items():
        whole, alone, memory = (statistics.median(column) for column in zip(*runs, strict=True))
        ratios = f"{whole / first[0]:>6.1f}x", f"{alone / first[1]:>6.1f}x"
        print(f"{way:<20}{whole:>10.2f}{ratios[0]}{alone:>10.2f}{ratios[1]}{memory:>8.0f}")


def measured(python: str, way: str, path: Path) -> tuple[float, float, float]:
    """Run one way; give the seconds of the process and of the checks, and the peak memory."""
    began = time.perf_counter()
    done = subprocess.run(
        [python, str(WAYS), way, str(path)], check=False, capture_output=True, text=True
    )
    whole = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{way} failed:\n{done.stdout}{done.stderr}")
    alone, memory = map(float, done.stdout.split()[-2:])
    return whole, alone, memory


def table(rows: int) -> pa.Table:
    draw = np.random.default_rng(1)
    columns: dict[str, object] = {"id": np.arange(rows)}
    columns |= {name: draw.integers(0, 1000, rows) for name in INTEGERS}
    columns |= {name: draw.normal(size=rows) for name in NUMBERS}
    texts = np.array(ALLOWED)
    columns |= {name: texts[draw.integers(0, len(ALLOWED), rows)] for name in TEXTS}
    columns["y"] = draw.normal(size=rows)
    return pa.table(columns)


if __name__ == "__main__":
    main()
