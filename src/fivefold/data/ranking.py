"""How well one column alone ranks or tells two classes, in a sample of the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fivefold.data.sampling import Sample
from fivefold.table.arrays import floats, integers

__all__ = ["area", "determining", "ranking", "separating"]

_LEAK_AUC, _NEAR_AUC = 0.999, 0.98
# Fewer rows of a class rank by chance.
_FEWEST_ROWS = 10
# Most columns are far from a leak, and few rows show that.
_FIRST_ROWS, _FIRST_AUC, _FIRST_PURITY = 4000, 0.9, 0.98


def ranking(sample: Sample, target: str, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Find numbers that rank the rows of two classes almost without a mistake."""
    if not columns:
        return {}
    known = sample.table.filter(pc.is_valid(sample.table[target]))
    classes = _codes(known[target])
    # Of two classes the upper one is that which sorts last, as False comes before True.
    if not len(classes):
        return {}
    upper = classes == classes[int(np.argmax(_places(known[target])))]
    found: dict[str, tuple[str, ...]] = {}
    said = "" if sample.share == 1 else f", in a sample of {known.num_rows:,} rows"
    for name in columns:
        values = floats(known[name])
        if len(values) > 2 * _FIRST_ROWS:
            first = area(values[:_FIRST_ROWS], upper[:_FIRST_ROWS])
            if first is not None and max(first, 1 - first) < _FIRST_AUC:
                continue
        whole = area(values, upper)
        if whole is not None and max(whole, 1 - whole) >= _NEAR_AUC:
            kind = "leak" if max(whole, 1 - whole) >= _LEAK_AUC else "near_leak"
            found[name] = (kind, f"alone it ranks the classes with an ROC AUC of {whole:.4f}{said}")
    return found


def area(values: npt.NDArray[np.float64], upper: npt.NDArray[np.bool_]) -> float | None:
    """Compute the area under the ROC curve of a number for the upper of two classes.

    It is the share of pairs, a row of each class, in which the number is larger in the upper class
    (Hanley and McNeil, 1982), a tie counting half; a missing value is the lowest.

    Parameters
    ----------
    values : ndarray of float, shape (n_rows,)
        NaN where missing.
    upper : ndarray of bool, shape (n_rows,)
        Is the row of the upper class?

    Returns
    -------
    float or None
        In [0, 1]; None where a class has fewer than 10 rows.
    """
    rows = len(upper)
    positive = int(upper.sum())
    if min(positive, rows - positive) < _FEWEST_ROWS:
        return None
    filled = np.where(np.isnan(values), -np.inf, values)
    _, place = np.unique(filled, return_inverse=True)
    above = np.bincount(place, weights=upper)
    below = np.bincount(place, weights=~upper)
    beaten = np.cumsum(below) - below
    return float((above * (beaten + below / 2)).sum() / (positive * (rows - positive)))


def separating(sample: Sample, target: str, columns: Sequence[str]) -> list[str]:
    """Name the numbers whose range in one class may not overlap that in another.

    Ranges that overlap in a sample do so in all rows; of the others all rows are to be looked at.
    """
    held = sample.table.slice(0, _FIRST_ROWS)
    held = held.filter(pc.is_valid(held[target]))
    classes = _codes(held[target])
    order = np.argsort(classes, kind="stable")
    starts = np.flatnonzero(np.diff(classes[order], prepend=-1))
    if not len(starts):
        return []
    likely = []
    for name in columns:
        values = floats(held[name])[order]
        lows = np.fmin.reduceat(np.where(np.isnan(values), np.inf, values), starts)
        highs = np.fmax.reduceat(np.where(np.isnan(values), -np.inf, values), starts)
        place = np.argsort(lows, kind="stable")
        # A class without a value in the sample overlaps nothing; rounding may make ends touch.
        if bool((np.fmax.accumulate(highs[place])[:-1] <= lows[place][1:]).all()):
            likely.append(name)
    return likely


def determining(sample: Sample, target: str, columns: Sequence[str]) -> list[str]:
    """Name the categories that may nearly always come with one class each.

    Those are to be counted in all rows; a sample shows the others.
    """
    held = sample.table.slice(0, 2 * _FIRST_ROWS)
    if not held.num_rows:
        return []
    classes = _codes(held[target])
    likely = []
    for name in columns:
        values = _codes(held[name])
        counts = np.zeros((int(values.max()) + 1, int(classes.max()) + 1), dtype=np.int64)
        np.add.at(counts, (values, classes), 1)
        if counts.max(axis=1).sum() >= _FIRST_PURITY * held.num_rows:
            likely.append(name)
    return likely


def _codes(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    return integers(column.dictionary_encode(null_encoding="encode"))


def _places(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Give each value's place in the order of the values."""
    kept = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
    return integers(pa.chunked_array([pc.rank(kept, tiebreaker="dense").cast(pa.int64())]))
