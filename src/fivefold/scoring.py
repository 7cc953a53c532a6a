"""The metrics of the catalogue, computed by scikit-learn, with bootstrap intervals.

A resample is how often each row was drawn, whatever the way of drawing, so a metric on it is a
weighted one. All metrics of a call are computed on the same resamples, and many resamples at a
time, from counts: no metric sorts more than once.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold import weighted
from fivefold.confusion import from_confusion
from fivefold.errors import ModelError
from fivefold.estimates import estimate, positions, rows_of_one
from fivefold.metrics import METRICS
from fivefold.resampling import Drawing, Rows, resample_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fivefold.objective import Objective

__all__ = [
    "RANKING",
    "Interval",
    "Predictions",
    "bootstrap",
    "on_counts",
    "percentiles",
    "predict",
    "resampled",
    "row_order",
    "score",
    "scores",
]

# Score metrics that need only an order of the rows, not probabilities.
RANKING = frozenset({"roc_auc", "average_precision", "top_k_accuracy"})

Interval = dict[str, float]


@dataclass(frozen=True)
class Predictions:
    """What was true and what was predicted for each row.

    Attributes
    ----------
    y_true : ndarray of shape (n_rows,)
        The target.
    classes : ndarray of shape (n_classes,) or None
        The classes in the estimator's order; the last of two is the positive one. None for
        regression.
    score : ndarray of shape (n_rows,) or (n_rows, n_classes), or None
        Two classes: the probability of the positive one. More: one column per class.
    label : ndarray of shape (n_rows,) or None
        The predicted classes.
    value : ndarray of shape (n_rows,) or None
        The predicted numbers, for regression.
    probabilistic : bool
        Are the scores probabilities, and not only an order (``decision_function``)?
    """

    y_true: NDArray[Any]
    classes: NDArray[Any] | None = None
    score: NDArray[np.float64] | None = None
    label: NDArray[Any] | None = None
    value: NDArray[np.float64] | None = None
    probabilistic: bool = True

    def __len__(self) -> int:
        return len(self.y_true)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Is each row of the positive class? For two classes; shape (n_rows,)."""
        if self.classes is None:
            raise ValueError("a regression has no positive class")
        result: NDArray[np.bool_] = self.y_true == self.classes[-1]
        return result

    def take(self, rows: NDArray[Any]) -> Predictions:
        """Give the predictions of some rows, by a mask or by positions."""
        return replace(
            self,
            y_true=self.y_true[rows],
            score=None if self.score is None else self.score[rows],
            label=None if self.label is None else self.label[rows],
            value=None if self.value is None else self.value[rows],
        )


def predict(
    estimator: Any,
    X: Any,  # noqa: N803
    y_true: NDArray[Any],
    objective: Objective,
    *,
    threshold: float = 0.5,
) -> Predictions:
    """Predict with a fitted estimator.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn estimator.
    X : array-like of shape (n_rows, n_features)
        The features.
    y_true : ndarray of shape (n_rows,)
        The target.
    objective : Objective
        Its task decides what is asked of the estimator.
    threshold : float, default 0.5
        In [0, 1]. Two classes: from this probability on, the positive class is predicted. Without
        probabilities, and with more classes, the estimator's own decision stands.

    Returns
    -------
    Predictions

    Raises
    ------
    ModelError
        A prediction is NaN or infinite.
    """
    if objective.task == "regression":
        value = np.asarray(estimator.predict(X), dtype=np.float64).reshape(len(y_true))
        _require_finite(value, estimator)
        return Predictions(y_true, value=value)
    classes = np.asarray(estimator.classes_)
    if hasattr(estimator, "predict_proba"):
        probabilities = np.asarray(estimator.predict_proba(X), dtype=np.float64)
        _require_finite(probabilities, estimator)
        if len(classes) == 2:
            positive = probabilities[:, 1]
            label = classes[(positive >= threshold).astype(np.intp)]
            return Predictions(y_true, classes, positive, label)
        return Predictions(y_true, classes, probabilities, classes[probabilities.argmax(axis=1)])
    label = np.asarray(estimator.predict(X))
    if not hasattr(estimator, "decision_function"):
        return Predictions(y_true, classes, None, label, probabilistic=False)
    decision = np.asarray(estimator.decision_function(X), dtype=np.float64)
    _require_finite(decision, estimator)
    return Predictions(y_true, classes, decision, label, probabilistic=False)


def score(name: str, predictions: Predictions) -> float | None:
    """Compute one metric by its name in the catalogue.

    ``roc_auc`` of more than two classes is the mean of each class against the rest; ``precision``,
    ``recall`` and ``f1`` are of the positive class, and 0 where nothing is predicted positive.

    Returns
    -------
    float or None
        None where the metric is undefined on these rows, as ``roc_auc`` is where all rows are of
        one class.

    Raises
    ------
    ModelError
        The estimator gives no scores, or no probabilities, and the metric needs them.
    """
    _require(name, predictions)
    with warnings.catch_warnings():
        # Undefined metrics are told by None; scikit-learn would warn, once per resample and group.
        warnings.simplefilter("ignore")
        try:
            value = estimate(name, predictions)
        except ValueError:
            return None
    return value if np.isfinite(value) else None


def scores(names: Iterable[str], predictions: Predictions) -> dict[str, float | None]:
    """Compute several metrics; see :func:`score`."""
    return {name: score(name, predictions) for name in names}


def bootstrap(
    names: Sequence[str],
    predictions: Predictions,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    drawing: Drawing | None = None,
) -> dict[str, Interval | None]:
    """Give percentile bootstrap intervals of several metrics, on the same resamples of the rows.

    Parameters
    ----------
    names : sequence of str
        Metrics of the catalogue.
    predictions : Predictions
        At least one row.
    n_resamples : int, default 1000
        How many times as many rows are drawn with replacement.
    seed : int, default 0
        Equal seeds give equal intervals, whatever other metrics are asked for.
    confidence : float, default 0.95
        The share of resamples within the interval, in (0, 1).
    drawing : Drawing, optional
        How the rows are drawn, in their order; by default each by itself.

    Returns
    -------
    dict of str to {"low": float, "high": float} or None
        None where the metric is undefined on half of the resamples or more.

    Notes
    -----
    The percentile method of Efron and Tibshirani, *An Introduction to the Bootstrap* (1993),
    chapter 13. Resamples on which a metric is undefined are left out.
    """
    if not names:
        return {}
    drawn = resampled(names, predictions, n_resamples=n_resamples, seed=seed, drawing=drawing)
    return {name: percentiles(values, confidence) for name, values in drawn.items()}


def percentiles(values: NDArray[np.float64], confidence: float) -> Interval | None:
    """Give the ends of a percentile interval, or None where half of the values or more are NaN."""
    defined = values[np.isfinite(values)]
    if 2 * len(defined) <= len(values):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return {"low": float(low), "high": float(high)}


def resampled(
    names: Sequence[str],
    predictions: Predictions,
    *,
    n_resamples: int,
    seed: int,
    drawing: Drawing | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Compute metrics on resamples of the rows, shape (n_resamples,) each, NaN where undefined."""
    # Sorted by score, most metrics need no other order.
    rows = row_order(predictions)
    compute = {name: on_counts(name, predictions.take(rows)) for name in names}
    drawing = Rows(len(rows)) if drawing is None else drawing.take(rows)
    values = {name: np.empty(n_resamples) for name in names}
    for start, counts in resample_counts(drawing, n_resamples, seed):
        for name in names:
            values[name][start : start + len(counts)] = compute[name](counts)
    return values


def row_order(predictions: Predictions) -> NDArray[np.intp]:
    """Give the order of the rows in which most metrics are computed fastest, shape (n_rows,)."""
    if predictions.score is not None and predictions.score.ndim == 1:
        return np.argsort(-predictions.score, kind="stable")
    if predictions.value is not None:
        return np.argsort(np.abs(predictions.y_true - predictions.value), kind="stable")
    return np.arange(len(predictions))


def _require(name: str, predictions: Predictions) -> None:
    needs = METRICS[name].needs
    if needs != "score":
        return
    if predictions.score is None:
        raise ModelError(
            f"the estimator gives no scores, which the metric {name!r} needs",
            where=f"plan.metrics.{name}",
            allowed="an estimator with predict_proba or decision_function",
            hint="choose another estimator, or a metric of predicted classes such as accuracy",
        )
    if not predictions.probabilistic and name not in RANKING:
        raise ModelError(
            f"the estimator gives no probabilities, which the metric {name!r} needs",
            where=f"plan.metrics.{name}",
            allowed="an estimator with predict_proba",
            hint="wrap it in sklearn.calibration.CalibratedClassifierCV, or leave the metric out",
        )


def _require_finite(values: NDArray[np.float64], estimator: Any) -> None:
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise ModelError(
            f"the estimator predicted {wrong:,} values that are NaN or infinite",
            where=type(estimator).__name__,
            hint="look at the features' ranges, scale them, or choose another estimator",
        )


def on_counts(name: str, p: Predictions) -> weighted.OnCounts:
    """Give the function that computes a metric from how often each row was drawn.

    It takes counts of shape (n_batch, n_rows) and gives values of shape (n_batch,), NaN where the
    metric is undefined.

    Raises
    ------
    ModelError
        There are no scores, or no probabilities, and the metric needs them.
    """
    _require(name, p)
    needs = METRICS[name].needs
    if needs == "label":
        return from_confusion(
            name,
            positions(p.y_true, p),
            positions(np.asarray(p.label), p),
            len(np.asarray(p.classes)),
        )
    if needs == "value":
        return weighted.of_values(name, p.y_true, np.asarray(p.value))
    scored = np.asarray(p.score)
    if scored.ndim == 2:
        # Dividing by a sum that is 1 but for its last digit could part what is tied.
        ranked = name in RANKING
        return weighted.of_class_scores(
            name, positions(p.y_true, p), scored if ranked else rows_of_one(scored)
        )
    return weighted.of_scores(name, p.positive, scored)
