"""The small language of labels: the same on every engine, and never run."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.data.expressions import compiled
from fivefold.errors import ConfigError, DataError, FivefoldError
from fivefold.table import ENGINES, from_arrow, to_arrow

MOMENT = dt.datetime(2013, 9, 1, 5, tzinfo=dt.UTC)
TABLE = pa.table(
    {
        "n": pa.array([0, 5, None, -3], pa.int64()),
        "x": pa.array([0.5, None, 2.0, -0.0], pa.float64()),
        "s": pa.array(["a", "b", None, ""], pa.string()),
        "b": pa.array([True, False, None, True]),
        "two words": pa.array([1, 2, 3, 4], pa.int64()),
        "day": pa.array([dt.date(2013, 9, d) for d in (1, 2, 3, 4)]),
        "at": pa.array(
            [MOMENT, None, MOMENT, MOMENT + dt.timedelta(days=1)], pa.timestamp("us", "UTC")
        ),
    }
)


def values(text: str, engine: str) -> list[Any]:
    frame = from_arrow(TABLE, engine)
    read = compiled(text, frame.collect_schema(), "label.expression")
    return to_arrow(frame.select(read.label.alias("v")))["v"].to_pylist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n >= 0", [1, 1, None, 0]),
        ("n >= 0 and x > 0", [1, None, None, 0]),
        ("n >= 0 or x > 0", [1, 1, 1, 0]),
        ("not n >= 0", [0, 0, None, 1]),
        ("-3 <= n < 5", [1, 0, None, 1]),
        ("n in [0, -3]", [1, 0, None, 1]),
        ("s not in ['a', '']", [0, 1, None, 0]),
        ("s == 'a'", [1, 0, None, 0]),
        ("n is None", [0, 0, 1, 0]),
        ("n is not None and b", [1, 0, 0, 1]),
        ("n + `two words` * 2", [2, 9, None, 5]),
        ("x / n", [None, None, None, 0.0]),
        ("`two words` / 2 - 0.5", [0.0, 0.5, 1.0, 1.5]),
        ("day >= '2013-09-03'", [0, 0, 1, 1]),
        ("at > '2013-09-01T05:00'", [0, None, 0, 1]),
        ("'late' if n >= 5 else 'on time'", ["on time", "late", None, "on time"]),
        ("2 if n > 0 else 1 if n == 0 else None", [1, 2, None, None]),
        ("1.5 if b else 2", [1.5, 2.0, None, 1.5]),
        ("True if b else False", [1, 0, None, 1]),
        ("n >\n  0", [0, 1, None, 0]),
    ],
)
def test_an_expression_means_the_same_on_every_engine(text: str, expected: list[Any]) -> None:
    for engine in ENGINES:
        found = values(text, engine)
        assert found == expected, engine
        assert [type(v) for v in found] == [type(v) for v in expected], engine


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("nn >= 0", DataError, "did you mean 'n'?"),
        ("n >=", ConfigError, "can't be read"),
        ("n = 1", ConfigError, "can't be read"),
        ("__import__('os').system('true')", ConfigError, "not of the language"),
        ("n.real > 1", ConfigError, "not of the language"),
        ("[n][0] > 1", ConfigError, "not of the language"),
        ("n ** 2 > 1", ConfigError, "not of the language"),
        ("s > 1", DataError, "s is string, and 1 is integer"),
        ("n == 'a'", DataError, "texts go in quotes"),
        ("n and b", ConfigError, "no condition"),
        ("s + 'a'", ConfigError, "no number"),
        ("n == None", ConfigError, "use `is None`"),
        ("n is 1", ConfigError, "use =="),
        ("n in 3", ConfigError, "wants a list"),
        ("day > 'soon'", ConfigError, "not a date"),
        ("1 > 2", ConfigError, "reads no column"),
        ("'a' if n > 1 else 2", ConfigError, "values of one type"),
        ("n if n > 1 else 2", ConfigError, "is not a value"),
        ("", ConfigError, "can't be read"),
        ("(" * 500 + "n", ConfigError, "can't be read"),
    ],
)
def test_what_is_not_of_the_language_is_one_message(
    text: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as caught:
        values(text, "polars")
    assert words in str(caught.value)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(alphabet="nsxb 01.'()[]<>=!+-*/andortisNoe`,\n\x00", max_size=25))
def test_any_text_is_an_expression_or_a_message(text: str) -> None:
    schema = from_arrow(TABLE, "polars").collect_schema()
    with contextlib.suppress(FivefoldError):
        compiled(text, schema, "label.expression")
