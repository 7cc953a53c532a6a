"""The one Parquet writer: the same rows give the same bytes, whatever engine computed them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fivefold.table.engine import BATCH_ROWS, require_columns
from fivefold.table.order import OutOfOrder, in_order, keyed, sorted_rows
from fivefold.table.rows import Rows

__all__ = ["Table", "canonical", "write_rows", "write_table"]

# Cells of a row group at most, so that thousands of columns are written in bounded memory.
_GROUP_CELLS = BATCH_ROWS * 256


@dataclass(frozen=True)
class Table:
    """A table that a stage gives back.

    Attributes
    ----------
    frame : narwhals.LazyFrame
        The rows, in any order.
    key : tuple of str
        The columns that together are unique and never missing; rows are written in their order.
    """

    frame: nw.LazyFrame[Any]
    key: tuple[str, ...]


def write_table(table: Table, path: Path) -> int:
    """Write a table sorted by its key, and give the number of rows.

    Raises
    ------
    DataError
        A key column is absent, has a missing value, or the key is not unique.
    """
    require_columns(table.frame, table.key, where="key")
    try:
        return _write(*in_order(table.frame, table.key), path)
    except OutOfOrder:
        pass  # left at once: the error holds on to the rows that were read
    schema, rows = sorted_rows(table.frame, table.key)
    return _write(schema, keyed(rows, table.key), path)


def write_rows(rows: Rows, path: Path) -> int:
    """Write rows in the order they come, a row group at a time, and give their number."""
    return _write(rows.schema, rows.batches(), path)


def canonical(schema: pa.Schema) -> pa.Schema:
    """Give the types a table is kept in: 64-bit numbers, plain strings, microseconds in UTC."""
    return pa.schema([pa.field(field.name, _canonical_type(field.type)) for field in schema])


def _canonical_type(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(type_):
        return _canonical_type(type_.value_type)
    # DuckDB sums integers into 128 bits, which Arrow sees as decimals without a fraction.
    if pa.types.is_integer(type_) or (pa.types.is_decimal(type_) and type_.scale == 0):
        return pa.int64()
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return pa.float64()
    if pa.types.is_large_string(type_) or pa.types.is_string_view(type_) or pa.types.is_null(type_):
        return pa.string()
    if pa.types.is_timestamp(type_):
        return pa.timestamp("us", tz="UTC" if type_.tz else None)
    return type_


def _write(schema: pa.Schema, rows: Iterator[pa.RecordBatch], path: Path) -> int:
    target = canonical(schema)
    count = 0
    with (
        pq.ParquetWriter(path, target, compression="zstd", version="2.6") as writer,
        ThreadPoolExecutor(1) as pool,
    ):
        # Encoding takes as long as computing, and one thread: it is done beside.
        writing = pool.submit(int)
        for group in _regrouped(rows, schema):
            table = _cast(group, target)
            writing.result()
            writing = pool.submit(writer.write_table, table, row_group_size=BATCH_ROWS)
            count += table.num_rows
        writing.result()
    return count


def _cast(group: pa.Table, target: pa.Schema) -> pa.Table:
    columns = []
    for field in target:
        column = group[field.name]
        if column.type != field.type:
            column = column.cast(field.type)
        if pa.types.is_floating(field.type):
            # A missing value is null and nothing else, and zero has no sign: engines differ in
            # where they leave NaN, and in which of two equal zeros they keep.
            column = pc.if_else(pc.is_nan(column), pa.nulls(1, field.type)[0], column)
            column = pc.add(column, _ZERO)
        columns.append(column)
    return pa.table(columns, schema=target).combine_chunks()


def _regrouped(rows: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Cut a stream of batches into tables of as many rows as a group has, the last one shorter."""
    rows_of_group = max(1, min(BATCH_ROWS, _GROUP_CELLS // max(1, len(schema))))
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in rows:
        held.append(batch)
        size += batch.num_rows
        while size >= rows_of_group:
            table = pa.Table.from_batches(held, schema=schema)
            yield table.slice(0, rows_of_group)
            rest = table.slice(rows_of_group)
            held, size = rest.to_batches(), rest.num_rows
    if size:
        yield pa.Table.from_batches(held, schema=schema)


# Made without Arrow's converter of Python values, which imports pandas.
_ZERO = pc.is_valid(pa.nulls(1)).cast(pa.int8()).cast(pa.float64())[0]
