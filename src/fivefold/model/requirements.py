"""What must agree before a fit: the task, the metrics, the estimator, and what is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fivefold.errors import ConfigError, ModelError
from fivefold.metrics import METRICS
from fivefold.scoring import RANKING

if TYPE_CHECKING:
    from fivefold.model.train import TrainConfig
    from fivefold.objective import Objective

__all__ = ["require_fitting"]


def require_fitting(model: Any, objective: Objective, config: TrainConfig) -> None:
    """Refuse, before minutes of fitting, what can't be done after it.

    Raises
    ------
    ConfigError
        A calibration or a decision is declared that the task or the estimator does not have.
    ModelError
        A metric of the plan needs probabilities, or scores, that the estimator won't give.
    """
    if objective.task == "regression" and config.calibration is not None:
        raise ConfigError(
            "a regression has no probabilities to calibrate",
            where="train.calibration",
            got=config.calibration.method,
            hint="set train.calibration: null",
        )
    if config.decision.declared and objective.task != "binary":
        raise ConfigError(
            f"a {objective.task} task has no threshold to decide",
            where="train.decision",
            got=config.decision.method,
            allowed="a decision is for two classes",
            hint="leave train.decision out",
        )
    if objective.is_classification:
        _require_scores(model, objective, config)


def _require_scores(model: Any, objective: Objective, config: TrainConfig) -> None:
    name = type(model).__name__
    ranks = hasattr(model, "decision_function")
    if hasattr(model, "predict_proba"):
        return
    if config.calibration is not None:
        if ranks:
            return
        raise ConfigError(
            f"{name} gives neither probabilities nor decision values",
            where="train.calibration",
            got="no predict_proba, no decision_function",
            allowed="an estimator with one of them",
            hint="choose another model, or set train.calibration: null",
        )
    remedy = "declare train.calibration, which makes probabilities of its decision values"
    if config.decision.declared:
        raise ConfigError(
            f"{name} gives no probabilities",
            where="train.decision",
            got="no predict_proba",
            allowed="an estimator with predict_proba",
            hint=remedy if ranks else "choose another model",
        )
    for metric in objective.metrics:
        if METRICS[metric].needs == "score" and not (ranks and metric in RANKING):
            what = "probabilities" if ranks else "scores"
            raise ModelError(
                f"{name} gives no {what}, which the metric {metric!r} needs",
                where=f"plan.metrics.{metric}",
                allowed="an estimator with predict_proba",
                hint=f"{remedy}; or leave the metric out"
                if ranks
                else "choose another model, or leave the metric out",
            )
