"""The numbers of an evaluation: metrics with intervals, a baseline, groups, predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivefold.errors import DataError, FivefoldError, ModelError
from fivefold.features import feature_frame, target_array
from fivefold.model.curves import drawn
from fivefold.model.cutoffs import gains, thresholds
from fivefold.model.drawings import Scheme, scheme_of
from fivefold.model.folds import codes_of
from fivefold.model.ownmetrics import own_metrics
from fivefold.model.power import paired_error, power_of
from fivefold.model.refits import Refits, learning_curve, seed_stability
from fivefold.model.ruler import Ruler
from fivefold.objective import Objective
from fivefold.scoring import Predictions, predict
from fivefold.table import Table, TableSchema, require_columns, to_arrow

if TYPE_CHECKING:
    import pandas as pd

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
    ruler = Ruler(objective, own_metrics(config.metrics), config)
    y, fitted_on = (target_array(part, schema, objective) for part in (test, train))
    unseen = _unseen(fitted_on, y, objective)
    features = feature_frame(test, schema)
    predictions = _predicted(estimator, features, y, objective, config)
    scheme = scheme_of(test, train, predictions, schema, config)
    values = ruler.values(predictions, lenient=False)
    intervals, error = ruler.intervals(predictions, scheme.drawing)
    refits = Refits(
        estimator,
        feature_frame(train, schema),
        features,
        fitted_on,
        _order(train, scheme, config),
        scheme.drawing,
        objective,
        config,
    )
    curve, rival = learning_curve(refits, predictions)
    power = _power(predictions, rival, scheme, error, objective, config)
    baseline = ruler.values(_baseline(fitted_on, y, objective, config), lenient=True)
    metrics = {
        "rows": len(y),
        **values,
        "detectable_difference": power["detectable"],
        "interval": intervals,
        "baseline": baseline,
    }
    report = {
        "confidence": config.confidence,
        "resamples": config.resamples,
        "threshold": config.threshold if objective.task == "binary" else None,
        "fitted_rows": len(fitted_on),
        "metrics": ruler.told(values),
        "bootstrap": scheme.told,
        "unseen": unseen,
        **drawn(predictions),
        **_cutoffs(predictions, config),
        "groups": {name: _by_group(test, name, predictions, ruler, scheme) for name in groups},
        "learning_curve": curve,
        "seeds": seed_stability(refits, y, intervals[objective.primary_metric]),
        "power": power,
    }
    return Judged(metrics, _table(test, predictions, schema, config), report)


def group_columns(schema: TableSchema, extra: list[str]) -> list[str]:
    """Name the columns that a model is judged by, in the schema's order, then the extra ones."""
    return list(dict.fromkeys([*schema.with_role("group", "sensitive"), *extra]))


def _unseen(fitted_on: NDArray[Any], y: NDArray[Any], objective: Objective) -> dict[str, Any]:
    """Tell the classes that one part has and the other has not, with their rows.

    Raises
    ------
    DataError
        Of two classes, the test part has another than the training part.
    """
    if not objective.is_classification:
        return {"in_training": [], "in_test": []}
    found = {}
    for name, own, other in (("in_training", y, fitted_on), ("in_test", fitted_on, y)):
        classes, counts = np.unique(own, return_counts=True)
        known = set(np.unique(other).tolist())
        pairs = zip(classes.tolist(), counts.tolist(), strict=True)
        found[name] = [{"class": v, "rows": n} for v, n in pairs if v not in known]
    if objective.task == "binary" and found["in_training"]:
        raise DataError(
            "the test part has a class that the training part has not",
            where=f"split, {objective.target}",
            got=", ".join(f"{i['class']} in {i['rows']:,} rows" for i in found["in_training"]),
            allowed=", ".join(map(str, np.unique(fitted_on).tolist())),
            hint="split otherwise, mend the label, or set plan.task: multiclass",
        )
    return found


def _cutoffs(p: Predictions, config: EvaluateConfig) -> dict[str, Any]:
    if p.score is None:
        return {}
    found: dict[str, Any] = {"gains": gains(p)}
    if p.score.ndim == 1 and p.positive.any() and not p.positive.all():
        # A decision function's own threshold is zero.
        chosen = (config.threshold or 0.0) if p.probabilistic else 0.0
        found["thresholds"] = thresholds(p, chosen, config.costs)
    return found


def _order(train: nw.LazyFrame[Any], scheme: Scheme, config: EvaluateConfig) -> NDArray[np.intp]:
    """Give the training rows in the order in which a growing share of them is taken.

    The latest first where the test part is drawn by time, so that the share says how far back it
    pays to look; whole groups by chance where it is drawn by group; else rows by chance.
    """
    generator = np.random.default_rng(config.seed)
    method, columns = scheme.told["method"], scheme.told["columns"]
    if method in ("time", "group"):
        require_columns(
            train, columns, where="evaluate.bootstrap.columns", table="the training part"
        )
        codes = codes_of(train, columns)
        if method == "time":
            return np.argsort(-codes, kind="stable")
        place = generator.permutation(int(codes.max()) + 1)[codes]
        return np.argsort(place, kind="stable")
    count = int(train.select(nw.len()).collect("pyarrow").item())
    return generator.permutation(count)


def _power(
    kept: Predictions,
    rival: Predictions | None,
    scheme: Scheme,
    error: float | None,
    objective: Objective,
    config: EvaluateConfig,
) -> dict[str, Any]:
    """Tell which differences of the primary metric the test part can show."""
    paired = None
    if rival is not None and error is not None:
        paired = paired_error(
            objective.primary_metric,
            kept,
            rival,
            scheme.drawing,
            n_resamples=config.resamples,
            seed=config.seed,
        )
    wanted, rows = config.smallest_difference, len(kept)
    found: dict[str, Any] = {
        "metric": objective.primary_metric,
        "smallest_difference": wanted,
        # Two models on rows of their own err independently, each by the same.
        "unpaired": None if error is None else power_of(math.sqrt(2) * error, rows, wanted),
        "paired": None if not paired else power_of(paired, rows, wanted),
    }
    best = found["paired"] or found["unpaired"]
    return {**found, "detectable": best["detectable"] if best else None}


def _predicted(
    estimator: Any,
    features: pd.DataFrame,
    y: NDArray[Any],
    objective: Objective,
    config: EvaluateConfig,
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


def _baseline(
    fitted_on: NDArray[Any], y: NDArray[Any], objective: Objective, config: EvaluateConfig
) -> Predictions:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    model = DummyClassifier(strategy="prior") if objective.is_classification else DummyRegressor()
    model.fit(np.zeros((len(fitted_on), 1)), fitted_on)
    return predict(model, np.zeros((len(y), 1)), y, objective, threshold=config.threshold or 0.0)


def _by_group(
    test: nw.LazyFrame[Any], name: str, predictions: Predictions, ruler: Ruler, scheme: Scheme
) -> dict[str, Any]:
    config = ruler.config
    encoded = to_arrow(test.select(name))[name].combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    values = [*encoded.dictionary.to_pylist(), None]
    codes = encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
    counts = np.bincount(codes, minlength=len(values))
    # The largest first, equal ones by name, so that no engine's order of rows shows.
    order = sorted(np.flatnonzero(counts), key=lambda i: (-counts[i], str(values[i])))
    groups = []
    for index in order[: config.max_groups]:
        rows = np.flatnonzero(codes == index)
        part = predictions.take(rows)
        drawing, alike = scheme.part(rows)
        groups.append(
            {
                "group": None if values[index] is None else _name(values[index]),
                "rows": len(part),
                "small": len(part) < config.min_group_rows,
                "drawn": scheme.told["method"] if alike else "rows",
                **ruler.values(part, lenient=True),
                "interval": ruler.intervals(part, drawing)[0],
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
