"""How columns go with one another, on a sample of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivefold.data.profiling.arrays import numbers_of, texts_of
from fivefold.data.profiling.association import cramers_v, mutual_information

__all__ = [
    "Coded",
    "coded",
    "copies",
    "correlations",
    "densities",
    "matrices",
    "near_copies",
    "ranked_only",
]

_BINS = 10
_CATEGORIES = 20
_ROWS_AT_ONCE = 8192
_DIGITS = 3
# A pair this strong is one column told twice.
NEAR_COPY = 0.995
_LEVELS = 18


@dataclass(frozen=True)
class Coded:
    """A column of the sample.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_rows,)
        Bins of about equally many rows, or the most frequent categories; the last is for the
        missing ones.
    levels : int
        How many codes there are.
    values, ranks : ndarray of float64, shape (n_rows,), optional
        Of numbers, NaN where missing; ranks from 0 to 1, equal values sharing their mean.
    fingerprint : bytes
        Equal of columns that tell the same rows apart, numbers in the same order.
    """

    codes: NDArray[np.int64]
    levels: int
    values: NDArray[np.float64] | None
    ranks: NDArray[np.float64] | None
    fingerprint: bytes


def coded(column: pa.ChunkedArray, dtype: str) -> Coded | None:
    """Code a column; None where it does not vary."""
    if dtype == "string":
        return _coded_texts(column)
    if dtype == "boolean":
        # A truth is a number of two values.
        column = column.cast(pa.int64())
    values, known, _ = numbers_of(column)
    floats = np.where(known, values.astype(np.float64), np.nan)
    different, place, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    if len(different) < 2 - (len(place) < len(values) and len(different) > 0):
        return None
    ends = np.cumsum(counts)
    middle = (ends - (counts + 1) / 2) / max(len(place) - 1, 1)
    ranks = np.full(len(values), np.nan)
    ranks[known] = middle[place]
    levels = min(len(different), _BINS)
    bins = np.full(len(values), levels, dtype=np.int64)
    if len(different) <= _BINS:
        bins[known] = place
    else:
        bins[known] = np.minimum((middle[place] * _BINS).astype(np.int64), _BINS - 1)
    dense = np.full(len(values), -1, dtype=np.int64)
    dense[known] = place
    return Coded(bins, levels + 1, floats, ranks, _digest(dense))


def _coded_texts(column: pa.ChunkedArray) -> Coded | None:
    positions, texts = texts_of(column)
    count = len(texts)
    missing = positions < 0
    if count < 2 - (bool(missing.any()) and count > 0):
        return None
    sizes = np.bincount(positions[~missing], minlength=count)
    levels = min(count, _CATEGORIES)
    # Of equally frequent ones the first seen: the sample has one order.
    kept = np.argsort(-sizes, kind="stable")[:levels]
    place = np.full(count + 1, levels, dtype=np.int64)
    place[kept] = np.arange(levels)
    place[count] = levels + 1
    return Coded(place[positions], levels + 2, None, None, _digest(positions))


def _digest(codes: NDArray[np.int64]) -> bytes:
    import hashlib

    return hashlib.blake2b(codes.astype("<i8").tobytes(), digest_size=16).digest()


def copies(columns: Mapping[str, Coded]) -> list[list[str]]:
    """Find columns that tell the same rows apart, in the order of the first of each."""
    seen: dict[tuple[bool, bytes], list[str]] = {}
    for name, column in columns.items():
        seen.setdefault((column.values is None, column.fingerprint), []).append(name)
    return [names for names in seen.values() if len(names) > 1]


def correlations(
    columns: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Correlate columns over the rows where both have a value, shape (n_columns, n_columns).

    Parameters
    ----------
    columns : sequence of ndarray of shape (n_rows,)
        Values for Pearson's correlation, ranks for Spearman's; NaN where missing.

    Returns
    -------
    ndarray
        NaN where a column does not vary.
    """
    if not columns:
        return np.empty((0, 0))
    # Centred and scaled, so that squares of large values keep their digits and stay finite.
    ends = [
        (np.nanmean(c / (w := _largest(c))), w) if np.isfinite(c).any() else (0.0, 1.0)
        for c in columns
    ]
    size = len(columns)
    rows, sums, squares, products = (np.zeros((size, size)) for _ in range(4))
    for start in range(0, len(columns[0]), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        table = np.column_stack(
            [c[part] / w - middle for c, (middle, w) in zip(columns, ends, strict=True)]
        )
        known = np.isfinite(table).astype(np.float64)
        filled = np.nan_to_num(table, nan=0.0, posinf=0.0, neginf=0.0)
        rows += known.T @ known
        sums += filled.T @ known
        squares += (filled**2).T @ known
        products += filled.T @ filled
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = products - sums * sums.T / rows
        spread = squares - sums**2 / rows
        # What adding leaves of a column that is constant where both have a value.
        spread = np.where(spread < 1e-12 * np.maximum(squares, 1e-300), np.nan, spread)
        found = cross / np.sqrt(spread * spread.T)
    return np.asarray(np.clip(found, -1, 1), dtype=np.float64)


def _largest(values: NDArray[np.float64]) -> float:
    return max(float(np.nanmax(np.abs(values))), 1e-300)


def counts_of(first: Coded, second: Coded) -> NDArray[np.int64]:
    """Count rows by the codes of two columns, shape (first.levels, second.levels)."""
    size = first.levels * second.levels
    counted = np.bincount(first.codes * second.levels + second.codes, minlength=size)
    return counted.reshape(first.levels, second.levels)


def matrices(columns: Mapping[str, Coded]) -> dict[str, Any]:
    """Measure every two columns four ways.

    Returns
    -------
    dict
        ``columns``, and square lists of lists: ``pearson`` and ``spearman``, None but for numbers,
        ``cramers_v``, and ``mutual_information`` as a share of the smaller entropy.
    """
    names = list(columns)
    size = len(names)
    numeric = [at for at, name in enumerate(names) if columns[name].values is not None]
    found: dict[str, Any] = {"columns": names}
    for measure in ("pearson", "spearman"):
        given = [
            item
            for name in names
            if (item := columns[name].values if measure == "pearson" else columns[name].ranks)
            is not None
        ]
        whole = np.full((size, size), np.nan)
        whole[np.ix_(numeric, numeric)] = correlations(given)
        found[measure] = _listed(whole)
    strength, told = np.full((size, size), np.nan), np.full((size, size), np.nan)
    for first in range(size):
        strength[first, first] = told[first, first] = 1.0
        for second in range(first):
            counts = counts_of(columns[names[first]], columns[names[second]])
            value = cramers_v(counts)
            information = mutual_information(counts)
            for target, given_value in (
                (strength, value),
                (told, None if information is None else information[1]),
            ):
                target[first, second] = target[second, first] = (
                    np.nan if given_value is None else given_value
                )
    return found | {"cramers_v": _listed(strength), "mutual_information": _listed(told)}


def _listed(table: NDArray[np.float64]) -> list[list[float | None]]:
    return [
        [round(value, _DIGITS) + 0.0 if np.isfinite(value) else None for value in row]
        for row in table.tolist()
    ]


def near_copies(found: Mapping[str, Any], same: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Name the pairs that are all but one column, the strongest first."""
    known = {frozenset((a, b)) for names in same for a in names for b in names if a != b}
    pairs = []
    names = found["columns"]
    for first in range(len(names)):
        for second in range(first):
            pair = names[second], names[first]
            rank = found["spearman"][first][second]
            by = "spearman" if rank is not None else "cramers_v"
            strength = abs(rank) if rank is not None else found["cramers_v"][first][second]
            if strength is not None and strength >= NEAR_COPY and frozenset(pair) not in known:
                pairs.append({"columns": list(pair), "measure": by, "value": strength})
    return sorted(pairs, key=lambda pair: (-pair["value"], pair["columns"]))


def densities(
    columns: Mapping[str, Coded], found: Mapping[str, Any], most: int, target: str
) -> list[dict[str, Any]]:
    """Count rows over the plane of the pairs of numbers that are correlated most.

    Returns
    -------
    list of dict
        ``x`` and ``y`` with ``x_edges`` and ``y_edges``, and ``rows``, shape (n_y, n_x).
    """
    names, ranks = found["columns"], found["spearman"]
    pairs = [
        (abs(value), names[second], names[first])
        for first in range(len(names))
        for second in range(first)
        if (value := ranks[first][second]) is not None
        and 0.2 <= abs(value) < NEAR_COPY
        and target not in (names[first], names[second])
        and min(columns[names[at]].levels for at in (first, second)) > _BINS
    ]
    drawn = []
    for _, x, y in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))[:most]:
        sides = []
        for name in (x, y):
            values = columns[name].values
            assert values is not None  # noqa: S101  only numbers have ranks
            ends = np.nanquantile(values, [0.005, 0.995])
            sides.append((values, np.linspace(ends[0], ends[1], _LEVELS + 1)))
        (first, x_edges), (second, y_edges) = sides
        if not (np.all(np.diff(x_edges) > 0) and np.all(np.diff(y_edges) > 0)):
            continue
        both = np.isfinite(first) & np.isfinite(second)
        counted, _, _ = np.histogram2d(second[both], first[both], bins=[y_edges, x_edges])
        drawn.append(
            {
                "x": x,
                "y": y,
                "x_edges": [float(f"{edge:.6g}") for edge in x_edges.tolist()],
                "y_edges": [float(f"{edge:.6g}") for edge in y_edges.tolist()],
                "rows": counted.astype(int).tolist(),
            }
        )
    return drawn


def ranked_only(columns: Mapping[str, Coded]) -> dict[str, Any]:
    """Correlate the ranks of many numbers, for `near_copies`."""
    ranks = {name: c.ranks for name, c in columns.items() if c.ranks is not None}
    return {"columns": list(ranks), "spearman": _listed(correlations(list(ranks.values())))}
