"""A sample of rows drawn by their keys alone: the same on every engine, whatever their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fivefold.data.rowhash import row_hashes, uniform
from fivefold.table import TableSchema, from_arrow, to_arrow
from fivefold.table.arrays import integer_array
from fivefold.table.engine import batches

__all__ = ["chosen_rows", "most_rows", "name_columns", "semi_joined"]

_SEED = 17
# Values of a sample that are held at a time, whatever the shape of the table.
_MOST_CELLS = 20_000_000


def most_rows(limit: int, columns: int) -> int:
    """Give how many rows a sample of so many columns may have."""
    return max(100, min(limit, _MOST_CELLS // max(columns, 1)))


def name_columns(key: Sequence[str], schema: TableSchema) -> list[str]:
    """Name the columns that tell rows apart: the key, or what comes nearest to one."""
    return list(key) or schema.with_role("identifier", "time") or list(schema.columns)[:8]


def hashes_of(table: pa.Table, columns: Sequence[str]) -> NDArray[np.uint64]:
    """Hash rows by some columns, a missing value being one like any other."""
    return combined(table[name] for name in columns)


def combined(columns: Iterable[pa.ChunkedArray]) -> NDArray[np.uint64]:
    """Hash rows column by column, so that no two need be in memory."""
    hashes: NDArray[np.uint64] | None = None
    for column in columns:
        filled = pc.coalesce(column, _filler(column.type)) if column.null_count else column
        found = row_hashes(pa.table({"": filled}), [""], _SEED)
        # Multiplied by an odd number, so that equal columns don't cancel out.
        hashes = found if hashes is None else hashes * np.uint64(0x9E3779B97F4A7C15) + found
    return np.empty(0, np.uint64) if hashes is None else hashes


def _filler(type_: pa.DataType) -> pa.Scalar:
    # Made without Arrow's converter of Python values, which imports pandas.
    truth = pc.is_valid(pa.nulls(1))
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_boolean(type_):
        return truth.cast(type_)[0]
    number = truth.cast(pa.int32() if pa.types.is_date32(type_) else pa.int64())
    return number.cast(type_)[0]


def chosen_rows(columns: Iterable[pa.ChunkedArray], most: int) -> NDArray[np.int64]:
    """Choose about so many rows, in the order of their hashes.

    Parameters
    ----------
    columns : iterable of pyarrow.ChunkedArray
        Those that tell rows apart.
    most : int

    Returns
    -------
    ndarray of int64
        Their places in the table.
    """
    hashes = combined(columns)
    if len(hashes) <= most:
        places = np.arange(len(hashes), dtype=np.int64)
    else:
        places = np.flatnonzero(uniform(hashes) < most / len(hashes))
    ordered: NDArray[np.int64] = places[np.argsort(hashes[places], kind="stable")]
    return ordered


def semi_joined(
    frame: nw.LazyFrame[Any],
    names: Sequence[str],
    key: Sequence[str],
    rows: int,
    most: int,
    engine: str,
) -> pa.Table:
    """Fetch about so many rows of a long table, in the order of their hashes."""
    found = _drawn_keys(frame, key, most / rows)
    wanted = from_arrow(found.group_by(list(key)).aggregate([]), engine)
    joined = frame.select(*dict.fromkeys([*names, *key]))
    table = to_arrow(joined.join(wanted, on=list(key), how="semi"))
    order = np.argsort(hashes_of(table, key), kind="stable").astype(np.int64)
    return table.take(integer_array(order))


def _drawn_keys(frame: nw.LazyFrame[Any], key: Sequence[str], share: float) -> pa.Table:
    """Draw keys, a batch at a time; what was read of them is let go before the rows are fetched."""
    _, stream = batches(frame.select(*key))
    kept = []
    for batch in stream:
        part = pa.Table.from_batches([batch])
        kept.append(part.take(integer_array(np.flatnonzero(uniform(hashes_of(part, key)) < share))))
    found = pa.concat_tables(kept)
    for name in key:
        # A missing key equals no other, and so can't be joined on.
        found = found.filter(pc.is_valid(found[name]))
    return found
