"""From a classifier's scores on validation rows to curves that make probabilities of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.errors import ConfigError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fivefold.decided import Decided
    from fivefold.model.holdout import Seen

__all__ = ["CALIBRATIONS", "Calibration", "calibrate", "curves_of"]

CALIBRATIONS = ("sigmoid", "isotonic")

# How steep a curve may be, so that what two runtimes differ by in a score, about a millionth of it,
# stays small: of probabilities in relation to the probability, of decision values to their spread.
_STEEPEST, _STEEPEST_DECISIONS = 3.0, 4.0
# Below this probability no steeper than at it.
_FAINT = 0.05
# The parts of the validation rows of which each is judged by a curve of the others.
_PARTS = 5
# Fewer validation rows of a class than this bend a curve at will: scikit-learn's guide on
# probability calibration asks for about 1,000 rows for the isotonic one.
_ENOUGH = {"sigmoid": 30, "isotonic": 500}


@dataclass(frozen=True)
class Calibration:
    """How probabilities are calibrated on the validation rows.

    Attributes
    ----------
    method : {"sigmoid", "isotonic"}
        A logistic curve of the log odds (Platt, *Advances in Large Margin Classifiers*, 1999), or
        a rising curve of straight lines (Zadrozny and Elkan, *KDD*, 2002), which wants a thousand
        rows or more. More than two classes: one curve for each, normalised.
    """

    method: str = "sigmoid"

    def __post_init__(self) -> None:
        if self.method not in CALIBRATIONS:
            raise ConfigError(
                "unknown method",
                where="train.calibration.method",
                got=self.method,
                allowed=CALIBRATIONS,
                hint=nearest(self.method, CALIBRATIONS),
            )


def calibrate(
    decided: Decided, seen: Seen, method: str, seed: int
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Fit the curves, in place, and tell what they do to rows that they were not fitted on.

    Parameters
    ----------
    decided : Decided
        Gets the method and the curves of all validation rows.
    seen : Seen
        The scores of the validation rows.
    method : {"sigmoid", "isotonic"}
    seed : int
        For the parts of the rows that are judged in turn.

    Returns
    -------
    tuple of (ndarray of shape (n_rows, n_classes), dict)
        Probabilities of the validation rows, each by curves of other rows; and for the report the
        Brier score and log loss, and for two classes the curve of observed rates, before and after.
    """
    decided.method = method
    after = np.empty_like(seen.scores)
    for others, part in _parts(seen, seed):
        decided.curves = curves_of(seen.take(others), decided.classes_, method)
        after[part] = decided.calibrated(seen.scores[part])
    decided.curves = curves_of(seen, decided.classes_, method)
    smallest = min(int((seen.y == value).sum()) for value in decided.classes_)
    told: dict[str, Any] = {
        "method": method,
        "rows": len(seen.y),
        "smallest_class": smallest,
        "few": smallest < _ENOUGH[method],
    }
    before = seen.scores if seen.probabilities else None
    for name, given in (("before", before), ("after", after)):
        told |= _judged(name, given, seen, decided.classes_)
    return after, told


def curves_of(seen: Seen, classes: NDArray[Any], method: str) -> list[NDArray[np.float64]]:
    """Fit the calibration curves of :class:`fivefold.decided.Decided`.

    Parameters
    ----------
    seen : Seen
        The scores of the validation rows, by class.
    classes : ndarray of shape (n_classes,)
        In the order of the columns.
    method : {"sigmoid", "isotonic"}
    """
    fitted = _isotonic if method == "isotonic" else _sigmoid
    columns = [1] if len(classes) == 2 else range(len(classes))
    return [fitted(seen.scores[:, index], seen.y == classes[index], seen) for index in columns]


def _sigmoid(
    given: NDArray[np.float64], positive: NDArray[np.bool_], seen: Seen
) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    from fivefold.decided import log_odds

    odds = log_odds(given) if seen.probabilities else given
    # Of standard size, so that the faint penalty, which holds where classes part, is the same.
    spread = float(odds.std()) or 1.0
    model = LogisticRegression(C=1e4, max_iter=1000)
    model.fit((odds / spread)[:, None], positive, sample_weight=seen.weights)
    return np.array([float(model.coef_[0, 0]) / spread, float(model.intercept_[0])])


def _isotonic(
    given: NDArray[np.float64], positive: NDArray[np.bool_], seen: Seen
) -> NDArray[np.float64]:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(out_of_bounds="clip")
    model.fit(given, positive.astype(np.float64), sample_weight=seen.weights)
    points = np.stack([model.X_thresholds_, model.y_thresholds_])
    if seen.probabilities:
        return _gentle(points, lambda score: _STEEPEST / max(score, _FAINT))
    steepest = _STEEPEST_DECISIONS / (float(given.std()) or 1.0)
    return _gentle(points, lambda _: steepest)


def _gentle(
    points: NDArray[np.float64], steepest_at: Callable[[float], float]
) -> NDArray[np.float64]:
    """Put rises off to where they are as steep as two runtimes can agree on."""
    kept = [points[:, 0]]
    for point in points[:, 1:].T:
        across, up = point - kept[-1]
        steepest = steepest_at(float(kept[-1][0]))
        if 0 <= up <= steepest * across:
            kept.append(point)
        elif up > 0:
            kept.append(np.array([kept[-1][0] + up / steepest, point[1]]))
        # Else it lies behind a rise that was put off, and no higher.
    rising: NDArray[np.float64] = np.array(kept).T
    return rising


def _parts(seen: Seen, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    from sklearn.model_selection import StratifiedKFold

    n_parts = min(_PARTS, int(np.unique(seen.y, return_counts=True)[1].min()))
    rows = np.arange(len(seen.y))
    if n_parts < 2:
        return [(rows, rows)]
    cut = StratifiedKFold(n_splits=n_parts, shuffle=True, random_state=seed)
    return list(cut.split(rows, seen.y))


def _judged(
    name: str, given: NDArray[np.float64] | None, seen: Seen, classes: NDArray[Any]
) -> dict[str, Any]:
    from sklearn.metrics import brier_score_loss, log_loss

    from fivefold.model.curves import calibration

    if given is None:
        return {f"brier_{name}": None, f"log_loss_{name}": None, name: None}
    # A class that a fitted curve gives no chance at all would cost without end.
    bounded = np.clip(given, 1e-6, 1)
    bounded /= bounded.sum(axis=1, keepdims=True)
    weights, labels = seen.weights, classes
    two = len(classes) == 2
    brier = brier_score_loss(
        seen.y,
        given[:, 1] if two else given,
        sample_weight=weights,
        labels=None if two else labels,
        pos_label=classes[1] if two else None,
    )
    return {
        f"brier_{name}": float(brier),
        f"log_loss_{name}": float(log_loss(seen.y, bounded, sample_weight=weights, labels=labels)),
        name: calibration(seen.y == classes[1], given[:, 1]) if two else None,
    }
