from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.data.integrate import IntegrateConfig, Integrated, Join, integrate
from fivefold.errors import ConfigError, DataError, JoinError
from fivefold.pipeline.typed import typed
from fivefold.table import from_arrow, to_arrow

TRIPS = pa.table(
    {"id": [1, 2, 3, 4, 5], "plane": ["a", "b", None, "zz", "a"], "to": ["x", "x", "y", "y", "q"]}
)
PLANES = pa.table({"plane": ["a", "b", None, None], "year": [1999, None, 2001, 2002]})
PORTS = pa.table({"code": ["x", "y"], "lat": [1.5, -2.5], "id": [10, 20]})


def joined(engine: str = "polars", *joins: Join, **tables: pa.Table) -> Integrated:
    given = {"trips": TRIPS, "planes": PLANES, "ports": PORTS, **tables}
    frames = {name: from_arrow(table, engine) for name, table in given.items()}
    return integrate(frames, IntegrateConfig("trips", ["id"], joins=list(joins), engine=engine))


def rows(result: Integrated) -> list[dict[str, Any]]:
    return sorted(to_arrow(result.table.frame).to_pylist(), key=lambda row: row["id"])


def test_a_left_join_keeps_every_row_and_reports_its_match_rate(engine: str) -> None:
    result = joined(engine, Join("planes", keys=["plane"]))
    assert [row["year"] for row in rows(result)] == [1999, None, None, None, 1999]
    report = result.report["joins"][0]
    # A missing key matches no missing key.
    assert report["matched"] == 3
    assert report["match_rate"] == 0.6
    assert report["rows_before"] == report["rows_after"] == 5
    assert report["unmatched_examples"] == [{"plane": None}, {"plane": "zz"}]
    assert result.report["unused_tables"] == ["ports"]


def test_inner_joins_drop_rows_in_turn_and_each_reports_its_own(engine: str) -> None:
    ports = Join("ports", left_keys=["to"], right_keys=["code"], columns=["lat"], how="inner")
    result = joined(engine, Join("planes", keys=["plane"], how="inner"), ports)
    assert [row["id"] for row in rows(result)] == [1, 2]
    first, second = result.report["joins"]
    assert (first["rows_before"], first["rows_after"]) == (5, 3)
    assert (second["rows_before"], second["rows_after"]) == (3, 2)
    assert second["unmatched_examples"] == [{"to": "q"}]
    assert result.report["rows"] == 2


def test_a_prefix_renames_and_lineage_says_where_from(engine: str) -> None:
    result = joined(engine, Join("ports", left_keys=["to"], right_keys=["code"], prefix="port_"))
    assert list(rows(result)[0]) == ["id", "plane", "to", "port_lat", "port_id"]
    assert result.report["lineage"]["port_id"] == {"source": "ports", "column": "id"}
    assert result.report["lineage"]["to"] == {"source": "trips", "column": "to"}


def test_a_join_that_would_multiply_rows_is_an_error(engine: str) -> None:
    twice = pa.table({"plane": ["a", "a", "b", "b", "b"], "year": [1, 2, 3, 4, 5]})
    with pytest.raises(JoinError) as caught:
        joined(engine, Join("planes", keys=["plane"]), planes=twice)
    assert "plane=b stands in 3 rows (2 keys stand in more than one)" in str(caught.value)
    assert "integrate.joins.0 (planes)" in str(caught.value)


def test_one_to_one_wants_the_left_unique_too(engine: str) -> None:
    with pytest.raises(JoinError, match="plane=a stands in 2 rows"):
        joined(engine, Join("planes", keys=["plane"], expect="one_to_one"))


def test_keys_of_another_type_are_both_named(engine: str) -> None:
    numbers = pa.table({"plane": [1, 2], "year": [1, 2]})
    with pytest.raises(JoinError, match=r"plane: string on the left, planes\.plane: integer"):
        joined(engine, Join("planes", keys=["plane"]), planes=numbers)


def test_times_with_and_without_a_zone_are_different_types(engine: str) -> None:
    moment = dt.datetime(2020, 1, 1)
    trips = pa.table({"id": [1], "at": pa.array([moment], pa.timestamp("us", "UTC"))})
    other = pa.table({"at": pa.array([moment], pa.timestamp("us")), "v": [1]})
    with pytest.raises(JoinError, match="different types"):
        joined(engine, Join("planes", keys=["at"]), trips=trips, planes=other)


@pytest.mark.parametrize(
    ("join", "words"),
    [
        (Join("plane", keys=["plane"]), ["no table 'plane'", "did you mean 'planes'?"]),
        (Join("planes", keys=["plan"]), ["the left side has no column 'plan'", "'plane'?"]),
        (Join("planes", left_keys=["to"], right_keys=["yaer"]), ["'planes' has no column 'yaer'"]),
        (Join("planes", keys=["plane"], columns=["yer"]), ["joins.0 (planes).columns", "'year'?"]),
        (Join("ports", left_keys=["to"], right_keys=["code"]), ["'id' is there", "prefix: ports_"]),
    ],
)
def test_a_name_that_does_not_fit_is_one_message(join: Join, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        joined("polars", join)
    for word in words:
        assert word in str(caught.value)


def test_no_row_left_names_the_join() -> None:
    planes = pa.table({"plane": ["none such"], "year": [1]})
    with pytest.raises(DataError, match=r"integrate\.joins \(planes\)"):
        joined("polars", Join("planes", keys=["plane"], how="inner"), planes=planes)


@pytest.mark.parametrize(
    ("join", "word"),
    [
        ({"table": "a", "keys": ["x"], "how": "lft"}, "did you mean 'left'?"),
        ({"table": "a", "keys": ["x"], "expect": "many"}, "one_to_one"),
        ({"table": "a"}, "needs its keys once"),
        ({"table": "a", "keys": ["x"], "left_keys": ["y"]}, "needs its keys once"),
        ({"table": "a", "left_keys": ["y"], "right_keys": ["x", "z"]}, "another number of keys"),
        ({"table": "a", "key": ["y"]}, "unknown key 'key'"),
    ],
)
def test_a_bad_join_fails_when_the_config_is_read(join: dict[str, Any], word: str) -> None:
    values = {"base": "a", "key": ["id"], "joins": [join]}
    with pytest.raises(ConfigError) as caught:
        typed(IntegrateConfig, values, "integrate")
    assert word in str(caught.value)


small = st.one_of(st.none(), st.integers(0, 6))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(small, min_size=1, max_size=12), st.sets(st.integers(0, 6)))
def test_a_join_is_a_look_up(engine: str, left: list[int | None], right: set[int]) -> None:
    trips = pa.table({"id": list(range(len(left))), "k": pa.array(left, pa.int64())})
    values = {key: key * 10 for key in sorted(right)}
    other = pa.table(
        {"k": pa.array(list(values), pa.int64()), "v": pa.array(list(values.values()), pa.int64())}
    )
    result = joined(engine, Join("planes", keys=["k"]), trips=trips, planes=other)
    assert [row["v"] for row in rows(result)] == [values.get(k) for k in left]  # type: ignore[arg-type]
    assert result.report["joins"][0]["matched"] == sum(k in values for k in left)
