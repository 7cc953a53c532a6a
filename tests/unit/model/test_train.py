from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec, patch

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, precision_score, recall_score

from fivefold.decided import Decided
from fivefold.deploy.export import ExportConfig, export
from fivefold.errors import ConfigError, DataError, ModelError
from fivefold.estimator import read_estimator, write_estimator
from fivefold.features import feature_frame, target_array
from fivefold.model.calibrating import Calibration, calibrate, curves_of
from fivefold.model.decision import Costs, Decision, threshold_of
from fivefold.model.holdout import HoldOut, Seen
from fivefold.model.stopping import EarlyStopping, Part, fit_until
from fivefold.model.train import TrainConfig, Trained, train
from fivefold.model.weights import sample_weight
from fivefold.objective import Objective
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
        ("name", "options"),
        [
            ("sklearn.ensemble.HistGradientBoostingClassifier", {"learning_rate": 0.5}),
            ("sklearn.ensemble.GradientBoostingClassifier", {"learning_rate": 0.5}),
            ("lightgbm.LGBMClassifier", {"learning_rate": 0.5, "verbosity": -1}),
            ("xgboost.XGBClassifier", {"learning_rate": 0.5}),
            ("sklearn.neural_network.MLPClassifier", {"learning_rate_init": 0.05}),
            ("sklearn.linear_model.SGDClassifier", {"loss": "log_loss"}),
        ],
    )
    def test_ends_before_the_last_round(
        self, binary: Example, name: str, options: dict[str, Any]
    ) -> None:
        pytest.importorskip(name.partition(".")[0])
        report = trained(
            binary,
            classifier={"_target_": name, **options},
            scale=True,
            early_stopping=EarlyStopping(rounds=3),
        ).report
        told = report["early_stopping"]
        assert 0 < told["used"] < (told["most"] or 100)
        assert (told["rows"], told["fitted_rows"]) == (30, 270)
        assert report["validation"] is None
        assert report["warnings"] == []

    @pytest.mark.parametrize(
        "name", ["ensemble.GradientBoostingRegressor", "linear_model.SGDRegressor"]
    )
    def test_a_regression_stops_too(self, regression: Example, name: str) -> None:
        report = trained(
            regression,
            regressor={"_target_": f"sklearn.{name}"},
            scale=True,
            early_stopping=EarlyStopping(rounds=3),
        ).report
        assert 0 < report["early_stopping"]["used"] < report["early_stopping"]["most"]

    def test_the_best_epoch_is_kept_and_not_the_last(self, binary: Example) -> None:
        # At this rate the loss rises again after the first epochs.
        classifier = {
            "_target_": "sklearn.neural_network.MLPClassifier",
            "learning_rate_init": 0.3,
            "max_iter": 12,
        }
        patient = trained(
            binary, classifier=classifier, scale=True, early_stopping=EarlyStopping(rounds=12)
        )
        used = patient.report["early_stopping"]["used"]
        assert used < 12
        # The weights are those of a fit that went no further.
        brief = trained(
            binary,
            classifier={**classifier, "max_iter": used},
            scale=True,
            early_stopping=EarlyStopping(rounds=12),
        )
        for one, other in zip(
            patient.estimator[-1].coefs_, brief.estimator[-1].coefs_, strict=True
        ):
            assert np.array_equal(one, other)

    def test_the_latest_rows_end_it_and_no_preprocessing_sees_them(self, binary: Example) -> None:
        schema = TableSchema({**binary.schema.columns, "day": Column("integer", role="time")})
        frame = binary.frame[0:300].with_columns(
            pl.when(pl.col("day") >= 27).then(1e6).otherwise(pl.col("wind")).alias("wind")
        )
        config = TrainConfig(
            model="mine",
            classifier=BOOSTING,
            scale=True,
            early_stopping=EarlyStopping(validation=0.1),
        )
        result = train(
            nw.from_native(frame.lazy()), schema, binary.objective, untuned(config), config
        )
        assert result.report["early_stopping"]["rows"] == 30
        scaler = result.estimator["features"].named_transformers_["numeric"]["scale"]
        assert scaler.mean_.max() < 100

    def test_weights_reach_the_rows_that_end_it(self) -> None:
        X, y = np.arange(40.0)[:, None], np.arange(40) % 2  # noqa: N806
        weights = np.arange(1.0, 41.0)
        model = HistGradientBoostingClassifier()
        fit = create_autospec(model.fit)
        with patch.object(model, "fit", fit):
            fit_until(
                model,
                Part(X[:30], y[:30], weights[:30]),
                Part(X[30:], y[30:], weights[30:]),
                EarlyStopping(),
            )
        assert np.array_equal(fit.call_args.kwargs["sample_weight"], weights[:30])
        assert np.array_equal(fit.call_args.kwargs["sample_weight_val"], weights[30:])

    def test_an_estimator_without_rounds_is_refused(self, binary: Example) -> None:
        with pytest.raises(ConfigError, match="RandomForestClassifier has no early stopping"):
            trained(binary, early_stopping=EarlyStopping())

    @pytest.mark.parametrize("options", [{"rounds": 0}, {"validation": 1.0}])
    def test_bounds(self, options: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match="out of bounds"):
            EarlyStopping(**options)


BOOSTING = {"_target_": "sklearn.ensemble.HistGradientBoostingClassifier", "max_iter": 20}


class TestCalibration:
    def overconfident(self, rows: int, useful: bool = True) -> tuple[Decided, Seen]:
        rng = np.random.default_rng(3)
        odds = rng.normal(size=rows)
        truth = rng.random(rows) < 1 / (1 + np.exp(-(odds if useful else 0 * odds)))
        given = 1 / (1 + np.exp(-3 * odds))
        model = LogisticRegression().fit([[0], [1]], [False, True])
        return Decided(model), Seen(np.column_stack([1 - given, given]), truth)

    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_brings_probabilities_nearer_to_rates(self, method: str) -> None:
        decided, seen = self.overconfident(4000)
        after, told = calibrate(decided, seen, method, seed=0)
        assert told["brier_after"] < told["brier_before"] - 0.02
        assert told["log_loss_after"] < told["log_loss_before"]
        assert not told["few"]
        far = [abs(item["predicted"] - item["observed"]) for item in told["after"]]
        assert max(far) < 0.06
        assert after.shape == (4000, 2)
        if method == "sigmoid":
            # The odds were trebled, and so a third is right.
            assert decided.curves is not None
            assert decided.curves[0] == pytest.approx([1 / 3, 0], abs=0.05)

    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_promises_nothing_of_noise(self, method: str) -> None:
        # Judged on the rows it was fitted on, an isotonic curve would seem to know them.
        decided, seen = self.overconfident(300, useful=False)
        _, told = calibrate(decided, seen, method, seed=0)
        assert told["brier_after"] > seen.y.mean() * (1 - seen.y.mean()) - 0.002
        assert told["few"] == (method == "isotonic")

    def test_weights_move_the_curve(self) -> None:
        decided, seen = self.overconfident(2000)
        weights = np.where(seen.y, 3.0, 1.0)
        calibrate(decided, Seen(seen.scores, seen.y, weights), "sigmoid", seed=0)
        assert decided.curves is not None
        assert decided.curves[0][1] == pytest.approx(np.log(3), abs=0.15)

    def test_decision_values_become_probabilities(self, tmp_path: Path) -> None:
        for given in (example("binary"), example("multiclass")):
            for method in ("sigmoid", "isotonic"):
                classifier = {"_target_": "sklearn.svm.LinearSVC"}
                result = trained(
                    given, classifier=classifier, scale=True, calibration=Calibration(method)
                )
                assert result.report["calibration"]["brier_before"] is None
                assert result.report["output"]["scores"] == "probabilities"
                write_estimator(result.estimator, tmp_path / "model.skops")
                again = read_estimator(tmp_path / "model.skops")
                exported = export(again, given.test, given.schema, given.objective, ExportConfig())
                assert exported.metrics["rows_beyond_tolerance"] == 0
                assert exported.metrics["label_disagreements"] == 0

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

    def test_of_nothing_but_labels_is_refused(self, binary: Example) -> None:
        classifier = {"_target_": f"{__name__}.OnlyLabels"}
        with pytest.raises(ConfigError, match="OnlyLabels gives neither probabilities nor"):
            trained(binary, classifier=classifier, calibration=Calibration())

    def test_an_unknown_method_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="did you mean 'isotonic'"):
            Calibration("isotonik")

    def test_steep_steps_stay_gentle_and_rising(self) -> None:
        rng = np.random.default_rng(0)
        score = np.sort(rng.random(400)) ** 4
        truth = (rng.random(400) < np.round(score * 4) / 4).astype(bool)
        both = np.column_stack([1 - score, score])
        (curve,) = curves_of(Seen(both, truth), np.array([False, True]), "isotonic")
        across, up = np.diff(curve)
        assert (across >= 0).all()
        assert (up >= 0).all()
        assert (up <= 3.001 / np.maximum(curve[0][:-1], 0.05) * across).all()
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

    def test_out_of_fold_the_model_has_all_rows(self, binary: Example) -> None:
        decision = Decision("f_beta")
        result = trained(binary, decision=decision, calibration=Calibration(), folds=4)
        assert result.report["validation"] == {
            "rows": 300, "fitted_rows": 300, "method": "stratified", "folds": 4,
        }  # fmt: skip
        plain = trained(binary)
        features = feature_frame(binary.test, binary.schema)
        assert np.array_equal(
            result.estimator[-1].estimator.predict_proba(result.estimator[:-1].transform(features)),
            plain.estimator.predict_proba(features),
        )
        # A forest knows the rows it was fitted on: of those, F1 would be near 1.
        assert result.report["decision"]["value"] < 0.95
        assert result.report["decision"]["rows"] == 300

    def test_out_of_fold_by_time_the_first_rows_decide_nothing(self, binary: Example) -> None:
        schema = TableSchema({**binary.schema.columns, "day": Column("integer", role="time")})
        config = TrainConfig(model="mine", decision=Decision("f_beta"), folds=4, **FOREST)
        report = train(binary.train, schema, binary.objective, untuned(config), config).report
        assert report["validation"] == {
            "rows": 240, "fitted_rows": 300, "method": "time", "folds": 4,
        }  # fmt: skip

    def test_no_row_decides_that_was_fitted_on(self, binary: Example) -> None:
        # A tree that knows its rows by heart gives 0 or 1 on them and is always right there.
        tree = {"_target_": "sklearn.tree.DecisionTreeClassifier"}
        told = trained(binary, classifier=tree, decision=Decision("f_beta")).report["decision"]
        assert told["value"] < 0.95
        assert sum(told["outcomes"].values()) == told["rows"] == 60

    def test_a_certain_row_is_positive_at_any_threshold(self) -> None:
        positive = np.array([False] * 50 + [True] * 50)
        score = np.where(positive, 0.9, 1.0)
        costs = Costs(false_positive=9.0)
        threshold, told = threshold_of(positive, score, Decision("cost", costs=costs))
        # No threshold spares the certain rows that are wrong.
        assert ((score >= threshold) & ~positive).sum() == 50
        assert told["value"] == pytest.approx(4.5)
        assert told["value_of_none"] == pytest.approx(0.5)

    def test_weighted_as_if_rows_were_there_so_often(self) -> None:
        rng = np.random.default_rng(5)
        positive, score = rng.random(300) < 0.3, rng.random(300)
        counts = rng.integers(0, 4, 300)
        for decision in (Decision("cost", costs=Costs(false_negative=3.0)), Decision("f_beta")):
            threshold, told = threshold_of(positive, score, decision, counts.astype(float))
            repeated, other = threshold_of(
                np.repeat(positive, counts), np.repeat(score, counts), decision
            )
            assert told["value"] == pytest.approx(other["value"])
            assert told["value_at_half"] == pytest.approx(other["value_at_half"])
            assert counts[(score >= threshold) != (score >= repeated)].sum() == 0

    def test_few_positives_are_said(self) -> None:
        positive = np.arange(200) < 5
        _, told = threshold_of(positive, np.linspace(1, 0, 200), Decision("f_beta"))
        assert told["few"]
        assert told["positives"] == 5

    def test_of_decision_values_needs_a_calibration(self, binary: Example) -> None:
        svm = {"_target_": "sklearn.svm.LinearSVC"}
        with pytest.raises(ConfigError, match=r"gives no probabilities(.|\n)*train.calibration"):
            trained(binary, classifier=svm, decision=Decision("f_beta"))
        result = trained(
            binary, classifier=svm, decision=Decision("f_beta"), calibration=Calibration()
        )
        assert result.report["threshold"] == result.estimator[-1].threshold

    @pytest.mark.parametrize(
        "options",
        [{"method": "costs"}, {"threshold": 1.5}, {"beta": 0.0}, {"precision": 0.0}],
    )
    def test_bounds(self, options: dict[str, Any]) -> None:
        with pytest.raises(ConfigError):
            Decision(**options)

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


def test_whole_groups_are_held_out(binary: Example) -> None:
    schema = TableSchema({**binary.schema.columns, "day": Column("integer", role="group")})
    y = target_array(binary.train, schema, binary.objective)
    kept, held = HoldOut(binary.train, schema, binary.objective, seed=0).cut(
        np.arange(300), y, 0.25, "train.validation"
    )
    day = np.arange(300) // 10
    assert not set(day[kept]) & set(day[held])


def test_a_class_that_only_came_lately_is_told(binary: Example) -> None:
    schema = TableSchema({**binary.schema.columns, "day": Column("integer", role="time")})
    frame = binary.frame[0:300].with_columns(target=pl.col("day") >= 28)
    config = TrainConfig(model="mine", calibration=Calibration(), **FOREST)
    with pytest.raises(DataError, match="fitted lack the class True") as caught:
        train(nw.from_native(frame.lazy()), schema, binary.objective, untuned(config), config)
    assert caught.value.where == "train.validation"


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

    def test_a_feature_is_no_weight(self, binary: Example) -> None:
        with pytest.raises(ConfigError, match="the weights are a feature, too"):
            trained(binary, weight="wind")

    def test_are_told(self, binary: Example) -> None:
        config = TrainConfig(model="mine", weight="weight", **FOREST)
        report = train(
            self.frame(binary, [0.0] * 100 + [2.0] * 200), binary.schema, binary.objective,
            untuned(config), config,
        ).report  # fmt: skip
        assert report["weight"] == {
            "column": "weight", "min": 0.0, "max": 2.0, "zero_rows": 100, "effective_rows": 200.0,
        }  # fmt: skip

    def test_none_left_in_the_rows_to_fit(self, binary: Example) -> None:
        schema = TableSchema({**binary.schema.columns, "day": Column("integer", role="time")})
        config = TrainConfig(model="mine", weight="weight", calibration=Calibration(), **FOREST)
        with pytest.raises(DataError, match="rows to fit sum to zero"):
            train(
                self.frame(binary, [0.0] * 280 + [1.0] * 20), schema, binary.objective,
                untuned(config), config,
            )  # fmt: skip

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
    origin = next(item for item in report["input"] if item["name"] == "origin")
    assert origin == {
        "name": "origin", "dtype": "string", "nullable": True, "unit": None,
        "categories": ["EWR", "JFK"], "n_categories": 2,
    }  # fmt: skip
    assert report["output"] == {
        "name": "target", "kind": "class", "classes": [False, True],
        "scores": "probabilities", "columns": ["score"], "threshold": 0.5,
    }  # fmt: skip
    assert report["constant"] == ["flat"]
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


def test_the_data_hash_knows_no_engine(binary: Example) -> None:
    config = TrainConfig(model="mine", **FOREST)
    hashes = set()
    for frame in (binary.frame[0:300].lazy(), binary.frame[0:300].to_pandas()):
        part = nw.from_native(frame).lazy()
        result = train(part, binary.schema, binary.objective, untuned(config), config)
        hashes.add(result.report["data_sha256"])
    assert len(hashes) == 1


class OnlyLabels(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts the commonest class, and gives no scores."""

    def fit(self, X: Any, y: Any) -> OnlyLabels:  # noqa: ARG002, N803
        self.classes_, counts = np.unique(y, return_counts=True)
        self.most_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        return np.full(len(X), self.most_)


class Unsure(OnlyLabels):
    """Gives NaN for what should be probabilities."""

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return np.full((len(X), 2), np.nan)


class UnsureOfNumbers(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts NaN."""

    def fit(self, X: Any, y: Any) -> UnsureOfNumbers:  # noqa: ARG002, N803
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        return np.full(len(X), np.nan)


class TestBadEstimators:
    def by_metrics(self, given: Example, *metrics: str) -> Example:
        objective = Objective("test", given.objective.task, "target", metrics[0], metrics)
        return replace(given, objective=objective)

    def test_labels_alone_will_do_for_metrics_of_labels(self, binary: Example) -> None:
        labels = {"_target_": f"{__name__}.OnlyLabels"}
        report = trained(self.by_metrics(binary, "accuracy", "f1"), classifier=labels).report
        assert report["output"]["scores"] == "none"
        assert report["output"]["columns"] == []
        with pytest.raises(ModelError, match="gives no scores, which the metric 'roc_auc' needs"):
            trained(self.by_metrics(binary, "accuracy", "roc_auc"), classifier=labels)

    def test_an_order_will_do_for_metrics_of_order(self, binary: Example) -> None:
        svm = {"_target_": "sklearn.svm.LinearSVC"}
        given = self.by_metrics(binary, "roc_auc", "average_precision")
        assert trained(given, classifier=svm).report["output"]["scores"] == "decisions"
        with patch("sklearn.svm.LinearSVC.fit", side_effect=AssertionError("fitted in vain")):
            with pytest.raises(ModelError, match="no probabilities, which the metric 'log_loss'"):
                trained(self.by_metrics(binary, "roc_auc", "log_loss"), classifier=svm)

    def test_nan_is_told_before_anything_is_kept(
        self, binary: Example, regression: Example
    ) -> None:
        unsure = {"_target_": f"{__name__}.Unsure"}
        with pytest.raises(ModelError, match="NaN"):
            trained(binary, classifier=unsure)
        with pytest.raises(ModelError, match=r"'mine' predicts NaN"):
            trained(binary, classifier=unsure, calibration=Calibration())
        with pytest.raises(ModelError, match="NaN"):
            trained(regression, regressor={"_target_": f"{__name__}.UnsureOfNumbers"})

    def test_nothing_but_constant_features(self, any_example: Example) -> None:
        frame = any_example.frame[0:300].with_columns(
            pl.lit(1).alias("hour"), pl.lit(None, pl.Float64).alias("wind"),
            pl.lit(False).alias("holiday"), pl.lit("AA").alias("carrier"),
            pl.lit(None, pl.String).alias("origin"),
        )  # fmt: skip
        config = TrainConfig(model="mine", **FOREST)
        result = train(
            nw.from_native(frame.lazy()), any_example.schema, any_example.objective,
            untuned(config), config,
        )  # fmt: skip
        assert result.report["constant"] == any_example.schema.features
