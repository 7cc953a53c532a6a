from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from fivefold.errors import ModelError
from fivefold.model.calibrating import Calibration
from fivefold.model.train import TrainConfig, train
from fivefold.objective import Objective

from .model_examples import FOREST, Example, trained, untuned


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
        with (
            patch("sklearn.svm.LinearSVC.fit", side_effect=AssertionError("fitted in vain")),
            pytest.raises(ModelError, match="no probabilities, which the metric 'log_loss'"),
        ):
            trained(self.by_metrics(binary, "roc_auc", "log_loss"), classifier=svm)

    def test_nan_is_told_before_it_is_kept(self, binary: Example, regression: Example) -> None:
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
