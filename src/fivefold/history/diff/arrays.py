"""Arrow's columns as NumPy arrays, without pandas.

pyarrow's own ``to_numpy`` imports pandas to see whether it is there, which takes longer than all
that a diff does with the numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["differs", "encoded", "floats", "plain", "rows_of"]


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a dictionary's values in place of their codes; other columns as they are."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Give numbers, truths or times as float64 with NaN for missing, shape (n_rows,).

    Raises
    ------
    pyarrow.ArrowException
        Where they can't be numbers.
    """
    column = plain(column)
    if pa.types.is_temporal(column.type):
        wide = pa.types.is_date32(column.type) or pa.types.is_time32(column.type)
        column = column.cast(pa.int32() if wide else pa.int64())
    array = column.cast(pa.float64(), safe=False).combine_chunks()
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    values = _viewed(array, np.dtype(np.float64))
    if not array.null_count:
        return values
    return np.where(_bits(array, 0), values, np.nan)


def encoded(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[Any]]:
    """Give the values of a column numbers, in the order they occur; missing ones count as one.

    Returns
    -------
    codes : ndarray of shape (n_rows,)
    values : list
        By code; None for missing.
    """
    array = plain(column).combine_chunks()
    found = array.dictionary_encode(null_encoding="encode")
    found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    codes: NDArray[np.int64] = _viewed(found.indices, np.dtype(np.int32)).astype(np.int64)
    return codes, found.dictionary.to_pylist()


def rows_of(column: pa.ChunkedArray, places: NDArray[np.int64]) -> pa.ChunkedArray:
    """Give the rows of a column at some places, shape (n_places,)."""
    data = pa.py_buffer(np.ascontiguousarray(places, dtype=np.int64))
    return column.take(pa.Array.from_buffers(pa.int64(), len(places), [None, data]))


def differs(first: pa.ChunkedArray, second: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Tell which rows of two columns of one type are not equal, missing ones being equal.

    Raises
    ------
    pyarrow.ArrowNotImplementedError
        Where values of the type can't be compared.
    """
    if pa.types.is_floating(first.type):
        before, after = floats(first), floats(second)
        changed: NDArray[np.bool_] = before != after
        return changed & ~(np.isnan(before) & np.isnan(after))
    gone = [_truths(pc.is_null(column)) for column in (first, second)]
    changed = gone[0] != gone[1]
    return changed | _truths(pc.not_equal(first, second))


def _truths(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Give truths as bool, a missing one as False."""
    array = column.combine_chunks()
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    values = _bits(array, 1)
    return values & _bits(array, 0) if array.null_count else values


def _bits(array: pa.Array, buffer: int) -> NDArray[np.bool_]:
    """Look at an array's bits: 0 for which values are there, 1 for truths."""
    if not len(array):
        return np.empty(0, np.bool_)
    bits = np.frombuffer(array.buffers()[buffer], np.uint8)
    whole = np.unpackbits(bits, bitorder="little")[array.offset : array.offset + len(array)]
    return whole.astype(np.bool_)


def _viewed(array: pa.Array, kind: np.dtype[Any]) -> NDArray[Any]:
    """Look at an array's bytes as they are; what is missing may be anything."""
    if not len(array):
        return np.empty(0, kind)
    values: NDArray[Any] = np.frombuffer(array.buffers()[1], kind)
    return values[array.offset : array.offset + len(array)]
