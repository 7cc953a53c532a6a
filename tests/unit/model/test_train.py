from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from fivefold.errors import ConfigError, DataError, ModelError
from fivefold.features import feature_frame
from fivefold.model.train import TrainConfig, train
from fivefold.table import TableSchema

from .model_examples import FOREST, Example, trained, untuned


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
