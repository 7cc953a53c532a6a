"""Arrow's columns as NumPy arrays and back, where they stand: Arrow's own way imports pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["floats", "integer_array", "integers", "truth_array", "viewed"]


def integer_array(values: npt.ArrayLike) -> pa.Array:
    """Give whole numbers, such as the places of rows, as a column, shape (n_rows,)."""
    numbers = np.ascontiguousarray(values, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def truth_array(values: npt.NDArray[np.bool_]) -> pa.Array:
    """Give truths as a column, shape (n_rows,)."""
    bits = np.packbits(values, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


def integers(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Read a column of whole numbers, or the indices of a dictionary, without missing values."""
    array = column.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.indices
    numbers: npt.NDArray[np.int64] = viewed(array.cast(pa.int64()), np.int64)
    return numbers


def floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Read a column of numbers or truths as floating-point numbers; what is missing is NaN."""
    array = column.combine_chunks()
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    array = array.cast(pa.float64(), safe=False)
    values: npt.NDArray[np.float64] = viewed(array, np.float64).copy()
    if array.null_count:
        values[viewed(pc.is_null(array).cast(pa.uint8()), np.uint8).astype(bool)] = np.nan
    return values


def viewed(array: pa.Array, dtype: Any) -> Any:
    """Look at the bytes of an array as they are; what stands at a missing row means nothing."""
    if len(array) == 0:
        return np.empty(0, dtype=dtype)
    whole = np.frombuffer(array.buffers()[1], dtype=dtype)
    return whole[array.offset : array.offset + len(array)]
