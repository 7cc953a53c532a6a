"""A folder of Parquet files as tables by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import narwhals as nw

from fivefold.table.engine import scan
from fivefold.table.parquet import write_rows
from fivefold.table.rows import Rows

__all__ = ["scan_folder", "write_folder"]


def scan_folder(folder: Path, engine: str) -> dict[str, nw.LazyFrame[Any]]:
    """Open every Parquet file of a folder lazily; the file's stem names the table."""
    return {path.stem: scan(path, engine) for path in sorted(folder.glob("*.parquet"))}


def write_folder(tables: Mapping[str, Rows], folder: Path) -> None:
    """Write each table as ``<name>.parquet``, rows in the order they come."""
    folder.mkdir()
    for name, rows in tables.items():
        write_rows(rows, folder / f"{name}.parquet")
