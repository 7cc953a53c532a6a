from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.data.split import Split, SplitConfig, split
from fivefold.errors import ConfigError, DataError, SplitError
from fivefold.objective import Objective
from fivefold.pipeline.typed import typed
from fivefold.table import Column, TableSchema, from_arrow, to_arrow

BINARY = Objective("late", "binary", "y", "roc_auc", ("roc_auc",))
QUANTITY = Objective("late", "regression", "x", "r2", ("r2",))
PARTS = ("train", "test", "production")


def days(count: int) -> pa.Table:
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    return pa.table(
        {
            "id": list(range(count)),
            "at": pa.array(
                [start + dt.timedelta(days=n) for n in range(count)], pa.timestamp("us", "UTC")
            ),
            "day": pa.array([(start + dt.timedelta(days=n)).date() for n in range(count)]),
            "who": [f"p{n % 7}" for n in range(count)],
            "y": [n % 3 == 0 for n in range(count)],
            "x": [n / 2 for n in range(count)],
        }
    )


def cut(
    table: pa.Table, engine: str = "polars", objective: Objective = BINARY, **config: Any
) -> Split:
    schema = TableSchema({"at": Column("datetime", role="time")})
    known = SplitConfig(**{"key": ["id"], "engine": engine, **config})
    frame = from_arrow(table, engine)
    return split(frame, frame.head(0), schema, objective, known)


def ids(result: Split) -> dict[str, list[int]]:
    return {part: sorted(to_arrow(getattr(result, part).frame)["id"].to_pylist()) for part in PARTS}


def test_by_time_each_part_ends_before_its_boundary(engine: str) -> None:
    table = days(100)
    result = cut(
        table, engine, method="time", time="at",
        train_until="2020-02-01", test_until="2020-03-01T00:00:00Z", production_until="2020-04-01",
    )  # fmt: skip
    found = ids(result)
    assert found["train"] == list(range(31))
    assert found["test"] == list(range(31, 60))
    assert found["production"] == list(range(60, 91))
    assert result.report["unused_rows"] == 9
    assert result.report["parts"]["test"]["time"] == {
        "column": "at", "first": "2020-02-01T00:00:00+00:00", "last": "2020-02-29T00:00:00+00:00",
    }  # fmt: skip
    assert to_arrow(result.train.frame).column_names == table.column_names


@pytest.mark.parametrize(("column", "end"), [("day", "2020-02-01"), ("id", "31"), ("x", "15.5")])
def test_dates_and_numbers_are_times_too(engine: str, column: str, end: str) -> None:
    found = ids(cut(days(60), engine, method="time", time=column, train_until=end))
    assert found["train"] == list(range(31))
    assert found["production"] == []


@pytest.mark.parametrize("method", ["random", "stratified", "grouped"])
def test_by_chance_every_row_is_in_one_part(engine: str, method: str) -> None:
    by = "who" if method == "grouped" else None
    result = cut(days(400), engine, method=method, production=0.2, by=by, seed=3)
    found = ids(result)
    assert sorted(n for part in found.values() for n in part) == list(range(400))
    assert all(len(found[part]) > 30 for part in PARTS)
    assert to_arrow(result.test.frame).column_names == days(1).column_names
    other = ids(cut(days(400), engine, method=method, production=0.2, by=by, seed=4))
    assert other != found


def test_strata_have_the_same_share(engine: str) -> None:
    parts = cut(days(300), engine, method="stratified", test=0.25).report["parts"]
    assert parts["test"]["classes"] == {"False": 50, "True": 25}
    assert parts["train"]["classes"] == {"False": 150, "True": 75}
    assert parts["train"]["target_rate"] == parts["test"]["target_rate"]


def test_groups_stay_whole(engine: str) -> None:
    result = cut(days(300), engine, method="grouped", by="who", test=0.3)
    groups = [
        set(to_arrow(getattr(result, part).frame)["who"].to_pylist()) for part in ("train", "test")
    ]
    assert groups[0].isdisjoint(groups[1])
    assert 0.15 < result.report["parts"]["test"]["share"] < 0.45


def test_a_column_may_say_it(engine: str) -> None:
    words = ["train", "test", "production", None] * 6
    table = days(24).append_column("part", pa.array(words))
    result = cut(table, engine, method="column", by="part")
    assert {part: len(found) for part, found in ids(result).items()} == dict.fromkeys(PARTS, 6)
    assert result.report["unused_rows"] == 6
    wrong = days(24).append_column("part", pa.array(["train", "tests"] * 12))
    with pytest.raises(SplitError, match=r"12 rows name a part that is unknown(.|\n)*tests"):
        cut(wrong, engine, method="column", by="part")


def test_a_row_keeps_its_part_as_the_table_grows(engine: str) -> None:
    few, many = ids(cut(days(100), engine)), ids(cut(days(300), engine))
    for part in PARTS:
        assert few[part] == [n for n in many[part] if n < 100]


def test_the_fingerprint_tells_sets_of_keys_and_nothing_else() -> None:
    parts = cut(days(100)).report["parts"]
    table = days(100)
    shuffled = table.take(list(reversed(range(100))))
    doubled = table.set_column(5, "x", pa.array([float(n) for n in range(100)]))
    assert cut(shuffled).report["parts"] == parts
    assert cut(doubled).report["parts"]["test"]["keys"] == parts["test"]["keys"]
    fewer = cut(table.slice(0, 99)).report["parts"]
    assert [fewer[part]["keys"] == parts[part]["keys"] for part in PARTS].count(False) == 1


def test_the_parts_do_not_change_with_the_versions_of_the_libraries() -> None:
    table = days(12).append_column("name", pa.array([f"ü{n}" for n in range(12)]))
    found = ids(cut(table, key=["name", "at"], test=0.3, objective=QUANTITY))
    assert found["test"] == [3, 6]


def test_a_regression_reports_its_mean(engine: str) -> None:
    result = cut(days(50), engine, objective=QUANTITY)
    test = to_arrow(result.test.frame)["x"].to_pylist()
    assert result.report["parts"]["test"]["target_mean"] == pytest.approx(sum(test) / len(test))


def without(table: pa.Table, column: str, rows: int) -> pa.Table:
    values = table[column].to_pylist()
    at = table.column_names.index(column)
    return table.set_column(
        at, column, pa.array([None] * rows + values[rows:], table.schema.field(column).type)
    )


UNSOUND: list[tuple[pa.Table, dict[str, Any], str]] = [
    (pa.concat_tables([days(30), days(3)]), {}, "3 keys stand in more than one row"),
    (
        days(30),
        {"train_until": "2025-01-01"},
        r"test part is empty(.|\n)*at goes from 2020-01-01T00:00:00\S+ to 2020-01-30T",
    ),
    (days(30), {"train_until": "2020-01-01"}, "train part is empty"),
    (days(31), {"train_until": "2020-01-31"}, "test part has no row of the class 'False'"),
    (without(days(30), "at", 4), {"train_until": "2020-01-09"}, "4 rows have no time"),
    (without(days(30), "who", 4), {"method": "grouped", "by": "who"}, "4 rows have no group"),
    (without(days(30), "id", 4), {}, "4 rows have no value in the key column 'id'"),
    (days(30), {"method": "stratified", "by": "x"}, "quantities"),
]


@pytest.mark.parametrize(("table", "config", "words"), UNSOUND)
def test_parts_that_are_not_sound_are_refused(
    engine: str, table: pa.Table, config: dict[str, Any], words: str
) -> None:
    if "train_until" in config:
        config = {"method": "time", "time": "at", **config}
    with pytest.raises(SplitError, match=words):
        cut(table, engine, **config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"train_until": "2020-02-01", "test_until": "2020-01-01"}, ["overlap in time"]),
        ({"train_until": "soon"}, ["split.train_until", "soon"]),
    ],
)
def test_boundaries_must_be_times_in_order(config: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        cut(days(30), method="time", time="at", **config)
    for word in words:
        assert word in str(caught.value)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r"split\.by(.|\n)*did you mean 'who'\?"):
        cut(days(30), method="grouped", by="whom")


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"method": "randm"}, "did you mean 'random'?"),
        ({"test": 0.0}, "test in (0, 1)"),
        ({"test": 0.5, "production": 0.5}, "test in (0, 1)"),
        ({"method": "time", "time": "at"}, "needs train_until"),
        ({"method": "grouped"}, "needs by"),
        ({"production_until": "2020-01-01"}, "needs test_until"),
        ({"key": []}, "no column"),
    ],
)
def test_a_bad_config_fails_when_it_is_read(values: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        typed(SplitConfig, {"key": ["id"], **values}, "split")
    assert word in str(caught.value)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sets(st.text(max_size=5), min_size=20, max_size=60),
    st.floats(0.1, 0.6),
    st.floats(0.0, 0.3),
    st.integers(-5, 10**12),
)
def test_parts_never_overlap_and_lose_no_row(
    names: set[str], test: float, production: float, seed: int
) -> None:
    table = pa.table({"id": sorted(names), "x": [float(n) for n in range(len(names))]})
    try:
        result = cut(table, objective=QUANTITY, test=test, production=production, seed=seed)
    except SplitError as error:
        # By chance a part of few rows may have none.
        message = str(error)
    else:
        message = ""
    if message:
        assert "part is empty" in message
        return
    found = [to_arrow(getattr(result, part).frame)["id"].to_pylist() for part in PARTS]
    assert sorted(name for part in found for name in part) == sorted(names)
