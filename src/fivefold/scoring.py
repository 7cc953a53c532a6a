"""The metrics of the catalogue, computed by scikit-learn, with bootstrap intervals.

One resampling scheme serves every metric: a resample is how often each row was drawn, so a metric
on it is a weighted one. All metrics of a call are computed on the same resamples, and many
resamples at a time, from counts: no metric sorts more than once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold import weighted
from fivefold.errors import ModelError
from fivefold.metrics import METRICS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fivefold.objective import Objective

__all__ = [
    "RANKING",
    "Interval",
    "Predictions",
    "bootstrap",
    "on_counts",
    "predict",
    "resample_counts",
    "resampled",
    "row_order",
    "score",
    "scores",
]

# Score metrics that need only an order of the rows, not probabilities.
RANKING = frozenset({"roc_auc", "average_precision"})

# Cells (resamples times rows) worked on at a time: a few megabytes, what a processor's cache holds.
_CELLS = 2**18

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
            value = float(_POINT[name](predictions))
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
    drawn = resampled(names, predictions, n_resamples=n_resamples, seed=seed)
    tail = (1 - confidence) / 2
    intervals: dict[str, Interval | None] = {}
    for name, values in drawn.items():
        defined = values[np.isfinite(values)]
        if 2 * len(defined) <= n_resamples:
            intervals[name] = None
            continue
        low, high = np.quantile(defined, [tail, 1 - tail])
        intervals[name] = {"low": float(low), "high": float(high)}
    return intervals


def resampled(
    names: Sequence[str], predictions: Predictions, *, n_resamples: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Compute metrics on resamples of the rows, shape (n_resamples,) each, NaN where undefined."""
    n_rows = len(predictions)
    # Any fixed order of the rows will do; sorted by score, most metrics need no other.
    rows = row_order(predictions)
    compute = {name: on_counts(name, predictions.take(rows)) for name in names}
    values = {name: np.empty(n_resamples) for name in names}
    for start, counts in resample_counts(n_rows, n_resamples, seed):
        for name in names:
            values[name][start : start + len(counts)] = compute[name](counts)
    return values


def resample_counts(n_rows: int, n_resamples: int, seed: int) -> Iterable[tuple[int, Any]]:
    """Draw resamples in batches: the first one's number, and how often each row was drawn.

    Yields
    ------
    tuple of (int, ndarray of shape (n_batch, n_rows))
    """
    generator = np.random.default_rng(seed)
    batch = max(1, _CELLS // max(n_rows, 1))
    for start in range(0, n_resamples, batch):
        size = min(batch, n_resamples - start)
        drawn = generator.integers(0, n_rows, size=(size, n_rows))
        drawn += np.arange(size)[:, None] * n_rows
        counts = np.bincount(drawn.ravel(), minlength=size * n_rows)
        yield start, counts.reshape(size, n_rows)


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


def _true_indices(p: Predictions) -> NDArray[np.intp]:
    """Give each row's class as its position in ``classes``; unseen classes come after the last."""
    return _indices(p.y_true, p)


def _indices(labels: NDArray[Any], p: Predictions) -> NDArray[np.intp]:
    known = np.asarray(p.classes)
    if labels.dtype.kind == known.dtype.kind == "i" and np.array_equal(
        known, np.arange(len(known))
    ):
        # The classes are positions already, as they are more often than not.
        own = labels.astype(np.intp)
        if not len(own) or (own.min() >= 0 and own.max() < len(known)):
            return own
    values = known.tolist() + [v for v in np.unique(p.y_true).tolist() if v not in known.tolist()]
    table = {value: index for index, value in enumerate(values)}
    return np.fromiter((table[v] for v in labels.tolist()), dtype=np.intp, count=len(labels))


def _roc_auc(p: Predictions) -> float:
    from sklearn.metrics import roc_auc_score

    if p.score is not None and p.score.ndim == 2:
        return float(
            roc_auc_score(
                _true_indices(p), _rows_of_one(p.score), multi_class="ovr", labels=_positions(p)
            )
        )
    return float(roc_auc_score(p.positive, p.score))


def _positions(p: Predictions) -> list[int]:
    return list(range(len(np.asarray(p.classes))))


def _rows_of_one(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    # scikit-learn wants rows that sum to 1 and refuses a decision function; ranking per class does
    # not care, so only true probabilities are brought to it.
    total = probabilities.sum(axis=1, keepdims=True)
    normal: NDArray[np.float64] = probabilities / np.where(total > 0, total, 1.0)
    return normal


def _log_loss(p: Predictions) -> float:
    from sklearn.metrics import log_loss

    if p.score is not None and p.score.ndim == 2:
        return float(log_loss(_true_indices(p), _rows_of_one(p.score), labels=_positions(p)))
    return float(log_loss(p.positive, p.score, labels=[False, True]))


def _by_sklearn(function: str, attribute: str, **options: Any) -> Callable[[Predictions], float]:
    def compute(p: Predictions) -> float:
        from sklearn import metrics

        predicted = getattr(p, attribute)
        if attribute == "value":
            return float(getattr(metrics, function)(p.y_true, predicted, **options))
        if attribute == "score":
            return float(getattr(metrics, function)(p.positive, predicted, **options))
        return float(
            getattr(metrics, function)(_true_indices(p), _indices(predicted, p), **options)
        )

    return compute


_POINT: dict[str, Callable[[Predictions], float]] = {
    "roc_auc": _roc_auc,
    "log_loss": _log_loss,
    "average_precision": _by_sklearn("average_precision_score", "score"),
    "brier_score": _by_sklearn("brier_score_loss", "score"),
    "accuracy": _by_sklearn("accuracy_score", "label"),
    "balanced_accuracy": _by_sklearn("balanced_accuracy_score", "label"),
    "precision": _by_sklearn("precision_score", "label", zero_division=0.0),
    "recall": _by_sklearn("recall_score", "label", zero_division=0.0),
    "f1": _by_sklearn("f1_score", "label", zero_division=0.0),
    "f1_macro": _by_sklearn("f1_score", "label", average="macro", zero_division=0.0),
    "matthews_corrcoef": _by_sklearn("matthews_corrcoef", "label"),
    "r2": _by_sklearn("r2_score", "value"),
    "mean_absolute_error": _by_sklearn("mean_absolute_error", "value"),
    "root_mean_squared_error": _by_sklearn("root_mean_squared_error", "value"),
    "median_absolute_error": _by_sklearn("median_absolute_error", "value"),
}


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
        return weighted.from_confusion(
            name, _true_indices(p), _indices(np.asarray(p.label), p), len(np.asarray(p.classes))
        )
    if needs == "value":
        return weighted.of_values(name, p.y_true, np.asarray(p.value))
    scored = np.asarray(p.score)
    if scored.ndim == 2:
        return weighted.of_class_scores(name, _true_indices(p), _rows_of_one(scored))
    return weighted.of_scores(name, p.positive, scored)
