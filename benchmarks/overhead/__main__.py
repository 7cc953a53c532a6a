"""What the framework costs: ``dvc repro`` against the same functions in one process.

    python -m benchmarks.overhead [--full] [--stages] [--runs 3]

Three ways to compute the same results on the flights tables, in one session:

1. ``dvc repro --force`` of a freshly baked project;
2. one Python process that calls the stages' pure functions one after another and keeps every table
   in memory: no DVC, no parameters, no files but the sources;
3. each stage alone, ``fivefold run <stage>``, and its function alone in a fresh process, which says
   where the difference goes.

With ``--full`` on all 336,776 flights, otherwise on the project's own sample.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.projects import ENVIRONMENT, bake, timed
from fivefold.pipeline.stages import PROFILE, STAGES

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead")
    parser.add_argument("--full", action="store_true", help="all flights, not the sample")
    parser.add_argument("--runs", type=int, default=3, help="how often each way is run")
    parser.add_argument("--stages", action="store_true", help="also each stage by itself")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = bake(Path(folder) / "late-flights", full=options.full)
        figures = measure(project, options.runs, options.stages)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def measure(project: Path, runs: int, by_stage: bool) -> dict[str, Any]:
    """Time the ways in turn, so that a machine that slows down slows all of them."""
    timed(project, "dvc", "repro", "--quiet")  # the first run fills caches and compiles modules
    ways: dict[str, list[float]] = {"repro": [], "one_process": [], "no_op": [], "empty_no_op": []}
    empty = same_shape(project)
    for _ in range(runs):
        ways["repro"].append(timed(project, "dvc", "repro", "--quiet", "--force"))
        ways["one_process"].append(timed(project, sys.executable, str(HERE / "one_process.py")))
        ways["no_op"].append(timed(project, "dvc", "repro", "--quiet"))
        ways["empty_no_op"].append(timed(empty, "dvc", "repro", "--quiet"))
    stages: dict[str, dict[str, float]] = {}
    if by_stage:
        stages = {stage.name: per_stage(project, stage.name, runs) for stage in STAGES}
        stages["compose"] = {"run": median_of(runs, project, "fivefold", "compose")}
    return {"ways": ways, "stages": stages}


def per_stage(project: Path, name: str, runs: int) -> dict[str, float]:
    """Time one stage as DVC starts it, and its function alone with the imports that it needs."""
    run = median_of(runs, project, "fivefold", "run", name)
    profile = json.loads((project / PROFILE).read_text(encoding="utf-8"))[name]
    alone = [
        float(
            subprocess.run(
                [sys.executable, str(HERE / "one_stage.py"), name],
                cwd=project,
                env=ENVIRONMENT,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for _ in range(runs)
    ]
    return {
        "run": run,
        "read": profile.get("read_seconds", 0.0),
        "write": profile.get("write_seconds", 0.0),
        "function": statistics.median(alone),
    }


def same_shape(project: Path) -> Path:
    """Make a pipeline of the same shape whose commands do nothing, run once."""
    import yaml

    empty = project.with_name("empty")
    shutil.copytree(project, empty, ignore=shutil.ignore_patterns("cache", "tmp"))
    pipeline = yaml.safe_load((empty / "dvc.yaml").read_text(encoding="utf-8"))
    for stage in pipeline["stages"].values():
        stage["cmd"] = "true"
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
            path, settings = next(iter(out.items())) if isinstance(out, dict) else (out, None)
            if isinstance(settings, dict):
                settings["persist"] = True
            else:
                index = stage["outs"].index(out)
                stage["outs"][index] = {path: {"persist": True}}
    (empty / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    timed(empty, "dvc", "repro", "--quiet")
    return empty


def median_of(runs: int, folder: Path, *command: str) -> float:
    """Give the median wall time of a command, after one run that is not counted."""
    timed(folder, *command)
    return statistics.median(timed(folder, *command) for _ in range(runs))


def show(figures: dict[str, Any]) -> None:
    """Print the figures: ratios first."""
    ways, stages = figures["ways"], figures["stages"]
    repro, alone = statistics.median(ways["repro"]), statistics.median(ways["one_process"])
    ratios = [a / b for a, b in zip(ways["repro"], ways["one_process"], strict=True)]
    print(f"dvc repro --force     {repro:7.2f} s   {ways['repro']}")
    print(f"one process           {alone:7.2f} s   {ways['one_process']}")
    print(f"ratio                 {statistics.median(ratios):7.2f}     {ratios}")
    no_op, empty = statistics.median(ways["no_op"]), statistics.median(ways["empty_no_op"])
    print(f"no-op dvc repro       {no_op:7.2f} s; DVC's own, empty pipeline {empty:.2f} s")
    if not stages:
        return
    print(f"\n{'stage':<12}{'run':>8}{'function':>10}{'read':>8}{'write':>8}{'overhead':>10}")
    for name, stage in stages.items():
        function = stage.get("function", 0.0)
        cells = "".join(
            f"{value:{width}.2f}"
            for value, width in (
                (stage["run"], 8),
                (function, 10),
                (stage.get("read", 0.0), 8),
                (stage.get("write", 0.0), 8),
                (stage["run"] - function, 10),
            )
        )
        print(f"{name:<12}{cells}")
    total = sum(stage["run"] for stage in stages.values())
    print(f"\nDVC's own share: {repro - total:.2f} s of {repro:.2f} s")


if __name__ == "__main__":
    main()
