from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import fbeta_score, precision_score, recall_score

from fivefold.deploy.export import ExportConfig, export
from fivefold.errors import ConfigError, DataError
from fivefold.features import feature_frame, target_array
from fivefold.model.calibrating import Calibration
from fivefold.model.decision import Costs, Decision, threshold_of
from fivefold.model.holdout import HoldOut
from fivefold.model.train import TrainConfig, train
from fivefold.onnxmodel import OnnxModel
from fivefold.table import Column, TableSchema

from .model_examples import BOOSTING, FOREST, Example, example, trained, untuned


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
