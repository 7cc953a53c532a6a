"""Columns measured in memory, a few at a time: exact, and alike on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fivefold.data.profiling.arrays import numbers_of, texts_of
from fivefold.data.profiling.groups import Groups
from fivefold.data.profiling.measured import (
    FEW_VALUES,
    QUANTILES,
    Cells,
    Measured,
    cuts_of,
    edges_of,
    fine_edges,
    moments,
)
from fivefold.data.values import rounded
from fivefold.table.arrays import integer_array, integers

__all__ = ["Rows", "count_cells", "measure_numbers", "measure_texts"]

# Categories times groups; more are not looked at one by one.
_MOST_CELLS = 2_000_000
_EXTREMES = 3
_ROWS_AT_ONCE = 65_536


class Rows:
    """What every column of a table is counted by, row by row.

    Parameters
    ----------
    groups : Groups
    parts, classes : ndarray of int64, shape (n_rows,)
    target : ndarray of float64, shape (n_rows,), optional
        Of a quantity, NaN where there is none.
    """

    def __init__(
        self,
        groups: Groups,
        parts: NDArray[np.int64],
        classes: NDArray[np.int64],
        target: NDArray[np.float64] | None,
    ) -> None:
        self.groups = groups
        self.slots = (parts * groups.shape[1] + classes).astype(np.int32)
        self.parts = parts.astype(np.int32) if target is not None else None
        self.target = target

    def __len__(self) -> int:
        return len(self.slots)


def count_cells(bins: Callable[[slice], NDArray[np.int64]], count: int, rows: Rows) -> Cells:
    """Count rows per bin, part and class.

    Parameters
    ----------
    bins : callable
        Gives the bin, in [0, count], of each row of a slice: some rows at a time, so that what it
        takes stays in the processor's cache.
    count : int
        Bins, without that of the missing values.
    """
    size, parts = rows.groups.size, rows.groups.shape[0]
    length = (count + 1) * size
    table = np.zeros(length, dtype=np.int64)
    sums, known = np.zeros((count + 1) * parts), np.zeros((count + 1) * parts, dtype=np.int64)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        at = bins(part)
        table += np.bincount(at * size + rows.slots[part], minlength=length)
        if rows.target is not None and rows.parts is not None:
            there = ~np.isnan(rows.target[part])
            place = (at * parts + rows.parts[part])[there]
            sums += np.bincount(place, rows.target[part][there], minlength=len(sums))
            known += np.bincount(place, minlength=len(sums))
    found = table.reshape(count + 1, *rows.groups.shape)
    if rows.target is None:
        return Cells(found)
    return Cells(found, sums.reshape(-1, parts), known.reshape(-1, parts))


def measure_numbers(column: pa.ChunkedArray, dtype: str, bins: int, rows: Rows) -> Measured:
    """Measure a column of numbers, dates or times."""
    values, known, infinite = numbers_of(column)
    if dtype == "number":
        values = values.astype(np.float64, copy=False)
    missing = len(values) - int(known.sum()) - infinite
    figures: dict[str, Any] = {}
    counted = dtype in ("integer", "number")
    if counted:
        figures["infinite"] = infinite
    ordered = np.sort(values[known])
    if not len(ordered):
        return Measured(missing, 0, figures)
    fresh = np.empty(len(ordered), dtype=bool)
    fresh[0], fresh[1:] = True, ordered[1:] != ordered[:-1]
    different = ordered[fresh]
    whole = dtype != "number"
    low, high = ordered[0].item(), ordered[-1].item()
    quantiles = quantiles_of(ordered)
    few = different.tolist() if len(different) <= FEW_VALUES else []
    edges = edges_of(low, high, dtype, bins)
    cuts = cuts_of(few, quantiles, low, whole)
    inner = fine_edges(edges, cuts)
    marks = _array(inner, whole)

    def place(part: slice) -> NDArray[np.int64]:
        at = np.searchsorted(marks, values[part], side="right")
        at[~known[part]] = len(inner) + 1
        return at

    figures |= described(ordered, quantiles, dtype)
    if counted:
        figures["lowest"] = different[:_EXTREMES].tolist()
        figures["highest"] = different[: -_EXTREMES - 1 : -1].tolist()
    cells = count_cells(place, len(inner) + 1, rows)
    return Measured(
        missing, len(different), figures, tuple(edges), tuple(inner), tuple(cuts), cells=cells
    )


def quantiles_of(ordered: NDArray[Any]) -> list[float]:
    """Find the quantiles of sorted values, interpolated linearly."""
    places = (len(ordered) - 1) * np.array(QUANTILES)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    first, second = ordered[below].astype(np.float64), ordered[above].astype(np.float64)
    # Weighted, not stepped: the difference of two large values may be infinite.
    share = places - below
    found = np.where(first == second, first, first * (1 - share) + second * share)
    return [rounded(value) or 0.0 for value in found.tolist()]


def described(ordered: NDArray[Any], quantiles: list[float], dtype: str) -> dict[str, Any]:
    """Describe sorted values."""
    at = dict(zip(QUANTILES, quantiles, strict=True))
    low, high = ordered[0].item(), ordered[-1].item()
    named = {"min": low, **{f"q{round(s * 100):02}": at[s] for s in (0.05, 0.25, 0.5, 0.75, 0.95)}}
    named["max"] = high
    if dtype not in ("integer", "number"):
        return named
    mean, powers = powers_of(ordered)
    scale = float(max(abs(low), abs(high)))
    first, last = fences(at[0.25], at[0.75])
    negative = int(np.searchsorted(ordered, 0, side="left"))
    return {
        **named,
        **moments(mean, powers, len(ordered), scale),
        "zeros": int(np.searchsorted(ordered, 0, side="right")) - negative,
        "negative": negative,
        "outliers": {
            "low": int(np.searchsorted(ordered, first, side="left")),
            "high": len(ordered) - int(np.searchsorted(ordered, last, side="right")),
        },
    }


def powers_of(values: NDArray[Any]) -> tuple[float, list[float]]:
    """Give the mean, and the sums of the second to fourth power of the distance from it."""
    pieces = [values[s : s + _ROWS_AT_ONCE] for s in range(0, len(values), _ROWS_AT_ONCE)]
    powers = [0.0, 0.0, 0.0]
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(sum(float(p.sum(dtype=np.float64)) for p in pieces) / len(values))
        for piece in pieces:
            apart = piece - mean
            power = apart
            for at in range(3):
                power = power * apart
                powers[at] += float(power.sum())
    return mean, powers


def fences(first: float, third: float) -> tuple[float, float]:
    """Give Tukey's fences: one and a half interquartile ranges beyond the quartiles."""
    step = 1.5 * (third - first)
    return first - step, third + step


def measure_texts(column: pa.ChunkedArray, top: int, rows: Rows) -> Measured:
    """Measure a column of texts or truths."""
    codes, texts = texts_of(column)
    count = len(texts)
    missing = int((codes < 0).sum())
    if not count:
        return Measured(missing, 0)
    sizes = np.bincount(codes[codes >= 0], minlength=count)
    chosen = most_frequent(sizes, texts, top)
    place = np.full(count + 1, len(chosen), dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    place[count] = len(chosen) + 1
    cells = count_cells(lambda part: place[codes[part]], len(chosen) + 1, rows)
    whole = None
    if count * rows.groups.size <= _MOST_CELLS and count > len(chosen):
        every = np.arange(count + 1)
        whole = count_cells(lambda part: every[codes[part]], count, rows)
    figures = {} if pa.types.is_boolean(column.type) else lengths(texts, sizes)
    names = tuple(texts.take(integer_array(chosen)).to_pylist())
    return Measured(missing, count, figures, names=names, cells=cells, whole=whole)


def most_frequent(sizes: NDArray[np.int64], texts: pa.Array, top: int) -> NDArray[np.int64]:
    """Choose the most frequent texts; of equally frequent ones the first in order."""
    if len(sizes) > top:
        least = np.partition(sizes, -top)[-top]
        places = np.flatnonzero(sizes >= least)
    else:
        places = np.arange(len(sizes))
    by_name = places[_order(texts.take(integer_array(places)))]
    chosen: NDArray[np.int64] = by_name[np.argsort(-sizes[by_name], kind="stable")][:top]
    return chosen


def lengths(texts: pa.Array, sizes: NDArray[np.int64]) -> dict[str, Any]:
    """Describe how long texts are, in characters, and how many are blank or padded."""
    long = _integers(pc.utf8_length(texts))
    trimmed = _integers(pc.utf8_length(pc.utf8_trim_whitespace(texts)))
    total = int(sizes.sum())
    return {
        "length": {
            "min": int(long.min()),
            "mean": rounded(float((long * sizes).sum()) / total, 6),
            "max": int(long.max()),
        },
        "blank": int(sizes[trimmed == 0].sum()),
        "padded": int(sizes[(trimmed != long) & (trimmed > 0)].sum()),
    }


def _integers(array: pa.Array) -> NDArray[np.int64]:

    return integers(pa.chunked_array([array]))


def _order(texts: pa.Array) -> NDArray[np.int64]:
    return _integers(pc.sort_indices(texts).cast(pa.int64()))


def _array(edges: list[Any], whole: bool) -> NDArray[Any]:
    """Give edges in the values' own type: a float can't tell large whole numbers apart."""
    if not whole:
        return np.array(edges, dtype=np.float64)
    most = 2**63 - 1
    return np.array([min(max(edge, -most), most) for edge in edges], dtype=np.int64)
