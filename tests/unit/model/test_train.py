from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from fivefold.errors import ConfigError, ModelError
from fivefold.features import feature_frame
from fivefold.model.train import TrainConfig, Trained, train

from .model_examples import Example

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
    return train(given.train, given.schema, given.objective, {}, config)


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
    from fivefold.table import TableSchema

    for names in (["hour", "target"], ["origin", "target"]):
        schema = TableSchema({name: binary.schema.columns[name] for name in names})
        result = train(
            binary.train, schema, binary.objective, {}, TrainConfig(model="mine", **FOREST)
        )
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
