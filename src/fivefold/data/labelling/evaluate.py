"""Call label functions, and put what they give beside the rows it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.callables import Call
from fivefold.data.steps import annotation
from fivefold.errors import DataError
from fivefold.table import from_arrow, to_arrow
from fivefold.table.engine import batches
from fivefold.table.parquet import canonical

__all__ = ["with_values"]


def with_values(
    frame: nw.LazyFrame[Any], calls: Mapping[str, Call], key: Sequence[str], engine: str
) -> nw.LazyFrame[Any]:
    """Add a column per function.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    calls : mapping of str to Call
        The functions by the column to add.
    key : sequence of str
        By which values that were computed outside the engine find their row.
    engine : {"pandas", "polars", "duckdb"}
        What runs the frame.

    Raises
    ------
    DataError
        A function raised, or gave no column of as many values as there are rows.
    """
    outside: dict[str, Call] = {}
    inside: dict[str, nw.Expr] = {}
    for name, call in calls.items():
        if annotation(call.function) != ("narwhals", "LazyFrame"):
            outside[name] = call
            continue
        given = call(frame)
        if not isinstance(given, nw.Expr):
            raise _no_column(call, given, "a Narwhals expression")
        inside[name] = given
    result = frame.with_columns(**inside) if inside else frame
    if not outside:
        return result
    computed = from_arrow(_by_batches(frame, outside, key, engine), engine)
    return result.join(computed, on=list(key), how="left")


def _by_batches(
    frame: nw.LazyFrame[Any], calls: Mapping[str, Call], key: Sequence[str], engine: str
) -> pa.Table:
    keys: list[pa.Table] = []
    values: dict[str, list[pa.Array]] = {name: [] for name in calls}
    schema, stream = batches(frame)
    for batch in stream:
        table = pa.Table.from_batches([batch], schema)
        keys.append(table.select(list(key)))
        for name, call in calls.items():
            values[name].append(_column(call, call(_given(table, call, engine)), table.num_rows))
    columns = pa.concat_tables(keys) if keys else schema.empty_table().select(list(key))
    for name, chunks in values.items():
        # A batch in which a function says nothing has no type.
        types = [chunk.type for chunk in chunks if not pa.types.is_null(chunk.type)]
        common = types[0] if types else pa.string()
        try:
            cast = [chunk.cast(common) for chunk in chunks]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise DataError(
                "the function gives values of different types",
                where=f"{calls[name].where} ({calls[name].name})",
                got=", ".join(sorted({str(type_) for type_ in types})),
            ) from None
        columns = columns.append_column(name, pa.chunked_array(cast, common))
    return columns.cast(canonical(columns.schema))


def _given(table: pa.Table, call: Call, engine: str) -> Any:
    library, _ = annotation(call.function)
    library = library or engine
    if library == "pyarrow":
        return table
    if library == "narwhals":
        return nw.from_native(table, eager_only=True)
    if library == "polars":
        import polars as pl

        return pl.from_arrow(table)
    if library == "duckdb":
        import duckdb

        # A connection of its own, because ours is busy giving the batches.
        return duckdb.connect().from_arrow(table)
    return nw.to_native(from_arrow(table, library))


def _column(call: Call, given: Any, rows: int) -> pa.Array:
    column = _as_arrow(given)
    if column is None or len(column) != rows:
        raise _no_column(call, given, f"a column of {rows:,} values, one per row")
    return column


def _as_arrow(given: Any) -> pa.Array | None:
    # Narwhals' and polars' own way; a relation of DuckDB has one of the name, too.
    if hasattr(given, "to_arrow"):
        given = given.to_arrow()
    if isinstance(given, pa.Table):
        given = given.column(0) if given.num_columns == 1 else None
    elif given is not None and not isinstance(given, pa.Array | pa.ChunkedArray):
        try:
            given = pa.array(given, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError):
            given = _of_frame(given)
    if isinstance(given, pa.ChunkedArray):
        given = given.combine_chunks()
    return given


def _of_frame(given: Any) -> Any:
    """Take the only column of a frame; a relation of DuckDB has no columns to give otherwise."""
    try:
        table = to_arrow(nw.from_native(given).lazy())
    except TypeError:
        return None
    return table.column(0) if table.num_columns == 1 else None


def _no_column(call: Call, given: Any, allowed: str) -> DataError:
    return DataError(
        "the function did not give a column",
        where=f"{call.where} ({call.name})",
        got=type(given).__name__
        + (f" of length {len(given)}" if hasattr(given, "__len__") else ""),
        allowed=allowed,
    )
