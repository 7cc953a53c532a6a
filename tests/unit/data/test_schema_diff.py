from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from fivefold.data.infer import infer_schema
from fivefold.data.observe import Observed, observe
from fivefold.data.rules import TableCheck
from fivefold.data.schema_diff import Difference, against_report, against_schema, observed_now
from fivefold.data.validate import ValidateConfig
from fivefold.table import ENGINES, Column, from_arrow


def reported(**columns: Any) -> dict[str, Any]:
    table = from_arrow(pa.table(columns), "polars")
    seen = observed_now(table, {})
    rows = len(next(iter(columns.values())))
    report = {
        "rows_before": rows,
        "observed": {name: each.to_json() for name, each in seen.items()},
    }
    return dict(json.loads(json.dumps(report, allow_nan=False)))


def test_everything_that_differs_from_the_schema_is_shown(engine: str) -> None:
    given = pa.table(
        {
            "id": [1, 1, 3, 4],
            "a": pa.array([None, None, 5, 99], pa.int64()),
            "t": ["x", "y", "q", "q"],
            "n": [1.5, 2.5, 3.5, 4.5],
            "new": [True, False, True, False],
        }
    )
    config = ValidateConfig(
        {
            "id": Column("integer", unique=True),
            "a": Column("integer", nullable=True, max=9, max_missing=0.25),
            "t": Column(allowed=["x", "y"]),
            "n": Column("integer"),
            "gone": Column("date"),
        },
        ["id"],
        checks=[TableCheck("small", "id < 4"), TableCheck("typo", "idd < 4")],
    )
    table = from_arrow(given, engine)
    now = observed_now(table, config.columns)
    assert against_schema(table, now, config) == [
        Difference("id", "rule", "unique: true", "2 rows"),
        Difference("a", "rule", "max: 9", "99, in 1 row"),
        Difference("a", "missing", "25.0% at most", "50.0%"),
        Difference("t", "rule", "allowed: [x, y]", "q, in 2 rows"),
        Difference("n", "dtype", "integer", "number"),
        Difference("gone", "column", "date", "missing"),
        Difference("new", "column", "", "new, boolean"),
        Difference(
            "check 'typo'",
            "the table has no column 'idd': idd < 4; did you mean 'id'?",
            "",
            "can't be asked",
        ),
        Difference("check 'small'", "rule", "id < 4", "1 row"),
    ]


def test_what_changed_since_a_report_is_shown(engine: str) -> None:
    report = reported(
        same=[1, 2],
        a=[1, 9],
        t=["x", "y"],
        f=[0.5, float("inf")],
        m=[1, 2],
        k=["1", "2"],
        gone=[1, 2],
    )
    given = {
        "same": [1, 2, 2],
        "a": [0, 9, 9],
        "t": ["x", "z", "z"],
        "f": [0.5, float("inf"), 1],
        "m": pa.array([1, None, 2], pa.int64()),
        "k": [1, 2, 3],
        "new": ["p", "p", "p"],
    }
    now = observed_now(from_arrow(pa.table(given), engine), {})
    assert against_report(now, 3, report) == [
        Difference("", "rows", "2", "3"),
        Difference("a", "range", "1 to 9", "0 to 9"),
        Difference("t", "values", "2 of them", "new: z; gone: y"),
        Difference("m", "missing", "0.0%", "33.3%"),
        Difference("k", "dtype", "string", "integer"),
        Difference("gone", "column", "integer", "missing"),
        Difference("new", "column", "", "new, string"),
    ]
    assert against_report(now, 3, reported(**given)) == []


def test_an_observation_survives_json() -> None:
    given = pa.table(
        {
            "f": [1.5, float("-inf")],
            "i": [2**53 + 1, None],
            "d": pa.array([0, 1], pa.date32()),
            "at": pa.array([0, 1], pa.timestamp("us", "UTC")),
            "naive": pa.array([0, 1], pa.timestamp("us")),
            "b": [True, None],
            "none": pa.nulls(2, pa.string()),
        }
    )
    seen = [observed_now(from_arrow(given, engine), {}) for engine in ENGINES]
    assert seen[0] == seen[1] == seen[2]
    for each in seen[0].values():
        assert Observed.from_json(json.loads(json.dumps(each.to_json())), 2) == each


def test_a_text_of_many_values_is_not_listed(engine: str) -> None:
    table = from_arrow(pa.table({"t": [f"t{at}" for at in range(60)]}), engine)
    assert observe(table, {"t": Column()})["t"].values is None


def test_lengths_shares_and_large_numbers_are_inferred(engine: str) -> None:
    rows = 40
    given = pa.table(
        {
            "code": [f"K{at:03}" for at in range(rows)],
            "big": [2**53 + 1 + at for at in range(rows)],
            "inf": [float("inf")] + [1.0, 2.0, 3.0] * 13,
            "some": pa.array([None] * 4 + [1, 2] * 18, pa.int64()),
            "y": [0, 1] * 20,
        }
    )
    columns = infer_schema(from_arrow(given, engine), "y").columns
    assert columns["code"].min_length == columns["code"].max_length == 4
    assert columns["some"].max_missing == 0.15
    assert columns["inf"].max is None
    assert columns["inf"].min == 1
    assert columns["big"].unique


def test_a_time_zone_that_appeared_is_no_crash() -> None:
    at = pa.array([0, 10**12], pa.timestamp("us"))
    later = pa.array([0, 10**13], pa.timestamp("us", "UTC"))
    now = observed_now(from_arrow(pa.table({"at": later}), "polars"), {})
    (found,) = against_report(now, 2, reported(at=at))
    assert found.what == "range"
