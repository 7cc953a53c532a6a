"""Columns that say what another says: equal, a multiple of it, or its categories renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fivefold.data.sampling import Sample
from fivefold.table.arrays import floats, integers

__all__ = ["repeated_columns"]

_SAME = 0.99999
_LIKELY = 0.999
# Fewer rows agree by chance.
_FEWEST_ROWS = 20
_FIRST_ROWS, _FIRST_CELLS, _BLOCK = 4000, 5_000_000, 1000
# Of the columns that may be repeated, how many are compared in full.
_TRIED = 3

Found = dict[str, tuple[str, ...]]


def repeated_columns(sample: Sample, dtypes: Mapping[str, str]) -> Found:
    """Find columns that repeat one before them.

    Parameters
    ----------
    sample : Sample
        The rows looked at.
    dtypes : mapping of str to str
        The columns, in the table's order.
    """
    if sample.table.num_rows < _FEWEST_ROWS:
        return {}
    said = "" if sample.share == 1 else f", in a sample of {sample.table.num_rows:,} rows"
    numeric = [name for name, dtype in dtypes.items() if dtype in ("integer", "number")]
    others = [name for name, dtype in dtypes.items() if dtype not in ("integer", "number")]
    return _proportional(sample.table, numeric, said) | _renamed(sample.table, others, said)


def _renamed(table: pa.Table, columns: Sequence[str], said: str) -> Found:
    """Find categories that come with one category each of another column, and the reverse.

    Numbered in the order of first sight, such columns have the same numbers.
    """
    found: Found = {}
    seen: dict[bytes, tuple[str, pa.Array]] = {}
    for name in columns:
        encoded = table[name].dictionary_encode(null_encoding="encode").combine_chunks()
        numbers = integers(pa.chunked_array([encoded]))
        digest = hashlib.blake2b(numbers.astype("<i4").tobytes(), digest_size=16).digest()
        if digest not in seen:
            seen[digest] = name, encoded.dictionary
            continue
        first, values = seen[digest]
        equal = values.type == encoded.dictionary.type and values.equals(encoded.dictionary)
        if equal:
            found[name] = ("duplicate", f"equal to {first}{said}", first)
        # Where hardly a value repeats, all columns are renamings of each other.
        elif len(values) <= table.num_rows / 10:
            found[name] = ("duplicate", f"each value comes with one of {first}{said}", first)
    return found


def _proportional(table: pa.Table, columns: Sequence[str], said: str) -> Found:
    """Find numbers whose correlation with another column is 1 or -1."""
    if len(columns) < 2:
        return {}
    rows = min(_FIRST_ROWS, max(200, _FIRST_CELLS // len(columns)))
    held = table.slice(0, rows)
    scores = np.column_stack([_standard(floats(held[name])) for name in columns])
    found: Found = {}
    for start in range(0, len(columns), _BLOCK):
        block = np.abs(scores.T @ scores[:, start : start + _BLOCK])
        for at in range(block.shape[1]):
            near = np.flatnonzero(block[: start + at, at] > _LIKELY)
            for other in near[:_TRIED]:
                name, first = columns[start + at], columns[int(other)]
                detail = _relation(floats(table[name]), floats(table[first]), first)
                if detail:
                    found[name] = ("duplicate", detail + said, first)
                    break
    return found


def _standard(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give deviations from the mean with a sum of squares of 1; what is missing deviates by 0."""
    known = np.where(np.isfinite(values), values, np.nan)
    if np.isnan(known).all():
        return np.zeros(len(values))
    with np.errstate(over="ignore", invalid="ignore"):
        away = np.nan_to_num(known - np.nanmean(known), posinf=0.0, neginf=0.0)
        size = np.sqrt((away**2).sum())
    return away / size if 0 < size < np.inf else np.zeros(len(values))


def _relation(
    values: npt.NDArray[np.float64], others: npt.NDArray[np.float64], first: str
) -> str | None:
    if np.array_equal(values, others, equal_nan=True):
        return f"equal to {first}"
    if not np.array_equal(np.isnan(values), np.isnan(others)):
        return None  # which values are missing tells something, too
    correlation = float(_standard(values) @ _standard(others))
    if abs(correlation) <= _SAME:
        return None
    return f"its correlation with {first} is {correlation:.4f}"
