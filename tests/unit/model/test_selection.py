"""What a selection says of its candidates, and what candidates may do to it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin

from fivefold.errors import DataError, ModelError
from fivefold.model import workers
from fivefold.model.candidate import Candidate
from fivefold.model.comparison import job_of
from fivefold.model.crossvalidation import Task, fit_and_score
from fivefold.model.folds import Folds
from fivefold.model.limits import FitLimits
from fivefold.model.select import SelectConfig, Selected, select
from fivefold.objective import Objective
from fivefold.report import render_html
from fivefold.table import Column, TableSchema

from .model_examples import Example

DUMMY = Candidate("dummy", {"_target_": "sklearn.dummy.DummyClassifier"})
LINEAR = Candidate("linear", {"_target_": "sklearn.linear_model.LogisticRegression"}, scale=True)
TREE = Candidate("tree", {"_target_": "sklearn.tree.DecisionTreeClassifier", "max_depth": 3})
BAYES = Candidate("bayes", {"_target_": "sklearn.naive_bayes.GaussianNB"})


class Constant(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Says of every row the same; what is below goes wrong on the way."""

    def fit(self, x: Any, y: Any) -> Constant:  # noqa: ARG002
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x: Any) -> Any:
        return np.full((len(x), 2), 0.5)

    def predict(self, x: Any) -> Any:
        return np.repeat(self.classes_[:1], len(x))


class Hangs(Constant):
    def fit(self, x: Any, y: Any) -> Constant:  # noqa: ARG002
        time.sleep(60)
        return self


class Leaks(Constant):
    def fit(self, x: Any, y: Any) -> Constant:
        kept = []
        while len(kept) < 60:
            kept.append(np.ones(5_000_000))
            time.sleep(0.01)
        return super().fit(x, y)


class Dies(Constant):
    def fit(self, x: Any, y: Any) -> Constant:  # noqa: ARG002
        os._exit(3)


class Empty(Constant):
    def predict_proba(self, x: Any) -> Any:
        return np.full((len(x), 2), np.nan)


class Refuses(Constant):
    def fit(self, x: Any, y: Any) -> Constant:  # noqa: ARG002
        raise FloatingPointError("no")


def mine(kind: type) -> Candidate:
    return Candidate(kind.__name__, {"_target_": f"{__name__}.{kind.__name__}"})


def chosen(given: Example, candidates: dict[str, Candidate], **options: Any) -> Selected:
    config = SelectConfig(candidates=candidates, **options)
    return select(given.train, given.schema, given.objective, config)


def by_name(result: Selected) -> dict[str, Any]:
    return {item["name"]: item for item in result.selection["candidates"]}


def written(result: Selected) -> str:
    return json.dumps([result.scores, result.selection]) + render_html(result.page)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, int]]:
    """Count the fits, with a cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done: list[tuple[str, int]] = []

    def counted(job: Any, task: Task) -> Any:
        done.append((task.candidate.model, task.fold))
        return fit_and_score(job, task)

    monkeypatch.setattr(workers, "fit_and_score", counted)
    return done


def test_each_is_tested_against_the_best(binary: Example) -> None:
    result = chosen(binary, {"dummy": DUMMY, "linear": LINEAR, "again": LINEAR, "tree": TREE})
    items = by_name(result)
    assert items["linear"]["p_value"] is None
    assert items["again"]["p_value"] == 1.0
    k, share = 3, 0.5
    p_values = {}
    for name in ("dummy", "tree"):
        d = np.subtract(items[name]["scores"]["roc_auc"], items["linear"]["scores"]["roc_auc"])
        t = d.mean() / np.sqrt((1 / k + share) * d.var(ddof=1))
        p_values[name] = 2 * stats.t.sf(abs(t), k - 1)
    assert p_values["dummy"] < p_values["tree"]
    # Holm: the smallest of three times three, the next times two.
    assert items["dummy"]["p_value"] == pytest.approx(3 * p_values["dummy"])
    assert items["tree"]["p_value"] == pytest.approx(
        min(1, max(3 * p_values["dummy"], 2 * p_values["tree"]))
    )
    assert items["linear"]["mean_rank"] == items["again"]["mean_rank"]
    assert items["dummy"]["mean_rank"] == 4
    assert sum(item["mean_rank"] for item in items.values()) == pytest.approx(10)
    assert "not distinguishable" in render_html(result.page)


def test_adding_a_candidate_fits_that_one(binary: Example, fits: list[Any]) -> None:
    two = {"dummy": DUMMY, "linear": LINEAR}
    fresh = chosen(binary, two, code="a")
    assert len(fits) == 6
    again = chosen(binary, two, code="a")
    assert len(fits) == 6
    assert written(fresh) == written(again) == written(chosen(binary, two))
    del fits[:]
    three = chosen(binary, {**two, "tree": TREE}, code="a")
    assert fits == [("tree", 0), ("tree", 1), ("tree", 2)]
    assert three.costs["candidates"]["linear"]["fit_seconds"] > 0
    del fits[:]
    for options in ({"code": "b"}, {"code": "a", "seed": 1}, {"code": "a", "metrics": ["f1"]}):
        chosen(binary, two, **options)
    chosen(binary, two, code="a", keep=False)
    changed = {"linear": replace(LINEAR, rare_share=0.1)}
    chosen(binary, changed, code="a")
    assert len(fits) == 3 * 6 + 6 + 3


def test_what_is_kept_may_be_spoilt(binary: Example, fits: list[Any], tmp_path: Path) -> None:
    fresh = chosen(binary, {"linear": LINEAR}, code="a")
    (path,) = (tmp_path / "fivefold" / "fits").iterdir()
    lines = path.read_text(encoding="utf-8").split("\n")
    # One of them is cut, as by the end of the process; another is none of ours.
    path.write_text("\n".join([*lines[:2], '{"task": 3}', lines[-1][:40]]), encoding="utf-8")
    assert written(chosen(binary, {"linear": LINEAR}, code="a")) == written(fresh)
    assert len(fits) == 5
    chosen(binary, {"linear": LINEAR}, code="a")
    assert len(fits) == 5
    path.write_bytes(b"\xff\x00")
    assert written(chosen(binary, {"linear": LINEAR}, code="a")) == written(fresh)


def test_a_candidate_that_failed_is_not_fitted_again(binary: Example, fits: list[Any]) -> None:
    result = chosen(binary, {"dummy": DUMMY, "Refuses": mine(Refuses)})
    assert fits == [("dummy", 0), ("Refuses", 0), ("dummy", 1), ("dummy", 2)]
    assert by_name(result)["Refuses"]["error"]["fold"] == 1
    assert by_name(result)["Refuses"]["p_value"] is None


def test_what_hangs_leaks_dies_or_predicts_nothing_is_out(
    binary: Example, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kinds = (Hangs, Leaks, Dies, Empty)
    candidates = {"dummy": DUMMY, **{kind.__name__: mine(kind) for kind in kinds}}
    limits = FitLimits(seconds=5, memory_mb=600)
    result = chosen(binary, candidates, limits=limits, processes=2, folds=2, code="a")
    causes = {
        name: (item["error"] or {}).get("cause", "") for name, item in by_name(result).items()
    }
    assert result.selection["ranking"] == ["dummy"]
    assert "longer than the limit of 5 s" in causes["Hangs"]
    assert "more memory than the limit of 600 MB" in causes["Leaks"]
    assert "exit code 3" in causes["Dies"]
    assert "NaN" in causes["Empty"]
    # Another limit may let it pass: what a limit ended is not kept.
    (path,) = (tmp_path / "fivefold" / "fits").iterdir()
    assert "longer than" not in path.read_text(encoding="utf-8")
    assert "NaN" in path.read_text(encoding="utf-8")


def test_a_candidate_without_a_regressor_is_out(regression: Example) -> None:
    ridge = Candidate("ridge", regressor={"_target_": "sklearn.linear_model.Ridge"})
    result = chosen(regression, {"bayes": BAYES, "ridge": ridge}, task="regression")
    assert result.selection["ranking"] == ["ridge"]
    assert by_name(result)["bayes"]["error"] == {
        "fold": None,
        "cause": "it has no regressor, which the regression task needs",
    }
    assert "it has no regressor" in render_html(result.page)
    with pytest.raises(ModelError, match="bayes: it has no regressor"):
        chosen(regression, {"bayes": BAYES})


def test_learning_curves_grow_to_the_score_itself(binary: Example) -> None:
    result = chosen(binary, {"dummy": DUMMY, "linear": LINEAR}, learning_curve=3)
    curve = by_name(result)["linear"]["curve"]
    assert [point["rows"] for point in curve] == [20, 63, 200]
    assert curve[-1]["score"] == by_name(result)["linear"]["scores"]["roc_auc"][-1]
    assert curve[0]["score"] < curve[-1]["score"]
    assert "Learning curves" in render_html(result.page)
    assert by_name(chosen(binary, {"linear": LINEAR}))["linear"]["curve"] is None


def test_weights_count_and_what_takes_none_is_out(binary: Example) -> None:
    weighted = replace(
        binary,
        frame=binary.frame.with_columns(w=(pl.col("id") % 2).cast(pl.Float64), half=pl.lit(0.5)),
    )
    near = Candidate("near", {"_target_": "sklearn.neighbors.KNeighborsClassifier"})
    result = chosen(weighted, {"tree": TREE, "near": near}, weight="w")
    items = by_name(result)
    assert "takes no weights" in items["near"]["error"]["cause"]
    plain, half = (
        by_name(chosen(weighted, {"tree": TREE}, weight=name))["tree"]["scores"]
        for name in (None, "half")
    )
    assert items["tree"]["scores"] != plain
    assert half == plain


def timed(n: int = 200, **columns: Any) -> nw.LazyFrame[Any]:
    rng = np.random.default_rng(0)
    when = pl.datetime(2020, 1, 1) + pl.duration(hours=pl.Series(rng.permutation(n)))
    frame = pl.DataFrame({"x": rng.normal(size=n), "y": rng.random(n) > 0.5, **columns})
    return nw.from_native(frame.with_columns(when=when).lazy())


TIMED = TableSchema(
    {
        "when": Column("datetime", role="time"),
        "x": Column("number"),
        "y": Column("boolean", role="target"),
    }
)
YES = Objective("test", "binary", "y", "roc_auc", ("roc_auc",))


@pytest.mark.parametrize(("gap", "hours"), [("12h", 12), ("1d", 24)])
def test_the_gap_is_fitted_on_in_no_fold(gap: str, hours: int) -> None:
    frame = timed()
    when = frame.collect().to_native()["when"].to_numpy()
    cut = Folds(frame, TIMED, YES, method="time", n_folds=3, seed=0, gap=gap)
    for fitted, scored in cut.split(np.arange(200), np.zeros(200)):
        apart = when[scored].min() - when[fitted].max()
        assert apart == np.timedelta64(hours + 1, "h")


def test_a_gap_that_leaves_nothing_is_told() -> None:
    config = SelectConfig(candidates={"dummy": DUMMY}, gap="20d")
    with pytest.raises(DataError, match="its gap"):
        select(timed(), TIMED, YES, config)


def test_curves_by_time_begin_with_the_earliest_rows() -> None:
    frame = timed()
    when = frame.collect().to_native()["when"].to_numpy()
    job = job_of(frame, TIMED, YES, SelectConfig(), ["roc_auc"])
    assert job.ordered
    fitted = job.folds[0][0]
    assert (np.diff(when[fitted]) > np.timedelta64(0)).all()


def test_a_fold_of_one_class_is_told_before_anything_is_fitted(fits: list[Any]) -> None:
    hours = np.random.default_rng(0).permutation(200)
    frame = timed(y=hours > 120)
    with pytest.raises(DataError, match="fold 1 of 3 would fit on one class") as caught:
        select(frame, TIMED, YES, SelectConfig(candidates={"dummy": DUMMY}))
    assert "select.folds" in str(caught.value)
    assert not fits


def test_scored_rows_of_one_class_put_a_candidate_out_by_name_of_the_metric() -> None:
    hours = np.random.default_rng(0).permutation(200)
    frame = timed(y=(hours % 2 == 0) & (hours < 140))
    with pytest.raises(ModelError, match="roc_auc is undefined"):
        select(frame, TIMED, YES, SelectConfig(candidates={"dummy": DUMMY}))
    accurate = Objective("test", "binary", "y", "accuracy", ("accuracy",))
    config = SelectConfig(candidates={"dummy": DUMMY, "tree": TREE})
    assert len(select(frame, TIMED, accurate, config).selection["ranking"]) == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_target_that_is_no_number_is_refused(regression: Example, value: float) -> None:
    target = pl.when(pl.col("id") == 5).then(value).otherwise(pl.col("target"))
    spoilt = replace(regression, frame=regression.frame.with_columns(target=target))
    with pytest.raises(DataError, match="target"):
        chosen(spoilt, {"dummy": DUMMY})


def test_groups_of_one_row_are_groups(binary: Example) -> None:
    columns = {**binary.schema.columns, "id": Column("integer", role="group")}
    result = chosen(replace(binary, schema=TableSchema(columns)), {"tree": TREE})
    assert result.selection["cross_validation"] == "group"
