"""The loop that one writes with Optuna and scikit-learn alone: nothing is kept but the best."""

from __future__ import annotations

from typing import Any

import optuna
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from benchmarks.tuning.table import CANDIDATE, FOLDS, SEED, objective, schema
from fivefold.features import feature_frame, target_array
from fivefold.model.candidate import build_estimator
from fivefold.model.preprocessing import build_pipeline

__all__ = ["study_of"]


def study_of(table: Any, n_trials: int) -> optuna.Study:
    """Tune the same pipeline with the same sampler and seed on as many folds."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    X = feature_frame(table, schema())  # noqa: N806
    y = target_array(table, schema(), objective())
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(X, y))
    estimator = build_estimator(CANDIDATE, objective(), SEED, "benchmark")
    pipeline = build_pipeline(schema(), CANDIDATE, estimator)

    def score(trial: optuna.Trial) -> float:
        params = {
            "max_depth": trial.suggest_int("max_depth", 2, 12),
            "min_impurity_decrease": trial.suggest_float(
                "min_impurity_decrease", 1e-6, 1e-2, log=True
            ),
            "criterion": trial.suggest_categorical("criterion", ["gini", "entropy"]),
        }
        scores = []
        for fitted, held_out in folds:
            model = clone(pipeline)
            model[-1].set_params(**params)
            model.fit(X.iloc[fitted], y[fitted])
            scores.append(roc_auc_score(y[held_out], model.predict_proba(X.iloc[held_out])[:, 1]))
        return sum(scores) / len(scores)

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))
    study.optimize(score, n_trials=n_trials)
    return study
