"""From probabilities on validation rows to calibration curves and a decision threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.errors import ConfigError, DataError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Calibration", "Costs", "Decision", "curves_of", "threshold_of"]

_METHODS = ("fixed", "cost", "f_beta", "recall_at_precision")
_CALIBRATIONS = ("sigmoid", "isotonic")
# Fewer validation rows of a class than this decide little.
_FEW = 30
# No steeper, so that a difference of 1e-7 between two runtimes stays small.
_STEEPEST = 50.0
_POINTS = 101


@dataclass(frozen=True)
class Costs:
    """What each outcome costs, in any one unit; a gain is negative.

    Attributes
    ----------
    true_positive, false_positive, false_negative, true_negative : float
        Per row.
    """

    true_positive: float = 0.0
    false_positive: float = 1.0
    false_negative: float = 1.0
    true_negative: float = 0.0

    def __post_init__(self) -> None:
        if self.false_positive + self.false_negative <= self.true_positive + self.true_negative:
            raise ConfigError(
                "errors cost no more than being right",
                where="train.decision.costs",
                got=f"errors {self.false_positive + self.false_negative:g}, "
                f"otherwise {self.true_positive + self.true_negative:g}",
                allowed="false_positive + false_negative above true_positive + true_negative",
            )


@dataclass(frozen=True)
class Calibration:
    """How probabilities are calibrated on the validation rows.

    Attributes
    ----------
    method : {"sigmoid", "isotonic"}
        A logistic curve of the log odds (Platt, *Advances in Large Margin Classifiers*, 1999), or
        a rising curve of straight lines (Zadrozny and Elkan, *KDD*, 2002), which wants a thousand
        rows or more.
    """

    method: str = "sigmoid"

    def __post_init__(self) -> None:
        _require_known(self.method, _CALIBRATIONS, "train.calibration.method")


@dataclass(frozen=True)
class Decision:
    """From which probability on the positive class is predicted.

    Attributes
    ----------
    method : {"fixed", "cost", "f_beta", "recall_at_precision"}
        ``threshold`` as it stands; or, on the validation rows, the least mean cost, the largest
        F-beta, or the largest recall with at least ``precision``.
    threshold : float
        For ``fixed``, in [0, 1].
    costs : Costs
        For ``cost``.
    beta : float
        For ``f_beta``, above 0: how many times as important recall is as precision.
    precision : float
        For ``recall_at_precision``, in (0, 1].
    """

    method: str = "fixed"
    threshold: float = 0.5
    costs: Costs = field(default_factory=Costs)
    beta: float = 1.0
    precision: float = 0.9

    def __post_init__(self) -> None:
        _require_known(self.method, _METHODS, "train.decision.method")
        for name, value, good, allowed in (
            ("threshold", self.threshold, 0 <= self.threshold <= 1, "0 to 1"),
            ("beta", self.beta, self.beta > 0, "above 0"),
            ("precision", self.precision, 0 < self.precision <= 1, "above 0, at most 1"),
        ):
            if not good:
                raise ConfigError(
                    "a number is out of bounds",
                    where=f"train.decision.{name}",
                    got=value,
                    allowed=allowed,
                )


def _require_known(value: str, known: tuple[str, ...], where: str) -> None:
    if value not in known:
        raise ConfigError(
            "unknown method", where=where, got=value, allowed=known, hint=nearest(value, known)
        )


def curves_of(
    given: NDArray[np.float64], y: NDArray[Any], classes: NDArray[Any], method: str
) -> list[NDArray[np.float64]]:
    """Fit the calibration curves of :class:`fivefold.decided.Decided`.

    Parameters
    ----------
    given : ndarray of shape (n_rows, n_classes)
        Probabilities of the validation rows.
    y : ndarray of shape (n_rows,)
        Their classes.
    classes : ndarray of shape (n_classes,)
        In the order of the columns.
    method : {"sigmoid", "isotonic"}
    """
    fitted = _isotonic if method == "isotonic" else _sigmoid
    columns = [1] if len(classes) == 2 else range(len(classes))
    return [fitted(given[:, index], y == classes[index]) for index in columns]


def _sigmoid(given: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    from fivefold.decided import CLIP

    clipped = np.clip(given, CLIP, 1 - CLIP)
    odds = np.log(clipped / (1 - clipped))
    model = LogisticRegression(C=1e6, max_iter=1000).fit(odds[:, None], positive)
    return np.array([float(model.coef_[0, 0]), float(model.intercept_[0])])


def _isotonic(given: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(out_of_bounds="clip").fit(given, positive.astype(np.float64))
    return _gentle(np.stack([model.X_thresholds_, model.y_thresholds_]))


def _gentle(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave points out where the curve would be steeper than two runtimes agree on."""
    kept = [points[:, 0]]
    for point in points[:, 1:].T:
        across, up = point - kept[-1]
        if up <= _STEEPEST * across:
            kept.append(point)
        elif len(kept) == 1 or kept[-1][1] < point[1]:
            # The rise is put off to where it is as steep as may be.
            reach = kept[-1][0] + up / _STEEPEST
            kept.append(np.array([reach, point[1]]))
    rising = np.array(kept).T
    # Put off beyond the next points, some lie behind: the curve goes through what rises on.
    order = np.argsort(rising[0], kind="stable")
    found: NDArray[np.float64] = rising[:, order]
    found[1] = np.maximum.accumulate(found[1])
    return found


@dataclass(frozen=True)
class Tally:
    """The outcomes at every threshold, from the highest score down.

    Attributes
    ----------
    thresholds : ndarray of shape (n_thresholds,)
        Falling; the first is above every score.
    hits, alarms : ndarray of shape (n_thresholds,)
        True positives and all rows predicted positive.
    positives, rows : int
    """

    thresholds: NDArray[np.float64]
    hits: NDArray[np.float64]
    alarms: NDArray[np.float64]
    positives: float
    rows: int

    @classmethod
    def of(cls, positive: NDArray[np.bool_], score: NDArray[np.float64]) -> Tally:
        """Count them."""
        order = np.argsort(-score, kind="stable")
        ordered, hit = score[order], positive[order]
        ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
        hits = np.concatenate([[0], np.cumsum(hit)[ends]]).astype(np.float64)
        alarms = np.concatenate([[0], ends + 1]).astype(np.float64)
        # Between two scores, where neither a new row nor another runtime falls on it.
        values = ordered[ends]
        between = (values + np.append(values[1:], 0.0)) / 2
        thresholds = np.concatenate([[(1 + values[0]) / 2], between])
        return cls(thresholds, hits, alarms, float(positive.sum()), len(positive))

    def costs(self, costs: Costs) -> NDArray[np.float64]:
        """Give the mean cost of a row."""
        false_alarms = self.alarms - self.hits
        missed = self.positives - self.hits
        rest = self.rows - self.alarms - missed
        total: NDArray[np.float64] = (
            costs.true_positive * self.hits
            + costs.false_positive * false_alarms
            + costs.false_negative * missed
            + costs.true_negative * rest
        ) / self.rows
        return total

    @property
    def precision(self) -> NDArray[np.float64]:
        """The share of alarms that are right; 0 without an alarm."""
        return self.hits / np.maximum(self.alarms, 1)

    @property
    def recall(self) -> NDArray[np.float64]:
        """The share of positives that are found."""
        return self.hits / max(self.positives, 1)


def threshold_of(
    positive: NDArray[np.bool_], score: NDArray[np.float64], decision: Decision
) -> tuple[float, dict[str, Any]]:
    """Choose the threshold on the validation rows.

    Parameters
    ----------
    positive : ndarray of shape (n_rows,)
        Is each row of the positive class?
    score : ndarray of shape (n_rows,)
        Its probability, calibrated if it will be.
    decision : Decision

    Returns
    -------
    tuple of (float, dict)
        The threshold, and what it was chosen by: rows, positives, the objective's value there and
        at 0.5, and the curve over thresholds.

    Raises
    ------
    DataError
        No threshold reaches the precision.
    """
    tally = Tally.of(positive, score)
    if decision.method == "cost":
        name, aim = "mean cost", -tally.costs(decision.costs)
    elif decision.method == "f_beta":
        name, aim = f"F{decision.beta:g}", _f_beta(tally, decision.beta)
    else:
        name = "recall"
        enough = (tally.precision >= decision.precision) & (tally.alarms > 0)
        if not enough.any():
            raise DataError(
                "no threshold reaches the precision on the validation rows",
                where="train.decision.precision",
                got=decision.precision,
                allowed=f"at most {tally.precision[1:].max():.3g} is reached",
                hint="lower it, or improve the model first",
            )
        aim = np.where(enough, tally.recall, -np.inf)
    best = int(np.argmax(aim))
    # As a 32-bit float has it, so that every runtime compares with the same number.
    threshold = float(np.float32(np.clip(tally.thresholds[best], 0.0, 1.0)))
    sign = -1 if decision.method == "cost" else 1
    half = int(np.searchsorted(-tally.thresholds, -0.5, side="right")) - 1
    at_half = aim[max(half, 0)]
    return threshold, {
        "rows": len(positive),
        "positives": int(positive.sum()),
        "few": bool(min(positive.sum(), (~positive).sum()) < _FEW),
        "objective": name,
        "value": float(sign * aim[best]),
        "value_at_half": float(sign * at_half) if np.isfinite(at_half) else None,
        "curve": _curve(tally, sign * aim),
    }


def _f_beta(tally: Tally, beta: float) -> NDArray[np.float64]:
    weight = beta**2
    below = tally.alarms + weight * tally.positives
    result: NDArray[np.float64] = (1 + weight) * tally.hits / np.maximum(below, 1)
    return result


def _curve(tally: Tally, values: NDArray[np.float64]) -> Mapping[str, list[float | None]]:
    """Thin the curve to what a screen shows."""
    shown = np.unique(np.linspace(0, len(values) - 1, _POINTS).astype(int))
    return {
        "threshold": tally.thresholds[shown].tolist(),
        "value": [float(v) if np.isfinite(v) else None for v in values[shown]],
        "precision": tally.precision[shown].tolist(),
        "recall": tally.recall[shown].tolist(),
    }
