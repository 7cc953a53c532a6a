"""Where the model errs: what is planted is found, and nothing else is said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from fivefold.errors import ConfigError, DataError
from fivefold.metrics import Task
from fivefold.model.decision import Costs
from fivefold.report import render_html, render_markdown
from fivefold.table import Column, TableSchema

from .error_examples import case

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
# Alone each says a little; together all of it.
PLANTED = (pl.col("carrier") == "DL") & (pl.col("hour") >= 12)

KEYS = [
    "rows", "confidence", "loss", "blocks", "search", "slices", "costly", "confusions", "features",
    "quality",
]  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_a_planted_slice_is_found_and_is_the_worst(task: Task) -> None:
    given = case(task, PLANTED)
    report = given.report()
    assert list(report) == KEYS
    worst = report["slices"][0]
    assert {item["column"] for item in worst["conditions"]} == {"carrier", "hour"}
    held = given.test.select(PLANTED.sum()).item()
    assert worst["rows"] == pytest.approx(held, rel=0.25)
    assert worst["share"] == worst["rows"] / report["rows"]
    assert worst["mean_loss"] > worst["rest_loss"]
    assert worst["difference"] == pytest.approx(worst["mean_loss"] - worst["rest_loss"])
    assert 0 < worst["low"] < worst["difference"] < worst["high"]
    assert worst["p_value"] <= worst["adjusted"] < 0.05
    assert worst["effect_size"] > 0.5
    ends = worst["metric"]["interval"]
    assert ends["low"] <= worst["metric"]["value"] <= ends["high"]
    # What is told is confirmed, and says something of its own: not that a simpler slice holds it.
    assert len(report["slices"]) <= 2 < report["search"]["confirmed"]
    assert all(item["adjusted"] < 0.05 for item in report["slices"])
    assert report["search"]["looked_at"][1] > 10 * report["search"]["looked_at"][0] > 0


def test_one_condition_is_enough_where_one_says_it() -> None:
    report = case("binary", pl.col("wind").is_null()).report()
    assert [item["slice"] for item in report["slices"]] == ["wind is missing"]
    assert report["slices"][0]["conditions"] == [{"column": "wind", "op": "missing"}]


def test_a_third_condition_is_found_if_asked_for() -> None:
    planted = PLANTED & pl.col("holiday")
    given = case("regression", planted, rows=6000, times=8)
    assert len(given.report(depth=3)["slices"][0]["conditions"]) == 3
    assert len(given.report(depth=1)["slices"][0]["conditions"]) == 1


def test_the_parts_of_a_time_make_slices() -> None:
    # Of the nine Saturdays, this seed leaves some in either half.
    worst = case("regression", pl.col("time").dt.weekday() == 6).report(seed=1)["slices"][0]
    assert worst["slice"] == "weekday of time = Saturday"
    assert worst["conditions"] == [
        {"column": "time", "op": "equals", "part": "weekday", "value": "Saturday"}
    ]


@pytest.mark.parametrize("task", TASKS)
def test_where_nothing_is_wrong_nothing_is_said(task: Task) -> None:
    report = case(task, seed=13).report()
    assert report["slices"] == []
    assert report["search"]["candidates"] > 0
    assert report["search"]["note"] is None
    assert not any(item["significant"] for item in report["quality"]["items"])


@pytest.mark.parametrize("task", TASKS)
def test_every_engine_gives_the_same_bytes(task: Task) -> None:
    given = case(task, PLANTED, rows=1500)
    results = [given.diagnosed(engine) for engine in ("pandas", "polars", "duckdb")]
    told = {
        (json.dumps(result.report, allow_nan=False), render_html(result.page)) for result in results
    }
    assert len(told) == 1


def test_the_seed_draws_the_half_that_is_searched() -> None:
    given = case("binary", PLANTED)
    first, again, other = (given.report(seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first["slices"] != other["slices"]
    assert first["features"] == other["features"]


@pytest.mark.parametrize("task", TASKS)
def test_few_rows_are_said_to_be_too_few(task: Task) -> None:
    given = case(task, PLANTED, rows=60)
    result = given.diagnosed()
    assert result.report["slices"] == []
    assert "too few to search" in result.report["search"]["note"]
    assert len(result.report["costly"]["rows"]) == 20
    assert "too few to search" in render_markdown(result.page)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("task", TASKS)
def test_a_row_or_two_are_enough_for_a_report(task: Task, rows: int) -> None:
    result = case(task, rows=rows).diagnosed()
    json.dumps(result.report, allow_nan=False)
    assert result.report["rows"] == rows
    render_html(result.page)


def test_all_right_is_said_to_be() -> None:
    given = case("multiclass")
    right = given.altered(predicted=given.test["target"])
    result = right.diagnosed(loss="zero_one")
    assert result.report["confusions"] == []
    assert "the same error rate" in result.report["search"]["note"]
    told = render_markdown(result.page)
    assert "Every class is predicted right" in told
    assert "No row costs anything" in told


def test_a_test_part_of_one_class() -> None:
    given = case("binary", rows=800)
    no = np.zeros(800, dtype=bool)
    test = given.test.with_columns(target=pl.Series(no))
    report = replace(given, test=test).altered(target=no, predicted=no).report()
    # The lower the score the better: the class that is missing is the positive one.
    assert report["loss"]["mean"] == pytest.approx(
        -np.log1p(-given.predictions["score"].to_numpy()).mean()
    )
    assert all(one["metric"]["value"] is not None for one in report["slices"])


def test_a_class_that_training_never_saw() -> None:
    given = case("multiclass", PLANTED)
    target = np.where(np.arange(3000) < 90, "cancelled", given.test["target"].to_numpy())
    test = given.test.with_columns(target=pl.Series(target))
    report = replace(given, test=test).altered(target=target).report()
    assert report["costly"]["rows"][0]["target"] == "cancelled"
    assert report["costly"]["rows"][0]["loss"] > 30
    json.dumps(report, allow_nan=False)


def test_without_probabilities_errors_are_counted() -> None:
    given, multiclass = (
        replace(one, objective=replace(one.objective, primary_metric="accuracy"))
        for one in (case("binary", PLANTED), case("multiclass", PLANTED))
    )
    plain = replace(given, predictions=given.predictions.drop("score"))
    report = plain.report()
    assert report["loss"]["name"] == "zero_one"
    assert report["loss"]["title"] == "error rate"
    decided = given.altered(score=given.predictions["score"].to_numpy() * 10 - 5)
    assert decided.report()["loss"]["name"] == "zero_one"
    with pytest.raises(ConfigError, match="no probabilities"):
        decided.report(loss="log_loss")
    scores = [name for name in multiclass.predictions.columns if name.startswith("score_")]
    report = replace(multiclass, predictions=multiclass.predictions.drop(scores)).report()
    assert report["features"][0]["explained_residual"] is None
    assert report["slices"]


def test_the_loss_suits_the_primary_metric() -> None:
    def named(task: Task, metric: str) -> str:
        given = case(task, rows=400)
        objective = replace(given.objective, primary_metric=metric)
        return str(replace(given, objective=objective).report()["loss"]["name"])

    assert named("binary", "roc_auc") == "log_loss"
    assert named("binary", "brier_score") == "squared_score"
    assert named("multiclass", "f1_macro") == "zero_one"
    assert named("regression", "r2") == "squared_error"
    assert named("regression", "median_absolute_error") == "absolute_error"


def test_unique_texts_are_capped() -> None:
    given = case("binary", PLANTED)
    unique = [f"passenger {i}" for i in range(3000)]
    wide = replace(
        given,
        train=given.train.with_columns(name=pl.Series(unique[:2000])),
        test=given.test.with_columns(name=pl.Series(unique)),
        schema=TableSchema({**given.schema.columns, "name": Column("string")}),
    )
    report = wide.report()
    named = next(item for item in report["features"] if item["column"] == "name")
    assert named["pooled"] == 2000 - 30
    assert len(named["bins"]) == 32
    assert [one["bin"] for one in named["bins"]][-2:] == ["a rare category", "unseen in training"]
    assert report["slices"][0] == given.report()["slices"][0] | {
        "adjusted": report["slices"][0]["adjusted"]
    }


def test_rows_that_go_together() -> None:
    given = case("regression", PLANTED)
    blocks = given.report()["blocks"]
    assert blocks == {"column": "time", "unit": "day", "count": 60, "used": True}
    assert given.report(blocks="none")["blocks"] is None
    few = given.report(blocks="carrier")
    assert few["blocks"] == {"column": "carrier", "unit": "value", "count": 3, "used": False}
    with pytest.raises(DataError, match="no column 'carier'"):
        given.report(blocks="carier")


def test_a_bad_day_is_not_a_bad_slice() -> None:
    """All rows of one stormy day are wrong; that they had a wind of their own proves nothing."""
    given = case("regression", times=1)
    day = given.test["time"].dt.ordinal_day().to_numpy() == 20
    wind = np.where(day, 40 + np.arange(3000) % 7, np.arange(3000) % 20)
    value = given.predictions["predicted"].to_numpy() + np.where(day, 9.0, 0.0)
    stormy = replace(given, test=given.test.with_columns(wind=pl.Series(wind.astype(float))))
    options = {"min_rows": 20, "min_share": 0.0}
    assert stormy.altered(predicted=value).report(**options)["slices"] == []
    rows = stormy.altered(predicted=value).report(blocks="none", **options)["slices"]
    assert rows[0]["slice"].startswith("wind > ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": -1}, "diagnose.seed"),
        ({"depth": 0}, "diagnose.depth"),
        ({"bins": 1}, "diagnose.bins"),
        ({"min_rows": 5}, "diagnose.min_rows"),
        ({"confidence": 1.0}, "diagnose.confidence"),
        ({"loss": "logloss"}, "log_loss"),
        ({"loss": "log_loss"}, "does not fit"),
        ({"columns": ["hours"]}, "hour"),
        ({"columns": ["target"]}, "can't make slices"),
        ({"costs": Costs()}, "no classes"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        case("regression", rows=60).report(**options)


def test_predictions_of_other_rows_are_refused() -> None:
    given = case("binary", rows=100)
    with pytest.raises(DataError, match="other rows"):
        replace(given, test=given.test.head(50)).report()


def test_an_outcome_makes_slices_if_asked_for() -> None:
    late = pl.col("id") % 7 == 0
    given = case("binary", late)
    schema = TableSchema({**given.schema.columns, "gate": Column("integer", role="outcome")})
    train = given.train.with_columns(gate=pl.Series(np.arange(2000) % 2))
    test = given.test.with_columns(gate=late.cast(pl.Int64))
    wide = replace(given, schema=schema, train=train, test=test)
    assert wide.report(columns=["gate"])["slices"][0]["slice"] == "gate ≥ 1"
    assert wide.report()["slices"] == []
    assert "gate" not in {item["column"] for item in wide.report()["features"]}
