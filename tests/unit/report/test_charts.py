from __future__ import annotations

import datetime
import math

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefold.report import Chart, charts
from fivefold.report.charts import canvas
from fivefold.report.spec import to_json

from .gallery import curves


def test_every_builder_is_in_the_gallery() -> None:
    """The browser draws the gallery; a builder that is not in it would never be drawn."""
    import inspect

    source = inspect.getsource(curves)
    assert [name for name in charts.__all__ if f"charts.{name}(" not in source] == []


@pytest.mark.parametrize("chart", curves(), ids=lambda chart: chart.label[:40])
def test_every_chart_has_words_for_who_cannot_see_it_and_only_finite_numbers(chart: Chart) -> None:
    assert len(chart.alt.split()) >= 5
    assert "nan" not in chart.alt.lower()
    to_json(chart.spec)


@pytest.mark.parametrize("chart", curves(), ids=lambda chart: chart.label[:40])
def test_the_numbers_a_reader_unfolds_are_in_the_data(chart: Chart) -> None:
    rows = chart.spec["datasets"]["rows"]
    assert rows
    assert set(chart.numbers) <= set(rows[0])


@pytest.mark.parametrize("kind", [list, np.array, pa.array, pl.Series], ids=lambda k: k.__name__)
def test_columns_of_any_library_give_the_same_chart(kind: type) -> None:
    plain = charts.histogram([0.0, 0.5, 1.0], [3, 4], x="x")
    assert charts.histogram(kind([0.0, 0.5, 1.0]), kind([3, 4]), x="x") == plain


def test_a_curve_of_any_length_stays_small() -> None:
    steps = np.linspace(0, 1, 200_000)
    chart = charts.roc_curve((steps, np.sqrt(steps)))
    rows = chart.spec["datasets"]["rows"]
    assert len(rows) <= canvas.MOST_POINTS
    assert (rows[0]["x"], rows[-1]["x"]) == (0, 1)
    assert len(to_json(chart.spec)) < 40_000


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=200),
    st.integers(2, 50),
)
def test_thinning_keeps_the_ends_and_the_order(
    points: list[tuple[float, float]], most: int
) -> None:
    kept = canvas.thinned([x for x, _ in points], [y for _, y in points], most)
    assert len(kept) <= max(most, 2)
    assert (kept[0], kept[-1]) == (0, len(points) - 1)
    assert kept == sorted(set(kept))


def test_a_thinned_curve_is_nowhere_far_from_the_curve() -> None:
    x = [i / 50_000 for i in range(50_001)]
    y = [value**0.1 for value in x]
    kept = canvas.thinned(x, y)
    near = np.interp(x, [x[i] for i in kept], [y[i] for i in kept])
    assert np.abs(near - y).max() < 0.01


def test_dates_stand_where_they_are_in_every_time_zone() -> None:
    days = [datetime.date(2013, 1, 1), datetime.date(2013, 1, 2)]
    chart = charts.histogram(days, [1])
    (row,) = chart.spec["datasets"]["rows"]
    assert (row["low"], row["high"]) == (1356998400000, 1357084800000)
    assert chart.spec["encoding"]["x"]["scale"]["type"] == "utc"


def test_a_cut_list_says_what_it_cut() -> None:
    chart = charts.bar([f"c{i}" for i in range(30)], range(30), limit=5, caption="All of them")
    assert [row["name"] for row in chart.spec["datasets"]["rows"]] == [
        "c29", "c28", "c27", "c26", "c25"
    ]  # fmt: skip
    assert chart.caption == "All of them. 25 smaller ones not shown."


def test_groups_whose_interval_leaves_the_overall_value_out_stand_apart() -> None:
    chart = charts.intervals(
        ["a", "b", "c"], [0.6, 0.7, None], [0.5, 0.68, None], [0.66, 0.72, None], overall=0.65
    )
    rows = {row["name"]: row["apart"] for row in chart.spec["datasets"]["rows"]}
    assert rows == {"a": "within", "b": "apart", "c": "within"}
    assert "Diamonds: 1 group whose" in chart.caption


def test_the_best_candidate_comes_first_either_way() -> None:
    scores = {"a": [1.0, 3.0], "b": [1.0, 1.0], "failed": [math.nan]}
    up = charts.scores_per_fold(scores).spec["datasets"]["means"]
    down = charts.scores_per_fold(scores, highest_first=False).spec["datasets"]["means"]
    assert [row["name"] for row in up] == ["a", "b", "failed"]
    assert [row["name"] for row in down] == ["b", "a", "failed"]


def test_the_median_line_of_residuals_is_of_all_rows() -> None:
    predicted = np.repeat(np.arange(20), 1000)
    residual = predicted * 10 + np.tile([-1, 0, 1, 0], 5000)
    data = charts.residuals(predicted, residual).spec["datasets"]
    assert len(data["rows"]) == 1500
    assert [row["residual"] for row in data["medians"]] == [10 * i for i in range(20)]


def test_shares_of_a_confusion_matrix_are_of_the_actual_class() -> None:
    rows = charts.confusion_matrix(["n", "y"], [[8, 2], [0, 0]]).spec["datasets"]["rows"]
    assert [row["share"] for row in rows] == [0.8, 0.2, 0, 0]
    with pytest.raises(ValueError, match="not a matrix of 2 by 2"):
        charts.confusion_matrix(["n", "y"], [[8, 2]])


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        charts.histogram([0, 1, 2], [1])


@pytest.mark.parametrize(
    "chart",
    [
        lambda: charts.bar([], []),
        lambda: charts.missing_values(["a"], [0]),
        lambda: charts.line([], []),
        lambda: charts.residuals([], []),
        lambda: charts.scores_per_fold({}),
        lambda: charts.intervals([], [], [], []),
        lambda: charts.against_limits([], [], [], [], [], lower_is_better=True),
        lambda: charts.calibration_curve([], []),
        lambda: charts.distributions(["a"], [0], [0]),
        lambda: charts.histogram([0, 1], [0]),
        lambda: charts.against([], [], []),
        lambda: charts.heatmap([], []),
        lambda: charts.gaps([], [], total=0),
    ],
)
def test_nothing_to_draw_is_no_error(chart: object) -> None:
    assert callable(chart)
    assert isinstance(chart(), Chart)
