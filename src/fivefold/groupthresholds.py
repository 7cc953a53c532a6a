"""A classifier with a decision threshold of its own per group of people."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

__all__ = ["GroupThresholds"]


class GroupThresholds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Shift the probabilities of each group so that its own threshold comes to lie at one half.

    Everything that reads a prediction compares a probability with one threshold, here and in the
    exported model. So a group's probabilities are stretched, linearly on either side, until its
    threshold is at 0.5: the order within the group stays, and nothing is drawn at random. They
    are no frequencies any longer.

    Parameters
    ----------
    estimator : object
        A classifier of two classes with ``predict_proba``.
    group_values : ndarray of shape (n_groups, n_columns)
        Each group's values in the last ``n_columns`` columns of the features.
    thresholds : ndarray of shape (n_groups,)
        Each group's threshold, in (0, 1).
    default : float
        That of rows of no known group, in (0, 1).
    """

    def __init__(
        self,
        estimator: Any = None,
        group_values: Any = None,
        thresholds: Any = None,
        default: float = 0.5,
    ) -> None:
        self.estimator = estimator
        self.group_values = group_values
        self.thresholds = thresholds
        self.default = default

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GroupThresholds:  # noqa: N803
        """Fit the estimator on all columns but the groups', shape (n_samples, n_features)."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator.fit(self._features(X), y, **weights)
        self.estimator_ = self.estimator
        self.classes_ = self.estimator.classes_
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Give the shifted probabilities, shape (n_samples, 2)."""
        check_is_fitted(self)
        given = np.asarray(self.estimator_.predict_proba(self._features(X)), dtype=np.float64)
        at = self._thresholds(np.asarray(X))
        positive = given[:, 1]
        below = positive * (0.5 / at)
        above = 0.5 + (positive - at) * (0.5 / (1 - at))
        shifted = np.where(positive < at, below, above)
        return np.stack([1 - shifted, shifted], axis=1)

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Give the classes, shape (n_samples,)."""
        positive = self.predict_proba(X)[:, 1] >= 0.5
        result: NDArray[Any] = self.classes_[positive.astype(np.intp)]
        return result

    def _features(self, X: Any) -> Any:  # noqa: N803
        return np.asarray(X)[:, : -self.group_values.shape[1]]

    def _thresholds(self, X: NDArray[Any]) -> NDArray[np.float64]:  # noqa: N803
        found = np.full(len(X), self.default)
        given = X[:, -self.group_values.shape[1] :]
        for values, threshold in zip(self.group_values, self.thresholds, strict=True):
            found[(given == values).all(axis=1)] = threshold
        return found
