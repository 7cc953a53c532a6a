"""The metrics of the catalogue on all rows, as scikit-learn computes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.errors import ModelError
from fivefold.weighted import TOP, among_top

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fivefold.scoring import Predictions

__all__ = ["estimate", "positions", "rows_of_one"]

# Compared with the variance, or the classes, of the rows themselves: without any, undefined.
_RELATIVE = frozenset(
    {"r2", "explained_variance", "d2_absolute_error_score", "d2_brier_score", "d2_log_loss_score"}
)


def estimate(name: str, p: Predictions) -> float:
    """Compute one metric; NaN or infinite where it is undefined.

    Raises
    ------
    ValueError
        scikit-learn finds the metric undefined on these rows.
    ModelError
        A class was predicted that the estimator does not name.
    """
    if name in _RELATIVE and (p.y_true == p.y_true[0]).all():
        return float("nan")
    return float(_ESTIMATES[name](p))


def positions(labels: NDArray[Any], p: Predictions) -> NDArray[np.intp]:
    """Give each row's class as its position in ``classes``; unseen classes come after the last.

    Raises
    ------
    ModelError
        A class is neither one of the estimator's nor of the target's.
    """
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
    try:
        return np.fromiter((table[v] for v in labels.tolist()), dtype=np.intp, count=len(labels))
    except KeyError as error:
        raise ModelError(
            "the estimator predicted a class that it does not name in classes_",
            where="predict",
            got=error.args[0],
            allowed=", ".join(map(str, known.tolist())),
            hint="mend the estimator's predict, or let it learn from this class",
        ) from None


def rows_of_one(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring rows of probabilities to a sum of 1, which scikit-learn wants to the last digit."""
    total = probabilities.sum(axis=1, keepdims=True)
    normal: NDArray[np.float64] = probabilities / np.where(total > 0, total, 1.0)
    return normal


def _indices(p: Predictions) -> list[int]:
    return list(range(len(np.asarray(p.classes))))


def _all_known(p: Predictions) -> NDArray[np.intp]:
    true = positions(p.y_true, p)
    if (true >= len(np.asarray(p.classes))).any():
        raise ValueError("rows are of classes that have no score")
    return true


def _roc_auc(p: Predictions) -> float:
    from sklearn.metrics import roc_auc_score

    if p.score is None or p.score.ndim == 1:
        return float(roc_auc_score(p.positive, p.score))
    # Each class against the rest, as multi_class="ovr" has it, which refuses a decision function.
    true = _all_known(p)
    areas = [roc_auc_score(true == index, p.score[:, index]) for index in _indices(p)]
    return float(np.mean(areas))


def _top_k(p: Predictions) -> float:
    if p.score is None or p.score.ndim == 1 or p.score.shape[1] <= TOP:
        raise ValueError(f"{TOP} of 2 classes are always right")
    return float(among_top(_all_known(p), p.score).mean())


def _by_classes(function: str) -> Callable[[Predictions], float]:
    """Compute a metric of probabilities that takes any number of classes."""

    def compute(p: Predictions) -> float:
        from sklearn import metrics

        if p.score is not None and p.score.ndim == 2:
            true, predicted = positions(p.y_true, p), rows_of_one(p.score)
            return float(getattr(metrics, function)(true, predicted, labels=_indices(p)))
        return float(getattr(metrics, function)(p.positive, p.score, labels=[False, True]))

    return compute


def _by_sklearn(function: str, attribute: str, **options: Any) -> Callable[[Predictions], float]:
    def compute(p: Predictions) -> float:
        from sklearn import metrics

        predicted = getattr(p, attribute)
        if attribute == "value":
            return float(getattr(metrics, function)(p.y_true, predicted, **options))
        if attribute == "score":
            return float(getattr(metrics, function)(p.positive, predicted, **options))
        true, label = positions(p.y_true, p), positions(np.asarray(predicted), p)
        return float(getattr(metrics, function)(true, label, **options))

    return compute


def _averaged(function: str, average: str) -> Callable[[Predictions], float]:
    return _by_sklearn(function, "label", average=average, zero_division=0.0)


_ESTIMATES: dict[str, Callable[[Predictions], float]] = {
    "roc_auc": _roc_auc,
    "top_k_accuracy": _top_k,
    "log_loss": _by_classes("log_loss"),
    "d2_log_loss_score": _by_classes("d2_log_loss_score"),
    "average_precision": _by_sklearn("average_precision_score", "score"),
    "brier_score": _by_sklearn("brier_score_loss", "score"),
    "d2_brier_score": _by_sklearn("d2_brier_score", "score"),
    "accuracy": _by_sklearn("accuracy_score", "label"),
    "balanced_accuracy": _by_sklearn("balanced_accuracy_score", "label"),
    "precision": _averaged("precision_score", "binary"),
    "recall": _averaged("recall_score", "binary"),
    "f1": _averaged("f1_score", "binary"),
    "jaccard": _averaged("jaccard_score", "binary"),
    "precision_macro": _averaged("precision_score", "macro"),
    "recall_macro": _averaged("recall_score", "macro"),
    "f1_macro": _averaged("f1_score", "macro"),
    "f1_weighted": _averaged("f1_score", "weighted"),
    "matthews_corrcoef": _by_sklearn("matthews_corrcoef", "label"),
    "cohen_kappa": _by_sklearn("cohen_kappa_score", "label"),
    "r2": _by_sklearn("r2_score", "value"),
    "explained_variance": _by_sklearn("explained_variance_score", "value"),
    "mean_absolute_error": _by_sklearn("mean_absolute_error", "value"),
    "median_absolute_error": _by_sklearn("median_absolute_error", "value"),
    "d2_absolute_error_score": _by_sklearn("d2_absolute_error_score", "value"),
    "mean_absolute_percentage_error": _by_sklearn("mean_absolute_percentage_error", "value"),
    "mean_squared_error": _by_sklearn("mean_squared_error", "value"),
    "root_mean_squared_error": _by_sklearn("root_mean_squared_error", "value"),
    "root_mean_squared_log_error": _by_sklearn("root_mean_squared_log_error", "value"),
    "mean_poisson_deviance": _by_sklearn("mean_poisson_deviance", "value"),
}
