"""Remedies against bias: what each does, what it costs, that it is kept and exported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import fivefold
from fivefold.errors import ConfigError, DataError, ExportError
from fivefold.estimator import read_estimator, write_estimator
from fivefold.features import feature_frame
from fivefold.model.calibrating import Calibration
from fivefold.model.decision import Decision
from fivefold.model.groupwise import choose_thresholds
from fivefold.model.mitigating import GroupedRows, reweighed
from fivefold.model.mitigation import CONSTRAINTS, METHODS, Mitigation
from fivefold.model.train import TrainConfig, Trained, train
from fivefold.objective import Objective
from fivefold.pipeline.typed import typed
from fivefold.scoring import predict
from fivefold.table import Column, TableSchema

from .model_examples import Example, example

LOGISTIC = {"classifier": {"_target_": "sklearn.linear_model.LogisticRegression"}}
MENU = Path(fivefold.__file__).parent / "conf" / "mitigation"
REMEDIES = [method for method in METHODS if method != "none"]


def unfair(n: int = 1500, classes: tuple[Any, Any] = ("no", "yes")) -> Example:
    """A table in which the model selects one group more often, since its members differ."""
    rng = np.random.default_rng(3)
    sex = rng.choice(["female", "male"], n)
    skill = rng.normal(size=n) + 0.9 * (sex == "male")
    late = skill + rng.normal(size=n) > 0.6
    frame = pl.DataFrame(
        {
            "id": np.arange(n),
            "sex": sex,
            "old": rng.random(n) > 0.5,
            "skill": skill,
            "target": [classes[int(value)] for value in late],
        }
    )
    dtype = "string" if isinstance(classes[0], str) else "boolean"
    schema = TableSchema(
        {
            "id": Column("integer", role="identifier"),
            "sex": Column("string", role="sensitive", feature=True),
            "old": Column("boolean"),
            "skill": Column("number"),
            "target": Column(dtype, role="target"),
        }
    )
    return Example(
        frame, schema, Objective("test", "binary", "target", "accuracy", ("accuracy", "roc_auc"))
    )


def trained(given: Example, n: int = 1000, **options: Any) -> Trained:
    declared = {"model": "mine", "scale": True, **LOGISTIC}
    declared.update(options.pop("declared", {}))
    others = {key: options.pop(key) for key in ("calibration", "decision") if key in options}
    config = TrainConfig(mitigation=Mitigation(**options), **others)
    tuning = {"candidate": declared, "model": "mine", "selected": False, "tuned": False}
    return train(given.part(0, n), given.schema, given.objective, tuning, config)


def selected(given: Example, estimator: Any) -> dict[str, float]:
    rest = given.part(1000, 1500)
    features = feature_frame(rest, given.schema)
    y = np.asarray(given.frame["target"][1000:].to_list())
    label = np.asarray(predict(estimator, features, y, given.objective).label)
    sex = given.frame["sex"][1000:].to_numpy()
    return {name: float(np.mean(label[sex == name] == "yes")) for name in ("female", "male")}


def test_weights_make_group_and_class_independent() -> None:
    rng = np.random.default_rng(0)
    codes, y = rng.integers(0, 3, 500), rng.integers(0, 2, 500)
    weights = reweighed(GroupedRows(pd.DataFrame(index=range(500)), y, None, codes, codes))
    assert weights.mean() == pytest.approx(1)
    shares = [np.average(y[codes == g], weights=weights[codes == g]) for g in range(3)]
    assert shares == pytest.approx([y.mean()] * 3)


@pytest.mark.parametrize("method", REMEDIES)
def test_a_remedy_brings_the_groups_together_and_tells_its_price(
    method: str, tmp_path: Path
) -> None:
    given = unfair()
    plain, remedied = (trained(given, method=name) for name in ("none", method))
    assert plain.report["mitigation"] is None
    before, after = (selected(given, item.estimator) for item in (plain, remedied))
    # Reweighing takes the class' part of the difference away, not all that the features know.
    assert abs(after["male"] - after["female"]) < abs(before["male"] - before["female"]) * 0.85
    told = remedied.report["mitigation"]
    json.dumps(told, allow_nan=False)
    price = told["price"]["demographic_parity_difference"]
    assert price["change"] == pytest.approx(price["with"] - price["without"])
    assert price["low"] <= price["change"] <= price["high"]
    assert price["change"] < 0
    assert {"without", "with", "change", "low", "high"} == set(told["price"]["accuracy"])
    assert [group["group"] for group in told["groups"]] == [["female"], ["male"]]

    path = tmp_path / "model.skops"
    write_estimator(remedied.estimator, path)
    again = tmp_path / "again.skops"
    write_estimator(trained(given, method=method).estimator, again)
    assert path.read_bytes() == again.read_bytes()
    kept = read_estimator(path)
    features = feature_frame(given.part(1000, 1500), given.schema)
    np.testing.assert_array_equal(
        kept.predict_proba(features), remedied.estimator.predict_proba(features)
    )


@pytest.mark.parametrize("method", ["threshold_optimizer", "exponentiated_gradient"])
@pytest.mark.parametrize("classes", [("no", "yes"), (False, True)])
def test_a_remedied_model_is_exported(method: str, classes: tuple[Any, Any]) -> None:
    import onnxruntime

    from fivefold.deploy.conversion import converted

    given = unfair(classes=classes)
    estimator = trained(given, method=method, max_iter=8).estimator
    data = converted(estimator, given.schema, given.objective, 18)
    session = onnxruntime.InferenceSession(data)
    features = feature_frame(given.part(1000, 1500), given.schema)
    feed = {
        name: features[[name]].to_numpy(
            dtype=object if features[name].dtype == object else np.float32
        )
        for name in features
    }
    label, probabilities = session.run(None, feed)
    np.testing.assert_allclose(probabilities, estimator.predict_proba(features), atol=1e-5)
    assert (label == estimator.predict(features)).mean() > 0.995


def test_an_estimator_that_cannot_be_exported_is_named() -> None:
    from fivefold.deploy.conversion import converted

    given = unfair()
    declared = {
        "classifier": {"_target_": "sklearn.semi_supervised.LabelSpreading", "kernel": "knn"}
    }
    estimator = trained(given, method="threshold_optimizer", declared=declared).estimator
    with pytest.raises(ExportError, match="has no ONNX converter") as caught:
        converted(estimator, given.schema, given.objective, 18)
    assert str(caught.value.where).endswith("LabelSpreading")


@pytest.mark.parametrize("method", METHODS)
def test_a_menu_file_composes_into_train(method: str) -> None:
    with initialize_config_dir(str(MENU.parent), version_base="1.3"):
        chosen = compose(overrides=[f"+mitigation={method}"])
    values = {"mitigation": OmegaConf.to_container(chosen["train"]["mitigation"])}
    assert typed(TrainConfig, values, "train").mitigation.method == method
    assert sorted(path.stem for path in MENU.glob("*.yaml")) == sorted(METHODS)


def test_several_columns_make_joint_groups_with_a_threshold_each() -> None:
    given = unfair()
    columns = {**given.schema.columns, "old": Column("boolean", role="sensitive", feature=True)}
    given = replace(given, schema=TableSchema(columns))
    report = trained(given, method="threshold_optimizer").report["mitigation"]
    assert report["columns"] == ["sex", "old"]
    assert len({tuple(group["group"]) for group in report["groups"]}) == 4
    assert all(0 < group["threshold"] < 1 for group in report["groups"])


@pytest.mark.parametrize("constraint", list(CONSTRAINTS))
def test_thresholds_keep_the_constraint(constraint: str) -> None:
    rng = np.random.default_rng(1)
    n = 6000
    codes = rng.integers(0, 3, n)
    positive = rng.random(n) < np.array([0.2, 0.4, 0.6])[codes]
    score = 1 / (1 + np.exp(-(rng.normal(size=n) + 1.5 * positive + 0.3 * codes - 1.2)))
    at = choose_thresholds(
        score,
        positive,
        codes,
        constraint=constraint,
        objective="balanced_accuracy_score",
        tolerance=0.03,
    )
    label = score >= at[codes]

    def apart(mask: Any) -> float:
        rates = [label[mask & (codes == g)].mean() for g in range(3)]
        return max(rates) - min(rates)

    found = {
        "demographic_parity": apart(np.ones(n, dtype=bool)),
        "true_positive_rate_parity": apart(positive),
        "false_positive_rate_parity": apart(~positive),
        "equalized_odds": max(apart(positive), apart(~positive)),
    }
    assert found[constraint] <= (0.06 if constraint == "equalized_odds" else 0.03)
    assert label[positive].mean() - label[~positive].mean() > 0.3


def test_a_group_of_one_class_gets_a_threshold_too() -> None:
    score = np.linspace(0.05, 0.95, 40)
    codes = np.repeat([0, 1], 20)
    positive = np.arange(40) >= 20
    at = choose_thresholds(
        score,
        positive,
        codes,
        constraint="equalized_odds",
        objective="accuracy_score",
        tolerance=0.02,
    )
    assert ((at > 0) & (at < 1)).all()


def test_a_column_that_prediction_needs_must_be_a_feature() -> None:
    given = unfair()
    columns = {**given.schema.columns, "sex": Column("string", role="sensitive")}
    given = replace(given, schema=TableSchema(columns))
    assert trained(given, method="reweighing").report["mitigation"]["columns"] == ["sex"]
    with pytest.raises(ConfigError, match="the column is no feature") as caught:
        trained(given, method="threshold_optimizer")
    assert "feature: true" in str(caught.value)


@pytest.mark.parametrize("method", REMEDIES)
def test_a_regression_has_no_remedy(method: str) -> None:
    declared = {"regressor": {"_target_": "sklearn.linear_model.Ridge"}}
    with pytest.raises(ConfigError, match="does not fit the task"):
        trained(example("regression"), 300, method=method, declared=declared)


def test_reweighing_takes_many_classes() -> None:
    report = trained(example("multiclass"), 300, method="reweighing").report["mitigation"]
    assert report["price"]["demographic_parity_difference"]["change"] is not None
    with pytest.raises(ConfigError, match="does not fit the task"):
        trained(example("multiclass"), 300, method="threshold_optimizer")


def test_what_else_is_declared_goes_with_weights_and_with_nothing_more() -> None:
    calibration = Calibration("sigmoid")
    report = trained(unfair(), method="reweighing", calibration=calibration).report
    assert report["calibration"]["method"] == "sigmoid"
    assert report["mitigation"]["method"] == "reweighing"
    for options in ({"calibration": calibration}, {"decision": Decision("f_beta")}):
        with pytest.raises(ConfigError, match="decide the same"):
            trained(unfair(), method="threshold_optimizer", **options)


def test_weights_need_an_estimator_that_takes_them() -> None:
    declared = {"classifier": {"_target_": "sklearn.neighbors.KNeighborsClassifier"}}
    for method in ("reweighing", "exponentiated_gradient"):
        with pytest.raises(ConfigError, match="takes no sample weights"):
            trained(unfair(), method=method, declared=declared)


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="did you mean 'reweighing'"):
        Mitigation(method="reweighting")
    with pytest.raises(ConfigError) as caught:
        Mitigation(tolerance=0)
    assert caught.value.where == "train.mitigation.tolerance"
    with pytest.raises(DataError, match="gender"):
        trained(unfair(), method="reweighing", columns=["gender"])
    with pytest.raises(ConfigError, match="too many groups"):
        trained(unfair(), method="threshold_optimizer", columns=["skill"])
    alone = unfair()
    columns = {k: replace(c, role="feature") for k, c in alone.schema.columns.items() if k == "sex"}
    schema = TableSchema({**alone.schema.columns, **columns})
    with pytest.raises(ConfigError, match="needs a sensitive column"):
        trained(replace(alone, schema=schema), method="reweighing")
