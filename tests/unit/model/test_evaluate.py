from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from scipy.stats import norm
from sklearn.metrics import confusion_matrix, roc_auc_score

from fivefold.errors import ConfigError, DataError, ModelError
from fivefold.model.decision import Costs
from fivefold.model.evaluate import (
    Bootstrap,
    EvaluateConfig,
    Evaluated,
    LearningCurve,
    Seeds,
    evaluate,
)
from fivefold.model.power import power_of
from fivefold.model.train import TrainConfig, train
from fivefold.report import render_html
from fivefold.table import Column, TableSchema, write_table

from .model_examples import Example, example, untuned

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


def mean_shortfall(y_true: Any, y_pred: Any, *, power: float = 1.0) -> float:
    """A metric of a project's own."""
    return float((np.maximum(y_true - y_pred, 0) ** power).mean())


def without_tail(y_true: Any, y_pred: Any) -> list[float]:
    return [1.0]


OWN = {"_target_": f"{__name__}.mean_shortfall", "needs": "value", "goal": "minimize"}


def test_a_metric_of_ones_own_stands_beside_the_others(regression: Example) -> None:
    result = evaluated(regression, metrics={"shortfall": {**OWN, "power": 2.0}}, own_resamples=50)
    value, ends = result.metrics["shortfall"], result.metrics["interval"]["shortfall"]
    assert ends["low"] < value < ends["high"]
    assert result.metrics["baseline"]["shortfall"] > value
    assert result.report["metrics"]["shortfall"]["goal"] == "minimize"
    assert all("shortfall" in item for item in result.report["groups"]["carrier"]["groups"])
    assert "shortfall" in render_html(result.page)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"needs": "values"}, ConfigError, "did you mean 'value'"),
        ({"goal": None}, ConfigError, "maximize, minimize"),
        ({"pwoer": 2}, ConfigError, "did you mean 'power'"),
        ({"power": "two"}, ModelError, "raised"),
        ({"needs": "score"}, ModelError, "no score"),
        ({"_target_": f"{__name__}.without_tail"}, ModelError, "gave no number"),
    ],
)
def test_a_wrong_metric_of_ones_own_is_one_message(
    regression: Example, change: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        evaluated(regression, metrics={"shortfall": {**OWN, **change}})


def test_the_catalogues_names_are_taken(binary: Example) -> None:
    with pytest.raises(ConfigError, match=r"plan\.metrics"):
        evaluated(binary, metrics={"recall": {**OWN, "needs": "label"}})


def scheme(given: Example, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = evaluated(
        given, learning_curve=LearningCurve(0), seeds=Seeds(0), **options
    ).report["bootstrap"]
    return found


def test_resamples_are_drawn_as_the_split_was_made(binary: Example) -> None:
    assert scheme(binary, split={"method": "random"})["method"] == "rows"
    assert scheme(binary, split={"method": "stratified"})["method"] == "stratified"
    by_time = scheme(binary, split={"method": "time", "time": "day"})
    assert (by_time["method"], by_time["columns"], by_time["units"]) == ("time", ["day"], 15)
    assert by_time["block"] >= 1
    by_group = scheme(binary, split={"method": "grouped", "by": "day"})
    assert (by_group["method"], by_group["units"]) == ("group", 15)
    few = scheme(binary, split={"method": "grouped", "by": "carrier"})
    assert few["method"] == "rows"
    assert "3 groups only" in few["why"]


def test_without_a_told_split_the_rows_tell_how_it_was_made(binary: Example) -> None:
    def with_day(role: Any) -> Example:
        columns = {**binary.schema.columns, "day": Column("integer", role=role)}
        return replace(binary, schema=TableSchema(columns))

    assert scheme(with_day("time"), split={"method": "column"})["method"] == "time"
    assert scheme(with_day("group"), split={"method": "column"})["method"] == "group"
    assert scheme(binary)["method"] == "rows"


def test_a_way_of_drawing_that_cannot_be_is_one_message(binary: Example) -> None:
    with pytest.raises(DataError, match="too few groups"):
        scheme(binary, bootstrap=Bootstrap("group", ["carrier"]))
    with pytest.raises(ConfigError, match="needs a column"):
        scheme(binary, bootstrap=Bootstrap("time"))
    with pytest.raises(ConfigError, match="did you mean 'group'"):
        Bootstrap("groups")


def test_thresholds_and_gains_are_those_of_the_rows(binary: Example) -> None:
    result = evaluated(binary, threshold=0.3, costs=Costs(false_negative=4.0))
    found, metrics = result.report["thresholds"], result.metrics
    assert found["chosen"]["f1"] == pytest.approx(metrics["f1"])
    (negative, positive) = np.array(result.report["confusion"]["matrix"])
    assert found["chosen"]["cost"] == pytest.approx((negative[1] + 4 * positive[0]) / 150)
    assert found["chosen"]["alarms"] == pytest.approx((negative[1] + positive[1]) / 150)
    assert found["cheapest"]["cost"] <= found["chosen"]["cost"]
    assert found["threshold"] == sorted(found["threshold"])
    (gain,) = result.report["gains"]
    assert gain["gain"][-1] == gain["lift"][-1] == 1
    assert gain["gain"] == sorted(gain["gain"])


def test_the_learning_curve_ends_with_the_kept_model(any_example: Example) -> None:
    result = evaluated(any_example, learning_curve=LearningCurve(2, 100))
    points = result.report["learning_curve"]["points"]
    assert [point["rows"] for point in points] == [50, 100, 300]
    assert points[-1]["value"] == result.metrics[any_example.objective.primary_metric]


def test_seeds_are_judged_where_the_fit_has_chance_in_it(binary: Example) -> None:
    forest = {"_target_": "sklearn.ensemble.ExtraTreesClassifier", "n_estimators": 5}
    found = evaluated(binary, fitted(binary, classifier=forest)).report["seeds"]
    assert len(found["values"]) == 3
    assert found["spread"] == max(found["values"]) - min(found["values"]) > 0
    assert "same predictions" in evaluated(binary).report["seeds"]["skipped"]
    off = evaluated(binary, seeds=Seeds(0), learning_curve=LearningCurve(0))
    assert "is 0" in off.report["seeds"]["skipped"]
    assert "is 0" in off.report["learning_curve"]["skipped"]
    assert off.report["power"]["paired"] is None


def test_the_page_says_what_the_test_part_can_show(binary: Example) -> None:
    few = evaluated(binary, smallest_difference=0.001)
    assert few.metrics["detectable_difference"] > 0.001
    assert few.report["power"]["paired"]["power"] < 0.8
    assert "would be" in render_html(few.page)
    enough = evaluated(binary, smallest_difference=0.5)
    assert enough.report["power"]["paired"]["rows"] <= 150
    assert "That is enough" in render_html(enough.page)


def test_the_power_is_that_of_the_two_sided_z_test() -> None:
    # By hand: 1.959964 + 0.841621 = 2.801585 standard errors are seen in 80 of 100 comparisons.
    found = power_of(0.01, 1000, 0.02)
    assert found["detectable"] == pytest.approx(0.02801585, abs=1e-7)
    assert found["rows"] == 1963
    assert found["power"] == pytest.approx(
        norm.sf(1.959964 - 2) + norm.cdf(-1.959964 - 2), abs=1e-6
    )
    assert power_of(0.01, 1000, found["detectable"])["power"] == pytest.approx(0.8, abs=1e-5)
    assert power_of(0.0, 10, 0.1)["power"] == 1


def relabelled(given: Example, old: str, new: str) -> Any:
    frame = nw.to_native(given.test).collect()
    changed = pl.when(pl.col("target") == old).then(pl.lit(new)).otherwise(pl.col("target"))
    return nw.from_native(frame.with_columns(target=changed).lazy())


def test_classes_that_one_part_lacks_are_told() -> None:
    given = example("multiclass")
    test = relabelled(given, "late", "never")
    result = evaluated(given, test=test)
    assert result.report["unseen"]["in_training"][0]["class"] == "never"
    assert result.report["unseen"]["in_test"][0]["class"] == "late"
    assert result.metrics["log_loss"] is None
    assert result.metrics["interval"]["log_loss"] is None
    assert result.metrics["accuracy"] is not None
    page = render_html(result.page)
    assert "undefined" in page
    assert "never saw" in page


def test_another_class_of_two_is_refused(binary: Example) -> None:
    columns = {**binary.schema.columns, "target": Column("string", role="target")}
    given = replace(
        binary,
        frame=binary.frame.with_columns(target=pl.col("target").cast(pl.String)),
        schema=TableSchema(columns),
    )
    with pytest.raises(DataError, match="has a class that the training part has not"):
        evaluated(given, test=relabelled(given, "true", "perhaps"))


def test_a_class_that_the_estimator_does_not_name_is_refused(binary: Example) -> None:
    class Odd:
        classes_ = np.array([False, True])

        def predict(self, x: Any) -> Any:
            return np.full(len(x), 7)

    given = replace(
        binary,
        objective=replace(binary.objective, primary_metric="accuracy", metrics=("accuracy",)),
    )
    with pytest.raises(ModelError, match="does not name in classes_"):
        evaluated(given, Odd())
