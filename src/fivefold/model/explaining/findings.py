"""All that the explain stage finds, as one report, and its limits in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from fivefold.errors import ModelError
from fivefold.features import feature_frame, target_array
from fivefold.model.explaining.chosen import chosen_rows, keys_of
from fivefold.model.explaining.columns import (
    associated,
    constant,
    empty,
    member_groups,
    require_features,
)
from fivefold.model.explaining.contributions import INSTALL, contributions, is_installed
from fivefold.model.explaining.dependence import along, grid_of, pair_of
from fivefold.model.explaining.importance import Asked, permuted, random_of
from fivefold.model.explaining.limits import limits_of
from fivefold.model.explaining.monotonicity import checked, refuse, require_declared
from fivefold.model.explaining.probe import Probe, Rows
from fivefold.model.explaining.robustness import shaken
from fivefold.objective import Objective
from fivefold.report.spec import plain
from fivefold.scoring import Predictions
from fivefold.table import TableSchema, require_columns

if TYPE_CHECKING:
    from fivefold.model.explain import ExplainConfig

__all__ = ["found"]


@dataclass(frozen=True)
class _Given:
    """What the questions share."""

    probe: Probe
    train: pd.DataFrame
    rows: Rows
    keys: list[dict[str, Any]]
    known: Predictions
    schema: TableSchema
    config: ExplainConfig
    output: int


def found(
    estimator: Any,
    fitted: Mapping[str, Any],
    train: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: ExplainConfig,
) -> dict[str, Any]:
    """Ask everything; see :func:`fivefold.model.explain.explain`."""
    _require_known(schema, config)
    require_columns(test, config.key, where="explain.key", table="the test part")
    threshold = fitted.get("threshold")
    probe = Probe(estimator, objective, 0.5 if threshold is None else float(threshold))
    output = require_declared(config.monotonic, config.monotonic_class, schema, probe)
    rows = Rows(feature_frame(test, schema), target_array(test, schema, objective, min_classes=1))
    # BLAS splits sums by its number of threads, and with it the last digit; OpenMP's threads, which
    # boosting predicts with, wait for one another longer than these few rows take.
    with threadpool_limits(limits=1):
        given = _Given(
            probe, feature_frame(train, schema), rows, keys_of(test, config.key),
            probe.predicted(rows), schema, config, output,
        )  # fmt: skip
        report = _asked(given)
    # Seven digits: the last ones differ between processors.
    told: dict[str, Any] = plain({**report, "limits": limits_of(report, objective)})
    if config.on_violation == "fail":
        refuse(told["monotonicity"])
    return told


def _require_known(schema: TableSchema, config: ExplainConfig) -> None:
    for name, members in config.groups.items():
        require_features(members, schema, f"explain.groups.{name}")
    require_features(config.dependence.features, schema, "explain.dependence.features")
    for pair in config.dependence.pairs:
        require_features(pair, schema, "explain.dependence.pairs")


def _asked(given: _Given) -> dict[str, Any]:
    config, objective = given.config, given.probe.objective
    asked = Asked(config.seed, config.n_repeats, config.resamples, config.confidence)
    clusters = associated(given.train, config.correlated)
    sample = given.rows.sample(config.max_rows, config.seed)
    known = given.probe.predicted(sample)
    features = permuted(given.probe, sample, _alone(given.schema), asked, known)
    groups = member_groups(config.groups, clusters)
    together = permuted(
        given.probe, sample, {name: members for name, (members, _) in groups.items()}, asked, known
    )
    return {
        "rows": len(given.rows),
        "metric": objective.primary_metric,
        "confidence": config.confidence,
        "resamples": config.resamples,
        "threshold": given.probe.threshold if objective.task == "binary" else None,
        "constant": constant(given.train),
        "empty": empty(given.train),
        "correlated": [
            {"features": list(item.features), "strongest": item.strongest} for item in clusters
        ],
        "importance": {
            "rows": len(sample),
            "repeats": config.n_repeats,
            "value": given.probe.score(known),
            "features": features,
            "groups": [{**item, "declared": groups[item["name"]][1]} for item in together],
        },
        **_dependence(given, [item["name"] for item in features]),
        "contributions": _contributions(given),
        "robustness": shaken(
            given.probe,
            given.rows.sample(config.robustness.max_rows, config.seed),
            given.train,
            given.schema,
            config.robustness,
            asked,
        ),
        "monotonicity": _monotonicity(given),
        "tolerance": config.tolerance,
    }


def _alone(schema: TableSchema) -> dict[str, list[str]]:
    return {name: [name] for name in schema.features}


def _some(given: _Given, most: int, question: str) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Draw positions of test rows for one question, rising."""
    count = len(given.rows)
    drawn = random_of(given.config.seed, question).choice(count, min(most, count), replace=False)
    return np.sort(drawn).astype(np.intp)


def _dependence(given: _Given, ranked: list[str]) -> dict[str, Any]:
    wanted = given.config.dependence
    features = given.rows.take(_some(given, wanted.rows, "dependence")).features
    curves = np.linspace(0, len(features) - 1, min(wanted.curves, len(features))).astype(np.intp)
    names = wanted.features or ranked[: wanted.top]
    grids = [grid_of(given.train, name, wanted.grid, given.schema) for name in names]
    return {
        "dependence": {
            "rows": len(features),
            # A column that is missing throughout has no value to try.
            "features": [
                along(given.probe, features, grid, curves) for grid in grids if grid.values
            ],
            "pairs": [
                pair_of(given.probe, features, given.train, pair, wanted.grid)
                for pair in wanted.pairs
                if all(grid_of(given.train, name, 2).values for name in pair)
            ],
        }
    }


def _contributions(given: _Given) -> dict[str, Any] | None:
    """Take the chosen rows apart; where the extra is missing, say how to install it."""
    config = given.config
    chosen = chosen_rows(
        given.keys,
        given.known,
        config.rows,
        config.chosen,
        schema=given.schema,
        seed=config.seed,
        threshold=given.probe.threshold,
    )
    if config.shap == "never" or not chosen:
        return None
    if not is_installed():
        if config.shap == "required":
            raise ModelError(
                "SHAP values are required, and shap is not installed",
                where="explain.shap",
                hint=INSTALL,
            )
        return {"install": INSTALL, "rows": []}
    at = np.array([row for row, _ in chosen], dtype=np.intp)
    names = [
        {"key": given.keys[row], "why": why, "true": _scalar(given.rows.y[row])}
        for row, why in chosen
    ]
    train = Rows(given.train, np.zeros(len(given.train)))
    return contributions(
        given.probe,
        given.rows.take(at).features,
        names,
        train.sample(config.background, config.seed).features,
        permutations=config.permutations,
        seed=config.seed,
    )


def _monotonicity(given: _Given) -> list[dict[str, Any]]:
    config = given.config
    if not config.monotonic:
        return []
    at = _some(given, config.dependence.rows, "monotonic")
    return checked(
        given.probe,
        given.rows.take(at).features,
        [given.keys[row] for row in at],
        given.train,
        config.monotonic,
        output=given.output,
        size=config.dependence.grid,
        tolerance=config.tolerance,
        schema=given.schema,
    )


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
