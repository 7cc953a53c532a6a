"""How much one thing says about another, from counts and sums alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["correlation_ratio", "cramers_v"]

_DIGITS = 6


def cramers_v(table: Sequence[Sequence[int]]) -> float | None:
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
    mean = totals.sum() / rows
    whole = squares - rows * mean**2
    if groups < 2 or rows <= groups or whole <= 1e-12 * max(squares, 1e-300):
        return None
    between = float((sizes * (totals / sizes - mean) ** 2).sum())
    share = 1 - (1 - between / whole) * (rows - 1) / (rows - groups)
    return round(float(min(1.0, max(0.0, share)) ** 0.5), _DIGITS)
