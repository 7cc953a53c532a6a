"""Arrow's columns as NumPy arrays, read where they stand: Arrow's own way imports pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fivefold.table.arrays import integers, viewed

__all__ = ["DAY", "Flags", "Values", "missing_of", "numbers_of", "texts_of"]

Flags = NDArray[np.bool_]
Values = NDArray[Any]

DAY = 86_400_000_000
"""A day in microseconds."""


def missing_of(column: pa.ChunkedArray) -> Flags:
    """Tell which rows have no value, shape (n_rows,)."""
    if column.null_count == 0:
        return np.zeros(len(column), dtype=bool)
    missing: Flags = integers(pc.is_null(column)) == 1
    return missing


def numbers_of(column: pa.ChunkedArray) -> tuple[Values, Flags, int]:
    """Read a column of numbers, dates or times.

    Returns
    -------
    ndarray of float64 or int64, shape (n_rows,)
        Dates and times in microseconds since 1970. What stands at a missing row means nothing.
    ndarray of bool, shape (n_rows,)
        Which rows have a finite value.
    int
        How many are infinite.
    """
    known = ~missing_of(column)
    type_ = column.type
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        values = viewed(column.cast(pa.float64()).combine_chunks(), np.float64) + 0.0
        infinite = int((np.isinf(values) & known).sum())
        return values, known & np.isfinite(values), infinite
    if pa.types.is_timestamp(type_):
        column = column.cast(pa.timestamp("us", type_.tz), safe=False)
        return integers(column), known, 0
    if pa.types.is_date(type_):
        return integers(column.cast(pa.date32()).cast(pa.int32())) * DAY, known, 0
    return integers(column), known, 0


def texts_of(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """Read a column of texts or truths.

    Returns
    -------
    ndarray of int64, shape (n_rows,)
        The position of each row's text; -1 where it is missing.
    pyarrow.Array
        The texts.
    """
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.string())
    encoded = column.cast(pa.large_string()).dictionary_encode().combine_chunks()
    missing = missing_of(column)
    codes = integers(pa.chunked_array([encoded.indices.cast(pa.int64())])).copy()
    codes[missing] = -1
    return codes, encoded.dictionary
