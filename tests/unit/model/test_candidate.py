from __future__ import annotations

from typing import Any

import pytest

from fivefold.errors import ConfigError, ModelError
from fivefold.model.candidate import Candidate, build_estimator
from fivefold.objective import Objective

BINARY = Objective("test", "binary", "y", "roc_auc", ("roc_auc",))
REGRESSION = Objective("test", "regression", "y", "r2", ("r2",))


def built(**declared: Any) -> Any:
    return build_estimator(Candidate("mine", declared), BINARY, 7, "train")


def test_the_seed_is_given_unless_told() -> None:
    forest = "sklearn.ensemble.RandomForestClassifier"
    assert built(_target_=forest).random_state == 7
    assert built(_target_=forest, random_state=3).random_state == 3
    assert not hasattr(built(_target_="sklearn.naive_bayes.GaussianNB"), "random_state")


def test_an_estimator_may_hold_another() -> None:
    estimator = built(
        _target_="sklearn.calibration.CalibratedClassifierCV",
        estimator={"_target_": "sklearn.svm.LinearSVC", "C": 0.5},
    )
    assert estimator.estimator.C == 0.5


def test_no_estimator_for_the_task() -> None:
    with pytest.raises(ConfigError, match="has no regressor"):
        build_estimator(Candidate("mine", {"_target_": "sklearn.svm.SVC"}), REGRESSION, 0, "train")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sklearn.ensemble.RandomForrestClassifier", "sklearn.ensemble.RandomForestClassifier"),
        ("sklearn.ensembel.RandomForestClassifier", "sklearn.ensemble.RandomForestClassifier"),
        ("nowhere_at_all.Model", "installed"),
    ],
)
def test_a_misspelt_name_offers_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        built(_target_=name)
    assert caught.value.where == "train.classifier._target_"
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("declared", [{}, {"_target_": 3}, {"target": "sklearn.svm.SVC"}])
def test_a_declaration_without_target(declared: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="named by _target_"):
        built(**declared)


def test_a_bad_argument_is_named_with_those_allowed() -> None:
    with pytest.raises(ConfigError) as caught:
        built(_target_="sklearn.tree.DecisionTreeClassifier", max_deph=3)
    assert caught.value.where == "train.classifier.max_deph"
    assert "min_samples_leaf" in str(caught.value.allowed)
    assert "max_depth" in str(caught.value.hint)


def test_what_is_no_estimator_is_refused() -> None:
    with pytest.raises(ModelError, match="no method 'fit'"):
        built(_target_="pathlib.Path")


def test_a_constructor_that_raises_is_one_message() -> None:
    with pytest.raises(ModelError, match="can't be built"):
        built(_target_="decimal.Decimal", value="not a number")


def test_rare_share_bounds() -> None:
    with pytest.raises(ConfigError, match="rare"):
        Candidate("mine", rare_share=1.0)
