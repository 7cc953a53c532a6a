"""The train stage's fit with a remedy against bias, and the price of the remedy."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from fivefold.errors import ConfigError, FivefoldError, ModelError
from fivefold.model.fitting import Fitted, Fitting, Rows, nothing_decided
from fivefold.model.folds import Folds, method_of
from fivefold.model.groups import Grouping, group_rows
from fivefold.model.mitigating import (
    GroupedRows,
    Remedied,
    fit_remedied,
    require_task,
    reweighed,
)
from fivefold.model.mitigation import Mitigation
from fivefold.model.mitigation_price import price_of
from fivefold.model.preprocessing import fit
from fivefold.model.requirements import require_fitting
from fivefold.objective import Objective
from fivefold.scoring import predict
from fivefold.table import TableSchema, require_columns

if TYPE_CHECKING:
    from fivefold.model.train import TrainConfig

__all__ = ["mitigated"]

_WHERE = "train.mitigation"
_FOLDS = 3
_BINS = 4


def mitigated(
    pipeline: Pipeline,
    rows: Rows,
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: TrainConfig,
    name: str,
) -> tuple[Fitted, dict[str, Any]]:
    """Fit a pipeline with the remedy that is declared, and tell its price.

    The price is of one cut: the model is fitted without and with the remedy on one part of the
    rows, with nothing else decided, and both are judged on the rest, row by row.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted.
    rows : Rows
        The training part's.
    train : narwhals.LazyFrame
        The training part, which has the sensitive columns.
    schema, objective
        What the columns and the task are.
    config : TrainConfig
        With a remedy.
    name : str
        The model's.

    Returns
    -------
    tuple of (Fitted, dict)
        The second is for ``reports/train.json``, under ``mitigation``.

    Raises
    ------
    ConfigError
        No column makes groups, or the remedy does not fit the task, the model or what else is
        declared.
    ModelError
        The remedy can't be fitted.
    """
    mitigation = config.mitigation
    require_task(mitigation, objective)
    require_fitting(pipeline[-1], objective, config)
    _require_alone(config)
    grouping = _grouping(train, schema, mitigation)
    folds = Folds(
        train,
        schema,
        objective,
        method=method_of("auto", schema, objective),
        n_folds=_FOLDS,
        seed=config.seed,
        where="train.mitigation",
    )
    grouped = GroupedRows(
        rows.features, rows.y, rows.weights, grouping.codes, np.arange(len(rows.y))
    )

    def remedy(part: GroupedRows) -> Remedied:
        try:
            return fit_remedied(pipeline, part, grouping.columns, mitigation, schema, folds)
        except FivefoldError:
            raise
        except Exception as error:
            raise ModelError(
                f"the remedy {mitigation.method} can't be fitted",
                where=_WHERE,
                got=f"{type(error).__name__}: {error}",
                hint="has every group rows of both classes? look at reports/explore.html",
            ) from error

    # The last fold: where rows have a time it is the latest, before which most are fitted on.
    *_, (earlier, held) = folds.split(grouped.at, rows.y)
    part, rest = grouped.take(earlier), grouped.take(held)
    without = clone(pipeline)
    fit(without, part.features, part.y, weights=part.weights)
    pair = [
        predict(model, rest.features, rest.y, objective)
        for model in (without, remedy(part).pipeline)
    ]
    price = price_of(pair, rest.codes, objective, mitigation, config.seed)
    report = {
        **asdict(mitigation),
        "columns": list(grouping.columns),
        "held_out_rows": len(held),
        "price": price,
    }
    if mitigation.method == "reweighing":
        # Weights go with all else that is declared: early stopping, calibration, the decision.
        weighted = replace(rows, weights=reweighed(grouped))
        found = Fitting(pipeline, weighted, train, schema, objective, config, name).run()
        return found, {**report, "groups": _named(grouping, {}), "found": {}}
    whole = remedy(grouped)
    told = {key: value for key, value in whole.found.items() if key != "thresholds"}
    groups = _named(grouping, whole.found.get("thresholds", {}))
    result = Fitted(whole.pipeline, whole.warned, 0.5, nothing_decided())
    return result, {**report, "groups": groups, "found": told}


def _require_alone(config: TrainConfig) -> None:
    """Refuse what would decide again what the remedy decides."""
    method = config.mitigation.method
    if method == "reweighing":
        return
    decision = config.decision.method != "fixed" or config.decision.threshold != 0.5
    for key, declared in (
        ("early_stopping", config.early_stopping is not None),
        ("calibration", config.calibration is not None),
        ("decision", decision),
        ("weight", config.weight is not None and method == "exponentiated_gradient"),
    ):
        if declared:
            raise ConfigError(
                f"train.{key} and the remedy {method} decide the same",
                where=f"train.{key}",
                hint=f"leave train.{key} out, or choose mitigation: reweighing, which goes with it",
            )


def _grouping(train: nw.LazyFrame[Any], schema: TableSchema, mitigation: Mitigation) -> Grouping:
    columns = mitigation.columns or schema.with_role("sensitive")
    where = f"{_WHERE}.columns"
    if not columns:
        raise ConfigError(
            "a remedy against bias needs a sensitive column",
            where=where,
            got="none",
            hint="set role: sensitive on one in conf/schema.yaml, or name it here",
        )
    require_columns(train, columns, where=where, table="the training part")
    # A threshold per range would ask the model to find the range again.
    bins = None if mitigation.method == "threshold_optimizer" else _BINS
    whole = group_rows(train, columns[0], bins=bins)
    for name in columns[1:]:
        whole = whole.crossed(group_rows(train, name, bins=bins))
    if len(whole.groups) < 2:
        raise ConfigError(
            "a remedy against bias needs two groups at least",
            where=where,
            got=f"{', '.join(columns)}: {len(whole.groups)} group",
            hint="choose another column, or mitigation: none",
        )
    return whole


def _named(grouping: Grouping, thresholds: dict[int, float]) -> list[dict[str, Any]]:
    return [
        {
            "group": list(group),
            "rows": int(count),
            **({"threshold": thresholds.get(index)} if thresholds else {}),
        }
        for index, (group, count) in enumerate(zip(grouping.groups, grouping.counts, strict=True))
    ]
