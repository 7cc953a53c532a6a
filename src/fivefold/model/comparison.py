"""Cross-validation of candidates: a score per fold, a ranking, a winner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.errors import ModelError
from fivefold.features import feature_frame, target_array
from fivefold.metrics import METRICS
from fivefold.model.candidate import Candidate, build_estimator
from fivefold.model.crossvalidation import Job, Outcome, Task
from fivefold.model.folds import Folds, method_of
from fivefold.model.workers import fitting
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.model.select import SelectConfig
    from fivefold.model.tune import TuneConfig

__all__ = ["compare", "job_of", "scores_of"]


def compare(
    train: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, config: SelectConfig
) -> dict[str, Any]:
    """Fit and score every candidate on every fold; see :func:`fivefold.model.select.select`."""
    # Declarations first: a misspelt estimator should not be told after minutes of fitting.
    for name, candidate in config.candidates.items():
        build_estimator(candidate, objective, config.seed, f"select.candidates.{name}")
    metrics = [objective.primary_metric, *config.metrics]
    job = job_of(train, schema, objective, config, list(dict.fromkeys(metrics)))
    folds = job.folds
    tasks = [
        Task(candidate, fold, f"select.candidates.{name}")
        for name, candidate in config.candidates.items()
        for fold in range(len(folds))
    ]
    with fitting(
        job, processes=config.processes, limits=config.limits, n_fits=len(tasks)
    ) as fitter:
        outcomes = fitter.run(tasks)
    n = len(folds)
    compared = [
        _judged(name, candidate, outcomes[index * n : (index + 1) * n], job)
        for index, (name, candidate) in enumerate(config.candidates.items())
    ]
    _require_one(compared)
    ranking = _ranking(compared, objective)
    winner = _winner(compared, ranking, objective, config.rule)
    return {
        "metric": objective.primary_metric,
        "goal": objective.primary.goal,
        "rule": config.rule,
        "cross_validation": method_of(config.cross_validation, schema, objective),
        "folds": [{"fitted": len(fitted), "scored": len(scored)} for fitted, scored in folds],
        "rows": len(job.y),
        "winner": winner,
        "ranking": ranking,
        "candidates": compared,
        "candidate": asdict(config.candidates[winner]),
    }


def job_of(
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: SelectConfig | TuneConfig,
    metrics: Sequence[str],
) -> Job:
    """Put together what all fits of a comparison share: the rows, sampled, and their folds.

    Raises
    ------
    ConfigError
        The schema lacks the column that the folds need.
    DataError
        The training part can't be cut into the folds, or a feature or the target is not as the
        schema says.
    """
    method = method_of(config.cross_validation, schema, objective)
    y = target_array(train, schema, objective)
    rows = _sample(len(y), config.max_rows, config.seed)
    features = feature_frame(train, schema).iloc[rows].reset_index(drop=True)
    y = y[rows]
    cut = Folds(train, schema, objective, method=method, n_folds=config.folds, seed=config.seed)
    folds = list(cut.split(rows, y))
    return Job(features, y, folds, schema, objective, tuple(metrics), config.seed)


def scores_of(selection: dict[str, Any]) -> dict[str, Any]:
    """Give the mean scores and the primary one's spread per candidate, for ``metrics/``."""
    return {
        item["name"]: {**item["mean"], "std": item["std"]}
        for item in selection["candidates"]
        if item["error"] is None
    }


def _sample(n_rows: int, most: int | None, seed: int) -> NDArray[np.intp]:
    if most is None or n_rows <= most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, size=most, replace=False))


def _judged(
    name: str, candidate: Candidate, outcomes: Sequence[Outcome], job: Job
) -> dict[str, Any]:
    """Put the outcomes of a candidate's folds together."""
    error = None
    values: list[dict[str, float]] = []
    for number, outcome in enumerate(outcomes, start=1):
        cause = outcome.error or _undefined(outcome)
        if cause is not None:
            error = {"fold": number, "cause": cause}
            break
        values.append({m: v for m, v in outcome.scores.items() if v is not None})
    done = error is None
    by_metric = {metric: [value[metric] for value in values] for metric in job.metrics}
    std = float(np.std(by_metric[job.metrics[0]], ddof=1)) if done else None
    return {
        "name": name,
        "estimator": candidate.declared(job.objective, name)["_target_"],
        "mean": {m: float(np.mean(v)) for m, v in by_metric.items()} if done else None,
        "std": std,
        "standard_error": None if std is None else std / len(job.folds) ** 0.5,
        "scores": by_metric,
        "error": error,
        "warnings": sorted({text for outcome in outcomes for text in outcome.warnings}),
    }


def _undefined(outcome: Outcome) -> str | None:
    absent = next((metric for metric, value in outcome.scores.items() if value is None), None)
    return None if absent is None else f"{absent} is undefined: the fold lacks a class"


def _require_one(compared: list[dict[str, Any]]) -> None:
    if any(item["error"] is None for item in compared):
        return
    raise ModelError(
        "every candidate failed in cross-validation",
        where="select.candidates",
        got="\n".join(
            f"{item['name']}, fold {item['error']['fold']}: {item['error']['cause']}"
            for item in compared
        ),
        hint="fit one of them by hand on data/train.parquet to see where",
    )


def _ranking(compared: list[dict[str, Any]], objective: Objective) -> list[str]:
    sign = -1 if METRICS[objective.primary_metric].goal == "maximize" else 1
    whole = [item for item in compared if item["error"] is None]
    # Of two with one mean, the one declared first, as the simpler.
    whole.sort(key=lambda item: sign * item["mean"][objective.primary_metric])
    return [item["name"] for item in whole]


def _winner(
    compared: list[dict[str, Any]], ranking: list[str], objective: Objective, rule: str
) -> str:
    best = next(item for item in compared if item["name"] == ranking[0])
    if rule == "best":
        return ranking[0]
    metric = objective.primary_metric
    return next(
        str(item["name"])
        for item in compared
        if item["error"] is None
        and abs(item["mean"][metric] - best["mean"][metric]) <= best["standard_error"]
    )
