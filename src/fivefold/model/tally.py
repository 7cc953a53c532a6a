"""True and false alarms at every threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fivefold.model.decision import Costs

__all__ = ["Tally"]


@dataclass(frozen=True)
class Tally:
    """The outcomes at some thresholds, in sums of weights (rows, where each weighs 1).

    Attributes
    ----------
    thresholds : ndarray of shape (n_thresholds,)
        Falling.
    hits, alarms : ndarray of shape (n_thresholds,)
        True positives and all that is predicted positive.
    positives, total : float
    """

    thresholds: NDArray[np.float64]
    hits: NDArray[np.float64]
    alarms: NDArray[np.float64]
    positives: float
    total: float

    @classmethod
    def of(
        cls,
        positive: NDArray[np.bool_],
        score: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> Tally:
        """Count them at every threshold that tells rows apart, from none predicted to all."""
        order = np.argsort(-score, kind="stable")
        ordered, weight = score[order], weights[order]
        ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
        hits = np.append(0.0, np.cumsum(weight * positive[order])[ends])
        alarms = np.append(0.0, np.cumsum(weight)[ends])
        # Between two scores, where neither a new row nor another runtime falls on it.
        values = ordered[ends]
        thresholds = np.append((1 + values[0]) / 2, (values + np.append(values[1:], 0.0)) / 2)
        # A certain row is predicted positive by any threshold.
        first = 1 if values[0] >= 1 else 0
        return cls(thresholds[first:], hits[first:], alarms[first:], hits[-1], alarms[-1])

    @classmethod
    def at(
        cls,
        threshold: float,
        positive: NDArray[np.bool_],
        score: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> Tally:
        """Count them at one threshold."""
        alarm = weights * (score >= threshold)
        return cls(
            np.array([threshold]),
            np.array([float(alarm[positive].sum())]),
            np.array([float(alarm.sum())]),
            float(weights[positive].sum()),
            float(weights.sum()),
        )

    def costs(self, costs: Costs) -> NDArray[np.float64]:
        """Give the mean cost of a row."""
        false_alarms = self.alarms - self.hits
        missed = self.positives - self.hits
        total: NDArray[np.float64] = (
            costs.true_positive * self.hits
            + costs.false_positive * false_alarms
            + costs.false_negative * missed
            + costs.true_negative * (self.total - self.alarms - missed)
        ) / self.total
        return total

    def f_beta(self, beta: float) -> NDArray[np.float64]:
        """Give the weighted harmonic mean of precision and recall; 0 without an alarm."""
        weight = beta**2
        return _share((1 + weight) * self.hits, self.alarms + weight * self.positives)

    @property
    def precision(self) -> NDArray[np.float64]:
        """The share of alarms that are right; 0 without an alarm."""
        return _share(self.hits, self.alarms)

    @property
    def recall(self) -> NDArray[np.float64]:
        """The share of positives that are found."""
        return _share(self.hits, np.full_like(self.hits, self.positives))


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return result
