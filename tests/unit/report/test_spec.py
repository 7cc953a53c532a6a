from __future__ import annotations

import datetime
import json
import math

import altair as alt
import numpy as np
import pyarrow as pa
import pytest

from fivefold.report import Chart
from fivefold.report.spec import plain, plain_spec, to_json


def test_plain_values_are_finite_and_of_json_s_own_types() -> None:
    given = {
        "nan": math.nan,
        "inf": -math.inf,
        "np": np.float64(0.1) + np.float64(0.2),
        "int": np.int64(3),
        "array": np.array([[1, 2]]),
        "arrow": pa.array([1, None]),
        "scalar": pa.scalar(2.5),
        "date": datetime.date(2013, 1, 2),
        "set": {"b", "a"},
        "big": 1700000000123.0,
    }
    assert plain(given) == {
        "nan": None,
        "inf": None,
        "np": 0.3,
        "int": 3,
        "array": [[1, 2]],
        "arrow": [1, None],
        "scalar": 2.5,
        "date": "2013-01-02",
        "set": ["a", "b"],
        "big": 1700000000123,
    }


def test_what_has_no_place_in_json_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        plain(object())
    with pytest.raises(TypeError, match="neither an Altair chart"):
        Chart("not a chart")


def test_data_from_elsewhere_is_refused() -> None:
    layers = {"layer": [{"mark": "bar", "data": {"url": "https://example.org/a.csv"}}]}
    with pytest.raises(TypeError, match=r"not inside it: https://example\.org/a\.csv"):
        plain_spec(layers)


def interactive() -> alt.VConcatChart:
    data = alt.Data(values=[{"a": 1, "b": "param_1 view_1"}])
    brush = alt.selection_interval()
    upper = alt.Chart(data).mark_bar().encode(x="a:Q").add_params(brush)
    lower = (
        alt.Chart(data)
        .mark_bar()
        .encode(x="a:Q", color=alt.condition(brush, "b:N", alt.value("red")))
    )
    return upper & lower.transform_filter(brush)


def test_equal_altair_charts_are_equal() -> None:
    assert plain_spec(interactive()) == plain_spec(interactive())


def test_altair_s_own_theme_gives_way_and_a_user_s_stays() -> None:
    chart = alt.Chart(alt.Data(values=[{"a": 1}])).mark_bar().encode(x="a:Q")
    assert "config" not in plain_spec(chart)
    assert plain_spec(chart.configure_bar(color="red"))["config"]["bar"] == {"color": "red"}


def test_json_can_stand_in_a_script_element() -> None:
    given = {"</script><!--": "&\u2028", "b": ["<", ">"]}
    text = to_json(given)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == given
