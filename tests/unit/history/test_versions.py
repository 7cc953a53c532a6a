"""Two versions of a table: rows, columns, missing values, drift, rows by key."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from scipy.stats import chi2

from fivefold.history.diff.findings import ColumnChange, TableChange
from fivefold.history.diff.pairs import UnpairedError, match_keys
from fivefold.history.diff.profiles import compare_profiles
from fivefold.history.diff.rows import UnreadableError
from fivefold.history.diff.versions import compare_versions, moved

Compare = Callable[..., TableChange]


@pytest.fixture
def versions(tmp_path: Path) -> Compare:
    def write(base: pa.Table, head: pa.Table, key: tuple[str, ...] = ()) -> TableChange:
        sides = []
        for name, table in (("base.parquet", base), ("head.parquet", head)):
            parquet.write_table(table, tmp_path / name)
            sides.append((tmp_path / name, name))
        return compare_versions("data/t.parquet", sides[0], sides[1], key)

    return write


def columns(found: TableChange) -> dict[str, ColumnChange]:
    return {column.name: column for column in found.columns}


def test_rows_and_columns(versions: Compare) -> None:
    base = pa.table({"id": [1, 2, 3], "old": [1, 1, 1], "n": pa.array([1, 2, 3], pa.int32())})
    head = pa.table({"id": [2, 3, 4, 5], "n": [2.0, 9.0, 4.0, None], "new": ["a", "b", "c", "d"]})
    found = versions(base, head, ("id",))
    assert (found.base_rows, found.head_rows) == (3, 4)
    assert (found.added, found.removed) == (("new",), ("old",))
    assert found.retyped == (("n", "int32", "double"),)
    # By key: 1 left, 4 and 5 came; n is of another type, so it changes no row.
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (2, 1, 0)
    assert columns(found)["n"].base_missing == 0
    assert columns(found)["n"].head_missing == 0.25


def test_rows_that_changed_are_counted_once(versions: Compare) -> None:
    when = [datetime.datetime(2024, 1, day, tzinfo=datetime.UTC) for day in range(1, 7)]
    base = pa.table(
        {
            "day": when,
            "part": ["a", "b"] * 3,
            "x": [1.0, None, float("nan"), 4.0, 5.0, 6.0],
            "s": ["p", None, "q", "r", "", "t"],
            "d": pa.array(["u"] * 6).dictionary_encode(),
        }
    )
    order = [3, 0, 5, 1, 2, 4]
    head = base.take(order)
    x, s = head["x"].to_pylist(), head["s"].to_pylist()
    # Row 0 in two columns, row 1 from missing to a value, row 4 from an empty text to a missing.
    x[1], s[1], s[3], s[5] = 7.0, "z", "w", None
    head = head.set_column(2, "x", pa.array(x)).set_column(3, "s", pa.array(s))
    found = versions(base, head, ("day", "part"))
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (0, 0, 3)
    assert found.key == ("day", "part")


def test_a_key_that_repeats_compares_no_rows(versions: Compare) -> None:
    base, head = pa.table({"id": [1, 1, 2]}), pa.table({"id": [1, 2, 3]})
    found = versions(base, head, ("id",))
    assert found.rows_added is None
    assert "the key doesn't tell the rows of base apart" in found.note
    assert versions(base, head, ("other",)).rows_added is None
    # Equal keys in equal order are matched, row by row.
    same = versions(base, base, ("id",))
    assert (same.rows_added, same.rows_changed) == (0, 0)


def test_drift_and_missing_shares(versions: Compare) -> None:
    rng = np.random.default_rng(0)
    n = 4000
    stable, shifted = rng.normal(size=n), rng.normal(size=n)
    kind = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    base = pa.table({"stable": stable, "shifted": shifted, "kind": kind, "gone": stable})
    other = rng.choice(["a", "b", "z"], n, p=[0.2, 0.3, 0.5])
    head = pa.table(
        {
            "stable": rng.normal(size=n),
            "shifted": shifted + 1,
            "kind": other,
            "gone": [None if i % 4 == 0 else float(v) for i, v in enumerate(stable)],
        }
    )
    found = versions(base, head)
    by_name = columns(found)
    assert {column.name for column in found.moved} == {"shifted", "kind", "gone"}
    # A normal shifted by one deviation: its distance is 1, its KS 2 Φ(0.5) - 1 = 0.383.
    assert by_name["shifted"].wasserstein == pytest.approx(1, abs=0.03)
    assert by_name["shifted"].kolmogorov_smirnov == pytest.approx(0.383, abs=0.03)
    # By hand: (0.2 - 0.6) ln(0.2 / 0.6) + (0.0001 - 0.1) ln(0.001) + (0.5 - 0.0001) ln(5000).
    assert by_name["kind"].psi == pytest.approx(0.439 + 0.690 + 4.258, rel=0.05)
    assert by_name["gone"].head_missing == 0.25
    assert found.columns[-1].name == "stable"


def test_long_tables_are_sampled_and_say_so(versions: Compare) -> None:
    rng = np.random.default_rng(0)
    n = 50_000
    base = pa.table({"x": rng.normal(size=n), "s": rng.choice(["a", "b"], n)})
    head = pa.table({"x": rng.normal(size=n) + 1, "s": rng.choice(["a", "b"], n)})
    found = versions(base, head)
    assert found.sampled == 20_000
    by_name = columns(found)
    assert by_name["x"].wasserstein == pytest.approx(1, abs=0.05)
    assert not by_name["s"].moved
    assert versions(base, head) == found


def test_what_is_neither_number_nor_text_is_compared_by_what_is_missing(
    versions: Compare,
) -> None:
    base = pa.table({"l": [[1], [2], None], "b": [b"a", b"b", b"c"], "e": pa.nulls(3)})
    head = pa.table({"l": [[1], None, None], "b": [b"a", b"b", b"c"], "e": pa.nulls(3)})
    found = columns(versions(base, head))
    assert found["l"].moved
    assert (found["l"].psi, found["b"].psi, found["e"].psi) == (None, None, None)
    assert not found["b"].moved


def test_empty_tables(versions: Compare) -> None:
    full = pa.table({"id": [1, 2], "x": [1.0, 2.0]})
    found = versions(full.slice(0, 0), full, ("id",))
    assert found.columns == ()
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (2, 0, 0)


def test_truths_dates_and_whole_missing_columns(versions: Compare) -> None:
    days = pa.array([datetime.date(2024, 1, day) for day in range(1, 11)])
    base = pa.table({"flag": [True, False] * 5, "day": days, "none": pa.nulls(10, pa.float64())})
    found = columns(versions(base, base))
    assert {column.psi for column in found.values()} == {0.0}
    assert found["none"].base_missing == 1
    assert found["none"].kolmogorov_smirnov is None


def test_csv_is_read_too(tmp_path: Path) -> None:
    for name, rows in (("base", [1, 2]), ("head", [2, 3, 4])):
        csv.write_csv(pa.table({"id": rows}), tmp_path / f"{name}.csv")
    base, head = ((tmp_path / f"{name}.csv", f"{name}.csv") for name in ("base", "head"))
    found = compare_versions("t.csv", base, head, ("id",))
    assert (found.base_rows, found.head_rows, found.rows_added) == (2, 3, 2)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\x01,\n\x02" if name == "t.parquet" else b"")
    with pytest.raises(UnreadableError, match=name):
        compare_versions(name, (tmp_path / name, name), (tmp_path / name, name))


@pytest.mark.parametrize("n_bins", [2, 11, 52])
@pytest.mark.parametrize("rows", [(100, 80), (2000, 20_000)])
def test_few_rows_move_by_chance(n_bins: int, rows: tuple[int, int]) -> None:
    # The bound is chi squared's upper thousandth, scaled as the index is without drift.
    bound = (1 / rows[0] + 1 / rows[1]) * float(chi2.ppf(0.999, n_bins - 1))
    for index in (0.09, 0.11, bound * 0.95, bound * 1.05):
        assert moved(0, 0, index, n_bins, rows) == (index >= 0.1 and index > bound)


def test_no_drift_in_few_rows_is_no_news(versions: Compare) -> None:
    news = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        base, head = (pa.table({f"x{i}": rng.normal(size=60) for i in range(5)}) for _ in "ab")
        found = versions(base, head)
        news += len(found.moved)
        assert any((column.psi or 0) >= 0.1 for column in found.columns)
    assert news <= 4


def array(*values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(list(values), kind)])


def test_keys_of_several_types_match() -> None:
    small, large = array(1, 2, 3, kind=pa.int32()), array(3, 4, 1, kind=pa.int64())
    match = match_keys([small], [large])
    assert (match.base.tolist(), match.head.tolist()) == ([2, 0], [0, 2])
    assert (match.only_base, match.only_head) == (1, 1)
    text = match_keys([array("1", "2")], [array(2, 7)])
    assert (text.base.tolist(), text.head.tolist()) == ([1], [0])
    # A missing part of a key is a value like another; the parts together tell rows apart.
    both = match_keys(
        [array("a", None, "a"), array(1, 1, 2)], [array(None, "a", "b"), array(1, 2, 1)]
    )
    assert (both.base.tolist(), both.head.tolist()) == ([1, 2], [0, 1])
    with pytest.raises(UnpairedError, match="rows of head apart"):
        match_keys([array(1, 2)], [array(1, 1)])


def profile(values: list[float], edges: list[float]) -> dict[str, Any]:
    rows = np.histogram(values, edges)[0].tolist()
    return {"dtype": "number", "missing_share": 0.0, "histogram": {"edges": edges, "rows": rows}}


def test_profiles_tell_where_tables_do_not() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=5000), rng.normal(size=5000) + 1
    base = {
        "rows": 5000,
        "columns": {
            "x": profile(before.tolist(), np.linspace(-5, 5, 41).tolist()),
            "same": profile(before.tolist(), np.linspace(-5, 5, 41).tolist()),
            "gone": {"dtype": "string", "missing_share": 0.5},
            "s": {
                "dtype": "string",
                "missing_share": 0.0,
                "top": {"values": ["a", "b"], "rows": [4000, 1000], "other_rows": 0},
            },
        },
    }
    head = {
        "rows": 6000,
        "columns": {
            "x": profile(after.tolist(), np.linspace(-4.3, 6.1, 33).tolist()),
            "same": profile(before.tolist(), np.linspace(-5.5, 5.5, 31).tolist()),
            "s": {
                "dtype": "string",
                "missing_share": 0.2,
                "top": {"values": ["b", "a"], "rows": [2400, 1200], "other_rows": 1200},
            },
            "new": {"dtype": "integer", "missing_share": 0.0},
        },
    }
    found = compare_profiles("data/t.parquet", "reports/explore.json", base, head)
    assert found is not None
    assert (found.base_rows, found.head_rows) == (5000, 6000)
    assert (found.added, found.removed) == (("new",), ("gone",))
    by_name = columns(found)
    # Of the same shift, the tables themselves give about 1.
    assert by_name["x"].psi == pytest.approx(1.0, abs=0.2)
    assert by_name["x"].moved
    assert by_name["same"].psi is not None
    assert by_name["same"].psi < 0.01
    assert by_name["s"].head_missing == 0.2
    assert by_name["s"].moved
    assert compare_profiles("t", "r", {}, head) is None
