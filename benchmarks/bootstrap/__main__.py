"""What bootstrap intervals of five metrics take, against sorting and scikit-learn, in one run.

    python -m benchmarks.bootstrap [--rows 1000000] [--resamples 1000] [--peer-resamples 5]

One million rows of two classes, five metrics (ROC AUC, average precision, Brier score, log loss,
balanced accuracy), 1,000 resamples. Ours is timed as a whole, by rows, by strata, by whole groups
(of ten rows) and by blocks of time. Beside it, in the same process and in one thread: one argsort
of the scores per resample, the least that a metric of ranks takes when each resample is sorted
anew; and scikit-learn's five functions on drawn rows. The latter two are timed on a few resamples
and multiplied by their number: a thousand of scikit-learn's would take the better part of an hour.
Memory is the peak of what NumPy allocates beyond the predictions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from fivefold.resampling import Clusters, Drawing, Rows, Strata, TimeBlocks
from fivefold.scoring import Predictions, bootstrap, scores

NAMES = ("roc_auc", "average_precision", "brier_score", "log_loss", "balanced_accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bootstrap")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--peer-resamples", type=int, default=5, help="of scikit-learn, and sorts")
    parser.add_argument("--all", action="store_true", help="all ways of drawing, and not rows only")
    options = parser.parse_args()
    p = predictions(options.rows)
    few, many = options.peer_resamples, options.resamples
    sort = once(lambda: np.argsort(p.score), few)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    peer = once(lambda: scores(NAMES, p.take(rng.integers(0, len(p), len(p)))), few)
    found = {"sorting": sort * many, "scikit-learn": peer * many}
    print(f"{options.rows:,} rows, {many:,} resamples, {len(NAMES)} metrics")
    line("argsort per resample, extrapolated", found["sorting"], found["sorting"])
    line("scikit-learn on resamples, extrapolated", found["scikit-learn"], found["sorting"])
    codes = np.arange(len(p))
    ways: dict[str, Drawing] = {"rows": Rows(len(p))}
    if options.all:
        ways |= {
            "stratified": Strata(p.positive.astype(np.intp)),
            "group": Clusters(codes // 10),
            "time": TimeBlocks(codes // 100, 24),
        }
    for name, drawing in ways.items():
        began = time.perf_counter()
        bootstrap(NAMES, p, n_resamples=many, drawing=drawing)
        found[name] = time.perf_counter() - began
        line(f"ours, by {name}", found[name], found["sorting"])
    tracemalloc.start()
    bootstrap(NAMES, p, n_resamples=3)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    print(f"{'ours, peak memory':<42}{peak:>9.0f} MB, whatever the number of resamples")
    print(json.dumps({**found, "memory_mb": peak}))


def predictions(n_rows: int) -> Predictions:
    """Draw scores and classes that follow them."""
    rng = np.random.default_rng(0)
    score = rng.random(n_rows)
    label = (score >= 0.5).astype(np.int64)
    return Predictions(
        (rng.random(n_rows) < score).astype(np.int64), np.array([0, 1]), score, label
    )


def once(run: Callable[[], object], times: int) -> float:
    """Give the median seconds of one call."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def line(what: str, seconds: float, sorting: float) -> None:
    """Print seconds, and how many times those of sorting they are."""
    print(f"{what:<42}{seconds:>9.1f} s{seconds / sorting:>8.2f}x sorting", flush=True)


if __name__ == "__main__":
    main()
