"""One fit of the train stage, and what is decided on rows that it has not seen."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

from fivefold.decided import Decided, own_scores
from fivefold.errors import DataError, FivefoldError, ModelError
from fivefold.model.calibrating import calibrate
from fivefold.model.decision import threshold_of
from fivefold.model.folds import Folds
from fivefold.model.holdout import HoldOut, Seen
from fivefold.model.preprocessing import MODEL_STEP, fit
from fivefold.model.requirements import require_fitting
from fivefold.model.stopping import most_rounds, rounds_used
from fivefold.scoring import predict

if TYPE_CHECKING:
    import narwhals as nw
    import pandas as pd
    from numpy.typing import NDArray

    from fivefold.model.train import TrainConfig
    from fivefold.objective import Objective
    from fivefold.table import TableSchema

__all__ = ["Fitted", "Fitting", "Rows", "nothing_decided"]

# Rows on which a fitted model is asked whether it predicts numbers at all.
_ASKED = 1000


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


def nothing_decided() -> dict[str, Any]:
    """Give what is told of a fit after which nothing is decided."""
    return dict.fromkeys(("validation", "early_stopping", "calibration", "decision"))


class Fitting:
    """The fits of the train stage.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted.
    rows : Rows
        The training part.
    train : narwhals.LazyFrame
        The same, with the columns by which validation rows are cut.
    schema : TableSchema
    objective : Objective
    config : TrainConfig
    name : str
        The model's, for messages.

    Raises
    ------
    ConfigError, ModelError
        What is declared does not fit the task or the estimator.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        rows: Rows,
        train: nw.LazyFrame[Any],
        schema: TableSchema,
        objective: Objective,
        config: TrainConfig,
        name: str,
    ) -> None:
        require_fitting(pipeline[-1], objective, config)
        self._pipeline = pipeline
        self._rows = rows
        self._train = train
        self._schema = schema
        self._objective = objective
        self._config = config
        self._name = name
        self._holdout = HoldOut(train, schema, objective, config.seed)

    def run(self) -> Fitted:
        """Fit, and decide what is declared on validation rows.

        Raises
        ------
        ConfigError
            The estimator has no early stopping, or takes no weights.
        ModelError
            The fit failed, or predicts what is no number.
        DataError
            No validation rows can be cut, or no threshold reaches what is asked.
        """
        everything = np.arange(len(self._rows.y))
        told = nothing_decided()
        kept, seen = everything, None
        if self._config.decides and self._config.folds is not None:
            seen, told["validation"] = self._out_of_fold(everything)
        pipeline = copy.deepcopy(self._pipeline)
        if self._config.decides and seen is None:
            share = self._config.validation
            kept, held = self._holdout.cut(everything, self._rows.y, share, "train.validation")
            told["validation"] = {
                "rows": len(held),
                "fitted_rows": len(kept),
                "method": self._holdout.method,
                "folds": None,
            }
            warned, told["early_stopping"] = self._fit(pipeline, kept)
            seen = self._seen(pipeline, held)
        else:
            warned, told["early_stopping"] = self._fit(pipeline, kept)
        threshold = self._config.decision.threshold if self._objective.task == "binary" else None
        if seen is not None or threshold not in (None, 0.5):
            decided, threshold = self._decided(pipeline[-1], threshold, seen, told)
            pipeline.steps[-1] = (MODEL_STEP, decided)
        self._require_numbers(pipeline, kept)
        return Fitted(pipeline, warned, threshold, told)

    def _out_of_fold(self, rows: NDArray[np.intp]) -> tuple[Seen, dict[str, Any]]:
        """Score each row by a fit on other folds; the model itself is fitted on all of them."""
        method = self._holdout.method
        folds = Folds(
            self._train,
            self._schema,
            self._objective,
            method=method,
            n_folds=self._config.folds or 2,
            seed=self._config.seed,
            where="train.folds",
        )
        parts = []
        for number, (kept, held) in enumerate(folds.split(rows, self._rows.y), start=1):
            self._require_classes(kept, number)
            pipeline = copy.deepcopy(self._pipeline)
            self._fit(pipeline, kept)
            parts.append(self._seen(pipeline, held))
        seen = Seen.joined(parts)
        return seen, {
            "rows": len(seen.y),
            "fitted_rows": len(rows),
            "method": method,
            "folds": len(parts),
        }

    def _require_classes(self, kept: NDArray[np.intp], fold: int) -> None:
        lacking = np.setdiff1d(self._rows.y, self._rows.y[kept])
        if len(lacking):
            raise DataError(
                f"the rows fitted in fold {fold} lack the class {lacking[0]}",
                where="train.folds",
                got=f"{len(kept):,} rows",
                hint="lower train.folds, or set it to null and hold rows out by train.validation",
            )

    def _fit(
        self, pipeline: Pipeline, rows: NDArray[np.intp]
    ) -> tuple[list[str], dict[str, Any] | None]:
        """Fit a pipeline in place; give its warnings and how early it stopped."""
        stopping = self._config.early_stopping
        kept, validation = rows, None
        if stopping is not None:
            kept, held = self._holdout.cut(
                rows, self._rows.y, stopping.validation, "train.early_stopping.validation"
            )
            part = self._rows.take(held)
            validation = (part.features, part.y, part.weights)
        part = self._rows.take(kept)
        try:
            warned = fit(
                pipeline,
                part.features,
                part.y,
                weights=part.weights,
                stopping=stopping,
                validation=validation,
            )
        except FivefoldError:
            raise
        except Exception as error:
            raise ModelError(
                f"the model {self._name!r} can't be fitted",
                where="train",
                got=f"{type(pipeline[-1]).__name__}: {type(error).__name__}: {error}",
                hint="look at its arguments in conf/, or at the features in reports/explore.html",
            ) from error
        if stopping is None:
            return warned, None
        return warned, {
            "rounds": stopping.rounds,
            "used": rounds_used(pipeline[-1]),
            "most": most_rounds(self._pipeline[-1]),
            "rows": len(rows) - len(kept),
            "fitted_rows": len(kept),
        }

    def _seen(self, pipeline: Pipeline, held: NDArray[np.intp]) -> Seen:
        part = self._rows.take(held)
        scores = own_scores(pipeline, part.features)
        self._require_finite(scores)
        return Seen(scores, part.y, part.weights, hasattr(pipeline, "predict_proba"))

    def _require_finite(self, scores: NDArray[np.float64]) -> None:
        wrong = int((~np.isfinite(scores)).any(axis=1).sum())
        if wrong:
            raise ModelError(
                f"the model {self._name!r} predicts NaN or infinity",
                where="train",
                got=f"{wrong:,} of {len(scores):,} validation rows",
                hint="look at the features' ranges, scale them, or choose another estimator",
            )

    def _decided(
        self, model: Any, threshold: float | None, seen: Seen | None, told: dict[str, Any]
    ) -> tuple[Decided, float | None]:
        """Put the calibration and the threshold around the fitted model."""
        decided = Decided(model, threshold=threshold)
        if seen is None:
            return decided, threshold
        scores, decision = seen.scores, self._config.decision
        if self._config.calibration is not None:
            scores, told["calibration"] = calibrate(
                decided, seen, self._config.calibration.method, self._config.seed
            )
        if decision.method != "fixed":
            positive = seen.y == decided.classes_[1]
            threshold, found = threshold_of(positive, scores[:, 1], decision, seen.weights)
            told["decision"] = {"method": decision.method, "threshold": threshold, **found}
            decided.threshold = threshold
        return decided, threshold

    def _require_numbers(self, pipeline: Pipeline, rows: NDArray[np.intp]) -> None:
        """Ask the model what it says of a few rows: of NaN, better now than in production."""
        asked = np.unique(np.linspace(0, len(rows) - 1, _ASKED).astype(int))
        part = self._rows.take(rows[asked])
        try:
            predict(pipeline, part.features, part.y, self._objective)
        except FivefoldError:
            raise
        except Exception as error:
            raise ModelError(
                f"the model {self._name!r} was fitted, but can't predict",
                where="train",
                got=f"{type(error).__name__}: {error}",
                hint="does its predict take what its fit took?",
            ) from error
