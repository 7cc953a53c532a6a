"""A folder of Parquet files as tables by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.table.engine import scan
from fivefold.table.parquet import write_rows
from fivefold.table.progress import watched
from fivefold.table.rows import Rows

__all__ = ["scan_folder", "write_folder"]


def scan_folder(folder: Path, engine: str) -> dict[str, nw.LazyFrame[Any]]:
    """Open every Parquet file of a folder lazily; the file's stem names the table."""
    return {path.stem: scan(path, engine) for path in sorted(folder.glob("*.parquet"))}


def write_folder(tables: Mapping[str, Rows], folder: Path) -> None:
    """Write each table as ``<name>.parquet``, rows in the order they come."""
    folder.mkdir()
    for name, rows in tables.items():
        shown = Rows(rows.schema, lambda rows=rows, name=name: _shown(name, rows), rows.count)  # type: ignore[misc]
        write_rows(shown, folder / f"{name}.parquet")


def _shown(name: str, rows: Rows) -> Iterator[pa.RecordBatch]:
    return watched(rows.batches(), f"write {name}", rows.count)
