"""What a study costs beside a bare loop of Optuna's, a queue of DVC's and tracking in MLflow.

    python -m benchmarks.tuning [--trials 200] [--pairs 2] [--mlflow PYTHON] [--dvc 3]

Both sides tune the same pipeline on the same table with the same sampler, seed and number of folds,
in turns: theirs, ours, ours, theirs. ``study`` is our loop with the outcomes kept on the disk;
``stage`` is all that ``fivefold run tune`` does between reading and writing: also the importances,
the table of trials and the page. ``cpu`` is the processors' time, which others on the machine
disturb less. ``--mlflow`` names the Python of an environment with MLflow, which then tracks the
same trials in SQLite. ``--dvc`` queues so many experiments that do nothing; what all trials would
take is extrapolated from them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.projects import timed
from benchmarks.tuning.bare import study_of
from benchmarks.tuning.table import CANDIDATE, FOLDS, SEED, objective, schema, train
from fivefold.model.tune import Budget, TuneConfig, Tuned, tune
from fivefold.model.tuning.search import searched

HERE = Path(__file__).parent
STAGE = """stages:
  trial:
    cmd: python -c "print('{}', file=open('metrics.json', 'w'))"
    params: [depth]
    metrics: [{metrics.json: {cache: false}}]
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuning")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=2, help="how often each side is run, halved")
    parser.add_argument("--mlflow", type=Path, help="the Python of an environment with MLflow")
    parser.add_argument("--dvc", type=int, default=3, help="experiments to queue; 0 for none")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        figures, trials = studies(options.rows, options.trials, options.pairs)
        if options.mlflow:
            figures["mlflow"] = tracked(options.mlflow, trials, Path(folder))
        else:
            print("MLflow: not measured; give --mlflow PYTHON", file=sys.stderr)
        if options.dvc:
            figures["dvc_each"] = queued(options.dvc, Path(folder) / "queue")
    show(figures, options.trials)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def studies(rows: int, n_trials: int, pairs: int) -> tuple[dict[str, float], str]:
    """Time the ways in turns, and check that all found the same."""
    table = train(rows)
    number = 0

    def config(n: int) -> TuneConfig:
        nonlocal number
        number += 1
        return TuneConfig(
            candidate=replace(CANDIDATE, search=CANDIDATE.search),
            budget=Budget(trials=n),
            folds=FOLDS,
            seed=SEED,
            # Each run asks what was not asked before, so that nothing is spared.
            code=f"run {number}",
        )

    def stage(n: int) -> Tuned:
        return tune(table, schema(), objective(), {}, config(n))

    def study(n: int) -> Any:
        return searched(table, schema(), objective(), CANDIDATE, config(n))

    def bare(n: int) -> Any:
        return study_of(table, n)

    ways: dict[str, Callable[[int], Any]] = {"bare": bare, "study": study, "stage": stage}
    for way in ways.values():
        way(3)
    taken = dict.fromkeys([f"{name}{of}" for name in ways for of in ("", "_cpu")], 0.0)
    found: dict[str, Any] = {}
    for _ in range(pairs):
        for name in [*ways, *reversed(ways)]:
            began, cpu = time.perf_counter(), time.process_time()
            found[name] = ways[name](n_trials)
            taken[name] += (time.perf_counter() - began) / (2 * pairs)
            taken[f"{name}_cpu"] += (time.process_time() - cpu) / (2 * pairs)
    print(f"best: bare {found['bare'].best_value:.4f}, ours {found['stage'].scores['roc_auc']:.4f}")
    return taken, found["stage"].trials


def tracked(python: Path, trials: str, folder: Path) -> float:
    """Track the trials with MLflow and give the seconds."""
    file = folder / "trials.csv"
    file.write_text(trials, encoding="utf-8")
    command = [str(python), str(HERE / "mlflow_runs.py"), str(file), f"sqlite:///{folder}/runs.db"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def queued(count: int, folder: Path) -> float:
    """Queue experiments that do nothing, run them, and give the seconds of each."""
    folder.mkdir()
    (folder / "dvc.yaml").write_text(STAGE)
    (folder / "params.yaml").write_text("depth: 0\n")
    for command in (
        "git init -q",
        "git config user.name Benchmark",
        "git config user.email benchmark@example.org",
        "dvc init -q",
        "dvc config core.analytics false",
        "dvc config core.check_update false",
        "dvc repro -q",
        "git add .",
        "git commit -qm Start",
    ):
        timed(folder, *command.split())
    seconds = sum(
        timed(folder, "dvc", "exp", "run", "--queue", "-S", f"depth={number}")
        for number in range(1, count + 1)
    )
    return (seconds + timed(folder, "dvc", "exp", "run", "--run-all")) / count


def show(figures: dict[str, float], n_trials: int) -> None:
    """Print a line for each way."""
    bare = figures["bare"]
    print(f"{n_trials} trials{'':<12}{'s':>9}{'ratio':>9}{'cpu':>9}{'ratio':>9}")
    for name in ("bare", "study", "stage"):
        cpu = figures[f"{name}_cpu"]
        print(f"{name:<22}{figures[name]:>9.2f}{figures[name] / bare:>9.3f}", end="")
        print(f"{cpu:>9.2f}{cpu / figures['bare_cpu']:>9.3f}")
    if "mlflow" in figures:
        # Its time comes on top of the loop's.
        print(f"{'bare + MLflow':<22}{bare + figures['mlflow']:>9.2f}", end="")
        print(f"{(bare + figures['mlflow']) / bare:>9.3f}")
    if "dvc_each" in figures:
        whole = figures["dvc_each"] * n_trials
        print(f"{'DVC queue, of no-ops':<22}{whole:>9.0f}{whole / bare:>9.1f}", end="")
        print(f"   ({figures['dvc_each']:.1f} s each, extrapolated)")


if __name__ == "__main__":
    main()
