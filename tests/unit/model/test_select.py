from __future__ import annotations

import json
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import LinearSVC

from fivefold.errors import ConfigError, DataError, ModelError
from fivefold.model.candidate import Candidate
from fivefold.model.folds import Folds
from fivefold.model.select import SelectConfig, select
from fivefold.model.train import TrainConfig, train
from fivefold.model.tune import TuneConfig, tune
from fivefold.objective import Objective
from fivefold.report import render_html
from fivefold.table import Column, TableSchema

from .model_examples import Example

HERE = __name__

DUMMY = Candidate(
    "dummy",
    {"_target_": "sklearn.dummy.DummyClassifier"},
    {"_target_": "sklearn.dummy.DummyRegressor"},
)
LINEAR = Candidate(
    "linear",
    {"_target_": "sklearn.linear_model.LogisticRegression"},
    {"_target_": "sklearn.linear_model.Ridge"},
    scale=True,
)
TREE = Candidate(
    "tree",
    {"_target_": "sklearn.tree.DecisionTreeClassifier", "max_depth": 3},
    {"_target_": "sklearn.tree.DecisionTreeRegressor", "max_depth": 3},
)


class FailsOnce(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fails when the training part holds the row that ``x`` has at its largest."""

    def fit(self, x: Any, y: Any) -> FailsOnce:
        self.classes_ = np.unique(y)
        if len(x) == 225:
            raise FloatingPointError("matrix is singular\nand more")
        return self

    def predict_proba(self, x: Any) -> Any:
        return np.full((len(x), 2), 0.5)

    def predict(self, x: Any) -> Any:
        return np.repeat(self.classes_[:1], len(x))


class Fails(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, x: Any, y: Any) -> Fails:  # noqa: ARG002
        raise ZeroDivisionError("no luck")

    def predict(self, x: Any) -> Any:
        return x


def mine(name: str) -> Candidate:
    return Candidate(name, {"_target_": f"{HERE}.{name}"})


def chosen(given: Example, **options: Any) -> Any:
    candidates = options.pop("candidates", {"dummy": DUMMY, "linear": LINEAR, "tree": TREE})
    config = SelectConfig(candidates=candidates, **options)
    return select(given.train, given.schema, given.objective, config)


def test_the_best_mean_wins(any_example: Example) -> None:
    result = chosen(any_example)
    selection = result.selection
    metric = any_example.objective.primary
    means = [result.scores[name][metric.name] for name in selection["ranking"]]
    assert means == sorted(means, reverse=metric.goal == "maximize")
    assert selection["winner"] == selection["ranking"][0]
    assert selection["winner"] != "dummy"
    for item in selection["candidates"]:
        folds = item["scores"][metric.name]
        assert len(folds) == 3
        assert item["mean"][metric.name] == pytest.approx(np.mean(folds))
        assert item["std"] == pytest.approx(np.std(folds, ddof=1))


def test_it_is_plain_json_the_same_twice(any_example: Example) -> None:
    first, second = chosen(any_example), chosen(any_example)
    assert json.dumps(first.selection, allow_nan=False) == json.dumps(second.selection)
    assert json.dumps(first.scores, allow_nan=False) == json.dumps(second.scores)
    assert render_html(first.page) == render_html(second.page)
    assert first.selection["winner"] in render_html(first.page)


def test_nothing_is_printed(any_example: Example, capfd: pytest.CaptureFixture[str]) -> None:
    chosen(any_example)
    assert capfd.readouterr() == ("", "")


def test_train_takes_the_winner(any_example: Example) -> None:
    selection = json.loads(json.dumps(chosen(any_example).selection))
    known = any_example.train, any_example.schema, any_example.objective
    tuning = tune(*known, selection, TuneConfig(Candidate("selected"))).tuning
    trained = train(*known, json.loads(json.dumps(tuning)), TrainConfig())
    assert trained.report["selected"] is True
    assert trained.report["model"] == selection["winner"]
    assert (
        type(trained.estimator[-1]).__name__
        in selection["candidate"][
            "classifier" if any_example.objective.is_classification else "regressor"
        ]["_target_"]
    )


def test_extra_metrics_are_reported(binary: Example) -> None:
    result = chosen(binary, metrics=["accuracy"])
    assert set(result.scores["tree"]) == {"roc_auc", "accuracy", "std"}


def test_the_simplest_within_one_standard_error(binary: Example) -> None:
    # Two names for one model tie: the first declared is the simpler, by the rule's own words.
    candidates = {"tree": TREE, "linear": LINEAR, "again": LINEAR}
    result = chosen(binary, candidates=candidates, rule="one_standard_error")
    by_name = {item["name"]: item for item in result.selection["candidates"]}
    best = by_name[result.selection["ranking"][0]]
    limit = best["mean"]["roc_auc"] - best["standard_error"]
    within = [name for name in candidates if by_name[name]["mean"]["roc_auc"] >= limit]
    assert result.selection["winner"] == within[0]


def test_a_candidate_that_fails_in_one_fold_is_reported_and_out(binary: Example) -> None:
    result = chosen(binary, candidates={"dummy": DUMMY, "mine": mine("FailsOnce")}, folds=4)
    selection = result.selection
    failed = selection["candidates"][1]
    assert failed["error"] == {"fold": 1, "cause": "FloatingPointError: matrix is singular"}
    assert selection["ranking"] == ["dummy"]
    assert set(result.scores) == {"dummy"}
    assert "matrix is singular" in render_html(result.page)


def test_every_candidate_failing_names_candidate_fold_and_cause(binary: Example) -> None:
    with pytest.raises(ModelError) as caught:
        chosen(binary, candidates={"a": mine("Fails"), "b": mine("Fails")})
    message = str(caught.value)
    assert "a, fold 1: ZeroDivisionError: no luck" in message
    assert "b, fold 1" in message


def test_an_estimator_without_probabilities_ranks(binary: Example) -> None:
    svc = Candidate("svc", {"_target_": "sklearn.svm.LinearSVC"}, scale=True)
    assert LinearSVC is not None
    result = chosen(binary, candidates={"dummy": DUMMY, "svc": svc})
    assert result.selection["winner"] == "svc"


def test_and_is_out_where_the_metric_needs_probabilities(binary: Example) -> None:
    svc = Candidate("svc", {"_target_": "sklearn.svm.LinearSVC"}, scale=True)
    result = chosen(binary, candidates={"dummy": DUMMY, "svc": svc}, metrics=["brier_score"])
    assert "'brier_score'" in result.selection["candidates"][1]["error"]["cause"]


def test_a_target_with_one_class_is_refused(binary: Example) -> None:
    one = binary.train.filter(nw.col("target"))
    with pytest.raises(DataError, match="1 class"):
        select(one, binary.schema, binary.objective, SelectConfig(candidates={"dummy": DUMMY}))


def test_a_rare_class_asks_for_fewer_folds(binary: Example) -> None:
    train_part = nw.from_native(
        pl.concat([binary.frame.filter(~pl.col("target"))[:50], binary.frame.filter("target")[:2]])
    ).lazy()
    with pytest.raises(DataError, match=r"lower select\.folds"):
        select(
            train_part, binary.schema, binary.objective, SelectConfig(candidates={"dummy": DUMMY})
        )


def test_an_all_missing_column_and_a_constant_one_do_no_harm(any_example: Example) -> None:
    frame = any_example.train.with_columns(wind=nw.lit(None).cast(nw.Float64))
    config = SelectConfig(candidates={"linear": LINEAR, "tree": TREE})
    result = select(frame, any_example.schema, any_example.objective, config)
    assert len(result.selection["ranking"]) == 2
    assert all(item["warnings"] == [] for item in result.selection["candidates"])


def test_at_most_max_rows_are_used(binary: Example) -> None:
    assert chosen(binary, max_rows=90).selection["rows"] == 90


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"folds": 1}, "select.folds"),
        ({"cross_validation": "groups"}, "select.cross_validation"),
        ({"rule": "luck"}, "select.rule"),
        ({"metrics": ["roc_auk"]}, "select.metrics"),
        ({"max_rows": 3}, "select.max_rows"),
        ({"seed": -1}, "select.seed"),
    ],
)
def test_out_of_bounds(options: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SelectConfig(candidates={"dummy": DUMMY}, **options)
    assert caught.value.where == where


def test_no_candidates(binary: Example) -> None:
    with pytest.raises(ConfigError, match="no candidate"):
        chosen(binary, candidates={})


@pytest.mark.parametrize("method", ["time", "group"])
def test_a_method_needs_its_column(binary: Example, method: str) -> None:
    with pytest.raises(ConfigError, match=f"role {method}"):
        chosen(binary, cross_validation=method)


def test_a_regression_is_not_stratified(regression: Example) -> None:
    with pytest.raises(ConfigError, match="no classes to stratify"):
        chosen(regression, cross_validation="stratified")


COLUMNS = TableSchema(
    {
        "when": Column("datetime", role="time"),
        "who": Column("string", role="group"),
        "y": Column("number", role="target"),
    }
)
NUMBERS = Objective("test", "regression", "y", "r2", ("r2",))


def rows_of(n: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    hours = pl.Series(rng.integers(0, 20, n))
    when = pl.datetime(2020, 1, 1) + pl.duration(hours=hours)
    return pl.DataFrame(
        {"y": rng.normal(size=n), "who": rng.choice(list("abcdefg"), n)}
    ).with_columns(when=when)


def test_time_folds_are_later_than_what_is_fitted_even_on_ties() -> None:
    frame = rows_of(200)
    cut = Folds(nw.from_native(frame.lazy()), COLUMNS, NUMBERS, method="time", n_folds=3, seed=0)
    when = frame["when"].to_numpy()
    folds = list(cut.split(np.arange(200), frame["y"].to_numpy()))
    assert len(folds) == 3
    for fitted, scored in folds:
        assert when[fitted].max() < when[scored].min()


def test_group_folds_share_no_group() -> None:
    frame = rows_of(200)
    cut = Folds(nw.from_native(frame.lazy()), COLUMNS, NUMBERS, method="group", n_folds=3, seed=0)
    who = frame["who"].to_numpy()
    scored_rows = []
    for fitted, scored in cut.split(np.arange(200), frame["y"].to_numpy()):
        assert not set(who[fitted]) & set(who[scored])
        scored_rows += scored.tolist()
    assert sorted(scored_rows) == list(range(200))


def test_one_group_can_not_be_cut() -> None:
    frame = rows_of(50).with_columns(who=pl.lit("a"))
    cut = Folds(nw.from_native(frame.lazy()), COLUMNS, NUMBERS, method="group", n_folds=3, seed=0)
    with pytest.raises(DataError, match="can't be cut into 3 folds"):
        list(cut.split(np.arange(50), frame["y"].to_numpy()))
