"""How good a model we find in a given time, against FLAML in the same time, on the same rows.

    python -m benchmarks.accuracy [--seconds 60] [--tables flights wine ...] [--peer PYTHON]

Late flights (the example's sample, cut by time) and the tables that ship with scikit-learn (cut by
chance, three tenths for the test). Ours selects among six candidates, tunes the winner and fits it;
FLAML searches by its own defaults. Both get the same features and all processors, one after the
other, and are judged on the same test rows: the difference is given with its paired bootstrap
interval, and is noise where that holds 0.

FLAML gets an environment of its own, made once in the user's cache folder with pip; --peer names a
Python that has it already.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.tables import TABLES, Case, load
from benchmarks.peers import peer_environment
from benchmarks.projects import ENVIRONMENT
from fivefold.features import feature_frame, target_array
from fivefold.paired import paired_changes
from fivefold.scoring import Predictions

HERE = Path(__file__).parent
PEER = ("flaml==2.7.0", "flaml[automl]", "pyarrow")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each side, for each table")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer", type=Path, help="a Python with FLAML")
    options = parser.parse_args()
    peer = options.peer or peer_environment(*PEER)
    print(f"{'table':<14}{'metric':<24}{'ours':>9}{'FLAML':>9}   difference, 95%")
    better, worse = [], []
    for name in options.tables:
        case = load(name, options.seed)
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            write(case, folder)
            more = [str(options.seconds), str(options.seed)]
            ours = run([sys.executable, str(HERE / "ours.py"), made], folder / "ours.npz", more)
            source = str(folder / "features.pickle")
            theirs = run([str(peer), str(HERE / "theirs.py"), source], folder / "theirs.npz", more)
        line, verdict = compared(case, ours, theirs)
        print(line, flush=True)
        if verdict:
            (better if verdict > 0 else worse).append(name)
    even = len(options.tables) - len(better) - len(worse)
    print(f"better: {len(better)}, within noise: {even}, worse: {len(worse)}")


def write(case: Case, folder: Path) -> None:
    """Write the case for both sides."""
    import polars as pl

    for name, part in (("train", case.train), ("test", case.test)):
        native = part.to_native()
        assert isinstance(native, pl.LazyFrame)
        native.collect().write_parquet(folder / f"{name}.parquet")
    known = {"schema": case.schema.to_json(), "objective": case.objective.to_json()}
    (folder / "case.json").write_text(json.dumps(known), encoding="utf-8")
    given = {
        "train": feature_frame(case.train, case.schema),
        "y": target_array(case.train, case.schema, case.objective),
        "test": feature_frame(case.test, case.schema),
        "task": case.objective.task,
        "metric": case.objective.primary_metric,
        "by_time": bool(case.schema.with_role("time")),
    }
    (folder / "features.pickle").write_bytes(pickle.dumps(given))


def run(command: list[str], out: Path, more: list[str]) -> dict[str, NDArray[Any]]:
    """Run one side and read what it left."""
    done = subprocess.run(
        [*command, str(out), *more], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    with np.load(out, allow_pickle=False) as found:
        return dict(found)


def compared(
    case: Case, ours: dict[str, NDArray[Any]], theirs: dict[str, NDArray[Any]]
) -> tuple[str, int]:
    """Give a line of the table, and 1, 0 or -1: better, within noise, worse."""
    y = target_array(case.test, case.schema, case.objective)
    name = case.objective.primary_metric
    sides = [predictions(case, y, found) for found in (theirs, ours)]
    change = paired_changes([name], *sides)[name]
    assert change is not None
    sign = 1 if case.objective.primary.goal == "maximize" else -1
    verdict = 0 if change.is_noise else int(np.sign(change.change)) * sign
    words = {1: "better", 0: "within noise", -1: "worse"}[verdict]
    line = (
        f"{case.name:<14}{name:<24}{change.after:>9.4f}{change.before:>9.4f}   "
        f"{change.change:+.4f} [{change.low:+.4f}, {change.high:+.4f}] {words}; "
        f"{ours['best']} in {float(ours['seconds']):.0f} s, "
        f"{theirs['best']} in {float(theirs['seconds']):.0f} s"
    )
    return line, verdict


def predictions(case: Case, y: NDArray[Any], found: dict[str, NDArray[Any]]) -> Predictions:
    """Put one side's scores beside the truth."""
    score = found["score"]
    if case.objective.task == "regression":
        return Predictions(y, value=score)
    classes = found["classes"].astype(y.dtype)
    if case.objective.task == "binary":
        positive = score[:, 1] if score.ndim == 2 else score
        return Predictions(y, classes, positive, classes[(positive >= 0.5).astype(int)])
    return Predictions(y, classes, score, classes[score.argmax(axis=1)])


if __name__ == "__main__":
    main()
