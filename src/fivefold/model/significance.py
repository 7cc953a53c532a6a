"""Whether two candidates differ by more than the folds do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

__all__ = ["corrected_t_test"]


def corrected_t_test(differences: NDArray[Any], test_share: float) -> float:
    """Give the two-sided p-value of paired differences over the folds of a cross-validation.

    Parameters
    ----------
    differences : ndarray of shape (n_folds,)
        The score of one candidate less that of the other, at least two.
    test_share : float
        Rows scored by rows fitted, in a fold.

    Notes
    -----
    Folds share most of what they are fitted on, so that a plain t-test finds too much. The variance
    is multiplied by 1/k + test_share in place of 1/k: C. Nadeau and Y. Bengio, "Inference for the
    Generalization Error", *Machine Learning* 52 (2003).

    Examples
    --------
    >>> round(corrected_t_test(np.array([0.02, 0.03, 0.01, 0.02, 0.03]), 0.25), 4)
    0.0158
    """
    k = len(differences)
    mean, variance = float(np.mean(differences)), float(np.var(differences, ddof=1))
    if variance == 0:
        return 1.0 if mean == 0 else 0.0
    statistic = mean / math.sqrt((1 / k + test_share) * variance)
    return float(2 * student.sf(abs(statistic), k - 1))
