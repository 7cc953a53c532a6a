"""Metrics of scores and of numbers on resamples, from how often each row was drawn.

Each builder sorts and indexes once and gives a function from counts of shape (n_batch, n_rows) to
values of shape (n_batch,), NaN where the metric is undefined. The definitions are scikit-learn's;
the tests compare each with it, resample by resample.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["TOP", "OnCounts", "of_class_scores", "of_scores", "of_values"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
OnCounts = Callable[[Counts], Floats]

TOP = 2
"""Of so many classes with the highest scores one must be right: scikit-learn's default."""


def of_scores(name: str, positive: NDArray[np.bool_], score: Floats) -> OnCounts:
    """Build a metric of two classes' scores; rows as in the counts, shape (n_rows,)."""
    if name == "brier_score":
        return _mean((score - positive) ** 2)
    surprise = _surprise(np.where(positive, score, 1 - score))
    if name == "log_loss":
        return _mean(surprise)
    if name == "d2_log_loss_score":
        return _skill(surprise, positive.astype(np.intp), _entropy)
    if name == "d2_brier_score":
        return _skill(2 * (score - positive) ** 2, positive.astype(np.intp), _gini)
    tally = _Tally(positive, score)
    return tally.roc_auc if name == "roc_auc" else tally.average_precision


def of_class_scores(name: str, true: NDArray[np.intp], score: Floats) -> OnCounts:
    """Build a metric of many classes' scores, shape (n_rows, n_classes).

    Where a row of a class without a score was drawn, that of a class which the model never saw, the
    metric is undefined.
    """
    n_classes = score.shape[1]
    known = true < n_classes
    safe = np.where(known, true, 0)
    if name in ("log_loss", "d2_log_loss_score"):
        surprise = _surprise(score[np.arange(len(true)), safe])
        built = (
            _mean(surprise) if name == "log_loss" else _skill(surprise, safe, _entropy, n_classes)
        )
    elif name == "top_k_accuracy":
        built = _mean(among_top(safe, score).astype(np.float64))
    else:
        built = _mean_roc_auc(true, score)
    return _where(known, built)


def of_values(name: str, true: Floats, value: Floats) -> OnCounts:
    """Build a metric of predicted numbers, shape (n_rows,)."""
    error = np.abs(true - value)
    if name == "mean_absolute_error":
        return _mean(error)
    if name == "mean_squared_error":
        return _mean(error**2)
    if name == "root_mean_squared_error":
        return _root(_mean(error**2))
    if name == "median_absolute_error":
        return _median(error)
    if name == "mean_absolute_percentage_error":
        return _mean(error / np.maximum(np.abs(true), np.finfo(np.float64).eps))
    if name == "d2_absolute_error_score":
        return _absolute_skill(error, true)
    if name == "root_mean_squared_log_error":
        known = (true > -1) & (value > -1)
        first, second = (np.log1p(np.where(known, numbers, 0.0)) for numbers in (true, value))
        return _where(known, _root(_mean((first - second) ** 2)))
    if name == "mean_poisson_deviance":
        known = (true >= 0) & (value > 0)
        true, value = np.where(known, true, 1.0), np.where(known, value, 1.0)
        # 0 log 0 is 0.
        logs = true * np.log(np.where(true > 0, true, 1.0) / value)
        return _where(known, _mean(2 * (np.where(true > 0, logs, 0.0) - true + value)))
    return _explained(true, value, centred=name == "explained_variance")


def among_top(true: NDArray[np.intp], score: Floats) -> NDArray[np.bool_]:
    """Tell whether each row's class is among those with the highest scores."""
    best = np.argsort(score, axis=1, kind="stable")[:, ::-1][:, :TOP]
    found: NDArray[np.bool_] = (best == true[:, None]).any(axis=1)
    return found


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


def _mean_roc_auc(true: NDArray[np.intp], score: Floats) -> OnCounts:
    tallies = [_Tally(true == index, score[:, index]) for index in range(score.shape[1])]

    def roc_auc(counts: Counts) -> Floats:
        result: Floats = np.mean([tally.roc_auc(counts) for tally in tallies], axis=0)
        return result

    return roc_auc


def _mean(per_row: Floats) -> OnCounts:
    def mean(counts: Counts) -> Floats:
        # Not a BLAS product, whose last digit depends on the number of its threads.
        result: Floats = np.einsum("ij,j->i", counts, per_row) / counts.sum(axis=1)
        return result

    return mean


def _root(compute: OnCounts) -> OnCounts:
    return lambda counts: np.sqrt(compute(counts))


def _where(known: NDArray[np.bool_], compute: OnCounts) -> OnCounts:
    """Leave a metric undefined on resamples with a row for which it is."""
    if known.all():
        return compute
    unknown = (~known).astype(np.int64)
    return lambda counts: np.where(
        np.einsum("ij,j->i", counts, unknown) > 0, np.nan, compute(counts)
    )


def _skill(
    loss: Floats,
    true: NDArray[np.intp],
    of_shares: Callable[[Floats], Floats],
    n_classes: int = 2,
) -> OnCounts:
    """Compare a mean loss with that of predicting each resample's own shares of the classes."""
    mean = _mean(loss)
    member = np.stack([true == index for index in range(n_classes)]).astype(np.int64)

    def skill(counts: Counts) -> Floats:
        shares = np.einsum("ij,kj->ik", counts, member) / counts.sum(axis=1)[:, None]
        without = of_shares(shares)
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Floats = np.where(without > 0, 1 - mean(counts) / without, np.nan)
        return result

    return skill


def _entropy(shares: Floats) -> Floats:
    result: Floats = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    return result


def _gini(shares: Floats) -> Floats:
    result: Floats = 1 - (shares**2).sum(axis=1)
    return result


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


def _absolute_skill(error: Floats, true: Floats) -> OnCounts:
    """Compare the absolute error with that of predicting each resample's own median."""
    order = np.argsort(true, kind="stable")
    ordered, model = true[order] - true.mean(), _mean(error)

    def skill(counts: Counts) -> Floats:
        drawn = np.take(counts, order, axis=1)
        reached = np.cumsum(drawn, axis=1)
        total = reached[:, -1]
        at = np.count_nonzero(reached <= ((total - 1) // 2)[:, None], axis=1)
        below = np.arange(len(ordered)) <= at[:, None]
        sums = np.where(below, -drawn, drawn) * ordered
        balance = total - 2 * reached[np.arange(len(at)), at]
        # The sum of distances from the median: what lies above it less what lies below.
        without = sums.sum(axis=1) - ordered[at] * balance
        size = np.einsum("ij,j->i", drawn, np.abs(ordered))
        with np.errstate(divide="ignore", invalid="ignore"):
            share: Floats = 1 - model(counts) * total / without
        # Rounding leaves a trace of a resample of one distinct target value.
        return np.where(without > 1e-12 * size, share, np.nan)

    return skill


def _explained(true: Floats, value: Floats, *, centred: bool) -> OnCounts:
    """Compute the share of the target's variance that the predictions explain."""
    # Moved first: the variance of a resample is a difference, which large means would spoil.
    moved, error = true - true.mean(), true - value
    about = error - error.mean() if centred else error
    moments = np.stack([about**2, about, moved, moved**2])

    def share(counts: Counts) -> Floats:
        squared, bias, first, second = np.einsum("ij,kj->ki", counts, moments)
        rows = counts.sum(axis=1)
        residual = squared - bias**2 / rows if centred else squared
        total = second - first**2 / rows
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Floats = 1 - residual / total
        # A resample of one distinct target value has no variance; rounding leaves a trace of it.
        return np.where(total > 1e-12 * second, result, np.nan)

    return share


def _surprise(probability: Floats) -> Floats:
    # scikit-learn's own bound on log(0).
    tiny = np.finfo(np.float64).eps
    result: Floats = -np.log(np.clip(probability, tiny, 1 - tiny))
    return result
