"""Tables that every engine reads from the same file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pytest

from fivefold.table import ENGINES, Rows, Table, scan, write_rows, write_table

Open = Callable[..., nw.LazyFrame[Any]]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Keep a table as the writer would, and open it on an engine."""

    def open_on(table: pa.Table, engine: str = "polars") -> nw.LazyFrame[Any]:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
        write_rows(Rows.of(table), path)
        return scan(path, engine)

    return open_on


@pytest.fixture
def written(tmp_path: Path) -> Callable[[nw.LazyFrame[Any], tuple[str, ...]], bytes]:
    """Give the bytes that the writer makes of a frame."""

    def bytes_of(frame: nw.LazyFrame[Any], key: tuple[str, ...]) -> bytes:
        path = tmp_path / f"written-{len(list(tmp_path.iterdir()))}.parquet"
        write_table(Table(frame, key), path)
        return path.read_bytes()

    return bytes_of
