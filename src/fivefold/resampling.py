"""Resamples of rows as counts: how often each row was drawn, by the way the rows were sampled.

A bootstrap should draw as the sample itself was drawn (Efron and Tibshirani, *An Introduction to
the Bootstrap*, 1993, chapter 8): rows one by one, rows within strata, whole groups, or stretches of
time. Each is a `Drawing`; whatever is computed from counts works with all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Clusters", "Drawing", "Rows", "Strata", "TimeBlocks", "block_length", "resample_counts"]

Counts = NDArray[np.int64]
Codes = NDArray[np.intp]

# Cells (resamples times rows) worked on at a time: a few megabytes, what a processor's cache holds.
_CELLS = 2**18


class Drawing(Protocol):
    """A way to draw resamples of some rows."""

    @property
    def n_rows(self) -> int:
        """How many rows there are to draw from."""
        ...

    def take(self, rows: NDArray[np.intp]) -> Drawing:
        """Give the same way of drawing for some of the rows, or for all in another order."""
        ...

    def draw(self, generator: np.random.Generator, size: int) -> Counts:
        """Draw resamples: how often each row was drawn, shape (size, n_rows)."""
        ...


def resample_counts(drawing: Drawing, n_resamples: int, seed: int) -> Iterator[tuple[int, Counts]]:
    """Draw resamples in batches: the first one's number, and how often each row was drawn.

    Yields
    ------
    tuple of (int, ndarray of shape (n_batch, n_rows))
    """
    generator = np.random.default_rng(seed)
    batch = max(1, _CELLS // max(drawing.n_rows, 1))
    for start in range(0, n_resamples, batch):
        yield start, drawing.draw(generator, min(batch, n_resamples - start))


@dataclass(frozen=True)
class Rows:
    """Each row by itself: as many as there are, with replacement."""

    n_rows: int

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """Give the drawing of some rows."""
        return Rows(len(rows))

    def draw(self, generator: np.random.Generator, size: int) -> Counts:
        """Draw resamples, shape (size, n_rows)."""
        return _counted(generator.integers(0, self.n_rows, size=(size, self.n_rows)), self.n_rows)


@dataclass(frozen=True)
class Strata:
    """Rows within their stratum, whose size stays as it is.

    Attributes
    ----------
    codes : ndarray of shape (n_rows,)
        The stratum of each row, a number of at least 0.
    """

    codes: Codes

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.codes)

    def take(self, rows: NDArray[np.intp]) -> Strata:
        """Give the drawing of some rows."""
        return Strata(self.codes[rows])

    @cached_property
    def _layout(self) -> tuple[Codes, Counts, Counts]:
        """Give each row's place among the rows by stratum, and its stratum's start and size."""
        order = np.argsort(self.codes, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        sizes = np.bincount(self.codes)
        starts = np.cumsum(sizes) - sizes
        by_stratum = self.codes[order]
        return place, starts[by_stratum], sizes[by_stratum]

    def draw(self, generator: np.random.Generator, size: int) -> Counts:
        """Draw resamples, shape (size, n_rows)."""
        place, starts, sizes = self._layout
        drawn = starts + (generator.random((size, self.n_rows)) * sizes).astype(np.int64)
        return np.take(_counted(drawn, self.n_rows), place, axis=1)


@dataclass(frozen=True)
class Clusters:
    """Whole groups: as many as there are, with replacement (the cluster bootstrap).

    Davison and Hinkley, *Bootstrap Methods and their Application* (1997), section 3.8.

    Attributes
    ----------
    codes : ndarray of shape (n_rows,)
        The group of each row, a number of at least 0.
    """

    codes: Codes

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.codes)

    @cached_property
    def _dense(self) -> tuple[int, Codes]:
        found, dense = np.unique(self.codes, return_inverse=True)
        return len(found), dense

    @property
    def n_groups(self) -> int:
        """How many groups the rows are of."""
        return self._dense[0]

    def take(self, rows: NDArray[np.intp]) -> Clusters:
        """Give the drawing of some rows."""
        return Clusters(self.codes[rows])

    def draw(self, generator: np.random.Generator, size: int) -> Counts:
        """Draw resamples, shape (size, n_rows); they differ in their number of rows."""
        number, dense = self._dense
        return np.take(Rows(number).draw(generator, size), dense, axis=1)


@dataclass(frozen=True)
class TimeBlocks:
    """Stretches of time: blocks of consecutive moments, the last of which is followed by the first.

    The circular block bootstrap of D. Politis and J. Romano, "A circular block-resampling procedure
    for stationary data", in *Exploring the Limits of Bootstrap* (1992). All rows of a moment are
    drawn together.

    Attributes
    ----------
    codes : ndarray of shape (n_rows,)
        The moment of each row; a larger number is later.
    length : int
        Moments in a block, at least 1.
    """

    codes: Codes
    length: int

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.codes)

    @cached_property
    def _dense(self) -> tuple[int, Codes]:
        found, dense = np.unique(self.codes, return_inverse=True)
        return len(found), dense

    def take(self, rows: NDArray[np.intp]) -> TimeBlocks:
        """Give the drawing of some rows; where they leave fewer moments, blocks are no longer."""
        return TimeBlocks(self.codes[rows], self.length)

    def draw(self, generator: np.random.Generator, size: int) -> Counts:
        """Draw resamples, shape (size, n_rows); each has as many moments as there are."""
        moments, dense = self._dense
        length = min(self.length, moments)
        blocks = -(-moments // length)
        lengths = np.full(blocks, length)
        # The last block is cut, so that every resample has the same number of moments.
        lengths[-1] = moments - length * (blocks - 1)
        starts = generator.integers(0, moments, size=(size, blocks))
        rows = np.arange(size)[:, None] * 2 * moments
        begun = np.bincount((rows + starts).ravel(), minlength=size * 2 * moments)
        ended = np.bincount((rows + starts + lengths).ravel(), minlength=size * 2 * moments)
        # Time stands twice in a row, so that no block has to turn; then the second is laid on the
        # first.
        unrolled = np.cumsum((begun - ended).reshape(size, 2 * moments), axis=1)
        folded = unrolled[:, :moments] + unrolled[:, moments:]
        return np.take(folded, dense, axis=1)


def block_length(series: NDArray[np.float64]) -> int:
    """Choose how long the blocks of a circular block bootstrap should be.

    Parameters
    ----------
    series : ndarray of shape (n_moments,)
        What is averaged, in the order of time: the mean loss of each moment, say.

    Returns
    -------
    int
        At least 1; at most a third of the moments, and three times their number's root.

    Notes
    -----
    D. Politis and H. White, "Automatic block-length selection for the dependent bootstrap",
    *Econometric Reviews* 23 (2004), with the correction by A. Patton and them, 28 (2009).
    """
    n = len(series)
    if n < 9:
        return 1
    centred = series - series.mean()
    quiet = max(5, math.ceil(math.sqrt(math.log10(n))))
    most = min(math.ceil(math.sqrt(n)) + quiet, n - 1)
    covariance = np.array([centred[: n - lag] @ centred[lag:] / n for lag in range(most + 1)])
    if covariance[0] <= 0:
        return 1
    loud = np.abs(covariance[1:] / covariance[0]) >= 2 * math.sqrt(math.log10(n) / n)
    # The first lag after which the correlation stays within noise for a while.
    last = next((lag for lag in range(most) if not loud[lag : lag + quiet].any()), most)
    reach = min(2 * last, most)
    if reach == 0:
        return 1
    lags = np.arange(1, reach + 1)
    window = np.minimum(1.0, 2 * (1 - lags / reach))
    density = covariance[0] + 2 * (window * covariance[1 : reach + 1]).sum()
    slope = 2 * (window * lags * covariance[1 : reach + 1]).sum()
    if density <= 0:
        return 1
    best = (2 * slope**2 / (4 / 3 * density**2)) ** (1 / 3) * n ** (1 / 3)
    return max(1, min(round(float(best)), math.floor(min(3 * math.sqrt(n), n / 3))))


def _counted(drawn: Counts, n_rows: int) -> Counts:
    """Count how often each row was drawn in each resample, shape (size, n_rows) both."""
    size = len(drawn)
    drawn = drawn + np.arange(size)[:, None] * n_rows
    counted: Counts = np.bincount(drawn.ravel(), minlength=size * n_rows).reshape(size, n_rows)
    return counted
