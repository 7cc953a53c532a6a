from __future__ import annotations

import dataclasses
import datetime
import functools
import json
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from fivefold.decided import Decided
from fivefold.deploy.conversion import converted
from fivefold.errors import ConfigError, DataError, ModelError
from fivefold.estimator import Float32Cast
from fivefold.features import feature_frame, target_array
from fivefold.metrics import METRICS
from fivefold.monitor.monitor import MonitorConfig, Monitored, monitor
from fivefold.monitor.periods import PERIODS, period_starts, periods_of
from fivefold.objective import Objective
from fivefold.report import Chart, render_html
from fivefold.table import Column, TableSchema

ROWS = 1200
START = datetime.datetime(2013, 11, 1)
TARGETS = {"binary": "late", "multiclass": "kind", "regression": "minutes"}


def schema_for(task: str) -> TableSchema:
    target = TARGETS[task]
    return TableSchema(
        {
            "time": Column("datetime", role="time"),
            "wind": Column("number", nullable=True),
            "hour": Column("integer"),
            "carrier": Column("string", nullable=True),
            target: Column("string" if task == "multiclass" else "number", role="target"),
        }
    )


def objective_for(task: Any) -> Objective:
    names = tuple(name for name in METRICS if task in METRICS[name].tasks)
    return Objective("late-flights", task, TARGETS[task], names[0], names)


def table(seed: int, rows: int = ROWS, *, wind: float = 0.0, carriers: str = "AB") -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    winds = rng.normal(size=rows) + wind
    carrier = rng.choice(list(carriers), rows)
    truth = winds - wind + (carrier == "A") + rng.normal(size=rows)
    return pl.DataFrame(
        {
            "time": [START + datetime.timedelta(hours=61 * i * 24 / rows) for i in range(rows)],
            "wind": winds,
            "hour": rng.integers(0, 24, rows),
            "carrier": carrier,
            "late": (truth > 0.5).astype(int),
            "kind": np.array(["early", "in time", "late"])[np.digitize(truth, [0, 1])],
            "minutes": truth * 30,
        }
    )


def lazy(frame: pl.DataFrame) -> nw.LazyFrame[Any]:
    return nw.from_native(frame.lazy())


@functools.cache
def model_for(task: Any, probabilities: bool = True, threshold: float | None = None) -> bytes:
    schema, objective = schema_for(task), objective_for(task)
    numbers = Pipeline(
        [("cast", Float32Cast()), ("impute", SimpleImputer()), ("scale", StandardScaler())]
    )
    final = Ridge() if task == "regression" else LogisticRegression()
    pipeline = Pipeline(
        [
            (
                "columns",
                ColumnTransformer(
                    [
                        ("n", numbers, ["wind", "hour"]),
                        ("c", OneHotEncoder(handle_unknown="ignore"), ["carrier"]),
                    ],
                    sparse_threshold=0,
                ),
            ),
            ("model", final if probabilities else LinearSVC()),
        ]
    )
    part = lazy(table(0))
    pipeline.fit(feature_frame(part, schema), target_array(part, schema, objective))
    if threshold is not None:
        pipeline.steps[-1] = ("model", Decided(pipeline[-1], threshold=threshold))
    return converted(pipeline, schema, objective, 18)


def run(
    production: pl.DataFrame,
    task: str = "binary",
    *,
    probabilities: bool = True,
    primary: str | None = None,
    decided: float | None = None,
    **config: Any,
) -> Monitored:
    return monitor(
        model_for(task, probabilities, decided),
        lazy(table(0)),
        # Seed 1 draws an easy test part, beside which any production looks worse.
        lazy(table(100)),
        lazy(production),
        schema_for(task),
        objective_for(task)
        if primary is None
        else dataclasses.replace(objective_for(task), primary_metric=primary),
        MonitorConfig(**{"resamples": 200, **config}),
    )


def test_the_threshold_is_the_models_own_unless_told() -> None:
    accuracy = {
        name: run(table(2), **options).metrics["accuracy"]
        for name, options in {
            "half": {},
            "own": {"decided": 0.9},
            "told": {"threshold": 0.9},
            "back": {"decided": 0.9, "threshold": 0.5},
        }.items()
    }
    assert accuracy["own"] == accuracy["told"] != accuracy["half"] == accuracy["back"]


@pytest.mark.parametrize("task", TARGETS)
def test_more_of_the_same_is_fine(task: str) -> None:
    found = run(table(2), task)
    assert found.metrics["rows"] == found.metrics["labelled_rows"] == ROWS
    assert found.metrics["features"] == 3
    assert found.metrics["drifted_features"] == 0
    assert found.metrics["drifted_share"] == 0
    assert 0 <= found.metrics["max_psi"] < 0.1
    assert found.metrics["prediction_psi"] < 0.1
    name = objective_for(task).primary_metric
    ends = found.metrics["interval"][name]
    assert ends["low"] < found.metrics[name] < ends["high"]
    assert found.report["target"]["status"] == "ok"
    assert [period["start"] for period in found.report["periods"]] == ["2013-11-01", "2013-12-01"]
    assert sum(period["rows"] for period in found.report["periods"]) == ROWS


def test_a_shift_is_named_and_drawn() -> None:
    found = run(table(2, wind=1.5))
    first, *others = found.report["columns"]
    assert first["name"] == "wind"
    assert first["status"] == "alarm"
    assert first["wasserstein"] == pytest.approx(1.5, abs=0.15)
    assert {column["status"] for column in others} == {"ok"}
    assert found.metrics["drifted_features"] == 1
    assert found.metrics["drifted_share"] == pytest.approx(1 / 3)
    assert found.metrics["max_psi"] == first["psi"]
    assert found.report["prediction"]["status"] == "alarm"
    assert found.report["status"] == "alarm"
    titles = [
        block.title
        for section in found.page.sections
        for block in section.blocks
        if isinstance(block, Chart)
    ]
    assert titles[:2] == ["Drift per feature", "wind"]
    assert "ROC AUC per month" in titles
    assert "1 of 3 features has drifted" in found.page.lead


def test_new_categories_and_missing_values_are_told() -> None:
    production = table(2, carriers="ABX").with_columns(
        wind=pl.when(pl.col("hour") < 6).then(None).otherwise(pl.col("wind"))
    )
    columns = {column["name"]: column for column in run(production).report["columns"]}
    assert columns["carrier"]["new_categories"] == ["X"]
    assert columns["carrier"]["new_share"] == pytest.approx(1 / 3, abs=0.05)
    assert columns["wind"]["missing_production"] == pytest.approx(0.25, abs=0.05)
    assert "have no value" in " ".join(columns["wind"]["reasons"])


def flipped(production: pl.DataFrame) -> pl.DataFrame:
    """Turn December's labels around: the features stay, what they mean does not."""
    december = pl.col("time") >= datetime.datetime(2013, 12, 1)
    return production.with_columns(
        late=pl.when(december).then(1 - pl.col("late")).otherwise(pl.col("late"))
    )


def test_a_model_that_got_worse_is_found_out_though_nothing_has_drifted() -> None:
    found = run(flipped(table(4)))
    november, december = found.report["periods"]
    assert november["status"] == "ok"
    assert december["status"] == "warn"
    assert december["metrics"]["roc_auc"] < 0.5 < november["metrics"]["roc_auc"]
    assert december["change"]["roc_auc"]["high"] < 0
    assert "ROC AUC is worse than on the test part" in " ".join(december["reasons"])
    assert found.metrics["drifted_features"] == 0
    assert found.metrics["degraded_periods"] == 1


def test_chance_alone_seldom_raises_a_warning() -> None:
    judged = [
        period
        for seed in range(200, 212)
        for period in monitor(
            model_for("binary"),
            lazy(table(0)),
            lazy(table(seed)),
            lazy(table(seed + 1000)),
            schema_for("binary"),
            dataclasses.replace(objective_for("binary"), metrics=("roc_auc",)),
            MonitorConfig(resamples=200, seed=seed),
        ).report["periods"]
    ]
    assert len(judged) == 24
    # One in forty by the intervals' meaning; four or more of 24 would have odds of 1 in 300.
    assert sum(period["status"] != "ok" for period in judged) < 4


def test_the_plans_marks_raise_the_alarm() -> None:
    from fivefold.thresholds import Limits, Thresholds

    found = run(
        flipped(table(4)),
        thresholds=Thresholds(acceptable=0.7, excellent=0.9),
        guardrails={"brier_score": Limits(max=0.3)},
    )
    november, december = found.report["periods"]
    assert december["status"] == "alarm"
    reasons = " ".join(december["reasons"])
    assert "acceptable is 0.700" in reasons
    assert "Brier score" in reasons
    assert november["status"] == "ok"


def test_metrics_that_must_be_small_get_worse_upwards() -> None:
    noisy = table(2).with_columns(minutes=pl.col("minutes") + 100)
    found = run(noisy, "regression", primary="root_mean_squared_error")
    change = found.report["production"]["change"]["root_mean_squared_error"]
    assert change["low"] > 0
    assert found.report["production"]["status"] == "warn"
    assert "RMSE is worse" in " ".join(found.report["production"]["reasons"])
    better = table(2).with_columns(
        minutes=30 * (pl.col("wind") + (pl.col("carrier") == "A").cast(pl.Float64))
    )
    judged = run(better, "regression", primary="root_mean_squared_error").report["production"]
    assert judged["change"]["root_mean_squared_error"]["high"] < 0
    assert judged["status"] == "ok"


@pytest.mark.parametrize("task", TARGETS)
def test_no_production_yet(task: str) -> None:
    found = run(table(2).head(0), task)
    assert found.metrics["rows"] == 0
    assert found.metrics["labelled_rows"] == 0
    assert found.metrics["max_psi"] is None
    assert found.metrics[objective_for(task).primary_metric] is None
    assert found.report["periods"] == []
    assert "no production rows yet" in render_html(found.page)
    json.dumps([found.metrics, found.report], allow_nan=False)


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("absent", [True, False])
def test_labels_that_have_not_come(task: str, absent: bool) -> None:
    target = TARGETS[task]
    unlabelled = pl.lit(None, dtype=table(2)[target].dtype).alias(target)
    production = table(2).drop(target) if absent else table(2).with_columns(unlabelled)
    found = run(production, task)
    assert found.metrics["rows"] == ROWS
    assert found.metrics["labelled_rows"] == 0
    assert found.metrics["prediction_psi"] is not None
    assert found.metrics[objective_for(task).primary_metric] is None
    assert found.report["target"] is None
    assert "too few labels" in found.page.lead
    render_html(found.page)


def test_labels_that_have_come_in_part() -> None:
    known = pl.col("time") < datetime.datetime(2013, 12, 1)
    production = table(2).with_columns(late=pl.when(known).then(pl.col("late")).otherwise(None))
    found = run(production)
    november, december = found.report["periods"]
    assert november["labelled_rows"] == found.metrics["labelled_rows"] == november["rows"]
    assert december["labelled_rows"] == 0
    assert december["prediction_psi"] is not None
    assert found.metrics["roc_auc"] == november["metrics"]["roc_auc"]


def test_small_periods_are_not_judged() -> None:
    found = run(table(2), period="day", min_rows=25)
    assert len(found.report["periods"]) == 61
    assert {len(period["psi"]) for period in found.report["periods"]} == {0}
    assert found.metrics["degraded_periods"] == 0


def test_a_period_with_one_class_has_no_roc_auc() -> None:
    found = run(table(2).with_columns(late=pl.lit(1)))
    assert found.metrics["roc_auc"] is None
    assert found.metrics["accuracy"] is not None
    json.dumps([found.metrics, found.report], allow_nan=False)


def test_without_probabilities_their_metrics_are_left_out() -> None:
    found = run(table(2), probabilities=False)
    assert found.metrics["roc_auc"] > 0.7
    assert "brier_score" not in found.metrics
    assert found.metrics["accuracy"] > 0.6


def test_without_a_time_column_there_are_no_periods() -> None:
    schema = schema_for("binary")
    columns = {name: column for name, column in schema.columns.items() if name != "time"}
    found = monitor(
        model_for("binary"),
        lazy(table(0)),
        lazy(table(1)),
        lazy(table(2)),
        TableSchema(columns),
        objective_for("binary"),
        MonitorConfig(resamples=100),
    )
    assert found.report["periods"] == []
    assert found.metrics["rows"] == ROWS


def test_the_same_rows_give_the_same_result_on_any_engine() -> None:
    import duckdb

    parts = [table(0), table(1), table(2)]
    connection = duckdb.connect()
    results = []
    for wrap in (
        lazy,
        lambda frame: nw.from_native(frame.to_pandas(use_pyarrow_extension_array=True)).lazy(),
        lambda frame: nw.from_native(connection.from_arrow(frame.to_arrow())),
    ):
        found = monitor(
            model_for("binary"),
            *(wrap(part) for part in parts),
            schema_for("binary"),
            objective_for("binary"),
            MonitorConfig(resamples=100),
        )
        results.append(
            (json.dumps(found.metrics), json.dumps(found.report), render_html(found.page))
        )
    assert results[0] == results[1] == results[2]


def test_a_feature_that_production_lacks_is_named() -> None:
    with pytest.raises(DataError, match="wind"):
        run(table(2).drop("wind"))


def test_a_file_that_is_no_model_is_refused() -> None:
    with pytest.raises(ModelError, match="not an ONNX model"):
        monitor(
            b"\x80\x04pickle",
            *[lazy(table(seed)) for seed in range(3)],
            schema_for("binary"),
            objective_for("binary"),
            MonitorConfig(),
        )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("psi_warn", 0.0),
        ("psi_alarm", 0.05),
        ("psi_alarm", float("inf")),
        ("missing_warn", 2.0),
        ("new_warn", -1.0),
        ("bins", 1),
        ("min_rows", 0),
        ("threshold", 1.5),
        ("seed", -1),
        ("resamples", 10),
        ("confidence", 1.0),
        ("period", "mont"),
    ],
)
def test_bounds(key: str, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        MonitorConfig(**{key: value})
    assert caught.value.where == f"monitor.{key}"


@pytest.mark.parametrize("period", PERIODS)
def test_every_row_is_in_the_period_that_it_falls_into(period: str) -> None:
    starts = period_starts(lazy(table(2)), schema_for("binary"), period)
    assert starts is not None
    groups = periods_of(starts)
    assert sum(len(rows) for _, rows in groups) == ROWS
    times = table(2)["time"].to_list()
    for start, rows in groups:
        assert all(times[row].date() >= start for row in rows)
    if period == "week":
        assert {start.weekday() for start, _ in groups} == {0}
    assert periods_of([None, datetime.date(2013, 1, 1), None])[0][1].tolist() == [1]
