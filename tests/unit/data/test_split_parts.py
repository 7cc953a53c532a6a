"""What keeps the test part honest: a gap, outer folds, no row that training has seen."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from fivefold.data import parts, splitting
from fivefold.data.quarantine import without_quarantined
from fivefold.data.rowhash import row_hashes, uniform
from fivefold.data.split import Split, SplitConfig, split
from fivefold.errors import ConfigError, SplitError
from fivefold.objective import Objective
from fivefold.table import Column, TableSchema, from_arrow, settle, to_arrow
from fivefold.table.settle import MEMORY_CELLS

from .test_split import BINARY, cut, days, ids

QUANTITIES = TableSchema(
    {"a": Column("number"), "b": Column("string", nullable=True), "y": Column("integer", "target")}
)
TARGET = Objective("late", "binary", "y", "roc_auc", ("roc_auc",))


def test_the_last_rows_before_the_test_are_left_out(engine: str) -> None:
    found = cut(days(60), engine, method="time", time="at", train_until="2020-02-01", gap="7d")
    assert ids(found)["train"] == list(range(24))
    assert ids(found)["test"] == list(range(31, 60))
    assert (found.report["unused_rows"], found.report["gap"]) == (7, "7d")


@pytest.mark.parametrize(
    ("column", "end", "gap", "allowed"),
    [("day", "2020-02-01", "12h", "7d or 2w"), ("id", "31", "7d", "a number above 0"),
     ("at", "2020-02-01", "-3d", "30m, 12h"), ("x", "15", "0", "a number above 0")],
)  # fmt: skip
def test_a_gap_is_of_the_columns_kind(column: str, end: str, gap: str, allowed: str) -> None:
    with pytest.raises(ConfigError, match="not a gap") as error:
        cut(days(60), method="time", time=column, train_until=end, gap=gap)
    assert allowed in str(error.value)


def test_a_gap_longer_than_the_training_part_empties_it() -> None:
    with pytest.raises(SplitError, match="the train part is empty"):
        cut(days(60), method="time", time="at", train_until="2020-02-01", gap="40w")


@pytest.mark.parametrize("method", ["random", "stratified", "grouped"])
def test_outer_folds_test_every_row_once(method: str, engine: str) -> None:
    table = days(140)
    tested: list[int] = []
    production = None
    for fold in range(3):
        by: dict[str, Any] = {"by": "who"} if method == "grouped" else {}
        result = cut(table, engine, method=method, folds=3, fold=fold, production=0.2, **by)
        found = ids(result)
        tested += found["test"]
        assert production in (None, found["production"])
        production = found["production"]
        assert sorted([*found["train"], *found["test"], *production]) == list(range(140))
    assert sorted([*tested, *(production or [])]) == list(range(140))


@pytest.mark.parametrize(
    ("config", "where"),
    [({"folds": 3, "fold": 3}, "split.fold"), ({"fold": 1}, "split.fold"),
     ({"folds": 1}, "split.folds"), ({"gap": "7d"}, "split.gap"),
     ({"duplicates": "warning"}, "split.duplicates"), ({"digits": 0}, "split.digits")],
)  # fmt: skip
def test_settings_out_of_bounds_are_named(config: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as error:
        SplitConfig(["id"], **config)
    assert error.value.where == where


def quantities(copies: int, b: str = "Zürich") -> pa.Table:
    """400 different rows, and some of them again under other keys."""
    rows = [*range(400), *range(copies)]
    a = [1000 + n * 1.25 + (1e-7 if at >= 400 else 0) for at, n in enumerate(rows)]
    return pa.table(
        {"id": range(len(rows)), "a": a,
         "b": [None if n % 9 == 0 else (b if at >= 400 else "Zürich") for at, n in enumerate(rows)],
         "y": [n % 2 for n in rows]}
    )  # fmt: skip


def shared(table: pa.Table, engine: str = "polars", **config: Any) -> Split:
    frame = from_arrow(table, engine)
    known = SplitConfig(["id"], engine=engine, seed=4, **config)
    return split(frame, frame.head(0), QUANTITIES, TARGET, known)


def test_rows_that_training_has_seen_are_an_error(engine: str) -> None:
    with pytest.raises(SplitError, match="repeat a row of the training part") as error:
        # Another Unicode form, another case, more spaces: the same text to a reader.
        shared(quantities(200, b="  ZU\u0308RICH "), engine)
    assert "split.duplicates: warn" in str(error.value)
    assert "id=" in str(error.value.got)


def test_what_repeats_is_counted_the_same_on_every_engine(engine: str) -> None:
    found = shared(quantities(200), engine, duplicates="warn").report
    reference = shared(quantities(200), "polars", duplicates="warn").report
    assert found == reference
    assert found["duplicates"]["too_many"]
    assert shared(quantities(200), engine, digits=12).report["duplicates"]["rows"] == 0
    assert shared(quantities(0), engine).report["duplicates"]["rows"] == 0


def test_numbers_are_the_same_in_size_and_not_only_in_digits(engine: str) -> None:
    a = [1 + n / 1024 for n in range(200)]
    tens = pa.table(
        {
            "id": range(400),
            "a": a + [value * 10 for value in a],
            "b": ["x"] * 400,
            "y": [0, 1] * 200,
        }
    )
    assert shared(tens, engine).report["duplicates"]["rows"] == 0
    # 9.9999999 and 10.0000001 are, though they begin with different digits.
    edges = [(10 ** (n % 9 - 4)) * (n // 9 + 1.0) for n in range(400)]
    twice = pa.table(
        {"id": range(800), "a": edges + [value * (1 + (-1) ** n * 1e-9) for n, value in
         enumerate(edges)], "b": ["x"] * 800, "y": [0, 1] * 400}
    )  # fmt: skip
    assert shared(twice, engine, duplicates="warn").report["duplicates"]["share"] > 0.7


def test_rows_that_agree_by_chance_are_not_judged() -> None:
    table = quantities(200).set_column(1, "a", pa.array([float(n % 3) for n in range(600)]))
    assert shared(table).report["duplicates"]["judged"] is False


def test_the_tests_content_tells_any_change_of_it(engine: str) -> None:
    content = shared(quantities(0), engine).report["test_content"]
    assert (
        content
        == shared(quantities(0).take(list(range(399, -1, -1))), engine).report["test_content"]
    )
    table = quantities(0)
    tested = to_arrow(shared(table, engine).test.frame)["id"].to_pylist()
    for name in ("a", "y"):
        changed = [
            value + (row == tested[0])
            if name == "a"
            else (1 - value if row == tested[0] else value)
            for row, value in enumerate(table[name].to_pylist())
        ]
        other = table.set_column(table.column_names.index(name), name, pa.array(changed))
        assert shared(other, engine).report["test_content"] != content


def test_rows_set_aside_go_into_no_part(engine: str) -> None:
    frame = from_arrow(days(60), engine)
    aside = from_arrow(days(60).slice(10, 5), engine)
    schema = TableSchema({"at": Column("datetime", role="time")})
    known = SplitConfig(["id"], "time", engine=engine, time="at", train_until="2020-02-01")
    found = ids(split(frame, aside, schema, BINARY, known))
    assert found["train"] == [*range(10), *range(15, 31)]


def test_a_long_table_is_split_like_a_short_one(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = cut(days(300), engine, method="stratified")
    monkeypatch.setattr(splitting, "MEMORY_CELLS", 10)
    monkeypatch.setattr("fivefold.table.settle.MEMORY_CELLS", 10)
    assert MEMORY_CELLS > 10
    long = cut(days(300), engine, method="stratified")
    assert (ids(long), long.report) == (ids(short), short.report)


@pytest.mark.parametrize("method", ["time", "stratified", "grouped"])
def test_a_stage_before_the_split_can_tell_the_parts(engine: str, method: str) -> None:
    told: dict[str, Any] = {"time": {"time": "at", "train_until": "2020-03-01", "gap": "5d"},
            "grouped": {"by": "who"}}.get(method, {})  # fmt: skip
    table = days(120)
    config = SplitConfig(["id"], method, engine=engine, **told)
    codes = splitting.codes_of(from_arrow(table, engine), BINARY, config)
    found = ids(cut(table, engine, method=method, **told))
    assert [at for at, code in enumerate(codes) if code == 0] == found["train"]
    assert [at for at, code in enumerate(codes) if code == 1] == found["test"]


def test_rows_get_their_own_part_where_some_were_set_aside(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So many that the engines compute a join in several threads, and treated as a large table.
    rows = 300_000
    monkeypatch.setattr(splitting, "MEMORY_CELLS", 10)
    monkeypatch.setattr(settle, "MEMORY_CELLS", 10)
    numbers = pa.array(range(rows))
    table = from_arrow(pa.table({"id": numbers, "a": numbers, "y": numbers}), engine)
    aside = from_arrow(pa.table({"id": pa.array(range(0, rows, 7))}), engine)
    kept = without_quarantined(table, aside, ["id"])
    config = SplitConfig(key=["id"], engine=engine)
    frame = splitting.parted(kept, TARGET, config)[0]
    found = to_arrow(frame.select("id", splitting.PART).sort("id"))
    draws = uniform(row_hashes(found, ["id"], config.seed))
    expected = parts.by_hash(draws, parts.Ranges.of(config))
    assert found.num_rows == rows - len(range(0, rows, 7))
    assert found[splitting.PART].to_pylist() == expected.tolist()
