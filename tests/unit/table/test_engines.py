"""The same rows give the same bytes, whatever engine computed them."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.errors import ConfigError, DataError
from fivefold.table import ENGINES, Table, checkpoint, from_arrow, scan, to_arrow, write_table
from fivefold.table.parquet import BATCH_ROWS


def bytes_of(frame: nw.LazyFrame[Any], key: tuple[str, ...], folder: Path) -> bytes:
    path = folder / "table.parquet"
    write_table(Table(frame, key), path)
    return path.read_bytes()


def shuffled(rows: int) -> pa.Table:
    order = [(n * 7919) % rows for n in range(rows)]
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    return pa.table(
        {
            "k": [f"ä{n % 10}" for n in order],
            "n": order,
            "x": [None if n % 3 == 0 else (float("nan") if n % 5 == 0 else n / 7) for n in order],
            "t": pa.array(
                [start + dt.timedelta(minutes=n) for n in order], pa.timestamp("us", "UTC")
            ),
            "b": [n % 2 == 0 for n in order],
            "gone": pa.nulls(rows, pa.string()),
        }
    )


def test_engines_agree_and_the_key_orders_the_rows(tmp_path: Path) -> None:
    table = shuffled(1009)
    results = {bytes_of(from_arrow(table, engine), ("k", "n"), tmp_path) for engine in ENGINES}
    assert len(results) == 1
    kept = pq.read_table(tmp_path / "table.parquet")
    keys = list(zip(kept["k"].to_pylist(), kept["n"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert kept["x"].null_count == sum(1 for n in range(1009) if n % 3 == 0 or n % 5 == 0)


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hardly a batch be held in memory."""
    for name in ("engine.MEMORY_CELLS", "order.HELD_BYTES", "order._RANGE_BYTES"):
        monkeypatch.setattr(f"fivefold.table.{name}", 4096)
    monkeypatch.setattr("fivefold.table.order._EVERY", 10)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("key", [("n",), ("k", "n"), ("b", "t")])
def test_what_memory_does_not_hold_gives_the_same_bytes(
    key: tuple[str, ...], tmp_path: Path
) -> None:
    table = shuffled(5003)
    pq.write_table(table, tmp_path / "shuffled.parquet", row_group_size=100)
    scanned = {engine: scan(tmp_path / "shuffled.parquet", engine) for engine in ENGINES}
    frames = [frame for scan in scanned.values() for frame in (scan, checkpoint(scan))]
    assert len({bytes_of(frame, key, tmp_path) for frame in frames}) == 1
    kept = pq.read_table(tmp_path / "table.parquet")
    assert kept.sort_by([(name, "ascending") for name in key]).equals(kept)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("missing", [False, True])
def test_what_memory_does_not_hold_is_held_to_its_key(missing: bool, tmp_path: Path) -> None:
    numbers = [(n * 7919) % 5003 for n in range(5003)]
    table = pa.table({"n": [*numbers, None if missing else 17]})
    frame = from_arrow(table, "polars")
    words = "1 rows have no value in the key column 'n'" if missing else "n=17"
    with pytest.raises(DataError, match=words):
        bytes_of(frame, ("n",), tmp_path)


def test_rows_that_were_dropped_leave_no_index_behind(tmp_path: Path) -> None:
    """Once pandas has dropped rows its index is no longer a range, and must not become a column."""
    kept = [
        from_arrow(shuffled(50), engine).filter(nw.col("n") > 10).sort("n") for engine in ENGINES
    ]
    assert {tuple(to_arrow(frame).column_names) for frame in kept} == {
        tuple(shuffled(1).column_names)
    }
    assert len({bytes_of(frame, ("n",), tmp_path) for frame in kept}) == 1


def test_sums_of_integers_stay_integers(tmp_path: Path) -> None:
    """DuckDB sums integers into 128 bits, which Arrow sees as decimals."""
    results = set()
    for engine in ENGINES:
        summed = from_arrow(shuffled(60), engine).group_by("k").agg(nw.col("n").sum())
        results.add(bytes_of(summed, ("k",), tmp_path))
        assert pq.read_schema(tmp_path / "table.parquet").field("n").type == pa.int64()
    assert len(results) == 1


def test_zero_has_no_sign(tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2], "x": [-0.0, 0.0]})
    bytes_of(from_arrow(table, "polars"), ("n",), tmp_path)
    kept = pq.read_table(tmp_path / "table.parquet")["x"].to_pylist()
    assert [str(value) for value in kept] == ["0.0", "0.0"]


def test_row_groups_do_not_depend_on_the_engines_batches(tmp_path: Path) -> None:
    rows = BATCH_ROWS + 17
    table = pa.table({"n": list(range(rows))})
    results = {bytes_of(from_arrow(table, engine), ("n",), tmp_path) for engine in ENGINES}
    assert len(results) == 1
    metadata = pq.read_metadata(tmp_path / "table.parquet")
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [
        BATCH_ROWS,
        17,
    ]


def test_no_rows_keep_their_types(tmp_path: Path) -> None:
    results = set()
    for engine in ENGINES:
        frame = from_arrow(shuffled(20), engine).filter(nw.col("n") < 0)
        results.add(bytes_of(frame, ("n",), tmp_path))
    assert len(results) == 1
    assert pq.read_schema(tmp_path / "table.parquet").field("t").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("far", [False, True])
def test_a_repeated_key_is_named(engine: str, far: bool, tmp_path: Path) -> None:
    """Also where the two rows meet at the border of two batches."""
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    size = BATCH_ROWS if far else 3
    table = pa.table(
        {
            "n": [*range(size), size - 1],
            "t": pa.array([start] * (size + 1), pa.timestamp("us", "UTC")),
        }
    )
    with pytest.raises(DataError, match=rf"n={size - 1}, t=2020-01-01 00:00:00\+00:00"):
        bytes_of(from_arrow(table, engine), ("n", "t"), tmp_path)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_missing_key_is_counted(engine: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 rows have no value in the key column 'n'"):
        bytes_of(from_arrow(pa.table({"n": [1, None, None]}), engine), ("n",), tmp_path)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_checkpoint_and_a_scan_hold_what_was_written(engine: str, tmp_path: Path) -> None:
    first = bytes_of(from_arrow(shuffled(99), "polars"), ("n",), tmp_path)
    (tmp_path / "copy.parquet").write_bytes(first)
    frame = checkpoint(scan(tmp_path / "copy.parquet", engine))
    assert bytes_of(frame, ("n",), tmp_path) == first


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'polars'\?"):
        scan(Path("x"), "polar")


def test_a_polars_run_does_not_import_pandas(tmp_path: Path) -> None:
    """Arrow imports it on the way from Python's values and from timestamps: a third of a second."""
    bytes_of(from_arrow(shuffled(60), "polars"), ("t", "n"), tmp_path)
    code = (
        "import sys; from pathlib import Path; from fivefold.table import scan, Table, write_table;"
        "write_table(Table(scan(Path('table.parquet'), 'polars'), ('t', 'n')), Path('2.parquet'));"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


values = st.fixed_dictionaries(
    {
        "s": st.one_of(st.none(), st.text(max_size=4)),
        "x": st.one_of(st.none(), st.floats()),
        "t": st.one_of(st.none(), st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))),
        "d": st.one_of(st.none(), st.dates()),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(values, min_size=1, max_size=20))
def test_any_values_give_the_same_bytes(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    types = {"s": pa.string(), "x": pa.float64(), "t": pa.timestamp("us"), "d": pa.date32()}
    columns = {name: pa.array([row[name] for row in rows], type_) for name, type_ in types.items()}
    table = pa.table({"n": list(reversed(range(len(rows)))), **columns})
    results = {bytes_of(from_arrow(table, engine), ("n",), tmp_path) for engine in ENGINES}
    assert len(results) == 1
