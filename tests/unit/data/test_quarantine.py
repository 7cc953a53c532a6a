from __future__ import annotations

import datetime as dt
import json
import random
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fivefold.data.lineage import column_sources
from fivefold.data.observe import observe
from fivefold.data.quarantine import without_quarantined
from fivefold.data.rules import TableCheck, column_rules
from fivefold.data.validate import ValidateConfig, Validated, validate
from fivefold.data.violations import locate
from fivefold.errors import ConfigError, SchemaError
from fivefold.objective import Objective
from fivefold.pipeline.typed import typed
from fivefold.table import ENGINES, Column, from_arrow, scan, write_table

ROWS = 50
ID = Column("integer", "identifier")
Y = Column("integer", "target", allowed=[0, 1])


def frame(engine: str, **columns: Any) -> nw.LazyFrame[Any]:
    rows = len(next(iter(columns.values()), []))
    whole = {"id": pa.array(range(rows), pa.int64()), **columns}
    whole.setdefault("y", pa.array([at % 2 for at in range(rows)], pa.int64()))
    return from_arrow(pa.table(whole), engine)


def run(
    table: nw.LazyFrame[Any], columns: dict[str, Column], *checks: TableCheck, **config: Any
) -> Validated:
    given = ValidateConfig(
        {"id": ID, "y": Y, **columns},
        ["id"],
        on_extra_columns="ignore",
        checks=list(checks),
        **config,
    )
    return validate(table, {}, {}, Objective("p", "binary", "y", "f1", ("f1",)), given)


def refused(
    table: nw.LazyFrame[Any], columns: dict[str, Column], *checks: TableCheck, **config: Any
) -> str:
    with pytest.raises(SchemaError) as caught:
        run(table, columns, *checks, **config)
    return str(caught.value)


def number(**changes: Any) -> Column:
    return Column("integer", **changes)


Kept = Callable[[Validated], tuple[bytes, dict[str, Any]]]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Give the bytes and rows of what was set aside."""

    def of(result: Validated) -> tuple[bytes, dict[str, Any]]:
        path = tmp_path / "quarantine.parquet"
        write_table(result.quarantine, path)
        return path.read_bytes(), pq.read_table(path).to_pydict()

    return of


COLUMNS = {
    "a": number(min=0, max=9, on_violation="quarantine"),
    "b": Column("string", allowed=["x"], nullable=True, on_violation="quarantine"),
}
CHECK = TableCheck("b needs a", "a > 0", when="b == 'x'", on_violation="quarantine")


def test_rows_are_set_aside_with_every_reason_and_the_same_bytes(kept: Kept) -> None:
    a = [1] * ROWS
    a[3], a[7], a[40] = -5, 99, 0
    b = ["x", None] * (ROWS // 2)
    b[7] = "?"
    b[40] = "x"
    at = pa.array([dt.datetime(2020, 1, 1, tzinfo=dt.UTC)] * ROWS, pa.timestamp("us", "UTC"))
    seen = []
    for engine in ENGINES:
        table = frame(engine, a=a, b=b, at=at)
        result = run(table, COLUMNS, CHECK, max_quarantined=0.1)
        data, rows = kept(result)
        assert rows["id"] == [3, 7, 40]
        assert rows["quarantine_reason"] == [
            "a: min: 0",
            "a: max: 9; b: allowed: [x]",
            "check 'b needs a': a > 0, when b == 'x'",
        ]
        rest = without_quarantined(table, result.quarantine.frame, ["id"]).collect()
        assert len(rest) == ROWS - 3 == result.report["rows"]
        assert result.report["rows_before"] == ROWS
        assert result.report["quarantined"]["rows"] == 3
        assert sum(result.report["quarantined"]["reasons"].values()) == 4
        seen.append((data, json.dumps(result.report)))
    assert len(set(seen)) == 1


def test_no_row_aside_gives_a_file_of_the_same_columns_and_the_table_itself(kept: Kept) -> None:
    seen = set()
    for engine in ENGINES:
        at = pa.array([dt.datetime(2020, 1, 1, tzinfo=dt.UTC)] * ROWS, pa.timestamp("us", "UTC"))
        table = frame(engine, a=[1] * ROWS, b=["x"] * ROWS, at=at, c=[True] * ROWS)
        result = run(table, COLUMNS)
        data, rows = kept(result)
        assert list(rows) == ["id", "a", "b", "at", "c", "y", "quarantine_reason"]
        assert without_quarantined(table, result.quarantine.frame, ["id"]) is table
        assert result.report["quarantined"] == {"rows": 0, "share": 0.0, "reasons": {}}
        seen.add(data)
    assert len(seen) == 1


def test_a_whole_schema_may_quarantine_up_to_a_limit(engine: str) -> None:
    table = frame(engine, a=[-1] * 4 + [1] * (ROWS - 4))
    columns = {"a": number(min=0)}
    message = refused(table, columns, on_violation="quarantine")
    assert (
        "4 of 50 rows would be set aside (0.08), and max_quarantined is 0.05: a: min: 0" in message
    )
    assert run(table, columns, on_violation="quarantine", max_quarantined=0.08).report["rows"] == 46


def test_classes_are_counted_without_what_is_set_aside(engine: str) -> None:
    y = [0, 1] * 24 + [2, 1]
    columns = {"y": Column("integer", "target", allowed=[0, 1], on_violation="quarantine")}
    table = frame(engine, a=[1] * ROWS, y=y)
    assert run(table, columns | {"a": number()}).report["quarantined"]["rows"] == 1


def test_a_warning_is_reported_and_nothing_more(engine: str) -> None:
    table = frame(engine, a=[1, None] * 25)
    columns = {"a": number(nullable=True, max=0, max_missing=0.1, on_violation="warn")}
    report = run(table, columns).report
    assert report["warnings"] == [
        "a: max: 0 is violated in 25 rows, such as 1 at id=0; 1 at id=2; 1 at id=4",
        "a: max_missing: 0.1 is violated: 25 of 50 values are missing (0.5)",
    ]
    assert report["rows"] == ROWS
    assert report["violations"][0]["examples"][0] == {"row": {"id": 0}, "cells": {"a": 1}}


BIG = 2**53 + 1
CELLS: list[tuple[list[Any] | pa.Array, Column, str | None]] = [
    ([BIG, 2], number(max=BIG), None),
    (
        [BIG, 2],
        number(max=BIG - 1),
        f"a: max: {BIG - 1} is violated in 1 row, such as {BIG} at id=0",
    ),
    ([BIG, -BIG], number(min=-BIG + 1), f"such as {-BIG} at id=1"),
    ([1, 2], number(max=1.5), "a: max: 1.5 is violated in 1 row, such as 2 at id=1"),
    ([float("inf"), 1.0], Column("number", max=5), "a: max: 5"),
    ([float("-inf"), 1.0], Column("number", min=float("-inf")), None),
    ([float("-inf"), 1.0], Column("number", min=0), "a: min: 0"),
    (pa.nulls(2, pa.int64()), number(nullable=True, min=3, allowed=[4]), None),
    (
        pa.nulls(2, pa.int64()),
        number(min=3),
        "a: nullable: false is violated in 2 rows, such as no",
    ),
    (["ab", "abc"], Column(min_length=2, max_length=2), "a: max_length: 2 is violated in 1 row"),
    (
        ["é", "abc"],
        Column(min_length=2),
        "a: min_length: 2 is violated in 1 row, such as 'é' at id=0",
    ),
    (
        ["AB1", "AB12"],
        Column(pattern="[A-Z]{2}[0-9]"),
        "pattern: [A-Z]{2}[0-9] is violated in 1 row",
    ),
    (["a", "b\n"], Column(pattern="a|b"), "'b\\n' at id=1"),
    (["a", "b"], Column(pattern="(a"), "a: pattern: (a is none: unclosed group"),
    (
        [unicodedata.normalize("NFD", "Zürich"), "Bern"],
        Column(allowed=["Zürich", "Bern"]),
        "in another Unicode normal form: Zu\\u0308rich, not Z\\xfcrich",
    ),
    (["Zürch", "Bern"], Column(allowed=["Zürich", "Bern"]), "did you mean 'Zürich'?"),
    (
        [7, 7],
        number(unique=True),
        "a: unique: true is violated in 2 rows, such as 7 at id=0; 7 at id=1",
    ),
    ([None, None], number(unique=True, nullable=True), None),
    (
        pa.array([dt.date(2020, 1, 1), dt.date(2021, 1, 1)]),
        Column("date", "ignored", max="2020-06-30"),
        "a: max: 2020-06-30 is violated in 1 row, such as '2021-01-01' at id=1",
    ),
    (
        pa.array([dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1)], pa.timestamp("us", "UTC")),
        Column("datetime", "time", min="2020-01-01T01:00:00+01:00", max="2020-12-31"),
        "a: max: 2020-12-31 is violated in 1 row",
    ),
    (
        pa.array([dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1)], pa.timestamp("us")),
        Column("datetime", "time", min="2020-06-30", allowed=["2021-01-01"]),
        "a: allowed: [2021-01-01] is violated in 1 row",
    ),
]


@pytest.mark.parametrize(("values", "column", "words"), CELLS)
def test_a_cell_is_held_against_its_rule(
    engine: str, values: Any, column: Column, words: str | None
) -> None:
    if isinstance(values, list) and values == [None, None]:
        values = pa.array(values, pa.int64())
    table, columns = frame(engine, a=values), {"a": column, "f": number()}
    table = table.with_columns(f=nw.lit(1).cast(nw.Int64))
    if words is None:
        run(table, columns)
    else:
        assert words in refused(table, columns)


CHECKS: list[tuple[TableCheck, str | None]] = [
    (TableCheck("c", "a < b"), "check 'c': a < b is violated in 1 row, such as a 3, b 2 at id=2"),
    (TableCheck("c", "a < b or b is None", when="a <= 2"), None),
    (TableCheck("c", "t in ['x', 'y'] and length(t) == 1"), None),
    (TableCheck("c", unique=["a", "t"]), None),
    (
        TableCheck("c", unique=["t"]),
        "check 'c': unique: [t] is violated in 2 rows, such as t 'x' at id=0",
    ),
    (TableCheck("c", "arr > b"), "check 'c': the table has no column 'arr': arr > b"),
    (TableCheck("c", "aa > b"), "did you mean 'a'?"),
    (TableCheck("c", "lenght(t) > 3"), "as a function of one value; did you mean 'length'?"),
    (TableCheck("c", "length(a) > 3"), "length() is of string, and not of integer"),
    (TableCheck("c", "year(d) == 2020 and hours(d - d) < 1 and lower(t) == t and true"), None),
    (TableCheck("c", "d >= '2020-01-01' and abs(-a) == a and weekday(d) == 3"), None),
    (
        TableCheck("c", unique=["a", "tt"]),
        "check 'c': the table has no column 'tt'; did you mean 't'?",
    ),
    (TableCheck("c", "t > 3"), "check 'c': t is string, and 3 is integer"),
    (TableCheck("c", "a + b"), "check 'c': it must be true or false of a row: it is integer"),
    (TableCheck("c", {"_target_": f"{__name__}.below", "column": "a", "limit": 9}), None),
    (
        TableCheck("c", {"_target_": f"{__name__}.below", "column": "a", "limit": 3}),
        "below is violated in 1",
    ),
    (
        TableCheck("c", {"_target_": f"{__name__}.below"}),
        "check 'c': the function can't be called so",
    ),
    (TableCheck("c", {"_target_": f"{__name__}.raising"}), "the function raised ZeroDivisionError"),
    (TableCheck("c", {"_target_": f"{__name__}.belo"}), "did you mean"),
]


def below(column: str, limit: int) -> nw.Expr:
    return nw.col(column) < limit


def raising() -> nw.Expr:
    raise ZeroDivisionError


@pytest.mark.parametrize(("check", "words"), CHECKS)
def test_a_row_is_held_against_a_check(engine: str, check: TableCheck, words: str | None) -> None:
    given = {"a": [1, 2, 3], "b": pa.array([2, None, 2], pa.int64()), "t": ["x", "y", "x"]}
    given["d"] = pa.array([dt.date(2020, 1, 1)] * 3)
    columns = {"a": number(), "b": number(nullable=True), "t": Column()}
    table = frame(engine, **given)
    if words is None:
        run(table, columns, check)
    else:
        assert words in refused(table, columns, check)


def test_a_table_without_rows_says_so(engine: str) -> None:
    message = refused(frame(engine, a=pa.array([], pa.int64())), {"a": number(min=0, unique=True)})
    assert "the table has no row" in message
    assert "exactly two classes, and there are 0" in message


def test_one_row_is_checked(engine: str) -> None:
    message = refused(frame(engine, a=[1]), {"a": number(min=2)}, max_quarantined=1)
    assert "a: min: 2 is violated in 1 row, such as 1 at id=0" in message


def test_rows_are_found_across_batches(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setattr("fivefold.data.violations._ROWS_AT_ONCE", 10)
    monkeypatch.setattr("fivefold.table.engine.BATCH_ROWS", 7)
    a = list(range(ROWS))
    a[45] = 3
    message = refused(frame(engine, a=a), {"a": number(unique=True, max=47)})
    assert "a: unique: true is violated in 2 rows, such as 3 at id=3; 3 at id=45" in message
    assert "a: max: 47 is violated in 2 rows, such as 48 at id=48; 49 at id=49" in message


def test_ten_thousand_columns(tmp_path: Path) -> None:
    values = pa.array([1, 2, 3])
    table = frame("polars", **{f"c{at}": values for at in range(10_000)})
    columns = {f"c{at}": number(min=2) for at in range(10_000)}
    assert "in 10,000 ways" in refused(table, columns)
    fine = {f"c{at}": number(min=1) for at in range(10_000)}
    assert run(table, fine).report["checks"] == 30_005


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"columns": {"a": {"min": 3}}}, "a string column can't have min"),
    ({"columns": {"a": {"dtype": "integer", "pattern": "x"}}}, "can't have pattern"),
    ({"columns": {"a": {"dtype": "integer", "min": "1e9"}}}, "1.0e+9 is a number"),
    ({"columns": {"a": {"dtype": "integer", "max": 2**70}}}, "64 bits"),
    ({"columns": {"a": {"dtype": "date", "max": "31.1.2013"}}}, "ISO 8601"),
    (
        {"columns": {"a": {"dtype": "date", "min": "2014-01-01", "max": "2013-01-01"}}},
        "above its max",
    ),
    ({"columns": {"a": {"min_length": 3, "max_length": 2}}}, "min_length is above its max_length"),
    ({"columns": {"a": {"allowed": [False]}}}, "a text in quotes"),
    ({"columns": {"a": {"max_missing": 0.1}}}, "nullable: true"),
    ({"columns": {"a": {"on_violation": "warm"}}}, "did you mean 'warn'?"),
    ({"on_violation": "quarantin"}, "did you mean 'quarantine'?"),
    ({"on_violation": "quarantine"}, "only where a key names them"),
    ({"max_quarantined": 2}, "0 to 1"),
    ({"checks": [{"check": "a > b"}]}, "validate.checks.0.name"),
    ({"checks": [{"name": "n"}]}, "what is true of a row, or what is unique"),
    ({"checks": [{"name": "n", "check": "a >"}]}, "the expression can't be read: invalid syntax"),
    ({"checks": [{"name": "n", "check": "a > b", "severity": "warn"}]}, "unknown key 'severity'"),
]


@pytest.mark.parametrize(("values", "words"), WRONG)
def test_a_wrong_schema_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        typed(ValidateConfig, values, "validate")
    assert words in str(caught.value)


def test_an_empty_quarantine_is_read_back_on_every_engine(tmp_path: Path) -> None:
    write_table(run(frame("polars", a=[1] * 9), {"a": number()}).quarantine, tmp_path / "q.parquet")
    for engine in ENGINES:
        table = frame(engine, a=[1] * 9)
        assert without_quarantined(table, scan(tmp_path / "q.parquet", engine), ["id"]) is table


def test_the_schema_says_where_each_column_came_from() -> None:
    names = ["a", "b", "c", "d", "u"]
    lineage = {
        "a": {"source": "flights", "column": "A", "unit": "m"},
        "b": {"by": "precedence", "sources": [{"source": "x", "column": "b"}, {"source": "y"}]},
        "c": {"source": "flights", "column": "c"},
    }
    steps = [
        {"step": "fivefold.data.cleaning.drop_missing", "columns_added": []},
        {"step": "fivefold.data.cleaning.at_least", "columns_added": ["d", "c"]},
    ]
    assert column_sources(names, {"lineage": lineage}, {"steps": steps}) == {
        "a": "flights.A",
        "b": "x.b or else y",
        "c": "clean.steps.1 (at_least)",
        "d": "clean.steps.1 (at_least)",
    }


@pytest.mark.parametrize("seed", range(4))
def test_what_the_pass_clears_pandera_clears_too(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    pools: dict[str, list[Any]] = {
        "integer": [None, -1, 0, 1, 2**53, 2**53 + 1],
        "number": [None, -0.0, 0.5, 1.0, float("inf"), float("-inf")],
        "string": [None, "", "a", "b", "é", "e\u0301"],
        "boolean": [None, True, False],
    }
    types = {
        "integer": pa.int64(),
        "number": pa.float64(),
        "string": pa.string(),
        "boolean": pa.bool_(),
    }
    columns, cells = {}, {}
    for at in range(40):
        kind = draw.choice(list(pools))
        pool = draw.sample(pools[kind], 3)
        known = [value for value in pools[kind] if value is not None]
        low, high = sorted(draw.sample(known, 2))
        ranged = kind in ("integer", "number")
        columns[f"c{at}"] = Column(
            kind,
            nullable=draw.random() < 0.5,
            min=low if ranged else None,
            max=high if ranged else None,
            allowed=draw.sample(known, 2),
        )
        cells[f"c{at}"] = pa.array(draw.choices(pool, k=5), types[kind])
    table = from_arrow(pa.table(cells), draw.choice(ENGINES))
    schema = table.collect_schema()
    rules = [r for n, c in columns.items() for r in column_rules(n, c, schema[n], "fail")]
    observed = observe(table, columns)
    violated = {item.rule.reason for item in locate(table, rules, [], 0).violations}
    assert violated == {rule.reason for rule in rules if not rule.cleared(observed)}
