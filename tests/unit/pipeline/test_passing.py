from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from fivefold.pipeline.passing import kept_tables, path_of
from fivefold.pipeline.stages import stage_named
from fivefold.table import Rows, Table, scan, write_rows

PARAMS = {"integrate": {"key": ["n"]}}


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_only_the_very_frame_with_its_key_is_copied(engine: str, tmp_path: Path) -> None:
    stage = stage_named("label")
    assert stage is not None
    path = tmp_path / "table.parquet"
    write_rows(Rows.of(pa.table({"n": [1, 2], "x": ["a", "b"]})), path)
    frame = scan(path, engine)
    given = {"table": frame}
    wired = {"table": "data/integrated.parquet"}
    kept = kept_tables(stage, PARAMS, wired, given)
    assert path_of(Table(frame, ("n",)), kept) == "data/integrated.parquet"
    assert path_of(Table(frame, ("x",)), kept) is None
    assert path_of(Table(frame.head(2), ("n",)), kept) is None
    assert path_of({"rows": 2}, kept) is None
    # A file that the user names may be in no order.
    assert kept_tables(stage, PARAMS, {"table": "data/mine.parquet"}, given) == []
