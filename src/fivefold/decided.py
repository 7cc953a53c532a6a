"""A fitted classifier with what was decided after its fit: calibrated probabilities, a threshold.

scikit-learn fits the calibration; what is kept of it are the points of a curve or two numbers, so
that skops keeps it without types of its own and ONNX computes it with the standard's operators.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin

from fivefold.groupthresholds import GroupThresholds

__all__ = ["HIGHEST", "LOWEST", "Decided", "inner", "log_odds", "own_scores"]

# Log odds are taken of probabilities between these: near 1, 32-bit floats have fewer digits.
LOWEST, HIGHEST = 1e-6, 1 - 1e-4


def log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the log odds of probabilities, of the same shape."""
    odds: NDArray[np.float64] = logit(np.clip(probabilities, LOWEST, HIGHEST))
    return odds


def inner(model: Any) -> Any:
    """Give the estimator that was fitted, without what was decided after its fit."""
    return model.estimator if isinstance(model, Decided | GroupThresholds) else model


def own_scores(model: Any, X: Any) -> NDArray[np.float64]:  # noqa: N803
    """Give a classifier's probabilities, or else its decision values, shape (n_rows, n_classes)."""
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(X), dtype=np.float64)
    decisions = np.asarray(model.decision_function(X), dtype=np.float64)
    return decisions if decisions.ndim == 2 else np.column_stack([-decisions, decisions])


class Decided(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose probabilities are calibrated and whose label has a threshold of its own.

    Parameters
    ----------
    estimator : object
        A classifier with ``predict_proba``; where it is calibrated, ``decision_function`` will do.
    method : {"none", "sigmoid", "isotonic"}
        How probabilities are calibrated.
    curves : list of ndarray, or None
        By class, for two classes of the positive one only. Isotonic: points of shape (2, n_points),
        scores above what they become, straight lines between. Sigmoid: slope and intercept on the
        log odds, or on the decision values, shape (2,).
    threshold : float or None
        Two classes: from this probability on, the positive class is predicted. The most probable
        class if None.
    """

    def __init__(
        self,
        estimator: Any,
        method: str = "none",
        curves: list[NDArray[np.float64]] | None = None,
        threshold: float | None = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.curves = curves
        self.threshold = threshold

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes, in the order of the probabilities' columns."""
        return np.asarray(self.estimator.classes_)

    def fit(self, X: Any, y: Any, **more: Any) -> Decided:  # noqa: N803
        """Fit the estimator anew; what was decided stays."""
        self.estimator.fit(X, y, **more)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Give calibrated probabilities, shape (n_rows, n_classes)."""
        return self.calibrated(own_scores(self.estimator, X))

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Predict a class for each row, shape (n_rows,)."""
        given = self.predict_proba(X)
        if self.threshold is not None and given.shape[1] == 2:
            chosen = (given[:, 1] >= self.threshold).astype(np.intp)
        else:
            chosen = given.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[chosen]
        return labels

    def calibrated(self, given: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrate the scores of :func:`own_scores`."""
        if self.method == "none" or self.curves is None:
            return given
        if given.shape[1] == 2:
            positive = self._of(self.curves[0], given[:, 1])
            return np.column_stack([1 - positive, positive])
        each = np.column_stack(
            [self._of(curve, given[:, index]) for index, curve in enumerate(self.curves)]
        )
        total = each.sum(axis=1, keepdims=True)
        result: NDArray[np.float64] = np.where(
            total > 0, each / np.where(total > 0, total, 1.0), 1 / given.shape[1]
        )
        return result

    def _of(self, curve: NDArray[np.float64], given: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.method == "isotonic":
            straight: NDArray[np.float64] = np.interp(given, curve[0], curve[1])
            return straight
        odds = log_odds(given) if hasattr(self.estimator, "predict_proba") else given
        result: NDArray[np.float64] = expit(curve[0] * odds + curve[1])
        return result

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self.estimator, "classes_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
