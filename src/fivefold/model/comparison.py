"""Cross-validation of candidates: a score per fold, a ranking, a winner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from fivefold.corrections import holm
from fivefold.errors import ModelError
from fivefold.features import feature_frame, target_array
from fivefold.metrics import METRICS
from fivefold.model.candidate import Candidate, build_estimator
from fivefold.model.crossvalidation import Job, Outcome, Task, undefined
from fivefold.model.folds import Folds, method_of, require_classes
from fivefold.model.kept import Fitter, Kept, question
from fivefold.model.significance import corrected_t_test
from fivefold.model.weights import sample_weight
from fivefold.model.workers import fitting
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.model.select import SelectConfig
    from fivefold.model.tune import TuneConfig

__all__ = ["compare", "job_of", "scores_of"]


def compare(
    train: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, config: SelectConfig
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fit and score every candidate on every fold; see :func:`fivefold.model.select.select`.

    Returns
    -------
    tuple of (dict, dict)
        The selection; and per candidate what its fits cost, which varies from run to run.
    """
    # Declarations first: a misspelt estimator should not be told after minutes of fitting.
    runnable, absent = _for_the_task(config, objective)
    metrics = [objective.primary_metric, *config.metrics]
    job = job_of(train, schema, objective, config, list(dict.fromkeys(metrics)))
    folds = job.folds
    n_fits = len(runnable) * (len(folds) + max(config.learning_curve - 1, 0))
    with fitting(job, processes=config.processes, limits=config.limits, n_fits=n_fits) as fits:
        fitter: Fitter = fits
        if config.code and config.keep:
            fitter = Kept(fits, question(job, config.code))
        outcomes = _over_folds(runnable, fitter, len(folds))
        whole = {
            name: runnable[name]
            for name, given in outcomes.items()
            if len(given) == len(folds) and _cause(given[-1]) is None
        }
        curves = _curves(whole, outcomes, fitter, config.learning_curve, job)
    compared = [
        _judged(name, candidate, outcomes.get(name, []), job, absent.get(name))
        for name, candidate in config.candidates.items()
    ]
    _require_one(compared)
    ranking = _ranking(compared, objective)
    winner = _winner(compared, ranking, objective, config.rule)
    for item in compared:
        item["curve"] = curves.get(item["name"])
    _compare_with_best(compared, ranking[0], folds)
    selection = {
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
    return selection, _costs(outcomes)


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
        The training part can't be cut into the folds, a fold fits on one class, or a feature, the
        target or the weights are not as they are declared.
    """
    method = method_of(config.cross_validation, schema, objective)
    y = target_array(train, schema, objective)
    rows = _sample(len(y), config.max_rows, config.seed)
    features = feature_frame(train, schema).iloc[rows].reset_index(drop=True)
    y = y[rows]
    weights = sample_weight(train, config.weight)
    cut = Folds(
        train,
        schema,
        objective,
        method=method,
        n_folds=config.folds,
        seed=config.seed,
        gap=config.gap,
    )
    folds = list(cut.split(rows, y))
    if objective.is_classification:
        require_classes(folds, y)
    return Job(
        features,
        y,
        folds,
        schema,
        objective,
        tuple(metrics),
        config.seed,
        weights=None if weights is None else weights[rows],
        ordered=method == "time",
    )


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


def _for_the_task(
    config: SelectConfig, objective: Objective
) -> tuple[dict[str, Candidate], dict[str, str]]:
    """Give the candidates that have an estimator for the task, and why the others are out."""
    runnable, absent = {}, {}
    for name, candidate in config.candidates.items():
        kind = "classifier" if objective.is_classification else "regressor"
        if getattr(candidate, kind) is None:
            absent[name] = f"it has no {kind}, which the {objective.task} task needs"
            continue
        build_estimator(candidate, objective, config.seed, f"select.candidates.{name}")
        runnable[name] = candidate
    return runnable, absent


def _over_folds(
    candidates: Mapping[str, Candidate], fitter: Fitter, n_folds: int
) -> dict[str, list[Outcome]]:
    """Fit fold by fold, so that a candidate that failed is not fitted again."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in candidates}
    for fold in range(n_folds):
        going = [name for name, given in outcomes.items() if not given or _cause(given[-1]) is None]
        tasks = [Task(candidates[name], fold, f"select.candidates.{name}") for name in going]
        for name, outcome in zip(going, fitter.run(tasks), strict=True):
            outcomes[name].append(outcome)
    return outcomes


def _curves(
    candidates: Mapping[str, Candidate],
    outcomes: Mapping[str, Sequence[Outcome]],
    fitter: Fitter,
    points: int,
    job: Job,
) -> dict[str, list[dict[str, Any]]]:
    """Fit on growing shares of the last fold's rows, the earliest first where there is a time."""
    if not points:
        return {}
    last = len(job.folds) - 1
    fitted = len(job.folds[last][0])
    shares = np.geomspace(0.1, 1.0, points)
    tasks = [
        Task(candidate, last, f"select.candidates.{name}", share=float(share))
        for name, candidate in candidates.items()
        for share in shares[:-1]
    ]
    found = iter(fitter.run(tasks))
    curves = {}
    for name in candidates:
        given = [*(next(found) for _ in shares[:-1]), outcomes[name][last]]
        curves[name] = [
            {"rows": round(fitted * float(share)), "score": outcome.scores.get(job.metrics[0])}
            for share, outcome in zip(shares, given, strict=True)
        ]
    return curves


def _costs(outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, Any]:
    """Give the mean seconds of a fold and the largest memory, by candidate."""
    return {
        name: {
            "fit_seconds": sum(item.fit_seconds for item in given) / len(given),
            "predict_seconds": sum(item.predict_seconds for item in given) / len(given),
            "memory_mb": max(item.memory_mb for item in given),
        }
        for name, given in outcomes.items()
        if given
    }


def _compare_with_best(
    compared: list[dict[str, Any]],
    best: str,
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
) -> None:
    """Add to each candidate its mean rank over the folds and the test against the best."""
    whole = [item for item in compared if item["error"] is None]
    metric = next(iter(whole[0]["scores"]))
    values = np.array([item["scores"][metric] for item in whole])
    sign = -1 if METRICS[metric].goal == "maximize" else 1
    ranks = rankdata(sign * values, axis=0).mean(axis=1)
    top = next(index for index, item in enumerate(whole) if item["name"] == best)
    share = float(np.mean([len(scored) / len(fitted) for fitted, scored in folds]))
    others = [index for index in range(len(whole)) if index != top]
    corrected = holm([corrected_t_test(values[index] - values[top], share) for index in others])
    p_values = dict(zip(others, corrected, strict=True))
    for item in compared:
        item["mean_rank"] = item["p_value"] = None
    for index, item in enumerate(whole):
        item["mean_rank"] = float(ranks[index])
        item["p_value"] = p_values.get(index)


def _cause(outcome: Outcome) -> str | None:
    return outcome.error or undefined(outcome)


def _judged(
    name: str,
    candidate: Candidate,
    outcomes: Sequence[Outcome],
    job: Job,
    absent: str | None,
) -> dict[str, Any]:
    """Put the outcomes of a candidate's folds together."""
    error: dict[str, Any] | None = None if absent is None else {"fold": None, "cause": absent}
    values: list[dict[str, float]] = []
    for number, outcome in enumerate(outcomes, start=1):
        cause = _cause(outcome)
        if cause is not None:
            error = {"fold": number, "cause": cause}
            break
        values.append({m: v for m, v in outcome.scores.items() if v is not None})
    done = error is None
    by_metric = {metric: [value[metric] for value in values] for metric in job.metrics}
    std = float(np.std(by_metric[job.metrics[0]], ddof=1)) if done else None
    return {
        "name": name,
        "estimator": None
        if absent is not None
        else candidate.declared(job.objective, name)["_target_"],
        "mean": {m: float(np.mean(v)) for m, v in by_metric.items()} if done else None,
        "std": std,
        "standard_error": None if std is None else std / len(job.folds) ** 0.5,
        "scores": by_metric,
        "error": error,
        "warnings": sorted({text for outcome in outcomes for text in outcome.warnings}),
    }


def _require_one(compared: list[dict[str, Any]]) -> None:
    if any(item["error"] is None for item in compared):
        return
    raise ModelError(
        "every candidate failed in cross-validation",
        where="select.candidates",
        got="\n".join(_failure(item) for item in compared),
        hint="fit one of them by hand on data/train.parquet to see where",
    )


def _failure(item: dict[str, Any]) -> str:
    fold = item["error"]["fold"]
    place = item["name"] if fold is None else f"{item['name']}, fold {fold}"
    return f"{place}: {item['error']['cause']}"


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
