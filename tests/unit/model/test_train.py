from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, precision_score, recall_score

from fivefold.deploy.export import ExportConfig, export
from fivefold.errors import ConfigError, DataError, ModelError
from fivefold.estimator import read_estimator, write_estimator
from fivefold.features import feature_frame, target_array
from fivefold.model.calibrating import Calibration, curves_of
from fivefold.model.decision import Costs, Decision, threshold_of
from fivefold.model.holdout import HoldOut, Seen
from fivefold.model.stopping import EarlyStopping
from fivefold.model.train import TrainConfig, Trained, train
from fivefold.model.weights import sample_weight
from fivefold.onnxmodel import OnnxModel
from fivefold.table import Column, TableSchema

from .model_examples import Example, example, untuned

FOREST = {
    "classifier": {
        "_target_": "sklearn.ensemble.RandomForestClassifier",
        "n_estimators": 5,
        "n_jobs": -1,
    },
    "regressor": {
        "_target_": "sklearn.ensemble.RandomForestRegressor",
        "n_estimators": 5,
        "n_jobs": -1,
    },
}


def trained(given: Example, **options: Any) -> Trained:
    config = TrainConfig(model="mine", **{**FOREST, **options})
    return train(given.train, given.schema, given.objective, untuned(config), config)


def test_the_report_is_plain_json_the_same_twice(any_example: Example) -> None:
    report = trained(any_example).report
    assert json.dumps(report, allow_nan=False) == json.dumps(trained(any_example).report)
    assert list(report["features"]) == any_example.schema.features
    assert report["rows"] == 300
    if any_example.objective.is_classification:
        assert sum(item["rows"] for item in report["classes"]) == 300
    else:
        assert report["classes"] is None


def test_the_model_sees_float32_only(any_example: Example) -> None:
    pipeline = trained(any_example).estimator
    seen = pipeline[:-1].transform(feature_frame(any_example.test, any_example.schema))
    assert seen.dtype == np.float32
    assert np.isfinite(seen).all()
    assert seen.shape[1] == trained(any_example).report["columns"]


def test_the_kept_model_predicts_in_one_thread(any_example: Example) -> None:
    assert trained(any_example).estimator[-1].n_jobs == 1


def test_rare_categories_share_a_column(binary: Example) -> None:
    few = trained(binary, rare_share=0.5).report["columns"]
    assert few < trained(binary, rare_share=0.0).report["columns"]


def test_numbers_alone_and_categories_alone_will_do(binary: Example) -> None:
    for names in (["hour", "target"], ["origin", "target"]):
        schema = TableSchema({name: binary.schema.columns[name] for name in names})
        config = TrainConfig(model="mine", **FOREST)
        result = train(binary.train, schema, binary.objective, untuned(config), config)
        assert result.report["features"] == {names[0]: schema.columns[names[0]].dtype}


def test_a_fit_that_fails_is_one_message(binary: Example) -> None:
    classifier = {"_target_": "sklearn.tree.DecisionTreeClassifier", "max_depth": "deep"}
    with pytest.raises(ModelError, match="'mine' can't be fitted") as caught:
        trained(binary, classifier=classifier)
    assert "max_depth" in str(caught.value)


def test_no_estimator_for_the_task(regression: Example) -> None:
    with pytest.raises(ConfigError, match="has no regressor"):
        trained(regression, regressor=None)


def test_warnings_are_reported_not_printed(
    binary: Example, capfd: pytest.CaptureFixture[str]
) -> None:
    classifier = {"_target_": "sklearn.linear_model.LogisticRegression", "max_iter": 1}
    report = trained(binary, classifier=classifier).report
    assert any(text.startswith("ConvergenceWarning") for text in report["warnings"])
    assert capfd.readouterr() == ("", "")


def test_the_stage_modules_import_nothing_heavy() -> None:
    code = (
        "import sys, fivefold.model.select, fivefold.model.train, fivefold.model.evaluate;"
        "heavy = {'sklearn', 'pandas', 'altair', 'scipy', 'skops'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(seed=-1)
    assert caught.value.where == "train.seed"


class TestEarlyStopping:
    @pytest.mark.parametrize(
        "name",
        [
            "sklearn.ensemble.HistGradientBoostingClassifier",
            "sklearn.ensemble.GradientBoostingClassifier",
            "lightgbm.LGBMClassifier",
        ],
    )
    def test_ends_before_the_last_round(self, binary: Example, name: str) -> None:
        classifier = {"_target_": name, "learning_rate": 0.5}
        report = trained(
            binary, classifier=classifier, early_stopping=EarlyStopping(rounds=3)
        ).report
        assert 0 < report["early_stopping"]["used"] < 100
        assert report["early_stopping"]["rows"] == 30
        assert report["early_stopping"]["fitted_rows"] == 270
        assert report["validation"] is None
        assert report["warnings"] == []

    def test_an_estimator_without_rounds_is_refused(self, binary: Example) -> None:
        with pytest.raises(ConfigError, match="RandomForestClassifier has no early stopping"):
            trained(binary, early_stopping=EarlyStopping())


BOOSTING = {"_target_": "sklearn.ensemble.HistGradientBoostingClassifier", "max_iter": 20}


class TestCalibration:
    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_brings_probabilities_nearer_to_rates(self, binary: Example, method: str) -> None:
        # Naive Bayes is overconfident where features tell the same twice.
        classifier = {"_target_": "sklearn.naive_bayes.GaussianNB"}
        report = trained(
            binary, classifier=classifier, calibration=Calibration(method), validation=0.4
        ).report
        told = report["calibration"]
        assert told["method"] == method
        assert told["rows"] == 120
        assert told["brier_after"] < told["brier_before"]

    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_is_kept_and_exported(self, method: str, tmp_path: Path) -> None:
        for given in (example("binary"), example("multiclass")):
            result = trained(given, classifier=BOOSTING, calibration=Calibration(method))
            write_estimator(result.estimator, tmp_path / "model.skops")
            again = read_estimator(tmp_path / "model.skops")
            features = feature_frame(given.test, given.schema)
            expected = result.estimator.predict_proba(features)
            assert np.array_equal(again.predict_proba(features), expected)
            assert np.allclose(expected.sum(axis=1), 1)
            exported = export(again, given.test, given.schema, given.objective, ExportConfig())
            assert exported.metrics["max_difference"] < 1e-5
            assert exported.metrics["label_disagreements"] == 0

    def test_a_regression_has_nothing_to_calibrate(self, regression: Example) -> None:
        with pytest.raises(ConfigError, match="no probabilities to calibrate"):
            trained(regression, calibration=Calibration())

    def test_an_estimator_without_probabilities_is_refused(self, binary: Example) -> None:
        classifier = {"_target_": "sklearn.svm.LinearSVC"}
        with pytest.raises(ConfigError, match="LinearSVC gives no probabilities"):
            trained(binary, classifier=classifier, calibration=Calibration())

    def test_steep_steps_stay_gentle_and_rising(self) -> None:
        rng = np.random.default_rng(0)
        score = np.sort(rng.random(400)) ** 4
        truth = (rng.random(400) < np.round(score * 4) / 4).astype(bool)
        both = np.column_stack([1 - score, score])
        (curve,) = curves_of(Seen(both, truth), np.array([False, True]), "isotonic")
        across, up = np.diff(curve)
        assert (across >= 0).all()
        assert (up >= 0).all()
        assert (up <= 50.001 * across).all()
        # It says about the same as scikit-learn's own, on which nothing was put off.
        own = IsotonicRegression(out_of_bounds="clip").fit(score, truth).predict(score)
        assert np.abs(np.interp(score, *curve) - own).mean() < 0.01


class TestDecision:
    def chosen(self, decision: Decision) -> tuple[float, dict[str, Any]]:
        rng = np.random.default_rng(1)
        positive = rng.random(2000) < 0.2
        score = np.clip(rng.normal(0.3 + 0.3 * positive, 0.15), 0.001, 0.999)
        threshold, told = threshold_of(positive, score, decision)
        predicted = score >= threshold
        told["found"] = {
            "precision": precision_score(positive, predicted, zero_division=0),
            "recall": recall_score(positive, predicted),
            "f2": fbeta_score(positive, predicted, beta=2),
            "cost": (
                (predicted & ~positive).sum() + 5 * (~predicted & positive).sum()
            ) / len(positive),
        }  # fmt: skip
        told["all"] = [
            ((score >= t) & ~positive).mean() + 5 * ((score < t) & positive).mean()
            for t in np.unique(score)
        ]
        return threshold, told

    def test_by_cost_is_the_cheapest_there_is(self) -> None:
        _, told = self.chosen(Decision("cost", costs=Costs(false_negative=5.0)))
        assert told["value"] == pytest.approx(told["found"]["cost"])
        assert told["value"] == pytest.approx(min(told["all"]))
        assert told["value"] < told["value_at_half"]

    def test_by_f_beta_is_scikit_learns(self) -> None:
        _, told = self.chosen(Decision("f_beta", beta=2.0))
        assert told["value"] == pytest.approx(told["found"]["f2"])

    def test_recall_at_a_precision(self) -> None:
        _, told = self.chosen(Decision("recall_at_precision", precision=0.8))
        assert told["found"]["precision"] >= 0.8
        assert told["value"] == pytest.approx(told["found"]["recall"])
        with pytest.raises(DataError, match="no threshold reaches the precision"):
            threshold_of(np.array([True, False] * 50), np.full(100, 0.5), Decision(
                "recall_at_precision", precision=0.9
            ))  # fmt: skip

    def test_the_threshold_travels_with_the_model(self, binary: Example) -> None:
        costs = Costs(false_negative=20.0)
        result = trained(binary, classifier=BOOSTING, decision=Decision("cost", costs=costs))
        threshold = result.report["threshold"]
        assert threshold < 0.5
        features = feature_frame(binary.test, binary.schema)
        score = result.estimator.predict_proba(features)[:, 1]
        assert np.array_equal(result.estimator.predict(features), score >= threshold)
        model = OnnxModel(
            export(
                result.estimator, binary.test, binary.schema, binary.objective, ExportConfig()
            ).model
        )
        assert model.threshold == threshold
        assert np.array_equal(model.predict(features), score >= threshold)

    def test_a_fixed_one_holds_nothing_out(self, binary: Example) -> None:
        result = trained(binary, decision=Decision(threshold=0.3))
        assert result.report["threshold"] == 0.3
        assert result.report["validation"] is None
        assert result.estimator[-1].threshold == 0.3

    def test_more_classes_have_no_threshold(self) -> None:
        with pytest.raises(ConfigError, match="no threshold to decide"):
            trained(example("multiclass"), decision=Decision("f_beta"))

    def test_costs_that_punish_being_right_are_refused(self) -> None:
        with pytest.raises(ConfigError, match="errors cost no more than being right"):
            Costs(true_positive=3.0)


def test_the_latest_rows_are_held_out_where_there_is_a_time(binary: Example) -> None:
    schema = TableSchema({**binary.schema.columns, "day": Column("integer", role="time")})
    y = target_array(binary.train, schema, binary.objective)
    holdout = HoldOut(binary.train, schema, binary.objective, seed=0)
    kept, held = holdout.cut(np.arange(300), y, 0.25, "train.validation")
    assert holdout.method == "time"
    day = np.arange(300) // 10
    assert day[kept].max() < day[held].min()
    assert len(kept) + len(held) == 300


class TestWeights:
    def frame(self, given: Example, weights: list[float]) -> Any:
        return nw.from_native(given.frame[0:300].with_columns(pl.Series("weight", weights)).lazy())

    def test_a_row_of_weight_two_counts_as_two(self, binary: Example) -> None:
        config = TrainConfig(
            model="linear", classifier={"_target_": "sklearn.linear_model.LogisticRegression"},
            weight="weight",
        )  # fmt: skip
        weights = [2.0] * 100 + [1.0] * 200
        weighted = train(
            self.frame(binary, weights), binary.schema, binary.objective, untuned(config), config
        )
        # Weights reach the estimator and not the preprocessing, so that only it differs.
        plain = train(
            self.frame(binary, [1.0] * 300), binary.schema, binary.objective,
            untuned(config), config,
        )  # fmt: skip
        features = weighted.estimator[:-1].transform(feature_frame(binary.train, binary.schema))
        y = target_array(binary.train, binary.schema, binary.objective)
        twice = LogisticRegression().fit(
            np.concatenate([features, features[:100]]), np.concatenate([y, y[:100]])
        )
        assert np.allclose(weighted.estimator[-1].coef_, twice.coef_, atol=0.01)
        assert not np.allclose(weighted.estimator[-1].coef_, plain.estimator[-1].coef_, atol=0.01)

    @pytest.mark.parametrize(
        ("weights", "said"),
        [
            ([0.0] * 300, "sum to zero"),
            ([-1.0] + [1.0] * 299, "1 weights are missing, negative or infinite"),
            ([float("nan")] + [1.0] * 299, "missing, negative or infinite"),
        ],
    )
    def test_weights_that_are_none(self, binary: Example, weights: list[float], said: str) -> None:
        with pytest.raises(DataError, match=said):
            sample_weight(self.frame(binary, weights), "weight")

    def test_an_estimator_that_takes_none(self, binary: Example) -> None:
        config = TrainConfig(
            model="near", classifier={"_target_": "sklearn.neighbors.KNeighborsClassifier"},
            weight="weight",
        )  # fmt: skip
        with pytest.raises(ConfigError, match="takes no weights"):
            train(
                self.frame(binary, [1.0] * 300), binary.schema, binary.objective,
                untuned(config), config,
            )  # fmt: skip


def test_the_report_traces_the_model(binary: Example) -> None:
    report = trained(binary, code="abc").report
    assert report["code"] == "abc"
    assert report["environment"]["scikit-learn"] == metadata.version("scikit-learn")
    assert [item["name"] for item in report["input"]] == binary.schema.features
    assert report["output"]["classes"] == [False, True]
    assert "fivefold.estimator.Float32Cast" in report["types"]
    other = train(
        binary.part(1, 301), binary.schema, binary.objective,
        untuned(TrainConfig(model="mine", **FOREST)), TrainConfig(model="mine", **FOREST),
    ).report  # fmt: skip
    assert len(report["data_sha256"]) == 64
    assert other["data_sha256"] != report["data_sha256"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_target_that_is_no_number_is_refused(regression: Example, value: float) -> None:
    frame = regression.frame.with_columns(
        pl.when(pl.col("id") == 5).then(value).otherwise(pl.col("target")).alias("target")
    )
    config = TrainConfig(model="mine", **FOREST)
    with pytest.raises(DataError, match=r"target is missing|infinite"):
        train(
            nw.from_native(frame.lazy()), regression.schema, regression.objective,
            untuned(config), config,
        )  # fmt: skip
