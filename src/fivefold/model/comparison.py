"""Cross-validation of candidates: a score per fold, a ranking, a winner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.errors import FivefoldError, ModelError
from fivefold.features import feature_frame, target_array
from fivefold.metrics import METRICS
from fivefold.model.candidate import Candidate, build_estimator
from fivefold.model.folds import Folds, method_of
from fivefold.model.preprocessing import build_pipeline, fit
from fivefold.objective import Objective
from fivefold.scoring import predict, scores
from fivefold.table import TableSchema

if TYPE_CHECKING:
    import pandas as pd

    from fivefold.model.select import SelectConfig

__all__ = ["compare", "scores_of"]


class _FoldError(Exception):
    """A candidate failed in a fold."""

    def __init__(self, fold: int, cause: str) -> None:
        super().__init__(cause)
        self.fold = fold
        self.cause = cause


def compare(
    train: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, config: SelectConfig
) -> dict[str, Any]:
    """Fit and score every candidate on every fold; see :func:`fivefold.model.select.select`."""
    # Declarations first: a misspelt estimator should not be told after minutes of fitting.
    for name, candidate in config.candidates.items():
        build_estimator(candidate, objective, config.seed, f"select.candidates.{name}")
    method = method_of(config.cross_validation, schema, objective)
    y = target_array(train, schema, objective)
    rows = _sample(len(y), config.max_rows, config.seed)
    features = feature_frame(train, schema).iloc[rows].reset_index(drop=True)
    y = y[rows]
    cut = Folds(train, schema, objective, method=method, n_folds=config.folds, seed=config.seed)
    folds = list(cut.split(rows, y))
    metrics = list(dict.fromkeys([objective.primary_metric, *config.metrics]))
    compared = [
        _cross_validated(name, candidate, features, y, folds, schema, objective, metrics, config)
        for name, candidate in config.candidates.items()
    ]
    _require_one(compared)
    ranking = _ranking(compared, objective)
    winner = _winner(compared, ranking, objective, config.rule)
    return {
        "metric": objective.primary_metric,
        "goal": objective.primary.goal,
        "rule": config.rule,
        "cross_validation": method,
        "folds": [{"fitted": len(fitted), "scored": len(scored)} for fitted, scored in folds],
        "rows": len(y),
        "winner": winner,
        "ranking": ranking,
        "candidates": compared,
        "candidate": asdict(config.candidates[winner]),
    }


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


def _cross_validated(
    name: str,
    candidate: Candidate,
    features: pd.DataFrame,
    y: NDArray[Any],
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    schema: TableSchema,
    objective: Objective,
    metrics: list[str],
    config: SelectConfig,
) -> dict[str, Any]:
    warned: set[str] = set()
    values: list[dict[str, float]] = []
    error = None
    try:
        for number, (fitted, scored) in enumerate(folds, start=1):
            estimator = build_estimator(
                candidate, objective, config.seed, f"select.candidates.{name}"
            )
            pipeline = build_pipeline(schema, candidate, estimator)
            try:
                warned.update(fit(pipeline, features.iloc[fitted], y[fitted]))
                predictions = predict(pipeline, features.iloc[scored], y[scored], objective)
                given = scores(metrics, predictions)
            except FivefoldError as raised:
                raise _FoldError(number, raised.what) from raised
            except Exception as raised:
                raise _FoldError(number, _first_line(raised)) from raised
            values.append(_defined(given, number))
    except _FoldError as raised:
        error = {"fold": raised.fold, "cause": raised.cause}
    done = error is None
    by_metric = {metric: [value[metric] for value in values] for metric in metrics}
    primary = by_metric[metrics[0]]
    std = float(np.std(primary, ddof=1)) if done else None
    return {
        "name": name,
        "estimator": candidate.declared(objective, name)["_target_"],
        "mean": {m: float(np.mean(v)) for m, v in by_metric.items()} if done else None,
        "std": std,
        "standard_error": None if std is None else std / len(folds) ** 0.5,
        "scores": by_metric,
        "error": error,
        "warnings": sorted(warned),
    }


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _defined(given: dict[str, float | None], fold: int) -> dict[str, float]:
    for metric, value in given.items():
        if value is None:
            raise _FoldError(fold, f"{metric} is undefined: the fold lacks a class")
    return {metric: value for metric, value in given.items() if value is not None}


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
