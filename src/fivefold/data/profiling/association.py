"""How much one thing says about another, from counts and sums alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["correlation_ratio", "cramers_v", "mutual_information"]

_DIGITS = 6


def cramers_v(table: Sequence[Sequence[int]] | NDArray[np.int64]) -> float | None:
    """Compute Cramér's V with the bias correction of Bergsma (2013).

    Parameters
    ----------
    table : sequence of sequence of int, shape (n_rows, n_columns)
        Counts of a contingency table.

    Returns
    -------
    float or None
        In [0, 1]; None where a variable does not vary.
    """
    counts = np.asarray(table, dtype=np.float64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    total = counts.sum()
    if min(counts.shape) < 2 or total < 2:
        return None
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    phi = float(((counts - expected) ** 2 / expected).sum() / total)
    rows, columns = counts.shape
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (total - 1))
    rows_left = rows - (rows - 1) ** 2 / (total - 1)
    columns_left = columns - (columns - 1) ** 2 / (total - 1)
    largest = min(rows_left, columns_left) - 1
    return round(float(min(1.0, (phi / largest) ** 0.5)), _DIGITS) if largest > 0 else None


def correlation_ratio(counts: Sequence[int], sums: Sequence[float], squares: float) -> float | None:
    """Compute the correlation ratio: the root of the share of variance between groups.

    Corrected for the number of groups (Kelley, 1935), so that many small groups don't look as if
    they explained the variable.

    Parameters
    ----------
    counts : sequence of int, shape (n_groups,)
        Rows of each group.
    sums : sequence of float, shape (n_groups,)
        Sum of the variable in each group.
    squares : float
        Sum of the variable's squares over all rows.

    Returns
    -------
    float or None
        In [0, 1]; None where the variable or the groups don't vary.
    """
    sizes, totals = np.asarray(counts, dtype=np.float64), np.asarray(sums, dtype=np.float64)
    rows, groups = sizes.sum(), len(sizes)
    if groups < 2 or not np.isfinite(totals).all() or not math.isfinite(squares):
        return None
    mean = totals.sum() / rows
    whole = squares - rows * mean**2
    if rows <= groups or whole <= 1e-12 * max(squares, 1e-300):
        return None
    between = float((sizes * (totals / sizes - mean) ** 2).sum())
    if not (math.isfinite(whole) and math.isfinite(between)):
        return None
    share = 1 - (1 - between / whole) * (rows - 1) / (rows - groups)
    return round(float(min(1.0, max(0.0, share)) ** 0.5), _DIGITS)


def mutual_information(
    table: Sequence[Sequence[int]] | NDArray[np.int64],
) -> tuple[float, float] | None:
    """Compute what one variable tells of another.

    Parameters
    ----------
    table : array-like of int, shape (n_rows, n_columns)
        Counts of a contingency table.

    Returns
    -------
    (float, float) or None
        In bits, at least 0, less what chance gives (G. Miller, "Note on the bias of information
        estimates", 1955); and as a share of the smaller entropy, in [0, 1]. None where a variable
        does not vary.
    """
    counts = np.asarray(table, dtype=np.float64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    total = counts.sum()
    if min(counts.shape) < 2 or total < 2:
        return None
    first, second = (_entropy(counts.sum(axis=axis)) for axis in (1, 0))
    chance = (counts.shape[0] - 1) * (counts.shape[1] - 1) / (2 * total * math.log(2))
    bits = max(0.0, first + second - _entropy(counts.ravel()) - chance)
    share = min(1.0, bits / min(first, second))
    return round(bits, _DIGITS), round(share, _DIGITS)


def _entropy(counts: NDArray[np.float64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
