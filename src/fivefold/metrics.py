"""The metrics by name: what each fits, which way is better, its range, how it is computed.

The names are scikit-learn's. Reading the catalogue imports nothing heavy, so the command line and
the history can ask for a metric's direction without paying for scikit-learn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["METRICS", "TASKS", "Goal", "Metric", "Needs", "Task", "goal_of"]

Task = Literal["binary", "multiclass", "regression"]
Goal = Literal["maximize", "minimize"]
Needs = Literal["score", "label", "value"]

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")


@dataclass(frozen=True)
class Metric:
    """One metric of the catalogue.

    Attributes
    ----------
    name : str
        scikit-learn's name of the metric.
    tasks : tuple of Task
        The tasks it is defined for.
    goal : {"maximize", "minimize"}
        Which way is better.
    low, high : float
        The ends of its range, either may be infinite.
    needs : {"score", "label", "value"}
        What it is computed from: class probabilities, predicted classes, or predicted values.
    title : str
        How a person calls it.
    """

    name: str
    tasks: tuple[Task, ...]
    goal: Goal
    low: float
    high: float
    needs: Needs
    title: str


_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_BINARY: tuple[Task, ...] = ("binary",)
_NUMBER: tuple[Task, ...] = ("regression",)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", _CLASSES, "maximize", 0.0, 1.0, "score", "ROC AUC"),
        Metric("average_precision", _BINARY, "maximize", 0.0, 1.0, "score", "average precision"),
        Metric("brier_score", _BINARY, "minimize", 0.0, 1.0, "score", "Brier score"),
        Metric("log_loss", _CLASSES, "minimize", 0.0, math.inf, "score", "log loss"),
        Metric("d2_brier_score", _BINARY, "maximize", -math.inf, 1.0, "score", "Brier skill (D²)"),
        Metric(
            "d2_log_loss_score", _CLASSES, "maximize", -math.inf, 1.0, "score", "D² of log loss"
        ),
        Metric("top_k_accuracy", ("multiclass",), "maximize", 0.0, 1.0, "score", "top 2 accuracy"),
        Metric("accuracy", _CLASSES, "maximize", 0.0, 1.0, "label", "accuracy"),
        Metric("balanced_accuracy", _CLASSES, "maximize", 0.0, 1.0, "label", "balanced accuracy"),
        Metric("precision", _BINARY, "maximize", 0.0, 1.0, "label", "precision"),
        Metric("recall", _BINARY, "maximize", 0.0, 1.0, "label", "recall"),
        Metric("f1", _BINARY, "maximize", 0.0, 1.0, "label", "F1"),
        Metric("jaccard", _BINARY, "maximize", 0.0, 1.0, "label", "Jaccard index"),
        Metric(
            "precision_macro", _CLASSES, "maximize", 0.0, 1.0, "label", "precision, mean of classes"
        ),
        Metric("recall_macro", _CLASSES, "maximize", 0.0, 1.0, "label", "recall, mean of classes"),
        Metric("f1_macro", _CLASSES, "maximize", 0.0, 1.0, "label", "F1, mean of classes"),
        Metric("f1_weighted", _CLASSES, "maximize", 0.0, 1.0, "label", "F1, mean by class size"),
        Metric(
            "matthews_corrcoef", _CLASSES, "maximize", -1.0, 1.0, "label", "Matthews correlation"
        ),
        Metric("cohen_kappa", _CLASSES, "maximize", -1.0, 1.0, "label", "Cohen's kappa"),
        Metric("r2", _NUMBER, "maximize", -math.inf, 1.0, "value", "R²"),
        Metric(
            "explained_variance", _NUMBER, "maximize", -math.inf, 1.0, "value", "explained variance"
        ),
        Metric("mean_absolute_error", _NUMBER, "minimize", 0.0, math.inf, "value", "MAE"),
        Metric(
            "median_absolute_error",
            _NUMBER,
            "minimize",
            0.0,
            math.inf,
            "value",
            "median absolute error",
        ),
        Metric(
            "d2_absolute_error_score",
            _NUMBER,
            "maximize",
            -math.inf,
            1.0,
            "value",
            "D² of absolute error",
        ),
        Metric(
            "mean_absolute_percentage_error", _NUMBER, "minimize", 0.0, math.inf, "value", "MAPE"
        ),
        Metric("mean_squared_error", _NUMBER, "minimize", 0.0, math.inf, "value", "MSE"),
        Metric("root_mean_squared_error", _NUMBER, "minimize", 0.0, math.inf, "value", "RMSE"),
        Metric("root_mean_squared_log_error", _NUMBER, "minimize", 0.0, math.inf, "value", "RMSLE"),
        Metric(
            "mean_poisson_deviance", _NUMBER, "minimize", 0.0, math.inf, "value", "Poisson deviance"
        ),
    )
}


def goal_of(name: str) -> Goal | None:
    """Give a metric's direction by its name, or None where the catalogue doesn't know it."""
    metric = METRICS.get(name)
    return metric.goal if metric else None
