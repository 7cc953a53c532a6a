from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix, roc_auc_score

from fivefold.errors import ConfigError, DataError, ModelError
from fivefold.model.evaluate import EvaluateConfig, Evaluated, evaluate
from fivefold.model.train import TrainConfig, train
from fivefold.report import render_html
from fivefold.table import TableSchema, write_table

from .model_examples import Example, untuned

LINEAR = {
    "classifier": {"_target_": "sklearn.linear_model.LogisticRegression"},
    "regressor": {"_target_": "sklearn.linear_model.Ridge"},
    "scale": True,
}


def fitted(given: Example, **options: Any) -> Any:
    config = TrainConfig(model="mine", **{**LINEAR, **options})
    return train(given.train, given.schema, given.objective, untuned(config), config).estimator


def evaluated(given: Example, estimator: Any = None, test: Any = None, **options: Any) -> Evaluated:
    config = EvaluateConfig(key=["id"], **{"resamples": 100, "min_group_rows": 20, **options})
    return evaluate(
        estimator or fitted(given),
        {},
        given.train,
        given.test if test is None else test,
        given.schema,
        given.objective,
        config,
    )


def test_metrics_are_flat_with_intervals_and_a_baseline(any_example: Example) -> None:
    metrics = evaluated(any_example).metrics
    names = list(any_example.objective.metrics)
    assert list(metrics) == ["rows", *names, "detectable_difference", "interval", "baseline"]
    assert metrics["rows"] == 150
    primary = any_example.objective.primary
    interval = metrics["interval"][primary.name]
    assert interval["low"] <= metrics[primary.name] <= interval["high"]
    better, worse = metrics[primary.name], metrics["baseline"][primary.name]
    assert better > worse if primary.goal == "maximize" else better < worse


def test_all_of_it_is_the_same_twice(any_example: Example, tmp_path: Path) -> None:
    outputs = []
    for run in range(2):
        result = evaluated(any_example)
        path = tmp_path / f"{run}.parquet"
        write_table(result.predictions, path)
        outputs.append(
            (
                json.dumps(result.metrics, allow_nan=False),
                json.dumps(result.report, allow_nan=False),
                render_html(result.page),
                path.read_bytes(),
            )
        )
    assert outputs[0] == outputs[1]


def test_the_rows_behind_the_metrics_are_kept(binary: Example, tmp_path: Path) -> None:
    result = evaluated(binary)
    write_table(result.predictions, tmp_path / "p.parquet")
    kept = pl.read_parquet(tmp_path / "p.parquet")
    assert kept.columns == ["id", "target", "score", "predicted"]
    assert result.metrics["roc_auc"] == pytest.approx(roc_auc_score(kept["target"], kept["score"]))
    matrix = confusion_matrix(kept["target"], kept["predicted"]).tolist()
    assert result.report["confusion"] == {"classes": [False, True], "matrix": matrix}


def test_a_score_per_class(tmp_path: Path) -> None:
    from .model_examples import example

    result = evaluated(example("multiclass"))
    write_table(result.predictions, tmp_path / "p.parquet")
    kept = pl.read_parquet(tmp_path / "p.parquet")
    scores = ["score_early", "score_late", "score_on time"]
    assert kept.columns == ["id", "target", *scores, "predicted"]
    np.testing.assert_allclose(kept.select(pl.sum_horizontal(scores)).to_series(), 1.0)
    assert len(result.report["curves"]) == 3


def test_a_column_of_the_project_keeps_its_name(binary: Example, tmp_path: Path) -> None:
    test = binary.test.with_columns(score=nw.col("id"))
    config = EvaluateConfig(key=["score"], resamples=100)
    result = evaluate(
        fitted(binary), {}, binary.train, test, binary.schema, binary.objective, config
    )
    write_table(result.predictions, tmp_path / "p.parquet")
    kept = pl.read_parquet(tmp_path / "p.parquet")
    assert kept.columns == ["score", "target", "score_", "predicted"]
    assert kept["score"].dtype == pl.Int64


def test_groups_add_up_and_have_intervals(any_example: Example) -> None:
    found = evaluated(any_example).report["groups"]["carrier"]
    assert {item["group"] for item in found["groups"]} == {"AA", "DL", "UA"}
    assert sum(item["rows"] for item in found["groups"]) == 150
    primary = any_example.objective.primary.name
    for item in found["groups"]:
        assert item["small"] is False
        assert (
            item["interval"][primary]["low"] <= item[primary] <= item["interval"][primary]["high"]
        )


def test_a_group_of_one_row_is_said_to_be_small(any_example: Example) -> None:
    test = nw.from_native(
        nw.to_native(any_example.test)
        .collect()
        .with_columns(
            carrier=pl.when(pl.col("id") == 300).then(pl.lit("ZZ")).otherwise(pl.col("carrier"))
        )
        .lazy()
    )
    result = evaluated(any_example, test=test)
    single = next(i for i in result.report["groups"]["carrier"]["groups"] if i["group"] == "ZZ")
    assert single["rows"] == 1
    assert single["small"] is True
    if any_example.objective.task == "binary":
        assert single["roc_auc"] is None
        assert single["interval"]["roc_auc"] is None
    page = render_html(result.page)
    assert "too small to judge" in page
    assert "ZZ" in page


def test_missing_group_values_are_a_group(binary: Example) -> None:
    found = evaluated(binary, groups=["origin"]).report["groups"]["origin"]
    assert {item["group"] for item in found["groups"]} == {None, "JFK", "EWR"}


def test_only_the_largest_groups_are_judged(binary: Example) -> None:
    found = evaluated(binary, groups=["day"], max_groups=4, min_group_rows=5).report["groups"][
        "day"
    ]
    assert len(found["groups"]) == 4
    assert found["left_out"] == {"groups": 11, "rows": 110}


def test_an_unknown_group_or_key_is_named(binary: Example) -> None:
    with pytest.raises(DataError, match="did you mean 'carrier'"):
        evaluated(binary, groups=["carier"])
    with pytest.raises(DataError, match="no column 'row'"):
        evaluate(
            fitted(binary),
            {},
            binary.train,
            binary.test,
            binary.schema,
            binary.objective,
            EvaluateConfig(key=["row"]),
        )


def test_a_test_part_of_one_class_is_refused(binary: Example) -> None:
    with pytest.raises(DataError, match="1 class"):
        evaluated(binary, test=binary.test.filter(nw.col("target")))


def test_the_threshold_moves_the_labels_only(binary: Example) -> None:
    model = fitted(binary)
    low, high = (evaluated(binary, model, threshold=t).metrics for t in (0.1, 0.9))
    assert low["roc_auc"] == high["roc_auc"]
    assert low["accuracy"] != high["accuracy"]


def test_calibration_bins_hold_every_row(binary: Example) -> None:
    bins = evaluated(binary).report["calibration"]
    assert sum(item["rows"] for item in bins) == 150
    for item in bins:
        assert 0 <= item["low"] <= item["observed"] <= item["high"] <= 1


def test_residuals_hold_every_row(regression: Example) -> None:
    found = evaluated(regression).report["residuals"]
    assert sum(found["histogram"]["counts"]) == 150
    assert found["quantiles"]["0.05"] < found["quantiles"]["0.95"]


def test_probabilities_are_asked_for_by_the_metric_that_needs_them(binary: Example) -> None:
    # Train refuses the plan's metrics itself; this model was fitted for others.
    labels = replace(binary, objective=replace(binary.objective, metrics=("accuracy",)))
    model = fitted(labels, classifier={"_target_": "sklearn.svm.LinearSVC"})
    with pytest.raises(ModelError, match="'brier_score'"):
        evaluated(binary, model)


def test_a_model_of_other_features_is_one_message(binary: Example) -> None:
    fewer = {n: c for n, c in binary.schema.columns.items() if n != "hour"}
    changed = replace(binary, schema=TableSchema(fewer))
    with pytest.raises(ModelError, match="can't predict the test part") as caught:
        evaluated(changed, fitted(binary))
    assert "hour" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("resamples", 10),
        ("confidence", 1.0),
        ("threshold", 1.5),
        ("min_group_rows", 0),
        ("max_groups", 0),
        ("seed", -1),
    ],
)
def test_out_of_bounds(name: str, value: float) -> None:
    with pytest.raises(ConfigError) as caught:
        EvaluateConfig(**{name: value})  # type: ignore[arg-type]
    assert caught.value.where == f"evaluate.{name}"
