from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import onnx
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from fivefold.deploy.export import ExportConfig, Exported, export
from fivefold.errors import ConfigError, DataError, ExportError
from fivefold.estimator import Float32Cast
from fivefold.features import feature_frame, target_array
from fivefold.metrics import METRICS, Task
from fivefold.objective import Objective
from fivefold.onnxmodel import OnnxModel
from fivefold.report import render_html
from fivefold.table import Column, TableSchema

ROWS = 1500
NUMBERS = ("delay", "wind speed", "heiß.x", "holiday")
STRINGS = ("carrier", "label")  # one is called as the model's own output


def schema_for(target: str) -> TableSchema:
    columns = {
        "delay": Column("number", nullable=True),
        "wind speed": Column("number", nullable=True),
        "heiß.x": Column("integer"),
        "holiday": Column("boolean"),
        "carrier": Column("string", nullable=True),
        "label": Column("string"),
        target: Column("string" if target == "kind" else "integer", role="target"),
    }
    return TableSchema(columns)


def table(seed: int, *, unseen: bool = False) -> nw.LazyFrame[Any]:
    rng = np.random.default_rng(seed)
    delay = rng.normal(size=ROWS)
    wind = np.round(rng.gamma(2, size=ROWS) * 100, 1)
    carrier = rng.choice(["UA", "DL", "éß", "rare"], ROWS, p=[0.5, 0.3, 0.195, 0.005])
    label = rng.choice([f"route {index}" for index in range(20)], ROWS)
    if unseen:
        label[::5] = "never seen"
    truth = delay + (carrier == "UA") + wind / 200 - 1 + rng.normal(size=ROWS)
    return nw.from_native(
        pl.DataFrame(
            {
                "delay": np.where(rng.random(ROWS) < 0.1, np.nan, delay),
                "wind speed": np.where(rng.random(ROWS) < 0.1, np.nan, wind),
                "heiß.x": rng.integers(0, 50, ROWS),
                "holiday": rng.random(ROWS) < 0.1,
                "carrier": np.where(rng.random(ROWS) < 0.05, None, carrier.astype(object)).tolist(),
                "label": label,
                "late": (truth > 0.5).astype(int),
                "kind": np.array(["early", "in time", "late"])[np.digitize(truth, [0, 1])],
                "minutes": truth * 50 + 150,
            }
        ).lazy()
    )


def objective_for(task: Task) -> tuple[Objective, TableSchema]:
    target = {"binary": "late", "multiclass": "kind", "regression": "minutes"}[task]
    metric = next(name for name in METRICS if task in METRICS[name].tasks)
    return Objective("late-flights", task, target, metric, (metric,)), schema_for(target)


def linear(final: Any, **imputer: Any) -> Pipeline:
    numbers = Pipeline(
        [
            ("cast", Float32Cast()),
            ("impute", SimpleImputer(**imputer)),
            ("scale", StandardScaler()),
        ]
    )
    strings = OneHotEncoder(handle_unknown="ignore", sparse_output=False, drop="first")
    return _pipeline(numbers, strings, final)


def trees(final: Any) -> Pipeline:
    numbers = Pipeline(
        [("cast", Float32Cast()), ("impute", SimpleImputer(strategy="median", add_indicator=True))]
    )
    strings = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.04)
    return _pipeline(numbers, strings, final)


def raw(final: Any) -> Pipeline:
    strings = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=10)
    return _pipeline(Float32Cast(), strings, final)


def _pipeline(numbers: Any, strings: Any, final: Any) -> Pipeline:
    columns = ColumnTransformer(
        [("numbers", numbers, list(NUMBERS)), ("strings", strings, list(STRINGS))],
        sparse_threshold=0,
    )
    return Pipeline([("columns", columns), ("model", final)])


def fitted(pipeline: Any, task: Task) -> Any:
    objective, schema = objective_for(task)
    part = table(1)
    return pipeline.fit(feature_frame(part, schema), target_array(part, schema, objective))


def exported(pipeline: Any, task: Task, **config: Any) -> Exported:
    objective, schema = objective_for(task)
    return export(pipeline, table(2, unseen=True), schema, objective, ExportConfig(**config))


CASES: list[tuple[Task, Pipeline]] = [
    ("binary", linear(LogisticRegression())),
    ("multiclass", linear(LogisticRegression(), add_indicator=True)),
    ("binary", trees(DecisionTreeClassifier(random_state=0))),
    ("multiclass", trees(DecisionTreeClassifier(max_depth=6))),
    ("regression", trees(DecisionTreeRegressor(random_state=0))),
    ("binary", trees(RandomForestClassifier(100, min_samples_leaf=3, random_state=0))),
    ("regression", trees(RandomForestRegressor(20, random_state=0))),
    ("binary", raw(HistGradientBoostingClassifier(max_iter=40))),
    ("multiclass", raw(HistGradientBoostingClassifier(max_iter=20))),
    ("regression", raw(HistGradientBoostingRegressor(max_iter=40))),
    ("binary", trees(GradientBoostingClassifier(n_estimators=20))),
    ("regression", linear(Ridge())),
    ("binary", raw(DummyClassifier())),
    ("multiclass", trees(DummyClassifier(strategy="most_frequent"))),
    ("regression", linear(DummyRegressor(strategy="median"))),
    ("binary", linear(MLPClassifier((8,), max_iter=10, random_state=0))),
    ("regression", linear(MLPRegressor(hidden_layer_sizes=(8,), max_iter=10, random_state=0))),
    ("multiclass", linear(GaussianNB())),
    ("binary", linear(LinearSVC())),
    ("multiclass", linear(LinearSVC())),
    ("multiclass", linear(RidgeClassifier())),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize(
    ("task", "pipeline"), CASES, ids=[f"{task}-{type(p[-1]).__name__}" for task, p in CASES]
)
def test_the_twin_predicts_the_same(task: Task, pipeline: Pipeline) -> None:
    estimator = fitted(pipeline, task)
    result = exported(estimator, task)
    assert result.metrics["rows"] == ROWS
    assert result.metrics["rows_beyond_tolerance"] == 0
    assert result.metrics["label_disagreements"] == 0
    assert sum(item["rows"] for item in result.report["differences"]) == ROWS
    # Read again, as monitoring does, without the estimator.
    objective, schema = objective_for(task)
    features = feature_frame(table(2, unseen=True), schema)
    model = OnnxModel(result.model)
    assert list(model.inputs) == schema.features
    predicted, wanted = model.predict(features), estimator.predict(features)
    if objective.is_classification:
        assert predicted.tolist() == wanted.tolist()
        assert model.classes_ is not None
        assert model.classes_.tolist() == estimator.classes_.tolist()
    else:
        assert np.allclose(predicted, wanted.ravel(), rtol=1e-4)
    for method in ("predict_proba", "decision_function"):
        if method == "decision_function" and hasattr(estimator, "predict_proba"):
            continue
        assert hasattr(model, method) == hasattr(estimator, method)
        if hasattr(model, method):
            ours, theirs = getattr(model, method)(features), getattr(estimator, method)(features)
            assert ours.shape == theirs.shape
            assert np.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_target_stays_boolean(value: bool) -> None:
    objective, schema = objective_for("binary")
    part = table(1).with_columns(late=nw.col("late") == 1)
    features = feature_frame(part, schema)
    estimator = trees(DecisionTreeClassifier(max_depth=4)).fit(
        features, target_array(part, schema, objective)
    )
    model = OnnxModel(export(estimator, part, schema, objective, ExportConfig()).model)
    predicted = model.predict(features)
    assert predicted.dtype == np.bool_
    assert (predicted == estimator.predict(features)).all()
    assert value in predicted


def test_the_model_carries_what_it_is() -> None:
    result = exported(
        fitted(trees(DecisionTreeClassifier(max_depth=3)), "multiclass"), "multiclass"
    )
    model = OnnxModel(result.model)
    assert model.metadata["project"] == "late-flights"
    assert model.metadata["target"] == "kind"
    assert json.loads(model.metadata["classes"]) == ["early", "in time", "late"]
    assert json.loads(model.metadata["features"]) == [*NUMBERS, *STRINGS]
    # "label" is a feature here, so the output makes way.
    assert model.outputs == ("label_", "probabilities")
    assert result.report["inputs"][4] == {"name": "carrier", "type": "string", "shape": ["rows", 1]}
    assert result.report["outputs"][1]["shape"] == ["rows", 3]
    onnx.checker.check_model(onnx.load_model_from_string(result.model))


def test_the_page_shows_the_proof() -> None:
    result = exported(fitted(trees(DecisionTreeClassifier(max_depth=3)), "binary"), "binary")
    html = render_html(result.page)
    assert "predicts what the pipeline predicts on 1,500 rows" in html
    assert "wind speed" in html
    json.dumps(result.report, allow_nan=False)


def test_a_part_of_the_rows_can_do() -> None:
    estimator = fitted(trees(DecisionTreeClassifier(max_depth=3)), "binary")
    assert exported(estimator, "binary", rows=100).metrics["rows"] == 100
    assert exported(estimator, "binary", rows=10**6).metrics["rows"] == ROWS


def test_the_bytes_are_the_same_in_every_process(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_export import *\n"
        "import hashlib\n"
        "for task, pipeline in CASES[:2] + CASES[7:8] + CASES[12:13]:\n"
        "    result = exported(fitted(pipeline, task), task)\n"
        "    print(hashlib.sha256(result.model).hexdigest(),\n"
        "          hashlib.sha256(render_html(result.page).encode()).hexdigest())\n"
    )
    printed = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, str(Path(__file__).parent)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        printed.append(done.stdout)
    assert printed[0] == printed[1]
    assert len(set(printed[0].split())) == 8


def test_numbers_of_64_bits_are_named_as_the_cause() -> None:
    objective, schema = objective_for("binary")
    # Neighbours that are one number once they are rounded to 32 bits.
    rng = np.random.default_rng(0)
    late = rng.integers(0, 2, ROWS)
    part = nw.from_native(
        table(1)
        .collect()
        .to_native()
        .with_columns(pl.Series("late", late), pl.Series("delay", 1e6 + late * 1e-3))
        .lazy()
    )
    strings = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    pipeline = _pipeline("passthrough", strings, HistGradientBoostingClassifier(max_iter=5))
    estimator = pipeline.fit(feature_frame(part, schema), target_array(part, schema, objective))
    with pytest.raises(ExportError) as caught:
        export(estimator, part, schema, objective, ExportConfig())
    assert "64-bit" in str(caught.value)
    assert "delay (" in str(caught.value)
    assert "wind speed" not in str(caught.value)
    assert "Float32Cast" in str(caught.value)
    # The same rows are let pass where the plan allows it, and are counted.
    allowed = export(estimator, part, schema, objective, ExportConfig(max_rows_beyond=ROWS))
    assert 0 < allowed.metrics["rows_beyond_tolerance"] <= ROWS
    assert "differs from the pipeline" in allowed.page.lead


def test_missing_numbers_are_named_as_the_cause() -> None:
    # scikit-learn's trees send missing values down a side; skl2onnx does not write which.
    estimator = fitted(raw(DecisionTreeClassifier(max_depth=8)), "binary")
    with pytest.raises(ExportError) as caught:
        exported(estimator, "binary")
    assert "missing number" in str(caught.value)
    assert "SimpleImputer" in str(caught.value)
    assert "DecisionTreeClassifier" in str(caught.value)


def test_a_step_that_differs_is_named() -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.preprocessing import MinMaxScaler

    class Doubling(MinMaxScaler):
        def transform(self, X: Any) -> Any:  # noqa: N803
            return super().transform(X) * 2

    def shape(operator: Any) -> None:
        operator.outputs[0].type = FloatTensorType([None, operator.inputs[0].type.shape[1]])

    def forgets_to_double(scope: Any, operator: Any, container: Any) -> None:
        container.add_node(
            "Scaler",
            operator.inputs[0].full_name,
            operator.outputs[0].full_name,
            op_domain="ai.onnx.ml",
            offset=operator.raw_operator.data_min_.tolist(),
            scale=operator.raw_operator.scale_.tolist(),
        )

    update_registered_converter(Doubling, "TestDoubling", shape, forgets_to_double, overwrite=True)
    numbers = Pipeline([("cast", Float32Cast()), ("impute", SimpleImputer()), ("two", Doubling())])
    strings = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    estimator = fitted(_pipeline(numbers, strings, LogisticRegression()), "binary")
    with pytest.raises(ExportError, match=r"preprocessing already differs, in numbers__"):
        exported(estimator, "binary")


@pytest.mark.filterwarnings("ignore:y contains no unlabeled samples")
def test_an_estimator_without_converter_is_named() -> None:
    estimator = fitted(trees(SelfTrainingClassifier(DecisionTreeClassifier(max_depth=2))), "binary")
    with pytest.raises(ExportError) as caught:
        exported(estimator, "binary")
    assert "SelfTrainingClassifier" in str(caught.value.where)
    assert "supported.html" in str(caught.value)


def test_a_setting_without_converter_is_told() -> None:
    estimator = fitted(linear(DummyClassifier(strategy="stratified", random_state=0)), "binary")
    with pytest.raises(ExportError, match="draws at random"):
        exported(estimator, "binary")


def test_a_custom_function_without_converter_is_told() -> None:
    numbers = Pipeline([("f", FunctionTransformer(np.nan_to_num)), ("scale", StandardScaler())])
    strings = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    estimator = fitted(_pipeline(numbers, strings, LogisticRegression()), "binary")
    with pytest.raises(ExportError, match="can't be converted"):
        exported(estimator, "binary")


def test_an_operator_that_the_standard_lacks_is_refused() -> None:
    # skl2onnx writes this one with an operator that only one vendor's runtime has.
    estimator = linear(GaussianProcessClassifier())
    objective, schema = objective_for("binary")
    part = nw.from_native(table(1).collect().to_native().head(60).lazy())
    estimator.fit(feature_frame(part, schema), target_array(part, schema, objective))
    with pytest.raises(ExportError, match="self-contained") as caught:
        export(estimator, part, schema, objective, ExportConfig())
    assert "com.microsoft" in str(caught.value)
    assert "GaussianProcessClassifier" in str(caught.value)


def test_an_empty_test_part_proves_nothing() -> None:
    objective, schema = objective_for("binary")
    estimator = fitted(trees(DecisionTreeClassifier(max_depth=2)), "binary")
    empty = nw.from_native(table(1).collect().to_native().head(0).lazy())
    with pytest.raises(DataError, match="no rows"):
        export(estimator, empty, schema, objective, ExportConfig())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tolerance", 0.0),
        ("tolerance", float("nan")),
        ("max_rows_beyond", -1),
        ("rows", 0),
        ("opset", 3),
        ("opset", 99),
    ],
)
def test_bounds(key: str, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        ExportConfig(**{key: value})
    assert caught.value.where == f"export.{key}"


def test_the_error_of_a_missing_converter_library_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fivefold.deploy import conversion

    # A module below it that another test imported is found without asking its parent.
    for name in ("onnxmltools", *(name for name in sys.modules if name.startswith("onnxmltools."))):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExportError, match=r"fivefold\[boosting\]"):
        conversion._register_boosting("xgboost")


@pytest.mark.parametrize(
    "features", [["delay"], ["delay", "holiday"], ["label"], ["carrier", "delay"]]
)
@pytest.mark.parametrize(
    "final", [LogisticRegression(), HistGradientBoostingClassifier(max_iter=5)]
)
def test_few_features_of_either_kind_do(features: list[str], final: Any) -> None:
    from fivefold.model.candidate import Candidate
    from fivefold.model.preprocessing import build_pipeline

    objective, schema = objective_for("binary")
    kept = {name: schema.columns[name] for name in (*features, "late")}
    schema = TableSchema(kept)
    target = {"_target_": f"{type(final).__module__}.{type(final).__name__}"}
    candidate = Candidate("few", target, None, True, 0.04)
    part = table(1)
    estimator = build_pipeline(schema, candidate, final).fit(
        feature_frame(part, schema), target_array(part, schema, objective)
    )
    result = export(estimator, table(2, unseen=True), schema, objective, ExportConfig())
    assert result.metrics["rows_beyond_tolerance"] == 0
