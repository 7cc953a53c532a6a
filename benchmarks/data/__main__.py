"""The data phase against a script that does the same by hand.

    python -m benchmarks.data --rows 336776 --engine polars [--pairs 3] [--keep FOLDER]

Generates flights of the example's shape, and runs on them in turn, so that a machine that slows
down slows both:

1. the stages of the data phase as ``dvc repro`` starts them: ``fivefold run <stage>``, a process
   each, every table read from and written to its Parquet file;
2. ``by_hand.py``: one process of polars that keeps nothing but the parts;
3. the same script, which also keeps the table of every stage, as the pipeline does.

Prints the wall time, the processors' time and the peak memory of each, by stage, and the ratios of
each pair; then holds the parts of both against each other, row by row. ``explore`` has no
counterpart in the script: it is measured, and left out of the ratios.
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
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from benchmarks.data.generate import TABLES, generate
from benchmarks.projects import ENVIRONMENT, bake
from fivefold.pipeline.stages import STAGES

# What the script has no counterpart of.
BEYOND = ("explore",)
PARTS = ("train", "test", "production")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data")
    parser.add_argument("--rows", type=int, default=336_776)
    parser.add_argument("--engine", choices=("polars", "duckdb", "pandas"), default="polars")
    parser.add_argument("--pairs", type=int, default=3, help="how often each way is run")
    parser.add_argument("--keep", type=Path, help="the folder of sources, kept between runs")
    parser.add_argument("--skip", default="", help="stages to leave away, by comma")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources = options.keep or Path(folder) / "sources"
        if not (sources / "flights.parquet").exists():
            generate(sources, options.rows)
        project = prepare(Path(folder) / "late-flights", sources, options.engine)
        figures = measure(project, sources, options.pairs, set(options.skip.split(",")))
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def prepare(project: Path, sources: Path, engine: str) -> Path:
    """Bake the example, with the generated tables for its sources."""
    bake(project, full=True)
    (project / "data/source").mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        link = project / f"data/source/{name}.parquet"
        try:
            os.link(sources / link.name, link)
        except OSError:  # another file system
            link.symlink_to((sources / link.name).resolve())
    read = "fivefold.data.sources.local_file"
    declared = {
        name: {"read": {"_target_": read, "path": f"data/source/{name}.parquet"}} for name in TABLES
    }
    text = "# @package collect\n" + yaml.safe_dump({"sources": declared}, sort_keys=False)
    (project / "conf/collect.yaml").write_text(text, encoding="utf-8")
    config = project / "conf/config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("engine: polars", f"engine: {engine}"), encoding="utf-8")
    for command in (("compose",), ("run", "plan")):
        run(project, "fivefold", *command)
    return project


def measure(project: Path, sources: Path, pairs: int, skipped: set[str]) -> list[dict[str, Any]]:
    """Run both ways in turn."""
    stages = [stage.name for stage in STAGES if stage.phase == "data" and stage.name not in skipped]
    found = []
    for _ in range(pairs):
        ours = {name: run(project, "fivefold", "run", name) for name in stages}
        script = [sys.executable, "-m", "benchmarks.data.by_hand", str(sources.resolve())]
        by_hand = run(project, *script, "by-hand")
        keeping = run(project, *script, "by-hand-keeping", "--keep")
        found.append({"stages": ours, "by_hand": by_hand, "keeping": keeping})
    for part in PARTS:
        require_same(project / f"data/{part}.parquet", project / f"by-hand/{part}")
    return found


def run(folder: Path, *command: str) -> dict[str, float]:
    """Run a command; give its seconds, by the wall and of processors, and its peak memory in MB."""
    here = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, [here, ENVIRONMENT.get("PYTHONPATH")]))
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed")
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "memory_mb": usage.ru_maxrss / scale,
    }


def require_same(ours: Path, theirs: Path) -> None:
    """Compare two parts row by row, in bounded memory."""
    left = pq.ParquetFile(ours)
    right = [pq.ParquetFile(path) for path in sorted(theirs.glob("*.parquet"))]
    names = sorted(left.schema_arrow.names)
    assert names == sorted(right[0].schema_arrow.names)
    schema = pa.schema([left.schema_arrow.field(name) for name in names])
    rows = chain.from_iterable(file.iter_batches(65_536, columns=names) for file in right)
    held = pa.Table.from_batches([], schema=schema)
    for batch in left.iter_batches(65_536, columns=names):
        while held.num_rows < batch.num_rows:
            following = next(rows).select(names).cast(schema)
            held = pa.concat_tables([held, pa.table(following)])
        expected = held.slice(0, batch.num_rows).combine_chunks()
        assert pa.table(batch.select(names)).equals(expected), f"{ours} differs from {theirs}"
        held = held.slice(batch.num_rows)
    assert held.num_rows == 0, f"{ours} has fewer rows"
    assert next(rows, None) is None, f"{ours} has fewer rows"


def show(figures: list[dict[str, Any]]) -> None:
    """Print the figures: the stages, then the ratios."""
    stages = list(figures[0]["stages"])
    for name in stages:
        line(name, [pair["stages"][name] for pair in figures])
    totals = [total(pair["stages"], stages) for pair in figures]
    line("all stages", totals)
    line("by hand", [pair["by_hand"] for pair in figures])
    line("by hand, keeping", [pair["keeping"] for pair in figures])
    same = [total(p["stages"], [s for s in stages if s not in BEYOND]) for p in figures]
    for script, name in (("by_hand", "by hand"), ("keeping", "by hand, keeping")):
        for kind in ("seconds", "cpu_seconds"):
            ratios = [
                one[kind] / pair[script][kind] for one, pair in zip(same, figures, strict=True)
            ]
            middle = statistics.median(ratios)
            title = f"{kind} to {name}"
            print(f"{title:<36}{middle:6.2f}   {[round(r, 2) for r in ratios]}")


def total(stages: dict[str, dict[str, float]], names: list[str]) -> dict[str, float]:
    """Add the times of some stages, and give the largest of their memories."""
    return {
        **{kind: sum(stages[n][kind] for n in names) for kind in ("seconds", "cpu_seconds")},
        "memory_mb": max(stages[name]["memory_mb"] for name in names),
    }


def line(name: str, runs: list[dict[str, float]]) -> None:
    """Print one row: the median time, the largest memory."""
    wall, cpu = (
        statistics.median(one[kind] for one in runs) for kind in ("seconds", "cpu_seconds")
    )
    memory = max(one["memory_mb"] for one in runs)
    print(f"{name:<16}{wall:8.2f} s {cpu:8.2f} s cpu {memory:8.0f} MB")


if __name__ == "__main__":
    main()
