"""What each row costs: the loss that the errors are told in, and the residual with its sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import ConfigError
from fivefold.metrics import METRICS
from fivefold.objective import Objective
from fivefold.scoring import Predictions

__all__ = ["LOSSES", "Loss", "positions", "row_loss"]

Floats = NDArray[np.float64]

LOSSES = {
    "log_loss": "log loss",
    "squared_score": "squared error of the score",
    "zero_one": "error rate",
    "absolute_error": "absolute error",
    "squared_error": "squared error",
}
"""Every loss of a row, and how its mean is called."""

_OF_CLASSES = ("log_loss", "squared_score", "zero_one")
_OF_NUMBERS = ("absolute_error", "squared_error")
# scikit-learn's own bound on log(0).
_TINY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Loss:
    """The loss of each row.

    Attributes
    ----------
    name : str
        A key of :data:`LOSSES`.
    values : ndarray of shape (n_rows,)
        At least 0.
    residual : ndarray of shape (n_rows,) or None
        Observed minus predicted: of a number in its unit; of two classes, the positive class (0 or
        1) minus its probability, or minus the predicted class where there is none; of more, whether
        the predicted class is right minus its probability. None where nothing is left to compare.
    """

    name: str
    values: Floats
    residual: Floats | None

    @property
    def title(self) -> str:
        """How the mean of the losses is called."""
        return LOSSES[self.name]


def row_loss(p: Predictions, objective: Objective, wanted: str | None) -> Loss:
    """Give the loss of each row, the asked one or the one that suits the primary metric.

    Parameters
    ----------
    p : Predictions
    objective : Objective
        A primary metric of predicted classes goes with ``zero_one``, the Brier score with
        ``squared_score``, other metrics of classes with ``log_loss``; without probabilities
        ``zero_one`` is left. R² and the root mean squared error go with ``squared_error``, other
        metrics of numbers with ``absolute_error``.
    wanted : str or None

    Raises
    ------
    ConfigError
        The loss does not fit the task, or needs probabilities that the estimator doesn't give.
    """
    name = _chosen(p, objective) if wanted is None else wanted
    fitting = _OF_NUMBERS if p.value is not None else _OF_CLASSES
    if name not in fitting:
        raise ConfigError(
            f"the loss does not fit a task of {objective.task}",
            where="diagnose.loss",
            got=name,
            allowed=(*fitting, "null"),
        )
    if p.value is not None:
        residual: Floats = p.y_true - p.value
        values: Floats = np.abs(residual) if name == "absolute_error" else residual**2
        return Loss(name, values, residual)
    if name != "zero_one" and not _probable(p):
        raise ConfigError(
            f"the estimator gives no probabilities, which the loss {name!r} needs",
            where="diagnose.loss",
            got=name,
            allowed="zero_one",
            hint="wrap it in sklearn.calibration.CalibratedClassifierCV",
        )
    return Loss(name, _of_classes(name, p), _residual(p))


def _chosen(p: Predictions, objective: Objective) -> str:
    primary = objective.primary_metric
    if p.value is not None:
        squared = primary in ("r2", "root_mean_squared_error")
        return "squared_error" if squared else "absolute_error"
    if METRICS[primary].needs == "label" or not _probable(p):
        return "zero_one"
    return "squared_score" if primary == "brier_score" else "log_loss"


def _probable(p: Predictions) -> bool:
    return p.score is not None and p.probabilistic


def _of_classes(name: str, p: Predictions) -> Floats:
    if name == "zero_one":
        wrong: Floats = (p.y_true != p.label).astype(np.float64)
        return wrong
    score = np.asarray(p.score)
    if score.ndim == 1:
        own = np.where(p.positive, score, 1 - score)
        squared = (score - p.positive) ** 2
    else:
        true = positions(p, p.y_true)
        known = true < score.shape[1]
        # A class that training never saw was given no probability at all.
        own = np.where(known, score[np.arange(len(true)), np.where(known, true, 0)], 0.0)
        squared = np.einsum("ij,ij->i", score, score) - own**2 + (1 - own) ** 2
    # From zero on, where -log(1) would be a negative zero.
    losses: Floats = squared if name == "squared_score" else 0.0 - np.log(np.clip(own, _TINY, 1.0))
    return losses


def _residual(p: Predictions) -> Floats | None:
    classes = np.asarray(p.classes)
    if len(classes) <= 2:
        label = np.asarray(p.label) == classes[-1]
        predicted = np.asarray(p.score) if _probable(p) else label.astype(np.float64)
        own: Floats = p.positive.astype(np.float64) - predicted
        return own
    if not _probable(p):
        return None
    right: Floats = (p.y_true == p.label).astype(np.float64)
    surprise: Floats = right - np.asarray(p.score).max(axis=1)
    return surprise


def positions(p: Predictions, labels: NDArray[Any]) -> NDArray[np.intp]:
    """Give each row's class as its place in ``classes``; unseen ones come after the last."""
    known = np.asarray(p.classes).tolist()
    place = {value: at for at, value in enumerate(known)}
    found = [place.get(value, len(known)) for value in np.asarray(labels).tolist()]
    return np.array(found, dtype=np.intp)
