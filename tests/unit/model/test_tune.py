"""Studies in this process: what they find, that they are the same twice, that they go on."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

import fivefold
from fivefold.errors import ConfigError, ModelError
from fivefold.model.candidate import Candidate
from fivefold.model.limits import FitLimits
from fivefold.model.tune import Budget, TuneConfig, Tuned, tune
from fivefold.model.tuning.search import pruner_of, sampler_of
from fivefold.model.tuning.space import Space
from fivefold.report import render_html

from .model_examples import Example, example

TREE = {
    "max_depth": {"low": 1, "high": 8},
    "criterion": {"choices": ["gini", "entropy"]},
}
# Notes each fit in a file, and takes a while.
NOTING = """
import os, time
from sklearn.tree import DecisionTreeClassifier

class Noting(DecisionTreeClassifier):
    def fit(self, X, y, sample_weight=None):
        time.sleep(float(os.environ.get("FIT_SECONDS", "0")))
        with open(os.environ["FITS"], "a") as file:
            file.write(f"{self.max_depth} {self.criterion}\\n")
        return super().fit(X, y)

class Hanging(DecisionTreeClassifier):
    def fit(self, X, y, sample_weight=None):
        if self.criterion == "entropy":
            time.sleep(60)
        return super().fit(X, y)

class Leaking(DecisionTreeClassifier):
    def fit(self, X, y, sample_weight=None):
        kept = []
        while True:
            kept.append(bytearray(os.urandom(1) * 20_000_000))
            time.sleep(0.01)
        return super().fit(X, y)
"""
STUDY = """
from tests.unit.model.test_tune import config_of, example, tune
given = example("binary")
tune(given.train, given.schema, given.objective, {}, config_of(
    target="noting_estimator.Noting", code="c", processes=1
))
"""


def config_of(
    *,
    target: str = "sklearn.tree.DecisionTreeClassifier",
    search: dict[str, Any] | None = None,
    trials: int = 8,
    **more: Any,
) -> TuneConfig:
    candidate = Candidate(
        "tree",
        classifier={"_target_": target, "min_samples_leaf": 5},
        search={"classifier": TREE if search is None else search},
    )
    return TuneConfig(**{"candidate": candidate, "budget": Budget(trials=trials), **more})


def tuned(**more: Any) -> Tuned:
    given = example("binary")
    return tune(given.train, given.schema, given.objective, {}, config_of(**more))


def rows(result: Tuned) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result.trials)))


@pytest.fixture(autouse=True)
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "noting_estimator.py").write_text(textwrap.dedent(NOTING))
    monkeypatch.syspath_prepend(str(tmp_path))
    here = [str(tmp_path), str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(item for item in here if item))
    monkeypatch.setenv("FITS", str(tmp_path / "fits.txt"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_without_a_budget_the_candidate_passes_through(binary: Example) -> None:
    chosen = Candidate("tree", classifier={"_target_": "sklearn.tree.DecisionTreeClassifier"})
    selection = {"winner": "tree", "candidate": chosen.__dict__}
    config = TuneConfig(candidate=Candidate("selected"))
    result = tune(binary.train, binary.schema, binary.objective, selection, config)
    assert result.tuning["candidate"]["classifier"] == chosen.classifier
    assert (result.tuning["tuned"], result.scores) == (False, {"trials": 0})


def test_that_costs_no_import() -> None:
    script = textwrap.dedent("""
        import sys
        from fivefold.model.candidate import Candidate
        from fivefold.model.tune import TuneConfig, tune
        from fivefold.objective import Objective
        goal = Objective("x", "binary", "y", "accuracy", ("accuracy",))
        tune(None, None, goal, {}, TuneConfig(candidate=Candidate("tree")))
        print([name for name in ("optuna", "sklearn", "altair", "pandas") if name in sys.modules])
    """)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_study_is_told_in_full_and_the_best_is_taken() -> None:
    result = tuned(metrics=["accuracy"])
    found = rows(result)
    assert [row["trial"] for row in found] == [str(n) for n in range(8)]
    scores = [float(row["roc_auc"]) for row in found]
    best = scores.index(max(scores))
    assert result.tuning["trial"] == best
    assert result.scores["roc_auc"] == scores[best]
    assert result.tuning["params"]["max_depth"] == int(found[best]["max_depth"])
    fitted = result.tuning["candidate"]["classifier"]
    assert fitted == {
        "_target_": "sklearn.tree.DecisionTreeClassifier",
        "min_samples_leaf": 5,
        **result.tuning["params"],
    }
    folds = [float(found[best][f"accuracy_fold_{n}"]) for n in (1, 2, 3)]
    assert sum(folds) / 3 == pytest.approx(float(found[best]["accuracy"]))
    assert set(result.tuning["importance"]) == set(TREE)
    assert "seconds" not in result.trials
    assert {"trial", "fit_seconds", "memory_mb"} <= set(result.costs["trials"][0])


@pytest.mark.parametrize("processes", [1, 2])
def test_a_seed_and_a_number_of_processes_decide_the_study(processes: int) -> None:
    one, other = (tuned(processes=processes, trials=6, seed=3) for _ in range(2))
    assert one.trials == other.trials
    assert one.tuning == other.tuning
    assert render_html(one.page) == render_html(other.page)


def test_a_killed_run_goes_on_and_ends_like_one_that_was_not(
    own_modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = own_modules / "fits.txt"
    monkeypatch.setenv("FIT_SECONDS", "0.2")
    started = subprocess.Popen([sys.executable, "-c", STUDY])
    end = time.monotonic() + 60
    while time.monotonic() < end and (not fits.exists() or len(fits.read_text().split("\n")) < 11):
        time.sleep(0.02)
    started.send_signal(signal.SIGKILL)
    started.wait()
    before = len(fits.read_text().splitlines())
    assert 10 <= before < 24
    monkeypatch.setenv("FIT_SECONDS", "0")
    result = tuned(target="noting_estimator.Noting", code="c")
    # 8 trials of 3 folds: but for the fit in flight, what was done is not done again, nor is a
    # trial that has the arguments of an earlier one.
    points = {(row["max_depth"], row["criterion"]) for row in rows(result)}
    after = len(fits.read_text().splitlines())
    assert 3 * len(points) <= after <= 3 * len(points) + 1
    monkeypatch.setenv("XDG_CACHE_HOME", str(own_modules / "another"))
    whole = tuned(target="noting_estimator.Noting", code="c")
    assert whole.trials == result.trials
    assert whole.tuning == result.tuning


def test_an_objective_may_be_a_metric_that_the_plan_does_not_name() -> None:
    result = tuned(objectives=["primary", "balanced_accuracy"], trials=4)
    assert [item["name"] for item in result.tuning["objectives"]] == [
        "roc_auc", "balanced_accuracy",
    ]  # fmt: skip
    assert "balanced_accuracy_fold_1" in rows(result)[0]


def test_several_objectives_give_a_front_and_the_smaller_within_a_tolerance() -> None:
    result = tuned(objectives=["primary", "size_mb"], within=0.5, trials=10)
    found = rows(result)
    front = result.tuning["front"]
    for number in front:
        mine = found[number]
        assert not any(
            float(row["roc_auc"]) > float(mine["roc_auc"])
            and float(row["size_mb"]) < float(mine["size_mb"])
            for row in found
        )
    assert result.tuning["trial"] == min(front, key=lambda n: float(found[n]["size_mb"]))


def test_a_plateau_ends_it() -> None:
    result = tuned(trials=50, patience=3, min_delta=0.5)
    assert (result.tuning["ended"], len(rows(result))) == ("plateau", 4)


def test_a_budget_of_time_or_money_ends_it() -> None:
    short = tuned(budget=Budget(trials=500, seconds=0.01))
    assert (short.tuning["ended"], len(rows(short))) == ("seconds", 1)
    dear = tuned(budget=Budget(trials=500, cost=1e-6), price_per_hour=3.6e6)
    assert (dear.tuning["ended"], len(rows(dear))) == ("cost", 1)


def test_a_grid_ends_with_its_space() -> None:
    grid = {"max_depth": {"choices": [1, 2]}, "criterion": TREE["criterion"]}
    sampler = {"_target_": "optuna.samplers.GridSampler"}
    result = tuned(search=grid, sampler=sampler, trials=50)
    assert result.tuning["ended"] == "space"
    assert len({(row["max_depth"], row["criterion"]) for row in rows(result)}) == 4


def test_a_pruner_ends_trials_between_folds() -> None:
    pruner = {"_target_": "optuna.pruners.ThresholdPruner", "lower": 0.99}
    with pytest.raises(ModelError, match="the pruner ended it"):
        tuned(pruner=pruner, trials=2)
    median = {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": 2}
    result = tuned(pruner=median, trials=8)
    assert result.tuning["states"]["pruned"] > 0
    pruned = next(row for row in rows(result) if row["state"] == "pruned")
    assert pruned["roc_auc_fold_3"] == ""


def test_a_trial_that_fails_is_a_row_with_its_cause() -> None:
    result = tuned(
        target="noting_estimator.Hanging",
        limits=FitLimits(seconds=1.0),
        trials=3,
        seed=1,
        sampler={"_target_": "optuna.samplers.RandomSampler"},
    )
    failed = [row for row in rows(result) if row["state"] == "failed"]
    assert failed
    assert all("longer than the limit of 1 s" in row["cause"] for row in failed)
    assert result.tuning["states"]["failed"] == len(result.tuning["failures"]) == len(failed)


def test_all_trials_failed() -> None:
    with pytest.raises(ModelError, match="every trial failed") as caught:
        tuned(
            target="noting_estimator.Leaking",
            limits=FitLimits(memory_mb=600, seconds=20),
            trials=1,
            folds=2,
        )
    assert "more memory than the limit of 600 MB" in str(caught.value)


@pytest.mark.parametrize(
    ("more", "where", "said"),
    [
        ({"search": {"max_dept": {"low": 1, "high": 2}}}, "tune.search.max_dept", "'max_depth'"),
        ({"search": {"max_depth": {"low": 0, "high": 2}}}, "tune.search.max_depth", "refuses"),
        (
            {"search": {"criterion": {"choices": ["gini", "ginny"]}}},
            "tune.search.criterion",
            "ginny",
        ),
        ({"search": {}}, "tune.search", "declares nothing to search"),
        (
            {"sampler": {"_target_": "optuna.samplers.TPSampler"}},
            "tune.sampler._target_",
            "TPESampler",
        ),
        ({"sampler": {"_target_": "nosuch.Sampler"}}, "tune.sampler._target_", "no such class"),
        (
            {"sampler": {"_target_": "optuna.pruners.NopPruner"}},
            "tune.sampler._target_",
            "no such class",
        ),
        (
            {"sampler": {"n_startup": 1, "_target_": "optuna.samplers.TPESampler"}},
            "tune.sampler.n_startup",
            "n_startup_trials",
        ),
        (
            {"sampler": {"_target_": "optuna.samplers.GridSampler"}},
            "tune.search.max_depth",
            "choices only",
        ),
        (
            {"pruner": {"_target_": "optuna.pruners.MedianPrune"}},
            "tune.pruner._target_",
            "MedianPruner",
        ),
        (
            {
                "pruner": {"_target_": "optuna.pruners.MedianPruner"},
                "objectives": ["primary", "size_mb"],
            },
            "tune.pruner",
            "can't prune",
        ),
        ({"objectives": ["primary", "roc_auc"]}, "tune.objectives", "twice"),
        ({"objectives": ["primary", "size"]}, "tune.objectives", "size_mb"),
        ({"objectives": ["primary", "r2"]}, "tune.objectives", "does not fit the task"),
        ({"objectives": ["primary", "cost"]}, "tune.price_per_hour", "needs a price"),
    ],
)
def test_what_contradicts_is_refused_before_a_fit(
    more: dict[str, Any], where: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        tuned(**more)
    assert caught.value.where == where
    assert said in str(caught.value)


MENU = Path(fivefold.__file__).parent / "conf"
FILES = sorted(path for group in ("sampler", "pruner") for path in (MENU / group).glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_menu_of_samplers_and_pruners(path: Path) -> None:
    group = path.parent.name
    assert path.read_text().startswith(f"# @package tune.{group}\n")
    declared = yaml.safe_load(path.read_text())
    grid = {name: {"choices": [1, 2]} for name in ("max_depth", "min_samples_split")}
    config = config_of(**{group: declared})
    space = Space.parsed(grid, "tune.search")
    package = {"cmaes": "cmaes", "gp": "torch"}.get(path.stem)
    if package is not None and find_spec(package) is None:
        with pytest.raises(ConfigError, match="pip install"):
            sampler_of(config, space)
        return
    built = sampler_of(config, space) if group == "sampler" else pruner_of(config)
    assert type(built).__name__ == declared["_target_"].rpartition(".")[2]


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"budget": Budget(trials=-1)}, "tune.budget.trials"),
        ({"budget": Budget(trials=1, seconds=0)}, "tune.budget.seconds"),
        ({"budget": Budget(trials=1, cost=1.0)}, "tune.price_per_hour"),
        ({"objectives": []}, "tune.objectives"),
        ({"processes": 0}, "tune.processes"),
        ({"patience": 0}, "tune.patience"),
        ({"metrics": ["acuracy"]}, "tune.metrics"),
        ({"cross_validation": "loo"}, "tune.cross_validation"),
    ],
)
def test_a_config_out_of_bounds(more: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TuneConfig(**more)
    assert caught.value.where == where
