"""The contract of every candidate of the menu on every task: a file is tested by being there."""

from __future__ import annotations

import functools
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import fivefold
from fivefold.deploy.export import ExportConfig, export
from fivefold.estimator import read_estimator, write_estimator
from fivefold.features import feature_frame, target_array
from fivefold.model.candidate import Candidate
from fivefold.model.train import TrainConfig, train
from fivefold.model.tune import TuneConfig
from fivefold.model.tuning.search import asked
from fivefold.pipeline.typed import typed
from fivefold.scoring import predict, scores

from .model_examples import METRICS, Example, example, untuned

MENU = Path(fivefold.__file__).parent / "conf" / "model"
NAMES = sorted(path.stem for path in MENU.glob("*.yaml"))


# What an entry has none of, and why; select leaves such a candidate out and says so.
WITHOUT = {("naive_bayes", "regression"): "no regressor"}
# Its decision function gives no probabilities.
RANKS_ONLY = {"svm"}
# As many trees as a test needs: each is written node by node.
FEWER = {
    "boosting": {"max_iter": 15},
    "lightgbm": {"n_estimators": 15},
    "forest": {"n_estimators": 20},
    "extra_trees": {"n_estimators": 20},
}
# Entries whose twin is not as near as the others', as their files say.
TOLERATED = {
    ("neighbours", "regression"): {"max_rows_beyond": 3},
    ("svm", "regression"): {"tolerance": 1e-4},
}


@functools.cache
def declared(name: str) -> dict[str, Any]:
    with initialize_config_dir(str(MENU.parent), version_base="1.3"):
        composed = OmegaConf.to_container(compose(overrides=[f"+model={name}"]))
    values: dict[str, Any] = composed["train"]  # type: ignore[index,call-overload]
    return values


def usable(name: str, task: Any) -> Example:
    """Give the example, or skip what the entry is not for."""
    if name in ("xgboost", "lightgbm"):
        pytest.importorskip(name)
    if name == "xgboost" and task == "multiclass":
        pytest.skip("xgboost takes no classes that are strings")
    if (name, task) in WITHOUT:
        pytest.skip(WITHOUT[name, task])
    given = example(task)
    if name in RANKS_ONLY and given.objective.is_classification:
        ranking = replace(
            given.objective, primary_metric="roc_auc", metrics=("roc_auc", "accuracy")
        )
        return replace(given, objective=ranking)
    return given


@functools.cache
def once(name: str, task: Any) -> Any:
    return fitted(name, usable(name, task))


def fitted(name: str, given: Example) -> Any:
    entry = {**declared(name)}
    for kind in ("classifier", "regressor"):
        if entry[kind] is not None:
            entry[kind] = {**entry[kind], **FEWER.get(name, {})}
    config = typed(TrainConfig, entry, "train")
    return train(given.train, given.schema, given.objective, untuned(config), config).estimator


def test_the_menu_holds_what_the_plan_names() -> None:
    assert set(NAMES) == {
        *("dummy", "linear", "logistic", "ridge", "elastic_net", "naive_bayes", "neighbours"),
        *("tree", "forest", "extra_trees", "boosting", "svm", "mlp", "xgboost", "lightgbm"),
        "selected",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_menu_file_composes_as_the_model_and_as_a_candidate(name: str) -> None:
    with initialize_config_dir(str(MENU.parent), version_base="1.3"):
        listed = compose(overrides=[f"+model@select.candidates.mine={name}"])
    assert set(listed) == {"select"}
    assert listed["select"]["candidates"]["mine"] == declared(name)
    assert typed(TrainConfig, declared(name), "train").model == name


def exported(name: str, task: Any) -> ExportConfig:
    return ExportConfig(**TOLERATED.get((name, task), {}))


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("selected", "dummy")])
def test_a_space_holds_what_the_entry_declares(name: str, kind: str) -> None:
    given = declared(name)
    if given[kind] is None:
        assert kind not in given["search"]
        return
    if name in ("xgboost", "lightgbm"):
        pytest.importorskip(name)
    one = example("binary" if kind == "classifier" else "regression")
    config = TuneConfig(Candidate(**given), task=one.objective.task)
    # Refuses arguments that the estimator does not have, and ends that it refuses.
    question = asked(one.train, one.schema, one.objective, config.candidate, config)
    assert question.start is not None


@pytest.mark.parametrize("task", list(METRICS))
@pytest.mark.parametrize("name", [name for name in NAMES if name != "selected"])
class TestEveryCandidate:
    def test_fits_predicts_and_is_kept_with_equal_bytes(
        self, name: str, task: Any, tmp_path: Path
    ) -> None:
        given = usable(name, task)
        first, second = once(name, task), fitted(name, given)
        x = feature_frame(given.test, given.schema)
        y = target_array(given.test, given.schema, given.objective)
        p = predict(first, x, y, given.objective)
        assert None not in scores(given.objective.metrics, p).values()
        told = export(first, given.test, given.schema, given.objective, exported(name, task))
        assert told.metrics["rows"] == 150
        paths = tmp_path / "first.skops", tmp_path / "second.skops"
        write_estimator(first, paths[0])
        write_estimator(second, paths[1])
        assert paths[0].read_bytes() == paths[1].read_bytes()
        again = predict(read_estimator(paths[0]), x, y, given.objective)
        for one, other in ((p.score, again.score), (p.value, again.value)):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                np.testing.assert_array_equal(one, other)

    def test_beats_or_is_the_baseline(self, name: str, task: Any) -> None:
        given = usable(name, task)
        x = feature_frame(given.test, given.schema)
        y = target_array(given.test, given.schema, given.objective)
        metric = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "r2"}[
            given.objective.task
        ]
        value = scores([metric], predict(once(name, task), x, y, given.objective))[metric]
        baseline = scores([metric], predict(once("dummy", task), x, y, given.objective))[metric]
        assert value is not None
        assert baseline is not None
        assert value == baseline if name == "dummy" else value > baseline + 0.1

    def test_predicts_an_unseen_category_and_a_missing_number(self, name: str, task: Any) -> None:
        given = usable(name, task)
        strange = given.test.with_columns(
            carrier=nw.lit("never seen"), hour=nw.lit(None).cast(nw.Int64)
        )
        x = feature_frame(strange, given.schema)
        y = target_array(strange, given.schema, given.objective)
        p = predict(once(name, task), x, y, given.objective)
        assert len(p) == 150


def test_a_candidate_is_given_back_by_its_own_values() -> None:
    candidate = Candidate(**declared("forest"))
    assert Candidate(**asdict(candidate)) == candidate
