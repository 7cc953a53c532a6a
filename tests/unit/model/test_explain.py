from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from functools import cache
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from fivefold.errors import ConfigError, DataError, ModelError
from fivefold.metrics import Task
from fivefold.model.explain import ExplainConfig, Explained, explain
from fivefold.model.explaining import contributions
from fivefold.model.explaining.columns import associated
from fivefold.model.explaining.settings import Dependence, Robustness
from fivefold.model.train import TrainConfig, train
from fivefold.objective import Objective
from fivefold.pipeline.typed import typed
from fivefold.report import render_html
from fivefold.table import Column, TableSchema

from .model_examples import Example, example, untuned

QUICK: dict[str, Any] = {
    "key": ["id"],
    "n_repeats": 2,
    "resamples": 100,
    "shap": "never",
    "robustness": Robustness(noise=[], missing=[], shift=[], categories=False),
    "dependence": Dependence(top=3, grid=5, rows=40, curves=3),
}


SHAKEN = Robustness(max_rows=80, noise=[0.5], missing=[1.0], shift=[0.5])


@cache
def fitted(task: Task, target: str = "linear") -> Any:
    given = example(task)
    if target in ("svm", "labels"):
        # Training asks for probabilities where a metric needs them.
        given = of_metric(given, "accuracy")
    options: dict[str, Any] = {
        "linear": {
            "classifier": {"_target_": "sklearn.linear_model.LogisticRegression"},
            "regressor": {"_target_": "sklearn.linear_model.Ridge"},
            "scale": True,
        },
        "svm": {"classifier": {"_target_": "sklearn.svm.LinearSVC"}, "scale": True},
        "tree": {
            "classifier": {"_target_": "sklearn.tree.DecisionTreeClassifier", "max_depth": 4},
            "regressor": {"_target_": "sklearn.tree.DecisionTreeRegressor", "max_depth": 4},
        },
        "labels": {"classifier": {"_target_": f"{__name__}.Labels"}},
    }[target]
    config = TrainConfig(model=target, **options)
    return train(given.train, given.schema, given.objective, untuned(config), config).estimator


class Labels(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Says classes and no scores."""

    def fit(self, X: Any, y: Any) -> Labels:  # noqa: N803
        self.classes_ = np.unique(y)
        self.middle_ = np.median(np.asarray(X)[:, 0])
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        return self.classes_[(np.asarray(X)[:, 0] > self.middle_).astype(int)]


class Random(Labels):
    """Says something else each time."""

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        self.drawn = getattr(self, "drawn", 0) + 1
        p = np.random.default_rng(self.drawn).random(len(X))
        return np.column_stack([1 - p, p])


class Picky(Labels):
    """Refuses what is missing."""

    def predict(self, X: Any) -> Any:  # noqa: N803
        if X.isna().to_numpy().any():
            raise ValueError("Input X contains NaN")
        return self.classes_[(X["hour"] > 12).to_numpy().astype(int)]


def explained(
    given: Example,
    estimator: Any = None,
    test: Any = None,
    fitted_report: dict[str, Any] | None = None,
    **options: Any,
) -> Explained:
    return explain(
        estimator or fitted(given.objective.task),
        {"threshold": 0.5} if fitted_report is None else fitted_report,
        given.train,
        given.test if test is None else test,
        given.schema,
        given.objective,
        ExplainConfig(**{**QUICK, **options}),
    )


def by_name(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in items}


def of_metric(given: Example, name: str) -> Example:
    objective = Objective("test", given.objective.task, "target", name, (name,))
    return replace(given, objective=objective)


def test_what_counts_is_found_and_what_does_not_is_told(any_example: Example) -> None:
    report = explained(any_example).report
    importance = by_name(report["importance"]["features"])
    assert next(iter(importance)) in ("hour", "wind")
    for name in ("hour", "wind"):
        assert importance[name]["distinguishable"] is True
        assert importance[name]["low"] <= importance[name]["importance"] <= importance[name]["high"]
    flat = importance["flat"]
    assert (flat["importance"], flat["moved"], flat["distinguishable"]) == (0, 0, False)
    assert report["constant"] == ["flat"]
    assert any("can't be told from zero" in text and "flat" in text for text in report["limits"])


def test_the_same_twice_and_valid_json(any_example: Example) -> None:
    told = []
    for _ in range(2):
        result = explained(any_example, robustness=SHAKEN)
        told.append((json.dumps(result.report, allow_nan=False), render_html(result.page)))
    assert told[0] == told[1]


def test_importance_is_that_of_scikit_learn(regression: Example) -> None:
    from sklearn.inspection import permutation_importance

    from fivefold.features import feature_frame, target_array

    found = by_name(explained(regression, n_repeats=10).report["importance"]["features"])
    theirs = permutation_importance(
        fitted("regression"),
        feature_frame(regression.test, regression.schema),
        target_array(regression.test, regression.schema, regression.objective),
        scoring="neg_root_mean_squared_error",
        n_repeats=10,
        random_state=1,
    )
    for index, name in enumerate(regression.schema.features):
        mean, spread = theirs.importances_mean[index], theirs.importances_std[index]
        assert found[name]["importance"] == pytest.approx(mean, abs=4 * spread / 5**0.5 + 1e-9)


def test_groups_are_permuted_together(binary: Example) -> None:
    found = explained(binary, groups={"weather": ["hour", "wind"]}).report["importance"]
    group, alone = found["groups"][0], by_name(found["features"])
    assert (group["name"], group["features"], group["declared"]) == (
        "weather", ["hour", "wind"], True,
    )  # fmt: skip
    assert group["importance"] > max(alone["hour"]["importance"], alone["wind"]["importance"])


def doubled(given: Example) -> Example:
    """Adds a copy of the hour, and a category of it."""
    frame = given.frame.with_columns(
        minutes=pl.col("hour") * 60, part=(pl.col("hour") // 6).cast(pl.String)
    )
    columns = {**given.schema.columns, "minutes": Column("integer"), "part": Column("string")}
    return replace(given, frame=frame, schema=TableSchema(columns))


def test_features_that_say_the_same_are_warned_of(binary: Example) -> None:
    given = doubled(binary)
    config = TrainConfig(
        model="m", classifier={"_target_": "sklearn.linear_model.LogisticRegression"}, scale=True
    )
    model = train(given.train, given.schema, given.objective, untuned(config), config).estimator
    report = explained(given, model).report
    assert report["correlated"][0]["features"] == ["hour", "minutes", "part"]
    assert report["importance"]["groups"][0]["declared"] is False
    assert any("say much the same" in text for text in report["limits"])


def test_associations_of_numbers_and_categories() -> None:
    import pandas as pd

    rng = np.random.default_rng(0)
    n = 400
    a, c = rng.normal(size=n), rng.choice(["x", "y", "z"], n).astype(object)
    frame = pd.DataFrame(
        {
            "a": a,
            "square": np.where(rng.random(n) < 0.1, np.nan, np.exp(a)),
            "c": c,
            "renamed": np.array([{"x": "1", "y": "2", "z": "3"}[v] for v in c], dtype=object),
            "noise": rng.normal(size=n),
            "key": np.array([f"k{i}" for i in range(n)], dtype=object),
        }
    )
    found = {item.features: item.strongest for item in associated(frame, 0.8)}
    assert found == {("a", "square"): pytest.approx(1, abs=1e-3), ("c", "renamed"): 1}


def test_dependence_is_that_of_scikit_learn(regression: Example) -> None:
    from sklearn.inspection import partial_dependence

    from fivefold.features import feature_frame

    wanted = Dependence(features=["hour", "carrier"], grid=30, rows=1000, curves=4)
    found = explained(regression, dependence=wanted).report["dependence"]
    hour, carrier = found["features"]
    assert found["rows"] == 150
    assert hour["values"] == list(range(24))
    assert sum(hour["rows"]) == 300
    theirs = partial_dependence(
        fitted("regression"),
        feature_frame(regression.test, regression.schema),
        ["hour"],
        custom_values={"hour": np.arange(24.0)},
        kind="average",
    )
    np.testing.assert_allclose(hour["mean"][0], theirs["average"][0], rtol=1e-5)
    assert np.shape(hour["curves"]) == (4, 24)
    assert set(carrier["values"]) == {"AA", "DL", "UA"}
    assert carrier["mean"][0][carrier["values"].index("AA")] == max(carrier["mean"][0])


def test_missing_values_have_a_prediction_of_their_own(binary: Example) -> None:
    wanted = Dependence(features=["wind", "origin", "hour"], grid=4, rows=20)
    wind, origin, hour = explained(binary, dependence=wanted).report["dependence"]["features"]
    assert wind["missing"]["rows"] == 43
    assert origin["missing"]["rows"] == 28
    assert "" not in origin["values"]
    assert hour["missing"] is None


def test_a_pair_counts_its_rows(binary: Example) -> None:
    wanted = Dependence(features=["hour"], pairs=[["hour", "carrier"]], grid=4, rows=20)
    pair = explained(binary, dependence=wanted).report["dependence"]["pairs"][0]
    assert np.shape(pair["mean"]) == np.shape(pair["rows"]) == (3, 4)
    assert int(np.sum(pair["rows"])) == 300


def test_each_class_has_a_line() -> None:
    found = explained(example("multiclass")).report["dependence"]["features"][0]
    assert found["outputs"] == ["early", "late", "on time"]
    np.testing.assert_allclose(np.sum(found["mean"], axis=0), 1, rtol=1e-5)
    assert "curves" not in found


def test_changes_are_measured_and_the_worst_come_first(any_example: Example) -> None:
    found = explained(any_example, robustness=SHAKEN).report["robustness"]
    together = [item for item in found["changes"] if item["feature"] is None]
    alone = [item for item in found["changes"] if item["feature"] is not None]
    assert found["changes"] == together + alone
    assert {item["kind"] for item in together} == {
        "noise", "shift", "missing", "unseen", "most frequent",
    }  # fmt: skip
    worse = [item["worse"] for item in alone]
    assert worse == sorted(worse, reverse=True)
    whole = next(item for item in together if item["kind"] == "missing")
    assert whole["worse"] > 0
    assert whole["interval"]["low"] <= whole["worse"] <= whole["interval"]["high"]
    if any_example.objective.is_classification:
        assert 0 < whole["flipped"] <= 1
    else:
        assert whole["flipped"] is None
    assert not [item for item in alone if item["kind"] == "noise" and item["feature"] == "flat"]


def test_changed_numbers_stay_within_the_schema(binary: Example) -> None:
    columns = {**binary.schema.columns, "hour": Column("integer", min=0, max=23)}
    given = replace(binary, schema=TableSchema(columns))
    seen: list[Any] = []

    class Watching(Labels):
        classes_ = np.array([False, True])

        def predict(self, X: Any) -> Any:  # noqa: N803
            seen.append(X["hour"].to_numpy())
            return (X["hour"] > 12).to_numpy()

    explained(
        of_metric(given, "accuracy"), Watching(), robustness=Robustness(noise=[2.0], missing=[0.1])
    )
    hours = np.concatenate(seen)
    known = hours[np.isfinite(hours)]
    assert known.min() >= 0
    assert known.max() <= 23
    assert (known == np.round(known)).all()


def test_a_model_that_refuses_a_change_is_a_finding(binary: Example) -> None:
    given = of_metric(binary, "accuracy")
    given = replace(
        given,
        frame=given.frame.with_columns(pl.col("wind").fill_null(10.0)),
        schema=TableSchema({n: c for n, c in given.schema.columns.items() if c.dtype != "string"}),
    )
    model = Picky()
    model.classes_ = np.array([False, True])
    report = explained(given, model, robustness=SHAKEN).report
    refused = [item for item in report["robustness"]["changes"] if item["error"]]
    assert {item["kind"] for item in refused} == {"missing"}
    assert "NaN" in refused[0]["error"]
    assert any("can't predict under" in text for text in report["limits"])


def test_directions_hold_or_are_told(any_example: Example) -> None:
    options: dict[str, Any] = {"monotonic": {"hour": "increasing", "flat": "decreasing"}}
    if any_example.objective.task == "multiclass":
        options["monotonic_class"] = "late"
    hour, flat = explained(any_example, **options).report["monotonicity"]
    assert hour["violating"] == 0
    assert flat["violating"] is None
    options["monotonic"] = {"hour": "decreasing"}
    result = explained(any_example, **options)
    (hour,) = result.report["monotonicity"]
    assert hour["violating"] > 0.9
    assert len(hour["examples"]) == 5
    worst = hour["examples"][0]
    assert worst["after"] > worst["before"]
    assert set(worst["key"]) == {"id"}
    assert any(text.startswith("`hour`, declared decreasing") for text in result.report["limits"])
    with pytest.raises(ModelError, match="against a declared direction"):
        explained(any_example, on_violation="fail", **options)
    (tolerated,) = explained(any_example, tolerance=1e9, **options).report["monotonicity"]
    assert tolerated["violating"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"monotonic": {"hours": "increasing"}}, "did you mean 'hour'"),
        ({"monotonic": {"id": "increasing"}}, "is no feature"),
        ({"monotonic": {"carrier": "increasing"}}, "a string has no order"),
        ({"groups": {"g": ["hour", "widn"]}}, "did you mean 'wind'"),
        ({"dependence": Dependence(features=["carier"])}, "did you mean 'carrier'"),
        ({"dependence": Dependence(pairs=[["hour", "nothing"]])}, "no feature 'nothing'"),
        ({"rows": [{"id": 5}]}, "no row of the test part"),
        ({"rows": [{"idd": 5}]}, "did you mean 'id'"),
        ({"rows": [{}]}, "150 rows of the test part"),
    ],
)
def test_names_and_rows_that_do_not_exist(
    binary: Example, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        explained(binary, **options)


def test_a_direction_of_many_classes_names_one() -> None:
    given = example("multiclass")
    with pytest.raises(ConfigError, match="is not named"):
        explained(given, monotonic={"hour": "increasing"})
    with pytest.raises(ConfigError, match="did you mean 'late'"):
        explained(given, monotonic={"hour": "increasing"}, monotonic_class="lat")


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"seed": -1}, "explain.seed"),
        ({"max_rows": 0}, "explain.max_rows"),
        ({"resamples": 10}, "explain.resamples"),
        ({"correlated": 0.0}, "explain.correlated"),
        ({"shap": "always"}, "explain.shap"),
        ({"monotonic": {"hour": "up"}}, "explain.monotonic.hour"),
        ({"chosen": {"wrost": 1}}, "explain.chosen"),
        ({"chosen": {"worst": -1}}, "explain.chosen.worst"),
        ({"groups": {"g": []}}, "explain.groups.g"),
        ({"dependence": {"pairs": [["hour", "hour"]]}}, "explain.dependence.pairs"),
        ({"dependence": {"grid": 1}}, "explain.dependence.grid"),
        ({"robustness": {"noise": [0.0]}}, "explain.robustness.noise"),
        ({"robustness": {"missing": [1.5]}}, "explain.robustness.missing"),
    ],
)
def test_out_of_bounds(values: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        typed(ExplainConfig, values, "explain")
    assert caught.value.where == where


def test_one_class_in_the_test_part(binary: Example) -> None:
    result = explained(binary, test=binary.test.filter(nw.col("target")))
    first = result.report["importance"]["features"][0]
    assert first["name"] in ("hour", "wind")
    assert first["importance"] is None
    assert first["moved"] > 0
    assert "is undefined on the test rows" in result.report["limits"][0]
    assert "mean move of the prediction" in render_html(result.page)


def test_a_column_that_is_missing_throughout(binary: Example) -> None:
    empty = {"wind": pl.lit(None, pl.Float64), "origin": pl.lit(None, pl.String)}
    given = replace(binary, frame=binary.frame.with_columns(**empty))
    config = TrainConfig(
        model="m", classifier={"_target_": "sklearn.linear_model.LogisticRegression"}
    )
    model = train(given.train, given.schema, given.objective, untuned(config), config).estimator
    wanted = Dependence(features=["wind", "origin", "hour"], pairs=[["wind", "hour"]])
    report = explained(given, model, dependence=wanted, monotonic={"wind": "increasing"}).report
    assert report["empty"] == ["origin", "wind"]
    assert [item["feature"] for item in report["dependence"]["features"]] == ["hour"]
    assert report["dependence"]["pairs"] == []
    assert report["monotonicity"][0]["violating"] is None


def test_a_handful_of_rows(any_example: Example) -> None:
    report = explained(any_example, test=any_example.part(300, 303)).report
    assert report["rows"] == 3
    assert report["importance"]["rows"] == 3


@pytest.mark.parametrize("model", ["svm", "labels"])
def test_models_without_probabilities(binary: Example, model: str) -> None:
    given = of_metric(binary, "accuracy")
    result = explained(given, fitted("binary", model), shap="auto", chosen={"borderline": 2})
    assert result.report["importance"]["features"][0]["importance"] > 0
    assert len(result.report["contributions"]["rows"]) == 2
    render_html(result.page)


def test_a_model_of_other_features_is_one_message(binary: Example) -> None:
    fewer = {n: c for n, c in binary.schema.columns.items() if n != "hour"}
    with pytest.raises(ModelError, match="can't predict the rows"):
        explained(replace(binary, schema=TableSchema(fewer)))


def test_an_unknown_key(binary: Example) -> None:
    with pytest.raises(DataError, match="no column 'row'"):
        explained(binary, key=["row"])


def test_rows_have_their_place_where_there_is_no_key(binary: Example) -> None:
    report = explained(binary, key=[], shap="auto", rows=[{"row": 3}], chosen={"random": 0}).report
    assert [item["key"] for item in report["contributions"]["rows"]] == [{"row": 3}]


def test_contributions_add_up(any_example: Example) -> None:
    state = np.random.get_state()[1].tolist()  # type: ignore[union-attr]
    options = {"shap": "required", "rows": [{"id": 310}], "chosen": {"worst": 2, "random": 1}}
    result = explained(any_example, **options)
    rows = result.report["contributions"]["rows"]
    assert rows[0]["key"] == {"id": 310}
    assert [row["why"] for row in rows] == ["asked for", "worst", "worst", "random"]
    for row in rows:
        total = row["base"] + sum(row["contributions"].values())
        assert total == pytest.approx(row["prediction"], abs=1e-5)
        assert row["contributions"]["flat"] == 0
        assert list(row["contributions"]) == any_example.schema.features
    assert np.random.get_state()[1].tolist() == state  # type: ignore[union-attr]
    assert explained(any_example, **options).report == result.report


def test_contributions_to_a_linear_model_are_its_terms(regression: Example) -> None:
    report = explained(
        regression, shap="required", rows=[{"id": 310}], chosen={}, background=300
    ).report
    row = report["contributions"]["rows"][0]
    hours = regression.frame[:300]["hour"].to_numpy()
    model = fitted("regression")
    deviation = model["features"].named_transformers_["numeric"]["scale"].scale_
    slope = model[-1].coef_[regression.schema.numeric_features.index("hour")] / deviation[0]
    expected = slope * (regression.frame[310, "hour"] - hours.mean())
    assert row["contributions"]["hour"] == pytest.approx(expected, rel=1e-4)
    assert row["error"] == pytest.approx(0, abs=1e-6)


def test_predictions_that_change_do_not_add_up(binary: Example) -> None:
    model = Random()
    model.classes_ = np.array([False, True])
    with pytest.raises(ModelError, match="don't add up"):
        explained(binary, model, shap="auto")


def test_without_the_extra_the_page_says_how(
    binary: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    result = explained(binary, shap="auto")
    assert result.report["contributions"] == {"install": contributions.INSTALL, "rows": []}
    assert "fivefold[explain]" in render_html(result.page)
    with pytest.raises(ModelError, match="fivefold\\[explain\\]"):
        explained(binary, shap="required")


def test_a_time_in_a_key_is_compared_as_a_time(binary: Example) -> None:
    import datetime

    start = datetime.datetime(2013, 1, 1, tzinfo=datetime.UTC)
    frame = binary.frame.with_columns(at=pl.lit(start) + pl.duration(hours=pl.col("id")))
    columns = {**binary.schema.columns, "at": Column("datetime", role="time")}
    given = replace(binary, frame=frame, schema=TableSchema(columns))
    asked = {"at": "2013-01-13T12:00:00"}
    report = explained(given, key=["at"], shap="auto", rows=[asked], chosen={}).report
    assert report["contributions"]["rows"][0]["key"] == {"at": "2013-01-13T12:00:00+00:00"}


def test_the_model_card_tells_what_was_found(binary: Example) -> None:
    from .test_document import documented

    report = explained(binary, monotonic={"hour": "decreasing"}).report
    card = documented(binary, explanation=report).model_card
    assert "What it heeds" in card
    assert "| `wind` |" in card
    assert "- `hour`, declared decreasing: 100% of 40 rows move the wrong way" in card


def test_names_from_the_data_are_not_markdown(binary: Example) -> None:
    odd = "a*b*<i>_c_"
    frame = binary.frame.rename({"flat": odd})
    columns = {odd if n == "flat" else n: c for n, c in binary.schema.columns.items()}
    given = replace(binary, frame=frame, schema=TableSchema(columns))
    config = TrainConfig(
        model="m", classifier={"_target_": "sklearn.linear_model.LogisticRegression"}
    )
    model = train(given.train, given.schema, given.objective, untuned(config), config).estimator
    html = render_html(explained(given, model).page)
    assert "a*b*&lt;i&gt;_c_" in html
    assert "<em>b</em>" not in html
