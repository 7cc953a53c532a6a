"""Fit the chosen candidate on the whole training part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.errors import ConfigError, ModelError
from fivefold.model.candidate import SELECTED, Candidate
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
    task : str
        The plan's task: only the estimator for it is kept. Both are if empty.
    seed : int
        Given to an estimator that draws random numbers, at least 0.
    trusted_types : list of str
        Dotted names of types of your own that the kept model may hold.
    """

    model: str = SELECTED
    classifier: dict[str, Any] | None = None
    regressor: dict[str, Any] | None = None
    scale: bool = False
    rare_share: float = 0.001
    search: dict[str, Any] = field(default_factory=dict)
    task: str = ""
    seed: int = 0
    trusted_types: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(
                "the seed is negative", where="train.seed", got=self.seed, allowed="at least 0"
            )
        kept = self.candidate().for_task(self.task)
        object.__setattr__(self, "classifier", kept.classifier)
        object.__setattr__(self, "regressor", kept.regressor)
        # Else an edit of the space would fit the same model again.
        object.__setattr__(self, "search", {})

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
        The features, the estimator and its parameters, the rows, the classes.
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
        The fit failed.
    DataError
        A feature or the target is not as the schema says.
    """
    from fivefold.features import feature_frame, target_array
    from fivefold.model.candidate import build_estimator
    from fivefold.model.described import described
    from fivefold.model.preprocessing import build_pipeline, fit

    candidate, name = Candidate(**tuning["candidate"]), str(tuning["model"])
    estimator = build_estimator(candidate, objective, config.seed, "train")
    pipeline = build_pipeline(schema, candidate, estimator)
    features = feature_frame(train, schema)
    y = target_array(train, schema, objective)
    try:
        warned = fit(pipeline, features, y)
    except Exception as error:
        raise ModelError(
            f"the model {name!r} can't be fitted",
            where="train",
            got=f"{type(error).__name__}: {error}",
            hint="look at its arguments in conf/, or at the features in reports/explore.html",
        ) from error
    report = described(pipeline, name, schema, y, selected=config.model == SELECTED)
    return Trained(pipeline, {**report, "warnings": warned})
