"""The contract of every candidate of the menu on every task: a file is tested by being there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pytest
import yaml
from hydra import compose, initialize_config_dir

import fivefold
from fivefold.estimator import read_estimator, write_estimator
from fivefold.features import feature_frame, target_array
from fivefold.model.candidate import Candidate
from fivefold.model.train import TrainConfig, train
from fivefold.pipeline.typed import typed
from fivefold.scoring import predict, scores

from .model_examples import METRICS, Example, example, untuned

MENU = Path(fivefold.__file__).parent / "conf" / "model"
NAMES = sorted(path.stem for path in MENU.glob("*.yaml"))


def declared(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((MENU / f"{name}.yaml").read_text(encoding="utf-8"))
    return values


def fitted(name: str, given: Example) -> Any:
    config = typed(TrainConfig, declared(name), "train")
    return train(given.train, given.schema, given.objective, untuned(config), config).estimator


def test_the_menu_holds_what_the_plan_names() -> None:
    assert {"dummy", "logistic", "ridge", "tree", "forest", "boosting", "selected"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_menu_file_composes_as_the_model_and_as_a_candidate(name: str) -> None:
    with initialize_config_dir(str(MENU.parent), version_base="1.3"):
        chosen = compose(overrides=[f"+model={name}"])
        listed = compose(overrides=[f"+model@select.candidates.mine={name}"])
    assert chosen["train"] == declared(name)
    assert listed["select"]["candidates"]["mine"] == declared(name)
    assert typed(TrainConfig, declared(name), "train").model == name


@pytest.mark.parametrize("task", list(METRICS))
@pytest.mark.parametrize("name", [name for name in NAMES if name != "selected"])
class TestEveryCandidate:
    def test_fits_predicts_and_is_kept_with_equal_bytes(
        self, name: str, task: Any, tmp_path: Path
    ) -> None:
        if name in ("xgboost", "lightgbm"):
            pytest.importorskip(name)
        if name == "xgboost" and task == "multiclass":
            pytest.skip("xgboost takes no classes that are strings")
        given = example(task)
        first, second = fitted(name, given), fitted(name, given)
        x = feature_frame(given.test, given.schema)
        y = target_array(given.test, given.schema, given.objective)
        p = predict(first, x, y, given.objective)
        assert None not in scores(given.objective.metrics, p).values()
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
        if name in ("xgboost", "lightgbm"):
            pytest.importorskip(name)
        if name == "xgboost" and task == "multiclass":
            pytest.skip("xgboost takes no classes that are strings")
        given = example(task)
        x = feature_frame(given.test, given.schema)
        y = target_array(given.test, given.schema, given.objective)
        metric = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "r2"}[
            given.objective.task
        ]
        value = scores([metric], predict(fitted(name, given), x, y, given.objective))[metric]
        baseline = scores([metric], predict(fitted("dummy", given), x, y, given.objective))[metric]
        assert value is not None
        assert baseline is not None
        assert value == baseline if name == "dummy" else value > baseline + 0.1

    def test_predicts_an_unseen_category_and_a_missing_number(self, name: str, task: Any) -> None:
        if name in ("xgboost", "lightgbm"):
            pytest.importorskip(name)
        if name == "xgboost" and task == "multiclass":
            pytest.skip("xgboost takes no classes that are strings")
        given = example(task)
        strange = given.test.with_columns(
            carrier=nw.lit("never seen"), hour=nw.lit(None).cast(nw.Int64)
        )
        x = feature_frame(strange, given.schema)
        y = target_array(strange, given.schema, given.objective)
        p = predict(fitted(name, given), x, y, given.objective)
        assert len(p) == 150


def test_a_candidate_is_given_back_by_its_own_values() -> None:
    candidate = Candidate(**declared("forest"))
    assert Candidate(**asdict(candidate)) == candidate
