"""Two models judged on the same rows: how much a metric changes, and whether that is noise.

Both models meet the same easy and the same hard rows, so most of what varies from sample to sample
cancels in the difference. Comparing two intervals that were made apart throws this away.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.resampling import Rows, resample_counts
from fivefold.scoring import Predictions, on_counts, row_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fivefold.weighted import OnCounts

__all__ = ["EXACT_BELOW", "McNemar", "PairedChange", "mcnemar", "paired_changes"]

EXACT_BELOW = 25
"""Below so many rows that only one model gets right, the binomial test is exact and quick."""

# Resamples times rows cost time and memory: above this many rows, resamples are of random blocks.
BLOCK_ROWS = 10_000
_MOST_BLOCKS = 10
_LEAST_RESAMPLES = 100


@dataclass(frozen=True, slots=True)
class PairedChange:
    """A metric of two models on the same rows.

    Attributes
    ----------
    before, after : float
        The metric on all rows.
    low, high : float
        Ends of the confidence interval of ``after - before``.
    error : float
        The standard error of the difference; 0 where both models say the same.
    """

    before: float
    after: float
    low: float
    high: float
    error: float

    @property
    def change(self) -> float:
        """``after - before``."""
        return self.after - self.before

    @property
    def is_noise(self) -> bool:
        """Whether the interval allows for no difference."""
        return self.low <= 0 <= self.high

    @property
    def p_value(self) -> float:
        """Two-sided, by the normal approximation with the bootstrap's standard error."""
        if self.error == 0:
            return 1.0 if self.change == 0 else 0.0
        return math.erfc(abs(self.change) / self.error / math.sqrt(2))


def paired_changes(
    names: Sequence[str],
    before: Predictions,
    after: Predictions,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    block_rows: int = BLOCK_ROWS,
) -> dict[str, PairedChange | None]:
    """Compare two models by a paired bootstrap: every resample draws the same rows for both.

    Parameters
    ----------
    names : sequence of str
        Metrics of the catalogue.
    before, after : Predictions
        Of the same rows in the same order, with equal targets; at least one row.
    n_resamples : int, default 1000
        In all; at least 100 of each block.
    seed : int, default 0
        Equal seeds give equal intervals, whatever other metrics are asked for.
    confidence : float, default 0.95
        The share of resamples within the interval, in (0, 1).
    block_rows : int, default 10000
        Up to so many rows they are resampled as a whole. More are dealt at random into at most
        ten blocks of this size, and each block's resamples are as large as all rows together: the
        interval is the mean of the blocks', around the change on all rows.

    Returns
    -------
    dict of str to PairedChange or None
        None where a metric is undefined on the rows, or on half of the resamples or more.

    Raises
    ------
    ModelError
        There are no scores, or no probabilities, and a metric needs them.

    Notes
    -----
    The percentile method: B. Efron and R. Tibshirani, *An Introduction to the Bootstrap* (1993),
    chapters 13 and 16. The blocks: A. Kleiner, A. Talwalkar, P. Sarkar and M. Jordan, "A scalable
    bootstrap for massive data", *Journal of the Royal Statistical Society B* 76 (2014), with
    Poisson counts in place of multinomial ones.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} and {len(after)} rows can't be paired")
    rows = row_order(after)
    before, after = before.take(rows), after.take(rows)
    whole = _Pair.of(names, before, after)
    point = whole.on(np.ones((1, len(rows)), dtype=np.int64))
    blocks = _blocks(len(rows), block_rows, seed)
    each = n_resamples if len(blocks) == 1 else max(_LEAST_RESAMPLES, n_resamples // len(blocks))
    found = [
        _block(names, before, after, block, each, seed + number, confidence)
        for number, block in enumerate(blocks)
    ]
    changes: dict[str, PairedChange | None] = {}
    for name in names:
        first, second = (float(values[0]) for values in point[name])
        parts = [part[name] for part in found]
        if not (math.isfinite(first) and math.isfinite(second)) or None in parts:
            changes[name] = None
            continue
        low, high, error = np.mean([part for part in parts if part], axis=0)
        change = second - first
        changes[name] = PairedChange(
            first, second, change + float(low), change + float(high), float(error)
        )
    return changes


@dataclass(frozen=True)
class _Pair:
    """Metrics of two models on the same counts of rows."""

    before: Mapping[str, OnCounts]
    after: Mapping[str, OnCounts]

    @classmethod
    def of(cls, names: Sequence[str], before: Predictions, after: Predictions) -> _Pair:
        first, second = ({name: on_counts(name, p) for name in names} for p in (before, after))
        return cls(first, second)

    def on(
        self, counts: NDArray[np.int64], other: Executor | None = None
    ) -> dict[str, tuple[Any, Any]]:
        """Compute the metrics, those of one model in another thread."""
        aside = other.submit(_on, self.before, counts) if other else None
        second = _on(self.after, counts)
        first = aside.result() if aside else _on(self.before, counts)
        return {name: (first[name], second[name]) for name in second}


def _on(compute: Mapping[str, OnCounts], counts: NDArray[np.int64]) -> dict[str, Any]:
    return {name: metric(counts) for name, metric in compute.items()}


def _blocks(n_rows: int, block_rows: int, seed: int) -> list[NDArray[np.intp]]:
    """Deal rows at random into blocks of equal size; each keeps the order of the rows."""
    if n_rows <= block_rows:
        return [np.arange(n_rows)]
    number = min(_MOST_BLOCKS, -(-n_rows // block_rows))
    size = min(block_rows, n_rows // number)
    dealt = np.random.default_rng(seed).permutation(n_rows)[: number * size]
    return [np.sort(block) for block in dealt.reshape(number, size)]


def _block(
    names: Sequence[str],
    before: Predictions,
    after: Predictions,
    block: NDArray[np.intp],
    n_resamples: int,
    seed: int,
    confidence: float,
) -> dict[str, tuple[float, float, float] | None]:
    """Resample a block: the interval's ends from the block's own change, and the standard error."""
    pair = _Pair.of(names, before.take(block), after.take(block))
    own = pair.on(np.ones((1, len(block)), dtype=np.int64))
    drawn = {name: np.empty(n_resamples) for name in names}
    with ThreadPoolExecutor(1) as other:
        for start, counts in _counts(len(block), len(before), n_resamples, seed):
            for name, (first, second) in pair.on(counts, other).items():
                drawn[name][start : start + len(counts)] = second - first
    tail = (1 - confidence) / 2
    result: dict[str, tuple[float, float, float] | None] = {}
    for name, values in drawn.items():
        first, second = own[name]
        moved = values[np.isfinite(values)] - (second[0] - first[0])
        if 2 * len(moved) <= n_resamples or not np.isfinite(moved).all():
            result[name] = None
            continue
        low, high = np.quantile(moved, [tail, 1 - tail])
        result[name] = (float(low), float(high), float(moved.std()))
    return result


def _counts(
    n_rows: int, n_all: int, n_resamples: int, seed: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    if n_rows == n_all:
        yield from resample_counts(Rows(n_rows), n_resamples, seed)
        return
    generator = np.random.default_rng(seed)
    batch = max(1, 2**18 // n_rows)
    for start in range(0, n_resamples, batch):
        size = min(batch, n_resamples - start)
        yield start, generator.poisson(n_all / n_rows, size=(size, n_rows))


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's test of two classifiers on the same rows.

    Attributes
    ----------
    gained, lost : int
        Rows that only the second, or only the first, gets right.
    p_value : float
        Two-sided.
    exact : bool
        By the binomial distribution, and not by chi squared with continuity correction.
    """

    gained: int
    lost: int
    p_value: float
    exact: bool


def mcnemar(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> McNemar:
    """Test whether two classifiers are right equally often.

    Parameters
    ----------
    before, after : ndarray of bool, shape (n_rows,)
        Is each row's prediction right?

    Notes
    -----
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", *Psychometrika* 12 (1947); the continuity correction is A. Edwards's, in the
    same, 13 (1948). Below 25 rows on which the models differ, the exact binomial test.
    """
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    differ = gained + lost
    if differ < EXACT_BELOW:
        tail = sum(math.comb(differ, k) for k in range(min(gained, lost) + 1))
        return McNemar(gained, lost, min(1.0, 2 * tail / 2**differ), exact=True)
    statistic = max(abs(gained - lost) - 1, 0) ** 2 / differ
    return McNemar(gained, lost, math.erfc(math.sqrt(statistic / 2)), exact=False)
