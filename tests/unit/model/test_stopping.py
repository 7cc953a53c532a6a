from __future__ import annotations

from typing import Any
from unittest.mock import create_autospec, patch

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from fivefold.errors import ConfigError
from fivefold.model.stopping import EarlyStopping, Part, fit_until
from fivefold.model.train import TrainConfig, train
from fivefold.table import Column, TableSchema

from .model_examples import BOOSTING, Example, trained, untuned


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
