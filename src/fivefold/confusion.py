"""Metrics of predicted classes on resamples, from the cells of the confusion matrix.

The definitions are scikit-learn's; the tests compare each with it, resample by resample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_confusion"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def from_confusion(
    name: str, true: NDArray[np.intp], predicted: NDArray[np.intp], n_classes: int
) -> Callable[[Counts], Floats]:
    """Build a metric of predicted classes, given by position, from the confusion's cells.

    Returns
    -------
    callable
        From counts of shape (n_batch, n_rows) to values of shape (n_batch,), NaN where undefined.
    """
    size = int(max(n_classes, true.max(initial=0) + 1, predicted.max(initial=0) + 1))
    cells, cell_of_row = np.unique(true * size + predicted, return_inverse=True)
    order = np.argsort(cell_of_row, kind="stable")
    starts = np.searchsorted(cell_of_row[order], np.arange(len(cells)))
    compute = _FORMULAS[name]

    def on_counts(counts: Counts) -> Floats:
        confusion = np.zeros((len(counts), size * size))
        confusion[:, cells] = np.add.reduceat(np.take(counts, order, axis=1), starts, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return compute(confusion.reshape(-1, size, size))

    return on_counts


def _right(c: Floats) -> Floats:
    """Give the rows of each class that were predicted so, shape (n_batch, n_classes)."""
    return np.diagonal(c, axis1=1, axis2=2)


def _or_zero(numerator: Any, denominator: Any) -> Floats:
    result: Floats = np.where(denominator > 0, numerator / denominator, 0.0)
    return result


def _accuracy(c: Floats) -> Floats:
    result: Floats = _right(c).sum(axis=1) / c.sum(axis=(1, 2))
    return result


def _balanced_accuracy(c: Floats) -> Floats:
    result: Floats = np.nanmean(_right(c) / c.sum(axis=2), axis=1)
    return result


def _precision(c: Floats) -> Floats:
    return _or_zero(c[:, 1, 1], c[:, :, 1].sum(axis=1))


def _recall(c: Floats) -> Floats:
    return _or_zero(c[:, 1, 1], c[:, 1, :].sum(axis=1))


def _f1(c: Floats) -> Floats:
    return _or_zero(2 * c[:, 1, 1], c[:, :, 1].sum(axis=1) + c[:, 1, :].sum(axis=1))


def _jaccard(c: Floats) -> Floats:
    either = c[:, :, 1].sum(axis=1) + c[:, 1, :].sum(axis=1) - c[:, 1, 1]
    return _or_zero(c[:, 1, 1], either)


def _each_f1(c: Floats) -> Floats:
    return _or_zero(2 * _right(c), c.sum(axis=1) + c.sum(axis=2))


def _over_seen(each: Floats, c: Floats) -> Floats:
    """Average over the classes that are true or predicted of any row."""
    seen = c.sum(axis=1) + c.sum(axis=2) > 0
    result: Floats = each.sum(axis=1) / seen.sum(axis=1)
    return result


def _precision_macro(c: Floats) -> Floats:
    return _over_seen(_or_zero(_right(c), c.sum(axis=1)), c)


def _recall_macro(c: Floats) -> Floats:
    return _over_seen(_or_zero(_right(c), c.sum(axis=2)), c)


def _f1_macro(c: Floats) -> Floats:
    return _over_seen(_each_f1(c), c)


def _f1_weighted(c: Floats) -> Floats:
    result: Floats = (_each_f1(c) * c.sum(axis=2)).sum(axis=1) / c.sum(axis=(1, 2))
    return result


def _matthews(c: Floats) -> Floats:
    true, predicted, rows = c.sum(axis=2), c.sum(axis=1), c.sum(axis=(1, 2))
    covariance = _right(c).sum(axis=1) * rows - (true * predicted).sum(axis=1)
    spread = (rows**2 - (predicted**2).sum(axis=1)) * (rows**2 - (true**2).sum(axis=1))
    return _or_zero(covariance, np.sqrt(spread))


def _kappa(c: Floats) -> Floats:
    rows = c.sum(axis=(1, 2))
    agreed = _right(c).sum(axis=1) * rows
    by_chance = (c.sum(axis=1) * c.sum(axis=2)).sum(axis=1)
    # Without a second class there is nothing to agree on beyond chance: 0 / 0.
    result: Floats = (agreed - by_chance) / (rows**2 - by_chance)
    return result


_FORMULAS: dict[str, Callable[[Floats], Floats]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "jaccard": _jaccard,
    "precision_macro": _precision_macro,
    "recall_macro": _recall_macro,
    "f1_macro": _f1_macro,
    "f1_weighted": _f1_weighted,
    "matthews_corrcoef": _matthews,
    "cohen_kappa": _kappa,
}
