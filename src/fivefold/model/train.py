"""Fit the chosen candidate on the whole training part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.errors import ConfigError
from fivefold.model.calibrating import Calibration
from fivefold.model.candidate import SELECTED, Candidate
from fivefold.model.decision import Decision
from fivefold.model.mitigation import Mitigation
from fivefold.model.stopping import EarlyStopping
from fivefold.objective import Objective
from fivefold.table import TableSchema

__all__ = ["TrainConfig", "Trained", "train"]


@dataclass(frozen=True)
class TrainConfig:
    """What is fitted.

    Attributes
    ----------
    model : str
        The candidate's name; ``selected`` takes the winner of the select stage.
    classifier : dict or None
        ``_target_``, a dotted name with scikit-learn's interface, and its arguments.
    regressor : dict or None
        The same, for regression.
    scale : bool
        Does it want numbers of mean 0 and standard deviation 1?
    rare_share : float
        In [0, 1). Categories in fewer than this share of the training rows share one column.
    search : dict
        What the tune stage may choose; it reads it here, and nothing of it is kept.
    weight : str or None
        A column of the training part that says how much each row counts.
    validation : float
        In (0, 1). The share of the training rows that is held out for calibration and decision: the
        latest where the schema has a time column, whole groups where it has one with that role.
    folds : int or None
        Decide on out-of-fold predictions instead, of so many folds, at least 2; the model is then
        fitted on all training rows.
    early_stopping : EarlyStopping or None
        End the estimator's rounds where validation rows of their own gain nothing more; as the
        estimator's own arguments say if null.
    calibration : Calibration or None
        Calibrate its probabilities on the validation rows.
    decision : Decision
        Two classes: from which probability on the positive one is predicted.
    mitigation : Mitigation
        The remedy against bias, of the menu ``mitigation``.
    task : str
        The plan's task: only the estimator for it is kept. Both are if empty.
    seed : int
        Given to an estimator that draws random numbers, at least 0.
    trusted_types : list of str
        Dotted names of types of your own that the kept model may hold.
    code : str
        The fingerprint of the code, from the runner.
    """

    model: str = SELECTED
    classifier: dict[str, Any] | None = None
    regressor: dict[str, Any] | None = None
    scale: bool = False
    rare_share: float = 0.001
    search: dict[str, Any] = field(default_factory=dict)
    weight: str | None = None
    validation: float = 0.2
    folds: int | None = None
    early_stopping: EarlyStopping | None = None
    calibration: Calibration | None = None
    decision: Decision = field(default_factory=Decision)
    mitigation: Mitigation = field(default_factory=Mitigation)
    task: str = ""
    seed: int = 0
    trusted_types: list[str] = field(default_factory=list)
    code: str = ""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(
                "the seed is negative", where="train.seed", got=self.seed, allowed="at least 0"
            )
        if not 0 < self.validation < 1:
            raise ConfigError(
                "the share of validation rows is out of bounds",
                where="train.validation",
                got=self.validation,
                allowed="above 0, below 1",
            )
        if self.folds is not None and self.folds < 2:
            raise ConfigError(
                "the number of folds is out of bounds",
                where="train.folds",
                got=self.folds,
                allowed="at least 2, or null to hold out train.validation of the rows",
            )
        kept = self.candidate().for_task(self.task)
        object.__setattr__(self, "classifier", kept.classifier)
        object.__setattr__(self, "regressor", kept.regressor)
        # Else an edit of the space would fit the same model again.
        object.__setattr__(self, "search", {})

    @property
    def decides(self) -> bool:
        """Whether something is decided on rows that the fit has not seen."""
        return self.calibration is not None or self.decision.method != "fixed"

    def candidate(self) -> Candidate:
        """Give the candidate that is declared here."""
        return Candidate(self.model, self.classifier, self.regressor, self.scale, self.rare_share)


@dataclass(frozen=True)
class Trained:
    """A fitted pipeline and what it is.

    Attributes
    ----------
    estimator : sklearn.pipeline.Pipeline
        Preprocessing and model, fitted; takes the frame of ``feature_frame``.
    report : dict
        The features, the estimator and its parameters, the rows, the classes; what was decided on
        which rows; what the model takes and gives, and where it comes from.
    """

    estimator: Any
    report: dict[str, Any]


def train(
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    tuning: Mapping[str, Any],
    config: TrainConfig,
) -> Trained:
    """Fit the chosen candidate.

    Raises
    ------
    ConfigError
        The candidate has no estimator for the task, or is not declared right.
    ModelError
        The fit failed, the model predicts NaN, or a metric needs probabilities it will not give.
    DataError
        A feature, the target or a weight is not as it must be, or no validation rows can be cut.
    """
    from fivefold.features import feature_frame, target_array
    from fivefold.model.candidate import build_estimator
    from fivefold.model.described import constant_features, described
    from fivefold.model.fitting import Fitting, Rows
    from fivefold.model.preprocessing import build_pipeline
    from fivefold.model.provenance import provenance
    from fivefold.model.weights import require_no_feature, sample_weight, told

    candidate, name = Candidate(**tuning["candidate"]), str(tuning["model"])
    estimator = build_estimator(candidate, objective, config.seed, "train")
    pipeline = build_pipeline(schema, candidate, estimator)
    require_no_feature(schema, config.weight)
    weights = sample_weight(train, config.weight)
    rows = Rows(feature_frame(train, schema), target_array(train, schema, objective), weights)
    remedy = None
    if config.mitigation.is_chosen:
        from fivefold.model.mitigated import mitigated

        found, remedy = mitigated(pipeline, rows, train, schema, objective, config, name)
    else:
        found = Fitting(pipeline, rows, train, schema, objective, config, name).run()
    report = described(found.pipeline, name, schema, rows.y, selected=bool(tuning["selected"]))
    return Trained(
        found.pipeline,
        {
            **report,
            "tuned": bool(tuning["tuned"]),
            "weight": told(config.weight, weights),
            "constant": constant_features(rows.features),
            "threshold": found.threshold,
            **found.told,
            "mitigation": remedy,
            "warnings": found.warnings,
            **provenance(
                found.pipeline,
                rows,
                schema,
                objective,
                threshold=found.threshold,
                code=config.code,
            ),
        },
    )
