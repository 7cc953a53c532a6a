"""The one Parquet writer: the same rows give the same bytes, whatever engine computed them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fivefold.errors import DataError
from fivefold.table.engine import BATCH_ROWS, batches, from_arrow, require_columns, to_arrow
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
    schema, rows = _in_order(table)
    return _write(schema, _keyed(rows, table.key), path)


def _in_order(table: Table) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Give the rows in the order of the key, sorting them only where they are not.

    Most stages read sorted rows and keep their order, and looking costs a tenth of sorting.
    """
    if table.frame.implementation.is_duckdb():
        return batches(table.frame.sort(*table.key))
    rows = to_arrow(table.frame)
    if not _ascending(rows, table.key):
        rows = to_arrow(from_arrow(rows, "polars").sort(*table.key))
    return rows.schema, iter(rows.to_batches(max_chunksize=BATCH_ROWS))


def _ascending(rows: pa.Table, key: tuple[str, ...]) -> bool:
    """Tell whether no row's key is below that of the row before it; a missing key is no order."""
    if rows.num_rows < 2:
        return True
    ordered = None
    for name in reversed(key):
        column = rows[name]
        before, after = column.slice(0, len(column) - 1), column.slice(1)
        if ordered is None:
            ordered = pc.less_equal(before, after)
        else:
            ordered = pc.or_(pc.less(before, after), pc.and_(pc.equal(before, after), ordered))
    return ordered is not None and ordered.null_count == 0 and pc.all(ordered).as_py() is True


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
    with pq.ParquetWriter(path, target, compression="zstd", version="2.6") as writer:
        for group in _regrouped(rows, schema):
            table = _cast(group, target)
            writer.write_table(table, row_group_size=BATCH_ROWS)
            count += table.num_rows
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
_TRUE = pc.is_null(pa.nulls(1))[0]
_ZERO = pc.is_valid(pa.nulls(1)).cast(pa.int8()).cast(pa.float64())[0]


def _keyed(rows: Iterator[pa.RecordBatch], key: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Pass sorted batches on, refusing a missing key and two neighbours with the same one.

    Keys stay Arrow's own scalars until a message needs them: the way from Python's values to Arrow,
    and from timestamps back, imports pandas, a third of a second in every stage.
    """
    last: tuple[pa.Scalar, ...] | None = None
    for batch in rows:
        if batch.num_rows == 0:
            continue
        columns = [batch.column(batch.schema.get_field_index(name)) for name in key]
        for name, column in zip(key, columns, strict=True):
            if column.null_count:
                raise DataError(
                    f"{column.null_count:,} rows have no value in the key column {name!r}",
                    where="key",
                    hint="drop those rows in clean.steps, or name another key in conf/config.yaml",
                )
        first = tuple(column[0] for column in columns)
        same = None
        for column in columns:
            equal = pc.equal(column.slice(1), column.slice(0, len(column) - 1))
            same = equal if same is None else pc.and_(same, equal)
        at = same.index(_TRUE).as_py() if same is not None and len(same) else -1
        repeated = tuple(column[at] for column in columns) if at >= 0 else None
        if last is not None and first == last:
            repeated = first
        if repeated is not None:
            raise DataError(
                "the key is not unique",
                where="key",
                got=", ".join(f"{n}={v.as_py()}" for n, v in zip(key, repeated, strict=True)),
                hint="add fivefold.data.cleaning.drop_duplicates to clean.steps, "
                "or name more columns under key: in conf/config.yaml",
            )
        last = tuple(column[-1] for column in columns)
        yield batch
