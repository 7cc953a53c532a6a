"""The numbers of an evaluation: metrics with intervals, a baseline, groups, predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivefold.errors import FivefoldError, ModelError
from fivefold.features import feature_frame, target_array
from fivefold.model.diagnosis import diagnosed
from fivefold.objective import Objective
from fivefold.scoring import Predictions, bootstrap, predict, scores
from fivefold.table import Table, TableSchema, require_columns, to_arrow

if TYPE_CHECKING:
    from fivefold.model.evaluate import EvaluateConfig

__all__ = ["Judged", "group_columns", "judged"]


@dataclass(frozen=True)
class Judged:
    """The values of :class:`fivefold.model.evaluate.Evaluated` that are not drawn or told."""

    metrics: dict[str, Any]
    predictions: Table
    report: dict[str, Any]


def judged(
    estimator: Any,
    train: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: EvaluateConfig,
) -> Judged:
    """Measure a fitted pipeline; see :func:`fivefold.model.evaluate.evaluate`."""
    require_columns(test, config.key, where="evaluate.key", table="the test part")
    groups = group_columns(schema, config.groups)
    require_columns(test, groups, where="evaluate.groups", table="the test part")
    y = target_array(test, schema, objective)
    predictions = _predicted(estimator, feature_frame(test, schema), y, objective, config)
    fitted_on = target_array(train, schema, objective)
    metrics = {
        "rows": len(y),
        **_measured(predictions, objective, config),
        "baseline": _baseline(fitted_on, y, objective, config),
    }
    report = {
        "confidence": config.confidence,
        "resamples": config.resamples,
        "threshold": config.threshold if objective.task == "binary" else None,
        "fitted_rows": len(fitted_on),
        **diagnosed(predictions),
        "groups": {name: _by_group(test, name, predictions, objective, config) for name in groups},
    }
    return Judged(metrics, _table(test, predictions, schema, config), report)


def group_columns(schema: TableSchema, extra: list[str]) -> list[str]:
    """Name the columns that a model is judged by, in the schema's order, then the extra ones."""
    return list(dict.fromkeys([*schema.with_role("group", "sensitive"), *extra]))


def _predicted(
    estimator: Any, features: Any, y: NDArray[Any], objective: Objective, config: EvaluateConfig
) -> Predictions:
    try:
        return predict(estimator, features, y, objective, threshold=config.threshold or 0.0)
    except FivefoldError:
        raise
    except Exception as error:
        raise ModelError(
            "the model can't predict the test part",
            where="evaluate",
            got=f"{type(error).__name__}: {error}",
            hint="dvc repro train: was it fitted on the same features?",
        ) from error


def _measured(
    predictions: Predictions, objective: Objective, config: EvaluateConfig
) -> dict[str, Any]:
    intervals = bootstrap(
        objective.metrics,
        predictions,
        n_resamples=config.resamples,
        seed=config.seed,
        confidence=config.confidence,
    )
    return {**scores(objective.metrics, predictions), "interval": intervals}


def _baseline(
    fitted_on: NDArray[Any], y: NDArray[Any], objective: Objective, config: EvaluateConfig
) -> dict[str, float | None]:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    model = DummyClassifier(strategy="prior") if objective.is_classification else DummyRegressor()
    model.fit(np.zeros((len(fitted_on), 1)), fitted_on)
    predictions = predict(
        model, np.zeros((len(y), 1)), y, objective, threshold=config.threshold or 0.0
    )
    return scores(objective.metrics, predictions)


def _by_group(
    test: nw.LazyFrame[Any],
    name: str,
    predictions: Predictions,
    objective: Objective,
    config: EvaluateConfig,
) -> dict[str, Any]:
    encoded = to_arrow(test.select(name))[name].combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    values = [*encoded.dictionary.to_pylist(), None]
    codes = encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
    counts = np.bincount(codes, minlength=len(values))
    # The largest first, equal ones by name, so that no engine's order of rows shows.
    order = sorted(np.flatnonzero(counts), key=lambda i: (-counts[i], str(values[i])))
    groups = []
    for index in order[: config.max_groups]:
        part = predictions.take(codes == index)
        groups.append(
            {
                "group": None if values[index] is None else _name(values[index]),
                "rows": len(part),
                "small": len(part) < config.min_group_rows,
                **_measured(part, objective, config),
            }
        )
    left_out = order[config.max_groups :]
    return {
        "groups": groups,
        "left_out": {"groups": len(left_out), "rows": int(counts[left_out].sum())},
    }


def _name(value: Any) -> Any:
    return value if isinstance(value, str | bool | int | float) else str(value)


def _table(
    test: nw.LazyFrame[Any],
    predictions: Predictions,
    schema: TableSchema,
    config: EvaluateConfig,
) -> Table:
    kept = list(dict.fromkeys([*config.key, schema.target]))
    table = to_arrow(test.select(*kept))
    added: dict[str, Any] = {}
    if predictions.score is not None:
        if predictions.score.ndim == 1:
            added["score"] = predictions.score
        else:
            classes = np.asarray(predictions.classes).tolist()
            for index, value in enumerate(classes):
                added[f"score_{value}"] = predictions.score[:, index]
    predicted = predictions.value if predictions.label is None else predictions.label
    added["predicted"] = pa.array(np.asarray(predicted).tolist())
    for name, values in added.items():
        # A project's own column keeps its name.
        free = name
        while free in table.column_names:
            free += "_"
        table = table.append_column(free, pa.array(values))
    return Table(nw.from_native(table).lazy(), tuple(config.key))
