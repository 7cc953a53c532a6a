"""Metrics on resamples, from how often each row was drawn: one function per kind of metric.

Each builder sorts and indexes once and gives a function from counts of shape (n_batch, n_rows) to
values of shape (n_batch,), NaN where the metric is undefined. The definitions are scikit-learn's;
the tests compare each with it, resample by resample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OnCounts", "from_confusion", "of_class_scores", "of_scores", "of_values"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
OnCounts = Callable[[Counts], Floats]


def of_scores(name: str, positive: NDArray[np.bool_], score: Floats) -> OnCounts:
    """Build a metric of two classes' scores; rows as in the counts, shape (n_rows,)."""
    if name == "brier_score":
        return _mean((score - positive) ** 2)
    if name == "log_loss":
        return _mean(_surprise(np.where(positive, score, 1 - score)))
    tally = _Tally(positive, score)
    return tally.roc_auc if name == "roc_auc" else tally.average_precision


def of_class_scores(name: str, true: NDArray[np.intp], score: Floats) -> OnCounts:
    """Build a metric of many classes' scores, shape (n_rows, n_classes)."""
    if name == "log_loss":
        return _mean(_surprise(score[np.arange(len(true)), true]))
    tallies = [_Tally(true == index, score[:, index]) for index in range(score.shape[1])]

    def roc_auc(counts: Counts) -> Floats:
        result: Floats = np.mean([tally.roc_auc(counts) for tally in tallies], axis=0)
        return result

    return roc_auc


def of_values(name: str, true: Floats, value: Floats) -> OnCounts:
    """Build a metric of predicted numbers, shape (n_rows,)."""
    error = np.abs(true - value)
    if name == "mean_absolute_error":
        return _mean(error)
    if name == "root_mean_squared_error":
        squared = _mean(error**2)
        return lambda counts: np.sqrt(squared(counts))
    if name == "median_absolute_error":
        return _median(error)
    # Centred first: the variance of a resample is a difference, which large means would spoil.
    centred = true - true.mean()
    moments = np.stack([error**2, centred, centred**2])

    def r2(counts: Counts) -> Floats:
        residual, first, second = np.einsum("ij,kj->ki", counts, moments)
        total = second - first**2 / counts.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            share: Floats = 1 - residual / total
        # A resample of one distinct target value has no variance; rounding leaves a trace of it.
        varied = total > 1e-12 * second
        return np.where(varied, share, np.nan)

    return r2


def from_confusion(
    name: str, true: NDArray[np.intp], predicted: NDArray[np.intp], n_classes: int
) -> OnCounts:
    """Build a metric of predicted classes, given by position, from the confusion's cells."""
    size = int(max(n_classes, true.max(initial=0) + 1, predicted.max(initial=0) + 1))
    cells, cell_of_row = np.unique(true * size + predicted, return_inverse=True)
    order = np.argsort(cell_of_row, kind="stable")
    starts = np.searchsorted(cell_of_row[order], np.arange(len(cells)))
    compute = _CONFUSION[name]

    def on_counts(counts: Counts) -> Floats:
        confusion = np.zeros((len(counts), size * size))
        confusion[:, cells] = np.add.reduceat(np.take(counts, order, axis=1), starts, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return compute(confusion.reshape(-1, size, size))

    return on_counts


class _Tally:
    """Positive and negative rows per distinct score, from the highest score down."""

    def __init__(self, positive: NDArray[np.bool_], score: Floats) -> None:
        order = np.argsort(-score, kind="stable")
        self._order = None if np.array_equal(order, np.arange(len(order))) else order
        ordered = score[order]
        self._positive = positive[order].astype(np.int64)
        ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
        self._ends = None if len(ends) == len(ordered) else ends

    def _cumulative(self, counts: Counts) -> tuple[Counts, Counts]:
        """Give true positives and all rows at each threshold, shape (n_batch, n_thresholds)."""
        ordered = counts if self._order is None else np.take(counts, self._order, axis=1)
        # Integers: exact, and many times faster to accumulate than with a conversion.
        hits = np.cumsum(ordered * self._positive, axis=1)
        rows = np.cumsum(ordered, axis=1)
        if self._ends is None:
            return hits, rows
        return np.take(hits, self._ends, axis=1), np.take(rows, self._ends, axis=1)

    def roc_auc(self, counts: Counts) -> Floats:
        """Compute the share of pairs in the right order, ties half (Mann and Whitney)."""
        hits, rows = self._cumulative(counts)
        misses = rows - hits
        n_positive, n_negative = hits[:, -1], misses[:, -1]
        # The trapezoidal area under hits against misses, from the origin on.
        area = np.einsum("ij,ij->i", np.diff(misses, axis=1), hits[:, 1:] + hits[:, :-1])
        area += misses[:, 0] * hits[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Floats = area / (2.0 * n_positive * n_negative)
        return result

    def average_precision(self, counts: Counts) -> Floats:
        """Compute the mean of precisions at the thresholds, weighted by the gain in recall."""
        hits, rows = self._cumulative(counts)
        gained = np.diff(hits, axis=1, prepend=0)
        precision = hits / np.maximum(rows, 1)
        result: Floats = np.einsum("ij,ij->i", gained, precision) / np.maximum(hits[:, -1], 1.0)
        # Without a positive row, recall is 0 by scikit-learn's definition, and so is this.
        return result


def _mean(per_row: Floats) -> OnCounts:
    def mean(counts: Counts) -> Floats:
        # Not a BLAS product, whose last digit depends on the number of its threads.
        result: Floats = np.einsum("ij,j->i", counts, per_row) / counts.sum(axis=1)
        return result

    return mean


def _median(per_row: Floats) -> OnCounts:
    order = np.argsort(per_row, kind="stable")
    ordered = per_row[order]

    def median(counts: Counts) -> Floats:
        drawn = np.cumsum(np.take(counts, order, axis=1), axis=1)
        total = drawn[:, -1]
        lower = np.count_nonzero(drawn <= ((total - 1) // 2)[:, None], axis=1)
        upper = np.count_nonzero(drawn <= (total // 2)[:, None], axis=1)
        result: Floats = (ordered[lower] + ordered[upper]) / 2
        return result

    return median


def _surprise(probability: Floats) -> Floats:
    # scikit-learn's own bound on log(0).
    tiny = np.finfo(np.float64).eps
    result: Floats = -np.log(np.clip(probability, tiny, 1 - tiny))
    return result


def _accuracy(c: Floats) -> Floats:
    result: Floats = np.trace(c, axis1=1, axis2=2) / c.sum(axis=(1, 2))
    return result


def _balanced_accuracy(c: Floats) -> Floats:
    recall = np.diagonal(c, axis1=1, axis2=2) / c.sum(axis=2)
    result: Floats = np.nanmean(recall, axis=1)
    return result


def _or_zero(numerator: Any, denominator: Any) -> Floats:
    result: Floats = np.where(denominator > 0, numerator / denominator, 0.0)
    return result


def _precision(c: Floats) -> Floats:
    return _or_zero(c[:, 1, 1], c[:, :, 1].sum(axis=1))


def _recall(c: Floats) -> Floats:
    return _or_zero(c[:, 1, 1], c[:, 1, :].sum(axis=1))


def _f1(c: Floats) -> Floats:
    return _or_zero(2 * c[:, 1, 1], c[:, :, 1].sum(axis=1) + c[:, 1, :].sum(axis=1))


def _f1_macro(c: Floats) -> Floats:
    seen = c.sum(axis=1) + c.sum(axis=2)
    each = _or_zero(2 * np.diagonal(c, axis1=1, axis2=2), seen)
    result: Floats = each.sum(axis=1) / (seen > 0).sum(axis=1)
    return result


def _matthews(c: Floats) -> Floats:
    true, predicted, rows = c.sum(axis=2), c.sum(axis=1), c.sum(axis=(1, 2))
    covariance = np.trace(c, axis1=1, axis2=2) * rows - (true * predicted).sum(axis=1)
    spread = (rows**2 - (predicted**2).sum(axis=1)) * (rows**2 - (true**2).sum(axis=1))
    return _or_zero(covariance, np.sqrt(spread))


_CONFUSION: dict[str, Callable[[Floats], Floats]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "f1_macro": _f1_macro,
    "matthews_corrcoef": _matthews,
}
