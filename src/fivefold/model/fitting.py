"""One fit of the train stage: on what is fitted, what is decided on the rows that are held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from sklearn.pipeline import Pipeline

from fivefold.decided import Decided
from fivefold.errors import ConfigError, FivefoldError, ModelError
from fivefold.model.decision import curves_of, threshold_of
from fivefold.model.curves import calibration
from fivefold.model.holdout import held_out
from fivefold.model.preprocessing import MODEL_STEP, fit
from fivefold.model.stopping import rounds_used
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from fivefold.model.train import TrainConfig

__all__ = ["Fitted", "Rows", "fitted"]


@dataclass(frozen=True)
class Rows:
    """What is fitted on.

    Attributes
    ----------
    features : pandas.DataFrame of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        The target.
    weights : ndarray of shape (n_rows,) or None
        How much each row counts.
    """

    features: pd.DataFrame
    y: NDArray[Any]
    weights: NDArray[np.float64] | None

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """Give some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Rows(self.features.iloc[rows], self.y[rows], weights)


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline and what was decided with it.

    Attributes
    ----------
    pipeline : Pipeline
    warnings : list of str
    threshold : float or None
        Two classes: from this probability on, the positive class is predicted.
    told : dict
        ``validation``, ``early_stopping``, ``calibration`` and ``decision``, for the report.
    """

    pipeline: Pipeline
    warnings: list[str]
    threshold: float | None
    told: Mapping[str, Any] = field(default_factory=dict)


def fitted(
    pipeline: Pipeline,
    rows: Rows,
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: TrainConfig,
    name: str,
) -> Fitted:
    """Fit a pipeline, in place, and decide what is declared.

    Raises
    ------
    ConfigError
        What is declared does not fit the task or the estimator.
    ModelError
        The fit failed.
    DataError
        No validation rows can be cut, or no threshold reaches what is asked.
    """
    _require_fitting(objective, config)
    if not config.holds_out:
        warned = _fit(pipeline, name, rows)
        return Fitted(pipeline, warned, _labelled(pipeline, objective, config), _nothing())
    kept, held, method = held_out(
        train, schema, objective, rows.y, share=config.validation, seed=config.seed
    )
    validation = rows.take(held)
    warned = _fit(pipeline, name, rows.take(kept), validation, config)
    told = _nothing() | {
        "validation": {"rows": len(held), "fitted_rows": len(kept), "method": method}
    }
    if config.early_stopping is not None:
        told["early_stopping"] = {
            "rounds": config.early_stopping.rounds,
            "used": rounds_used(pipeline[-1]),
        }
    if config.calibration is None and config.decision.method == "fixed":
        threshold = _labelled(pipeline, objective, config)
    else:
        threshold = _decide(pipeline, validation, objective, config, told)
    return Fitted(pipeline, warned, threshold, told)


def _nothing() -> dict[str, Any]:
    return {"validation": None, "early_stopping": None, "calibration": None, "decision": None}


def _require_fitting(objective: Objective, config: TrainConfig) -> None:
    if config.calibration is not None and not objective.is_classification:
        raise ConfigError(
            "a regression has no probabilities to calibrate",
            where="train.calibration",
            got=config.calibration.method,
            hint="set train.calibration: null",
        )
    declared = config.decision.method != "fixed" or config.decision.threshold != 0.5
    if declared and objective.task != "binary":
        raise ConfigError(
            f"a {objective.task} task has no threshold to decide",
            where="train.decision",
            got=config.decision.method,
            allowed="a decision is for two classes",
            hint="leave train.decision out",
        )


def _labelled(pipeline: Pipeline, objective: Objective, config: TrainConfig) -> float | None:
    """Give the threshold as it is declared; one that is not the estimator's own is put into it."""
    threshold = _fixed(objective, config)
    if threshold not in (None, 0.5):
        _require_probabilities(pipeline[-1], "train.decision")
        pipeline.steps[-1] = (MODEL_STEP, Decided(pipeline[-1], threshold=threshold))
    return threshold


def _require_probabilities(model: Any, where: str) -> None:
    if hasattr(model, "predict_proba"):
        return
    raise ConfigError(
        f"{type(model).__name__} gives no probabilities",
        where=where,
        got="no predict_proba",
        allowed="an estimator with predict_proba",
        hint="choose another model, or set probability: true where it has such an argument",
    )


def _fixed(objective: Objective, config: TrainConfig) -> float | None:
    return config.decision.threshold if objective.task == "binary" else None


def _fit(
    pipeline: Pipeline,
    name: str,
    rows: Rows,
    held: Rows | None = None,
    config: TrainConfig | None = None,
) -> list[str]:
    stopping = config.early_stopping if config is not None else None
    validation = (held.features, held.y) if held is not None else None
    try:
        return fit(
            pipeline,
            rows.features,
            rows.y,
            weights=rows.weights,
            stopping=stopping,
            validation=validation,
        )
    except FivefoldError:
        raise
    except Exception as error:
        raise ModelError(
            f"the model {name!r} can't be fitted",
            where="train",
            got=f"{type(error).__name__}: {error}",
            hint="look at its arguments in conf/, or at the features in reports/explore.html",
        ) from error


def _decide(
    pipeline: Pipeline,
    held: Rows,
    objective: Objective,
    config: TrainConfig,
    told: dict[str, Any],
) -> float | None:
    """Calibrate and choose the threshold, and put both into the pipeline's last step."""
    model = pipeline[-1]
    _require_probabilities(
        model, "train.calibration" if config.calibration is not None else "train.decision"
    )
    given = np.asarray(pipeline.predict_proba(held.features), dtype=np.float64)
    classes = np.asarray(model.classes_)
    decided = Decided(model)
    if config.calibration is not None:
        decided.method = config.calibration.method
        decided.curves = curves_of(given, held.y, classes, decided.method)
        told["calibration"] = _calibrated(decided, given, held, classes)
        given = decided.calibrated(given)
    threshold = _fixed(objective, config)
    if config.decision.method != "fixed":
        threshold, found = threshold_of(held.y == classes[1], given[:, 1], config.decision)
        told["decision"] = {
            "method": config.decision.method, "threshold": threshold, **found,
        }  # fmt: skip
    decided.threshold = threshold
    pipeline.steps[-1] = (MODEL_STEP, decided)
    return threshold


def _calibrated(
    decided: Decided, given: NDArray[np.float64], held: Rows, classes: NDArray[Any]
) -> dict[str, Any]:
    """Tell how far probabilities were from rates on the validation rows, before and after."""
    from sklearn.metrics import brier_score_loss

    after = decided.calibrated(given)
    found: dict[str, Any] = {"method": decided.method, "rows": len(held.y)}
    if len(classes) == 2:
        positive = held.y == classes[1]
        for name, score in (("before", given[:, 1]), ("after", after[:, 1])):
            found[f"brier_{name}"] = float(brier_score_loss(positive, score))
            found[name] = calibration(positive, score)
    return found
