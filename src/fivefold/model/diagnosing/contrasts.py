"""Means of the loss and their differences, with intervals that know which rows go together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Contrast", "Mean", "contrast", "mean_of"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Blocks = NDArray[np.intp]


@dataclass(frozen=True)
class Mean:
    """A mean with its standard error.

    Attributes
    ----------
    value : float
        The mean, or a difference of two.
    error : float
        Its standard error.
    freedom : float
        Degrees of freedom of Student's t; 0 where nothing can be said.
    """

    value: float
    error: float
    freedom: float

    def interval(self, confidence: float) -> tuple[float, float] | None:
        """Give the two-sided interval, None where there is none."""
        from scipy.special import stdtrit

        if self.freedom <= 0:
            return None
        half = float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error
        return self.value - half, self.value + half

    @property
    def p_greater(self) -> float:
        """How probable so high a value were if it were zero or below, in [0, 1]."""
        from scipy.special import stdtr

        if self.freedom <= 0:
            return 1.0
        if self.error == 0:
            return 0.0 if self.value > 0 else 1.0
        return float(stdtr(self.freedom, -self.value / self.error))

    @property
    def p_value(self) -> float:
        """How probable a value so far from zero were if it were zero, in [0, 1]."""
        from scipy.special import stdtr

        if self.freedom <= 0:
            return 1.0
        if self.error == 0:
            return 0.0 if self.value else 1.0
        return min(1.0, 2 * float(stdtr(self.freedom, -abs(self.value) / self.error)))


@dataclass(frozen=True)
class Contrast:
    """The mean loss of some rows against that of others.

    Attributes
    ----------
    rows, rows_outside : int
    inside, outside : float
        Mean losses; NaN of no rows.
    difference : Mean
        ``inside - outside``.
    effect_size : float or None
        Cohen's d: the difference in standard deviations, pooled; None where the loss doesn't vary.
    """

    rows: int
    rows_outside: int
    inside: float
    outside: float
    difference: Mean
    effect_size: float | None


def contrast(loss: Floats, inside: Mask, outside: Mask, blocks: Blocks | None) -> Contrast:
    """Compare the mean loss of two sets of rows.

    Parameters
    ----------
    loss : ndarray of shape (n_rows,)
    inside, outside : ndarray of bool, shape (n_rows,)
        No row in both.
    blocks : ndarray of int, shape (n_rows,), or None
        Rows of one number are not independent of one another; None: all rows are.

    Notes
    -----
    The standard error is never below that of equal variances: losses are skewed, and of few rows
    without a bad one both the mean and the variance come out too small, which Welch's test takes
    for proof that the others are worse.

    Independent rows: B. L. Welch, "The generalization of 'Student's' problem", *Biometrika* 34
    (1947). With blocks the variance is that of the blocks' sums of residuals (A. C. Cameron and
    D. L. Miller, "A practitioner's guide to cluster-robust inference", *Journal of Human
    Resources* 50, 2015), and the degrees of freedom are one less than the effective number of the
    inside's blocks, which unequal sizes make smaller than their count: A. V. Carter,
    K. T. Schnepel and D. G. Steigerwald, *Review of Economics and Statistics* 99 (2017).
    Cohen's d: J. Cohen, *Statistical Power Analysis for the Behavioral Sciences* (1988), 2.2.
    """
    a, b = loss[inside], loss[outside]
    first, second = (float(part.mean()) if len(part) else math.nan for part in (a, b))
    if len(a) < 2 or len(b) < 2:
        nothing = Mean(first - second, 0.0, 0.0)
        return Contrast(len(a), len(b), first, second, nothing, None)
    spreads = float(a.var(ddof=1)), float(b.var(ddof=1))
    if blocks is None:
        parts = spreads[0] / len(a), spreads[1] / len(b)
        error, freedom = math.sqrt(sum(parts)), _welch(parts, (len(a), len(b)))
    else:
        centred = np.concatenate([(a - first) / len(a), (second - b) / len(b)])
        error = _clustered(centred, np.concatenate([blocks[inside], blocks[outside]]))
        freedom = _freedom(blocks[inside])
    pooled = ((len(a) - 1) * spreads[0] + (len(b) - 1) * spreads[1]) / (len(a) + len(b) - 2)
    error = max(error, math.sqrt(pooled * (1 / len(a) + 1 / len(b))))
    return Contrast(
        len(a),
        len(b),
        first,
        second,
        Mean(first - second, error, freedom),
        (first - second) / math.sqrt(pooled) if pooled > 0 else None,
    )


def mean_of(values: Floats, blocks: Blocks | None) -> Mean:
    """Give the mean of some rows, with its standard error; at least one row."""
    mean = float(values.mean())
    if len(values) < 2:
        return Mean(mean, 0.0, 0.0)
    if blocks is None:
        return Mean(mean, float(values.std(ddof=1)) / math.sqrt(len(values)), len(values) - 1.0)
    return Mean(mean, _clustered((values - mean) / len(values), blocks), _freedom(blocks))


def _welch(parts: tuple[float, float], rows: tuple[int, int]) -> float:
    total = sum(parts)
    if total == 0:
        return float(sum(rows) - 2)
    return total**2 / sum(part**2 / (n - 1) for part, n in zip(parts, rows, strict=True))


def _clustered(centred: Floats, blocks: Blocks) -> float:
    sums = np.bincount(blocks, weights=centred)
    count = np.count_nonzero(np.bincount(blocks))
    if count < 2:
        return 0.0
    return math.sqrt(float(np.sum(sums**2)) * count / (count - 1))


def _freedom(blocks: Blocks) -> float:
    sizes = np.bincount(blocks).astype(np.float64)
    return float(sizes.sum() ** 2 / np.sum(sizes**2)) - 1
