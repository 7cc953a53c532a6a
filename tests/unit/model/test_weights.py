from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from fivefold.errors import ConfigError, DataError
from fivefold.features import feature_frame, target_array
from fivefold.model.calibrating import Calibration
from fivefold.model.train import TrainConfig, train
from fivefold.model.weights import sample_weight
from fivefold.table import Column, TableSchema

from .model_examples import FOREST, Example, trained, untuned


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
