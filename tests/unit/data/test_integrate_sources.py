"""Tables that are mapped, stacked, matched by nearness, and that contradict each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.data.integrate import IntegrateConfig, Integrated, integrate
from fivefold.data.integration.units import conversion
from fivefold.errors import ConfigError, FivefoldError, JoinError
from fivefold.pipeline.typed import typed
from fivefold.table import ENGINES, from_arrow, to_arrow

Open = Callable[..., Any]
UTC = pa.timestamp("us", "UTC")


def minutes(*values: int | None) -> pa.Array:
    start = dt.datetime(2020, 3, 1, tzinfo=dt.UTC)
    return pa.array([v if v is None else start + dt.timedelta(minutes=v) for v in values], UTC)


TABLES = {
    "old": pa.table(
        {"no": [1, 2], "temp": [212, None], "who": ["ua", "United"], "note": ["x", None]}
    ),
    "new": pa.table({"id": [3, 4], "celsius": [1.5, 2.5], "who": ["UA", None]}),
    "sales": pa.table(
        {"id": [1, 2, 3, 4, 5], "shop": ["a", "a", "b", "b", None], "at": minutes(0, 10, 7, 60, 3)}
    ),
    "prices": pa.table(
        {"shop": ["a", "a", "b", "b"], "at": minutes(1, 9, 5, 9), "price": [10, 20, 30, 40]}
    ),
    "crm": pa.table({"id": [1, 2, 3], "mail": ["a@x", None, "c@x"]}),
    "till": pa.table({"id": [1, 2, 3, 4], "mail": ["a@x", "b@x", "C@x", None]}),
    "items": pa.table({"sale": [1, 1, 2], "item": ["i", "j", "k"], "n": [1, 2, 3]}),
}
MAPPING = {
    "old": {
        "rename": {"no": "id", "temp": "celsius"},
        "units": {"celsius": {"from": "degF", "to": "degC"}},
        "categories": {"who": {"UA": ["ua", "United"]}},
        "constants": {"city": "NYC"},
    },
    "new": {"constants": {"city": "LA"}},
}
PRICE = {"table": "prices", "columns": ["price"]}
STACK = {"all": {"tables": ["old", "new"], "source": "file", "missing": ["note"]}}


def integrated(engine: str = "polars", key: str = "id", **values: Any) -> Integrated:
    tables = {**TABLES, **values.pop("replaced", {})}
    frames = {name: from_arrow(table, engine) for name, table in tables.items()}
    values = {"key": key.split(), "engine": engine, **values}
    return integrate(frames, typed(IntegrateConfig, values, "integrate"))


def rows(result: Integrated) -> list[dict[str, Any]]:
    key = [(name, "ascending") for name in result.table.key]
    return to_arrow(result.table.frame).sort_by(key).to_pylist()  # type: ignore[no-any-return]


def test_differing_tables_are_mapped_and_stacked(engine: str) -> None:
    result = integrated(engine, base="all", tables=MAPPING, unions=STACK)
    assert [tuple(row.values()) for row in rows(result)] == [
        (1, 100.0, "UA", "x", "NYC", "old"),
        (2, None, "UA", None, "NYC", "old"),
        (3, 1.5, "UA", None, "LA", "new"),
        (4, 2.5, None, None, "LA", "new"),
    ]
    report = result.report
    assert report["tables"]["old"]["categories"] == {"who": {"United": 1, "ua": 1}}
    assert report["unions"]["all"] == {
        "tables": {"old": 2, "new": 2},
        "rows": 4,
        "missing": {"note": ["new"]},
    }
    assert report["lineage"]["celsius"] == {
        "by": "union",
        "sources": [
            {"source": "old", "column": "temp", "unit": "degC", "unit_from": "degF"},
            {"source": "new", "column": "celsius"},
        ],
    }
    assert report["unused_tables"] == ["crm", "items", "prices", "sales", "till"]


@pytest.mark.parametrize(
    ("direction", "tolerance", "prices"),
    [
        ("backward", None, [None, 20, 30, 40, None]),
        ("forward", None, [10, None, 40, None, None]),
        # The sale at 7 lies as near to 5 as to 9: the earlier one is its match.
        ("nearest", "2 minutes", [10, 20, 30, None, None]),
        ("backward", "1 minute", [None, 20, None, None, None]),
    ],
)
def test_the_nearest_row_within_the_tolerance_is_the_match(
    engine: str, direction: str, tolerance: str | None, prices: list[int | None]
) -> None:
    asof = {"left": "at", "right": "at", "direction": direction, "tolerance": tolerance}
    join = {"table": "prices", "keys": ["shop"], "asof": asof}
    result = integrated(engine, base="sales", joins=[join])
    assert [row["price"] for row in rows(result)] == prices
    assert list(rows(result)[0]) == ["id", "shop", "at", "price"]
    report = result.report["joins"][0]
    assert report["matched"] == sum(price is not None for price in prices)
    assert report["unmatched_examples"][0]["shop"] is None


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    left=st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=1, max_size=8),
    right=st.sets(st.integers(-9, 9)),
    direction=st.sampled_from(["backward", "forward", "nearest"]),
    tolerance=st.sampled_from([None, 0, 2]),
)
def test_engines_agree_on_the_nearest(
    left: list[int | None], right: set[int], direction: str, tolerance: int | None
) -> None:
    def nearest(value: int | None) -> int | None:
        fit = [
            r
            for r in right
            if value is not None
            and (r <= value if direction == "backward" else True)
            and (r >= value if direction == "forward" else True)
            and (tolerance is None or abs(r - value) <= tolerance)
        ]
        return min(fit, key=lambda r: (abs(r - value), r)) if fit else None  # type: ignore[operator]

    tables = {
        "l": pa.table({"id": list(range(len(left))), "t": pa.array(left, pa.int64())}),
        "r": pa.table({"t": pa.array(sorted(right), pa.int64()), "v": sorted(right)}),
    }
    if not right:
        tables["r"] = tables["r"].cast(pa.schema({"t": pa.int64(), "v": pa.int64()}))
    asof = {"left": "t", "right": "t", "direction": direction, "tolerance": tolerance}
    for engine in ENGINES:
        result = integrated(engine, base="l", joins=[{"table": "r", "asof": asof}], replaced=tables)
        assert [row["v"] for row in rows(result)] == [nearest(value) for value in left]


def test_one_row_to_many_makes_the_key_grow(engine: str) -> None:
    join = {"table": "items", "left_keys": ["id"], "right_keys": ["sale"], "expect": "one_to_many"}
    first = {"table": "crm", "keys": ["id"], "how": "inner"}
    # Without an item a row has no whole key, so this join is an inner one.
    result = integrated(engine, "id item", base="sales", joins=[first, {**join, "how": "inner"}])
    assert [(row["id"], row["item"]) for row in rows(result)] == [(1, "i"), (1, "j"), (2, "k")]
    second = result.report["joins"][1]
    assert [second[name] for name in ("rows_before", "rows_after", "matched")] == [3, 3, 2]
    assert second["unmatched_examples"] == [{"id": 3}]
    with pytest.raises(JoinError, match="the key does not tell them apart"):
        integrated(engine, base="sales", joins=[join])


def test_the_first_source_with_a_value_is_believed(engine: str) -> None:
    joins = [{"table": name, "keys": ["id"]} for name in ("till", "crm")]
    result = integrated(engine, base="sales", joins=joins, precedence={"mail": ["crm", "till"]})
    assert [row["mail"] for row in rows(result)] == ["a@x", "b@x", "c@x", None, None]
    assert list(rows(result)[0]) == ["id", "shop", "at", "mail"]
    assert result.report["precedence"] == [
        {
            "column": "mail",
            "order": ["crm", "till"],
            "agreements": 1,
            "conflicts": 1,
            "fills": 1,
            "taken_from": {"crm": 2, "till": 1},
            "examples": [{"id": 3, "mail of crm": "c@x", "mail of till": "C@x"}],
        }
    ]
    assert result.report["lineage"]["mail"]["by"] == "precedence"
    assert [o["source"] for o in result.report["lineage"]["mail"]["sources"]] == ["crm", "till"]


def test_the_base_can_be_believed_last(engine: str) -> None:
    result = integrated(
        engine,
        base="till",
        joins=[{"table": "crm", "keys": ["id"], "expect": "one_to_one"}],
        precedence={"mail": ["crm", "till"]},
    )
    assert list(rows(result)[0].items()) == [("id", 1), ("mail", "a@x")]
    assert [row["mail"] for row in rows(result)] == ["a@x", "b@x", "c@x", None]


def test_every_engine_writes_the_same_bytes(written: Callable[..., bytes]) -> None:
    nearest = {"left": "at", "right": "at", "direction": "nearest"}
    joins = [
        {"table": "crm", "keys": ["id"]},
        {"table": "till", "keys": ["id"]},
        {"table": "sales", "keys": ["id"]},
        {"table": "prices", "keys": ["shop"], "asof": nearest},
    ]
    values: dict[str, Any] = {"base": "all", "tables": MAPPING, "unions": STACK, "joins": joins}
    results = [
        integrated(engine, precedence={"mail": ["till", "crm"]}, **values) for engine in ENGINES
    ]
    assert len({written(result.table.frame, result.table.key) for result in results}) == 1
    assert results[0].report == results[1].report == results[2].report


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"unions": STACK}, ["'new' has no column 'no'", "tables.new"]),
        (
            {"unions": {"all": {"tables": ["crm", "tll"]}}},
            ["no table 'tll'", "did you mean 'till'?"],
        ),
        ({"unions": {"crm": {"tables": ["old", "new"]}}}, ["name of a collected table"]),
        (
            {
                "unions": {
                    "all": {"tables": ["crm", "sales"], "columns": ["id"], "missing": ["mial"]}
                }
            },
            ["has a column 'mial'", "'mail'?"],
        ),
        (
            {
                "tables": {"old": {"rename": {"no": "id", "temp": "celsius"}}},
                "unions": {"all": {**STACK["all"]}},
            },
            ["'celsius' has different types", "old: integer, new: number"],
        ),
        ({"tables": {"odl": {}}}, ["no table 'odl'", "'old'?"]),
        ({"tables": {"old": {"rename": {"temp": "who"}}}}, ["two columns would be called 'who'"]),
        ({"tables": {"old": {"types": {"who": "number"}}}}, ["tables.old.types.who", "string"]),
        ({"tables": {"old": {"constants": {"who": "x"}}}}, ["'who' is there already"]),
        (
            {"tables": {"old": {"units": {"who": {"from": "km", "to": "mile"}}}}},
            ["only numbers have a unit", "who: string"],
        ),
        (
            {"tables": {"old": {"categories": {"who": {"UA": ["ua", "Untied"]}}}}},
            ["1 rows have a value that is no category", "'United' (1 rows)", "'Untied'?"],
        ),
        (
            {"joins": [{"table": "crm", "keys": ["id"]}, {"table": "till", "keys": ["id"]}]},
            ["'mail' is there already", "integrate.precedence.mail"],
        ),
        (
            {
                "joins": [{"table": "crm", "keys": ["id"]}, {"table": "till", "keys": ["id"]}],
                "precedence": {"mail": ["crm", "sales"]},
            },
            ["leaves out the table 'till'"],
        ),
        ({"precedence": {"mail": ["crm", "sales"]}}, ["'crm' is neither the base nor joined"]),
        (
            {
                "joins": [{"table": "crm", "keys": ["id"]}],
                "precedence": {"shop": ["sales", "crm"]},
            },
            ["'crm' gives no column 'shop'"],
        ),
        (
            {"joins": [{**PRICE, "asof": {"left": "id", "right": "at"}}]},
            ["dates, datetimes or numbers of the same type", "id: integer"],
        ),
        (
            {"joins": [{**PRICE, "asof": {"left": "at", "right": "at", "tolerance": 5}}]},
            ["not of the kind of the column 'at'", "a duration"],
        ),
        # Two prices at minute 9, of different shops.
        (
            {"joins": [{**PRICE, "asof": {"left": "at", "right": "at"}}]},
            ["multiply rows", "at=2020-03-01 00:09:00"],
        ),
    ],
)
def test_what_does_not_fit_is_one_message(values: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(FivefoldError) as caught:
        integrated(**{"base": "sales", **values})
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"asof": {"left": "a", "right": "b", "tolerance": "5 mints"}}, "'minutes'?"),
        ({"asof": {"left": "a", "right": "b", "tolerance": -1}}, "a tolerance is a distance"),
        ({"asof": {"left": "a", "right": "b", "direction": "back"}}, "'backward'?"),
        ({"keys": ["a"], "expect": "many_to_many"}, "one_to_many"),
        ({"asof": {"left": "a", "right": "b"}, "expect": "one_to_many"}, "never more rows"),
    ],
)
def test_a_bad_declaration_fails_when_the_config_is_read(values: dict[str, Any], word: str) -> None:
    values = {"base": "x", "key": ["id"], "joins": [{"table": "y", **values}]}
    with pytest.raises(ConfigError) as caught:
        typed(IntegrateConfig, values, "integrate")
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "word"),
    [
        ({"from": "degF", "too": "degC"}, "needs both units"),
        ({"from": "degF", "to": "degc", "factr": 1}, "'factor'?"),
        ({"from": "fathoom", "to": "m"}, "'fathom'?"),
        ({"from": "degF", "to": "km"}, "can't be converted"),
        ({"from": "a", "to": "b", "factor": 0}, "loses every value"),
        ({"from": "a", "to": "b", "factor": float("nan")}, "not a finite number"),
    ],
)
def test_a_conversion_that_can_t_be_is_one_message(declared: dict[str, Any], word: str) -> None:
    with pytest.raises(FivefoldError) as caught:
        conversion(declared, "integrate.tables.t.units.x")
    assert word in str(caught.value)


def test_a_unit_of_ones_own_needs_a_factor() -> None:
    known = conversion({"from": "smoot", "to": "cm", "factor": 170.18}, "here")
    assert (float(known.factor), float(known.offset)) == (170.18, 0.0)
