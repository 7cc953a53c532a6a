"""The engines that run the built-in data steps, behind Narwhals' lazy frames.

A step sees a ``narwhals.LazyFrame`` whatever runs it. pandas columns are Arrow-backed, so that an
integer column with missing values stays an integer column, as on the other engines.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.errors import ConfigError, DataError, nearest
from fivefold.table.memory import DUCKDB_MEMORY, MEMORY_CELLS
from fivefold.table.spill import spill_folder, spill_path

__all__ = [
    "ENGINES",
    "batches",
    "checkpoint",
    "duckdb_connection",
    "engine_of",
    "from_arrow",
    "from_native",
    "names_of",
    "quoted",
    "require_columns",
    "scan",
    "take",
    "to_arrow",
    "unknown_engine",
    "wrapped",
]

ENGINES = ("pandas", "polars", "duckdb")

# Rows of one record batch, and of one Parquet row group: fixed, so that the bytes do not depend on
# how an engine happened to chunk its result.
BATCH_ROWS = 131_072


def scan(path: Path, engine: str) -> nw.LazyFrame[Any]:
    """Open a Parquet file lazily on an engine.

    Parameters
    ----------
    path : Path
        A Parquet file.
    engine : {"pandas", "polars", "duckdb"}
        What will run the steps.

    Returns
    -------
    narwhals.LazyFrame

    Raises
    ------
    ConfigError
        The engine is unknown or not installed.
    """
    if engine == "polars":
        import polars as pl

        return wrapped(pl.scan_parquet(path))
    if engine == "duckdb":
        return wrapped(duckdb_connection().read_parquet(str(path)))
    if engine == "pandas":
        import pandas as pd

        return wrapped(pd.read_parquet(path, dtype_backend="pyarrow"))
    raise unknown_engine(engine, "engine")


def unknown_engine(engine: object, where: str) -> ConfigError:
    """Word the error for an engine that does not exist."""
    return ConfigError(
        "there is no such engine",
        where=where,
        got=engine,
        allowed=ENGINES,
        hint=nearest(str(engine), ENGINES),
    )


def from_native(frame: Any, where: str) -> nw.LazyFrame[Any]:
    """Wrap what a user's function returned; any eager or lazy frame that Narwhals knows will do.

    Raises
    ------
    DataError
        The value is not a table.
    """
    try:
        known: Any = nw.from_native(frame)
    except TypeError as error:
        raise DataError(
            "the function did not return a table",
            where=where,
            got=type(frame).__name__,
            allowed="a pandas, polars, duckdb or pyarrow table, or a Narwhals frame",
        ) from error
    return known.lazy()  # type: ignore[no-any-return]


def batches(frame: nw.LazyFrame[Any]) -> tuple[pa.Schema, Generator[pa.RecordBatch]]:
    """Stream a frame's rows in their order as Arrow record batches."""
    native = nw.to_native(frame)
    if frame.implementation.is_duckdb():
        reader = native.to_arrow_reader(BATCH_ROWS)
        return reader.schema, _read(reader)
    if frame.implementation.is_polars():
        return to_arrow(frame.head(0)).schema, _streamed(native)
    table = to_arrow(frame)
    return table.schema, _cut(table)


def _read(reader: pa.RecordBatchReader) -> Generator[pa.RecordBatch]:
    with reader:
        yield from reader


def _streamed(native: Any) -> Generator[pa.RecordBatch]:
    for part in native.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        yield from part.to_arrow().to_batches(max_chunksize=BATCH_ROWS)


def _cut(table: pa.Table) -> Generator[pa.RecordBatch]:
    yield from table.to_batches(max_chunksize=BATCH_ROWS)


def to_arrow(frame: nw.LazyFrame[Any]) -> pa.Table:
    """Compute a frame and give it as one Arrow table."""
    names = names_of(frame)
    # pandas adds its index as a column once rows were dropped or sorted.
    return nw.to_native(frame.collect("pyarrow")).select(names)


def from_arrow(table: pa.Table, engine: str) -> nw.LazyFrame[Any]:
    """Hand an Arrow table to an engine.

    Parameters
    ----------
    table : pyarrow.Table
        The rows.
    engine : {"pandas", "polars", "duckdb"}
        What will run the steps.
    """
    if engine == "duckdb":
        # The relation reads the Arrow table where it stands, so the table must outlive it: the
        # checkpoint copies the rows into DuckDB's own storage.
        return checkpoint(wrapped(duckdb_connection().from_arrow(table)))
    if engine == "pandas":
        import pandas as pd

        return wrapped(table.to_pandas(types_mapper=pd.ArrowDtype))
    import polars as pl

    frame: Any = pl.from_arrow(table, rechunk=False)
    return wrapped(frame)


def checkpoint(frame: nw.LazyFrame[Any], small: bool = False) -> nw.LazyFrame[Any]:
    """Compute what a lazy frame stands for once, so that several readers don't each compute it.

    What is large goes to disk: polars writes a temporary Parquet file, DuckDB moves the blocks of a
    temporary table of its own.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        What several readers will read.
    small : bool
        Is it known to fit in memory? Then polars need not look, and shares columns that stay.
    """
    implementation = frame.implementation
    if implementation.is_polars():
        native = nw.to_native(frame)
        return wrapped(native.collect() if small else _held(native))
    if implementation.is_duckdb():
        name = f"checkpoint_{next(_checkpoints)}"
        nw.to_native(frame).create(name)
        return wrapped(duckdb_connection().table(name))
    return frame


def _held(native: Any) -> Any:
    """Compute once into a file, and read it back if it turns out small."""
    import polars as pl

    path = spill_path(".parquet")
    native.sink_parquet(path, compression="lz4", row_group_size=BATCH_ROWS)
    file = pl.scan_parquet(path)
    cells = file.select(pl.len()).collect().item() * len(file.collect_schema())
    if cells > MEMORY_CELLS:
        return file
    held = file.collect()
    path.unlink()
    return held


def take(frame: nw.LazyFrame[Any], names: Sequence[str]) -> nw.LazyFrame[Any]:
    """Keep some of very many columns.

    DuckDB's relations hold each expression against every column's name: for 10,000 columns half a
    minute, which SQL does not take.
    """
    if frame.implementation.is_duckdb():
        return wrapped(nw.to_native(frame).project(", ".join(quoted(name) for name in names)))
    return frame.select(*names)


def quoted(name: str) -> str:
    """Give a column's name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def engine_of(frame: nw.LazyFrame[Any]) -> str:
    """Name the engine that runs a frame."""
    return str(frame.implementation.value)


def names_of(frame: nw.LazyFrame[Any]) -> list[str]:
    """Give the names of a frame's columns.

    DuckDB knows them at once; for the types Narwhals asks it for its time zone each time.
    """
    if frame.implementation.is_duckdb():
        return list(nw.to_native(frame).columns)
    return frame.collect_schema().names()


def require_columns(
    frame: nw.LazyFrame[Any], columns: Iterable[str], where: str, table: str = "the table"
) -> None:
    """Raise a :class:`DataError` that names the first column the frame lacks.

    Raises
    ------
    DataError
        With the nearest name that exists.
    """
    have = names_of(frame)
    for column in columns:
        if column not in have:
            raise DataError(
                f"{table} has no column {column!r}",
                where=where,
                got=column,
                allowed=have,
                hint=nearest(column, have),
            )


def wrapped(native: Any) -> nw.LazyFrame[Any]:
    """Wrap an engine's own frame."""
    frame: nw.LazyFrame[Any] = nw.from_native(native).lazy()
    return frame


_checkpoints = count()


@cache
def duckdb_connection() -> Any:
    """Give the process's one DuckDB connection: relations of different ones can't be joined."""
    try:
        import duckdb
    except ImportError as error:
        raise ConfigError(
            "the engine 'duckdb' is not installed",
            where="engine",
            hint="pip install 'fivefold[duckdb]'",
        ) from error
    connection = duckdb.connect()
    # Rows keep a file's order unless a step sorts them, as on the other engines.
    connection.execute("SET preserve_insertion_order = true")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = '{DUCKDB_MEMORY}'")
    connection.execute("SET temp_directory = $folder", {"folder": str(spill_folder())})
    return connection
