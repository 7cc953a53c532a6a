"""A folder of Parquet files as tables by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.table.engine import scan
from fivefold.table.parquet import write_arrow

__all__ = ["scan_folder", "write_folder"]


def scan_folder(folder: Path, engine: str) -> dict[str, nw.LazyFrame[Any]]:
    """Open every Parquet file of a folder lazily; the file's stem names the table."""
    return {path.stem: scan(path, engine) for path in sorted(folder.glob("*.parquet"))}


def write_folder(tables: Mapping[str, pa.Table], folder: Path) -> None:
    """Write each table as ``<name>.parquet``, rows in the order they have."""
    folder.mkdir()
    for name, table in tables.items():
        write_arrow(table, folder / f"{name}.parquet")
