from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from fivefold.errors import DataError, SchemaError
from fivefold.features import feature_frame, target_array
from fivefold.objective import Objective
from fivefold.table import Column, TableSchema

BINARY = Objective("test", "binary", "late", "roc_auc", ("roc_auc",))
REGRESSION = Objective("test", "regression", "late", "r2", ("r2",))


def lazy(**columns: Any) -> nw.LazyFrame[Any]:
    return nw.from_native(pl.DataFrame(columns).lazy())


def schema(**columns: Column) -> TableSchema:
    return TableSchema(columns)


FLIGHTS = schema(
    flight=Column("integer", role="identifier"),
    origin=Column("string"),
    hour=Column("integer"),
    carrier=Column("string", role="group", feature=True),
    wind=Column("number", nullable=True),
    holiday=Column("boolean", nullable=True),
    late=Column("boolean", role="target"),
)


def flights() -> nw.LazyFrame[Any]:
    return lazy(
        late=[True, False, True],
        holiday=[True, None, False],
        wind=[1.5, None, float("nan")],
        hour=[5, 6, 7],
        origin=["EWR", None, "JFK"],
        carrier=["UA", "UA", "AA"],
        flight=[1, 2, 3],
    )


def test_features_come_in_the_schema_order_as_floats_and_objects() -> None:
    frame = feature_frame(flights(), FLIGHTS)
    assert list(frame.columns) == ["origin", "hour", "carrier", "wind", "holiday"]
    assert [str(dtype) for dtype in frame.dtypes] == [
        "object",
        "float64",
        "object",
        "float64",
        "float64",
    ]


def test_missing_numbers_are_nan_and_missing_strings_a_category() -> None:
    frame = feature_frame(flights(), FLIGHTS)
    assert frame["origin"].tolist() == ["EWR", "", "JFK"]
    np.testing.assert_array_equal(frame["wind"], [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(frame["holiday"], [1.0, np.nan, 0.0])


@pytest.mark.parametrize("engine", ["pandas", "duckdb", "polars", "pyarrow"])
def test_every_engine_gives_the_same_frame(engine: str, tmp_path: Any) -> None:
    path = tmp_path / "t.parquet"
    nw.to_native(flights()).collect().write_parquet(path)
    if engine == "pyarrow":
        import pyarrow.parquet as pq

        given = nw.from_native(pq.read_table(path)).lazy()
    else:
        from fivefold.table import scan

        given = scan(path, engine)
    expected = feature_frame(flights(), FLIGHTS)
    assert feature_frame(given, FLIGHTS).equals(expected)
    assert target_array(given, FLIGHTS, BINARY).tolist() == [True, False, True]


def test_an_all_missing_column_is_all_nan() -> None:
    frame = feature_frame(lazy(wind=[None, None]), schema(wind=Column("number", nullable=True)))
    assert frame["wind"].isna().all()
    assert str(frame["wind"].dtype) == "float64"


def test_a_schema_without_features_is_refused() -> None:
    with pytest.raises(SchemaError, match="no column has the role feature"):
        feature_frame(flights(), schema(late=Column("boolean", role="target")))


def test_an_absent_feature_is_named_with_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 'wind'"):
        feature_frame(flights(), schema(wnd=Column("number")))


def test_a_datetime_feature_is_refused() -> None:
    with pytest.raises(SchemaError, match="a datetime can't be a feature"):
        feature_frame(flights(), schema(hour=Column("datetime")))


def test_numbers_declared_as_strings_are_refused_and_the_other_way_round() -> None:
    with pytest.raises(DataError, match="does not hold strings"):
        feature_frame(flights(), schema(hour=Column("string")))
    with pytest.raises(DataError, match="does not hold numbers"):
        feature_frame(flights(), schema(origin=Column("number")))


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e300])
def test_a_number_beyond_float32_is_refused(value: float) -> None:
    with pytest.raises(DataError, match="too large for a 32-bit float"):
        feature_frame(lazy(wind=[1.0, value]), schema(wind=Column("number")))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1, 0, 1], "integer"), (["a", "b", "a"], "string"), ([True, False], "boolean")],
)
def test_classes_are_kept_as_they_are(values: list[Any], dtype: str) -> None:
    given = target_array(lazy(late=values), schema(late=Column(dtype, role="target")), BINARY)
    assert given.tolist() == values


def test_a_regression_target_is_float() -> None:
    given = target_array(
        lazy(late=[1, 2]), schema(late=Column("integer", role="target")), REGRESSION
    )
    assert given.dtype == np.float64


@pytest.mark.parametrize("values", [[1.0, None, 0.0], [1.0, float("nan"), 0.0]])
def test_a_missing_target_is_counted(values: list[Any]) -> None:
    with pytest.raises(DataError, match="missing in 1 of 3 rows"):
        target_array(lazy(late=values), schema(late=Column("number", role="target")), REGRESSION)


def test_a_target_with_one_class_is_refused_unless_allowed() -> None:
    frame, columns = lazy(late=["no", "no"]), schema(late=Column("string", role="target"))
    with pytest.raises(DataError, match="1 class"):
        target_array(frame, columns, BINARY)
    assert target_array(frame, columns, BINARY, min_classes=1).tolist() == ["no", "no"]


def test_a_third_class_does_not_fit_a_binary_task() -> None:
    columns = schema(late=Column("string", role="target"))
    with pytest.raises(DataError, match="3 classes"):
        target_array(lazy(late=["a", "b", "c"]), columns, BINARY)


def test_an_infinite_target_and_an_empty_table_are_refused() -> None:
    columns = schema(late=Column("number", role="target"))
    with pytest.raises(DataError, match="infinite"):
        target_array(lazy(late=[1.0, float("inf")]), columns, REGRESSION)
    with pytest.raises(DataError, match="no rows"):
        target_array(lazy(late=[1.0]).filter(nw.col("late") > 5), columns, REGRESSION)
