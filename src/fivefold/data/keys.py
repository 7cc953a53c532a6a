"""Whether rows agree in some columns, told without keeping those columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.data.values import single
from fivefold.table.engine import batches

__all__ = ["count_rows", "repeats"]

# Up to here the engine counts groups; beyond, a hash of 8 bytes per row tells in far less memory.
_FEW_ROWS = 5_000_000


def count_rows(table: nw.LazyFrame[Any]) -> int:
    """Count the rows."""
    return int(single(table.select(nw.len().alias("rows")))["rows"])


def repeats(table: nw.LazyFrame[Any], columns: Sequence[str]) -> bool:
    """Tell whether rows agree in the columns; mostly none do, and the table stays as it is."""
    if count_rows(table) > _FEW_ROWS:
        return _hashes_repeat(table.select(*columns).drop_nulls(), columns) or _with_gaps_repeat(
            table, columns
        )
    return _most(table, columns) > 1


def _most(table: nw.LazyFrame[Any], columns: Sequence[str]) -> int:
    counts = table.group_by(*columns).agg(nw.len().alias("__rows"))
    return int(single(counts.select(nw.col("__rows").max().alias("most")))["most"] or 0)


def _with_gaps_repeat(table: nw.LazyFrame[Any], columns: Sequence[str]) -> bool:
    gaps = nw.any_horizontal(*(nw.col(name).is_null() for name in columns), ignore_nulls=True)
    return _most(table.filter(gaps), columns) > 1


def _hashes_repeat(complete: nw.LazyFrame[Any], columns: Sequence[str]) -> bool:
    import numpy as np
    import pyarrow as pa

    from fivefold.data.rowhash import row_hashes

    _, rows = batches(complete)
    parts = [row_hashes(pa.Table.from_batches([batch]), columns) for batch in rows]
    hashes = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    del parts
    hashes.sort()
    # Equal hashes of different rows are one in a thousand runs at a hundred million rows; then the
    # answer costs more, because the caller looks again, and is as right.
    return bool((hashes[1:] == hashes[:-1]).any())
