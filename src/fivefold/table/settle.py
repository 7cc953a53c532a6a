"""Rows set down in a file of this process, where they need not fit in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from fivefold.table.engine import batches, checkpoint, engine_of, scan
from fivefold.table.memory import MEMORY_CELLS
from fivefold.table.spill import spill_path

__all__ = ["MEMORY_CELLS", "settle", "spill"]


def settle(frame: nw.LazyFrame[Any], cells: int, cheap: bool = False) -> nw.LazyFrame[Any]:
    """Compute a frame once, in memory if it is small and in a file if not.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        What several readers will read.
    cells : int
        About how many it has: rows times columns.
    cheap : bool
        Is computing it again as quick as reading the result? Then it stays as it is where that
        saves copying: always on DuckDB, which copies all columns, and where it is large on polars.
    """
    implementation = frame.implementation
    if implementation.is_pandas() or (implementation.is_duckdb() and cheap):
        return frame
    if cells <= MEMORY_CELLS:
        return checkpoint(frame, small=True)
    if cheap:
        return frame
    schema, rows = batches(frame)
    return spill(schema, rows, engine_of(frame))


def spill(schema: pa.Schema, rows: Iterable[pa.RecordBatch], engine: str) -> nw.LazyFrame[Any]:
    """Write batches to a file that is gone when the process ends, and open it on an engine."""
    path = spill_path(".parquet")
    # Read back at once by this process alone: speed counts, size hardly.
    with pq.ParquetWriter(path, schema, compression="lz4", use_dictionary=True) as writer:
        for batch in rows:
            if batch.num_rows:
                writer.write_batch(batch)
    return scan(path, engine)
