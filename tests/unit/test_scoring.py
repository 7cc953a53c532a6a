from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC

from fivefold.errors import ModelError
from fivefold.metrics import METRICS
from fivefold.objective import Objective
from fivefold.resampling import Rows, resample_counts
from fivefold.scoring import (
    Predictions,
    bootstrap,
    predict,
    resampled,
    row_order,
    score,
)

BINARY = Objective("test", "binary", "y", "roc_auc", ("roc_auc",))


ABOVE_ZERO = ("root_mean_squared_log_error", "mean_poisson_deviance")


def predictions(
    task: str, n: int = 60, seed: int = 0, digits: int = 1, *, positive: bool = False
) -> Predictions:
    """Few digits make ties, which ranking metrics must treat as scikit-learn does."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        value = np.round(rng.normal(size=n), digits)
        true = value + rng.normal(size=n)
        # Some metrics are of numbers above zero only.
        return (
            Predictions(np.abs(true), value=np.abs(value) + 0.1)
            if positive
            else Predictions(true, value=value)
        )
    classes = (
        np.array([False, True]) if task == "binary" else np.array(["a", "b", "c"], dtype=object)
    )
    probability = np.round(rng.dirichlet(np.ones(len(classes)), size=n), digits + 1) + 1e-3
    probability /= probability.sum(axis=1, keepdims=True)
    noisy = probability + rng.normal(scale=0.3, size=probability.shape)
    y_true = classes[noisy.argmax(axis=1)]
    if task == "binary":
        shown = np.round(probability[:, 1], digits)
        return Predictions(y_true, classes, shown, shown >= 0.5)
    return Predictions(y_true, classes, probability, classes[probability.argmax(axis=1)])


CASES = [(name, task) for name, metric in METRICS.items() for task in metric.tasks]


@pytest.mark.parametrize(("name", "task"), CASES)
@pytest.mark.parametrize("n", [7, 60])
def test_each_resample_has_the_value_that_scikit_learn_gives(name: str, task: str, n: int) -> None:
    p = predictions(task, n=n, positive=name in ABOVE_ZERO)
    fast = resampled([name], p, n_resamples=40, seed=3)[name]
    order = row_order(p)
    compared = 0
    for start, counts in resample_counts(Rows(n), 40, 3):
        for index, count in enumerate(counts):
            rows = np.repeat(order, count)
            slow = score(name, p.take(rows))
            value = fast[start + index]
            if slow is None:
                assert np.isnan(value)
            else:
                assert value == pytest.approx(slow, abs=1e-9)
                compared += 1
    assert compared >= 10


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=12))
@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_ties_rank_as_in_scikit_learn(name: str, rows: list[tuple[bool, int]]) -> None:
    y, s = np.array([r[0] for r in rows]), np.array([r[1] / 4 for r in rows])
    p = Predictions(y, np.array([False, True]), s, s >= 0.5)
    order = row_order(p)
    fast = resampled([name], p, n_resamples=5, seed=0)[name]
    for start, counts in resample_counts(Rows(len(rows)), 5, 0):
        for index, count in enumerate(counts):
            slow = score(name, p.take(np.repeat(order, count)))
            value = fast[start + index]
            assert np.isnan(value) if slow is None else value == pytest.approx(slow, abs=1e-12)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_interval_holds_the_estimate_and_is_deterministic(name: str, task: str) -> None:
    p = predictions(task, n=400, digits=3, positive=name in ABOVE_ZERO)
    first = bootstrap([name], p, n_resamples=200, seed=1)[name]
    assert first == bootstrap([name], p, n_resamples=200, seed=1)[name]
    assert first != bootstrap([name], p, n_resamples=200, seed=2)[name]
    value = score(name, p)
    assert first is not None
    assert value is not None
    assert first["low"] < value < first["high"]


def test_an_interval_does_not_depend_on_what_else_is_asked() -> None:
    p = predictions("binary", n=300)
    alone = bootstrap(["f1"], p, n_resamples=100)
    together = bootstrap(["roc_auc", "f1", "log_loss"], p, n_resamples=100)
    assert alone["f1"] == together["f1"]


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    # Bernoulli rows: the accuracy of the population is known.
    hits = 0
    for seed in range(200):
        right = np.random.default_rng(seed).random(200) < 0.7
        p = Predictions(np.ones(200, dtype=int), np.array([0, 1]), None, right.astype(int))
        interval = bootstrap(["accuracy"], p, n_resamples=200, seed=seed)["accuracy"]
        assert interval is not None
        hits += interval["low"] <= 0.7 <= interval["high"]
    assert 0.88 <= hits / 200 <= 0.99


def test_a_metric_undefined_on_the_rows_is_none() -> None:
    y = np.array([True, True, True])
    p = Predictions(
        y, np.array([False, True]), np.array([0.2, 0.4, 0.9]), np.array([False, False, True])
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert score("roc_auc", p) is None
        assert bootstrap(["roc_auc"], p, n_resamples=50) == {"roc_auc": None}
        assert score("accuracy", p) == pytest.approx(1 / 3)


def test_one_row_has_no_width() -> None:
    p = Predictions(np.array([True]), np.array([False, True]), np.array([0.7]), np.array([True]))
    assert bootstrap(["accuracy"], p, n_resamples=20) == {"accuracy": {"low": 1.0, "high": 1.0}}


@pytest.fixture
def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    return x, np.where(x[:, 0] + rng.normal(size=200) > 0, "yes", "no").astype(object)


def test_the_threshold_decides_the_label(data: tuple[Any, Any]) -> None:
    x, y = data
    model = LogisticRegression().fit(x, y)
    low, high = (predict(model, x, y, BINARY, threshold=t) for t in (0.1, 0.9))
    assert (np.asarray(low.label) == "yes").sum() > (np.asarray(high.label) == "yes").sum()
    assert score("roc_auc", low) == score("roc_auc", high)


@pytest.mark.parametrize("model", [LinearSVC(), RidgeClassifier()])
def test_a_decision_function_ranks_but_gives_no_probability(
    model: Any, data: tuple[Any, Any]
) -> None:
    x, y = data
    p = predict(model.fit(x, y), x, y, BINARY)
    value = score("roc_auc", p)
    assert value is not None
    assert value > 0.6
    with pytest.raises(ModelError, match="'brier_score'"):
        score("brier_score", p)


def test_without_any_score_the_metric_is_named(data: tuple[Any, Any]) -> None:
    x, y = data

    class Labels:
        classes_ = np.array(["no", "yes"], dtype=object)

        def predict(self, x: Any) -> Any:
            return np.where(x[:, 0] > 0, "yes", "no").astype(object)

    p = predict(Labels(), x, y, BINARY)
    assert score("accuracy", p) is not None
    with pytest.raises(ModelError, match="'roc_auc'"):
        bootstrap(["roc_auc"], p)


def test_nan_predictions_are_refused(data: tuple[Any, Any]) -> None:
    x, y = data

    class Broken:
        classes_ = np.array(["no", "yes"], dtype=object)

        def predict_proba(self, x: Any) -> Any:
            return np.full((len(x), 2), np.nan)

    with pytest.raises(ModelError, match="NaN or infinite"):
        predict(Broken(), x, y, BINARY)
