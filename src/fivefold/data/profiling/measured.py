"""What is measured of a column, however it was read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.data.profiling.arrays import DAY
from fivefold.data.values import rounded

__all__ = [
    "FEW_VALUES",
    "QUANTILES",
    "Cells",
    "Measured",
    "cuts_of",
    "edges_of",
    "fine_edges",
    "moments",
    "snapped",
]

QUANTILES = (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95)
"""Of numbers: what is told, and where bins of about equally many rows are cut."""

FEW_VALUES = 30
"""A number of no more different values has a bin for each."""

_DIGITS = 9


@dataclass(frozen=True)
class Cells:
    """Rows by bin, part and class.

    Attributes
    ----------
    rows : ndarray of int64, shape (n_bins + 1, n_parts, n_classes + 1)
        The last bin is of the missing values, the last class of the rows without one.
    sums, known : ndarray of shape (n_bins + 1, n_parts), optional
        Of a quantity: its sum, and the rows that have it.
    """

    rows: NDArray[np.int64]
    sums: NDArray[np.float64] | None = None
    known: NDArray[np.int64] | None = None

    @property
    def by_bin(self) -> NDArray[np.int64]:
        """Rows per bin, shape (n_bins + 1,)."""
        return np.asarray(self.rows.sum(axis=(1, 2)), dtype=np.int64)

    @property
    def by_class(self) -> NDArray[np.int64]:
        """Rows per bin and class, those without one left out, shape (n_bins + 1, n_classes)."""
        return np.asarray(self.rows.sum(axis=1)[:, :-1], dtype=np.int64)

    @property
    def by_part(self) -> NDArray[np.int64]:
        """Rows per bin and part, shape (n_bins + 1, n_parts)."""
        return np.asarray(self.rows.sum(axis=2), dtype=np.int64)

    def merged(self, place: Sequence[int] | NDArray[np.int64]) -> Cells:
        """Put bins together: ``place`` says where each goes, the last that of the missing ones."""
        at = np.asarray(place, dtype=np.int64)
        size = int(at.max()) + 1

        def put(given: NDArray[Any]) -> NDArray[Any]:
            total = np.zeros((size, *given.shape[1:]), dtype=given.dtype)
            np.add.at(total, at, given)
            return total

        if self.sums is None or self.known is None:
            return Cells(put(self.rows))
        return Cells(put(self.rows), put(self.sums), put(self.known))


@dataclass(frozen=True)
class Measured:
    """One column.

    Attributes
    ----------
    missing, distinct : int
        Rows without a value; different values.
    figures : dict
        What the report says of the column as it stands: ``min``, ``mean``, ``zeros``.
    edges : tuple
        Of numbers: the ends of the histogram's bins.
    inner : tuple
        Of numbers: where the cells' bins are parted; a value at one belongs above it.
    cuts : tuple
        Those of `inner` that part about equally many rows, or single values.
    names : tuple of str
        Of texts: the categories that have a bin; the next to last bin holds the others.
    cells : Cells, optional
        None where nothing was counted.
    whole : Cells, optional
        Of texts: by every category there is, where they are not too many.
    """

    missing: int
    distinct: int
    figures: dict[str, Any] = field(default_factory=dict)
    edges: tuple[Any, ...] = ()
    inner: tuple[Any, ...] = ()
    cuts: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()
    cells: Cells | None = None
    whole: Cells | None = None

    def binned(self) -> Cells | None:
        """Give the cells by what associations and drift are measured on.

        Numbers by bins of about equally many rows, texts by their categories.
        """
        if self.cells is None or not self.edges:
            return self.whole or self.cells
        return self.cells.merged(places(self.inner, self.cuts))

    def histogram(self) -> Cells | None:
        """Give the cells by the histogram's bins; None of texts."""
        if self.cells is None or not self.edges:
            return None
        return self.cells.merged(places(self.inner, self.edges[1:-1]))


def places(inner: Sequence[Any], kept: Sequence[Any]) -> NDArray[np.int64]:
    """Tell where the bins between ``inner`` go if only ``kept`` part them."""
    marks = set(kept)
    at, found = 0, [0]
    for edge in inner:
        at += edge in marks
        found.append(at)
    return np.array([*found, len(marks) + 1], dtype=np.int64)


def histogram_edges(low: Any, high: Any, whole: bool, bins: int) -> list[Any]:
    """Cut a range into bins of equal width; whole numbers get bins of whole width.

    Parameters
    ----------
    low, high : int or float
        The smallest and the largest value.
    whole : bool
    bins : int
    """
    if whole:
        low, high = int(low), int(high)
        width = max(1, -((low - high - 1) // bins))
        count = -((low - high - 1) // width)
        return [low + width * at for at in range(count + 1)]
    if high <= low:
        return [low, low + max(abs(low), 1.0) * 1e-3]
    # Halved first: the width of all floats is no float.
    width = high / 2 / bins - low / 2 / bins
    edges = [2 * (low / 2 + width * at) for at in range(bins)]
    # A range of few floats has fewer places for edges.
    return sorted({*edges, high}) if len({*edges, high}) < bins + 1 else [*edges, high]


def edges_of(low: Any, high: Any, dtype: str, bins: int) -> list[Any]:
    """Cut the range of a column into bins; those of a long time begin with a day."""
    if dtype == "number":
        return histogram_edges(low, high, False, bins)
    day = DAY if dtype == "date" or (dtype == "datetime" and high - low > bins * DAY) else 1
    return [edge * day for edge in histogram_edges(low // day, high // day, True, bins)]


def fine_edges(edges: Sequence[Any], cuts: Sequence[Any]) -> list[Any]:
    """Put the histogram's inner edges and the cuts together, ascending."""
    return sorted({*edges[1:-1], *cuts})


def cuts_of(values: Sequence[Any], quantiles: Sequence[float], low: Any, whole: bool) -> list[Any]:
    """Choose where to part a number: at each of few values, else at the quantiles.

    Parameters
    ----------
    values : sequence
        The different values, ascending, where they are few; else empty.
    quantiles : sequence of float
    low : int or float
        The smallest value, below which there is nothing.
    """
    if values:
        return list(values[1:])
    kept = {math.ceil(value) if whole else value for value in quantiles}
    return sorted(value for value in kept if value > low)


def moments(mean: float, powers: Sequence[float], count: int, scale: float) -> dict[str, Any]:
    """Give mean, standard deviation, skewness and kurtosis.

    Parameters
    ----------
    mean : float
    powers : (float, float, float)
        Sums of the second, third and fourth power of the distance from the mean.
    count : int
        Values.
    scale : float
        The largest size of a value: a mean far below it is noise of adding.

    Notes
    -----
    The sample's own standardised moments; the kurtosis of a normal distribution is 0.
    """
    found: dict[str, Any] = {"mean": snapped(mean, scale), "sd": None}
    found |= {"skewness": None, "kurtosis": None}
    if count > 1 and all(map(math.isfinite, powers)):
        found["sd"] = rounded(math.sqrt(max(powers[0], 0.0) / (count - 1)), _DIGITS)
        variance = powers[0] / count
        if variance > (1e-12 * scale) ** 2 and variance > 0:
            found["skewness"] = _finite(powers[1] / count / variance**1.5)
            found["kurtosis"] = _finite(powers[2] / count / variance**2 - 3)
    return found


def _finite(value: float) -> float | None:
    return round(value, 4) + 0.0 if math.isfinite(value) else None


def snapped(value: float | None, scale: float) -> float | None:
    """Round to nine digits of the scale: what is left of large values that cancel is noise."""
    if value is None or not math.isfinite(value):
        return None
    if scale == 0 or not math.isfinite(scale):
        return rounded(value, _DIGITS)
    return round(value, _DIGITS - 1 - math.floor(math.log10(scale))) + 0.0
