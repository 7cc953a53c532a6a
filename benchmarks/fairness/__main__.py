"""What intervals of fairness metrics take, against fairlearn's own bootstrap, in one run.

    python -m benchmarks.fairness [--rows 100000] [--groups 12] [--resamples 1000] [--boots 10]

Two classes, so many rows in so many groups. Both sides measure selection, true positive and false
positive rate and accuracy per group, and how far the groups are apart. fairlearn's MetricFrame
resamples the rows (`n_boot`); ours resamples the counts of each cell, and also makes the intervals
hold for all groups together. Seconds are of one process and wall time, the median of three runs for
ours; fairlearn runs once, with few boots, since each takes over a second.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from fairlearn import metrics as fairlearn
from sklearn.metrics import accuracy_score

from fivefold.model.disparity import Counted, Means, aggregates, rates, resampled_counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=12)
    parser.add_argument("--resamples", type=int, default=1000, help="ours")
    parser.add_argument("--boots", type=int, default=10, help="fairlearn's")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    codes = rng.integers(0, options.groups, options.rows)
    true = rng.random(options.rows) < 0.3 + 0.01 * codes
    predicted = np.where(rng.random(options.rows) < 0.8, true, rng.random(options.rows) < 0.5)

    ours = [timed(lambda: by_counts(codes, true, predicted, options)) for _ in range(3)]
    seconds = statistics.median(taken for taken, _ in ours)
    theirs, ends = timed(lambda: by_rows(codes, true, predicted, options.boots))
    print(f"{options.rows:,} rows, {options.groups} groups")
    print(f"ours       {options.resamples:>6,} resamples  {seconds:8.3f} s")
    print(f"fairlearn  {options.boots:>6,} resamples  {theirs:8.3f} s")
    each, other = seconds / options.resamples, theirs / options.boots
    print(f"a resample takes ours {each * 1e3:.3f} ms, fairlearn {other * 1e3:.1f} ms")
    print(f"ratio per resample: {other / each:,.0f}")
    print(f"demographic parity difference: quantiles of ours {ours[0][1]}, fairlearn's {ends}")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def by_counts(codes: Any, true: Any, predicted: Any, options: argparse.Namespace) -> Any:
    cells = np.bincount(codes * 4 + true * 2 + predicted, minlength=options.groups * 4)
    cells = cells.reshape(options.groups, 2, 2)
    drawn = resampled_counts(cells, options.resamples, np.random.default_rng(0))
    counted = Counted(rates(cells, binary=True), rates(drawn, binary=True))
    found = aggregates(counted, Means({}, {}), np.ones(options.groups, dtype=bool), 0.95)
    return rounded(found["demographic_parity_difference"].percentiles)


def by_rows(codes: Any, true: Any, predicted: Any, boots: int) -> Any:
    frame = fairlearn.MetricFrame(
        metrics={
            "selection_rate": fairlearn.selection_rate,
            "true_positive_rate": fairlearn.true_positive_rate,
            "false_positive_rate": fairlearn.false_positive_rate,
            "accuracy": accuracy_score,
        },
        y_true=true,
        y_pred=predicted,
        sensitive_features=codes,
        n_boot=boots,
        ci_quantiles=[0.025, 0.975],
        random_state=0,
    )
    return rounded(ends["selection_rate"] for ends in frame.difference_ci())


def rounded(ends: Any) -> tuple[float, ...]:
    return tuple(round(float(end), 4) for end in ends)


if __name__ == "__main__":
    main()
