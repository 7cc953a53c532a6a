"""From probabilities on validation rows to a decision threshold."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.errors import ConfigError, DataError, nearest
from fivefold.model.tally import Tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Costs", "Decision", "threshold_of"]

_METHODS = ("fixed", "cost", "f_beta", "recall_at_precision")
# Fewer validation rows of a class than this decide little.
_FEW = 30
# Points of the curve that are kept: more than a screen tells apart.
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
        for name, value in asdict(self).items():
            if not math.isfinite(value):
                raise ConfigError(
                    "a cost is no number",
                    where=f"train.decision.costs.{name}",
                    got=value,
                    allowed="a finite number; a gain is negative",
                )
        if self.false_positive + self.false_negative <= self.true_positive + self.true_negative:
            raise ConfigError(
                "errors cost no more than being right",
                where="train.decision.costs",
                got=f"errors {self.false_positive + self.false_negative:g}, "
                f"otherwise {self.true_positive + self.true_negative:g}",
                allowed="false_positive + false_negative above true_positive + true_negative",
            )

    @property
    def exact(self) -> float:
        """The threshold that exact probabilities would ask for, in (0, 1) or beyond.

        Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI (2001), equation 2.
        """
        alarm = self.false_positive - self.true_negative
        return alarm / (alarm + self.false_negative - self.true_positive)


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
        if self.method not in _METHODS:
            raise ConfigError(
                "unknown method",
                where="train.decision.method",
                got=self.method,
                allowed=_METHODS,
                hint=nearest(self.method, _METHODS),
            )
        for name, value, good, allowed in (
            ("threshold", self.threshold, 0 <= self.threshold <= 1, "0 to 1"),
            ("beta", self.beta, 0 < self.beta < math.inf, "above 0"),
            ("precision", self.precision, 0 < self.precision <= 1, "above 0, at most 1"),
        ):
            if not good:
                raise ConfigError(
                    "a number is out of bounds",
                    where=f"train.decision.{name}",
                    got=value,
                    allowed=allowed,
                )

    @property
    def declared(self) -> bool:
        """Whether it is another than the estimator's own."""
        return self.method != "fixed" or self.threshold != 0.5


def threshold_of(
    positive: NDArray[np.bool_],
    score: NDArray[np.float64],
    decision: Decision,
    weights: NDArray[np.float64] | None = None,
) -> tuple[float, dict[str, Any]]:
    """Choose the threshold on the validation rows.

    Parameters
    ----------
    positive : ndarray of shape (n_rows,)
        Is each row of the positive class?
    score : ndarray of shape (n_rows,)
        Its probability, calibrated if it will be.
    decision : Decision
        Of any method but ``fixed``.
    weights : ndarray of shape (n_rows,), optional
        How much each row counts.

    Returns
    -------
    tuple of (float, dict)
        The threshold, and what it was chosen by: rows, positives, the objective's value there and
        at 0.5, the outcomes there, and the curve over thresholds.

    Raises
    ------
    DataError
        No threshold reaches the precision.
    """
    each = np.ones(len(score)) if weights is None else weights
    tally = Tally.of(positive, score, each)
    aim = _aim(tally, decision)
    best = int(np.argmax(aim))
    if not np.isfinite(aim[best]):
        raise DataError(
            "no threshold reaches the precision on the validation rows",
            where="train.decision.precision",
            got=decision.precision,
            allowed=f"at most {tally.precision.max():.3g} is reached",
            hint="lower it, or improve the model first",
        )
    # As a 32-bit float has it, so that every runtime compares with the same number.
    threshold = float(np.float32(np.clip(tally.thresholds[best], 0.0, 1.0)))
    sign = -1 if decision.method == "cost" else 1
    at_half = float(_aim(Tally.at(0.5, positive, score, each), decision)[0])
    told: dict[str, Any] = {
        "rows": len(positive),
        "positives": int(positive.sum()),
        "few": bool(min(positive.sum(), (~positive).sum()) < _FEW),
        "objective": _named(decision),
        "value": float(sign * aim[best]),
        "value_at_half": float(sign * at_half) if np.isfinite(at_half) else None,
        "precision": float(tally.precision[best]),
        "recall": float(tally.recall[best]),
        "outcomes": _outcomes(positive, score >= threshold),
        "curve": _curve(tally, sign * aim, best),
    }
    if decision.method == "cost":
        told |= {
            "costs": asdict(decision.costs),
            "value_of_none": float(
                Tally.at(np.inf, positive, score, each).costs(decision.costs)[0]
            ),
            "value_of_all": float(
                Tally.at(-np.inf, positive, score, each).costs(decision.costs)[0]
            ),
            "exact_threshold": decision.costs.exact,
        }
    return threshold, told


def _named(decision: Decision) -> str:
    return {
        "cost": "mean cost",
        "f_beta": f"F{decision.beta:g}",
        "recall_at_precision": f"recall at a precision of {decision.precision:g}",
    }[decision.method]


def _aim(tally: Tally, decision: Decision) -> NDArray[np.float64]:
    """Give what is the larger the better; minus infinity where too few alarms are right."""
    if decision.method == "cost":
        return -tally.costs(decision.costs)
    if decision.method == "f_beta":
        return tally.f_beta(decision.beta)
    enough = (tally.precision >= decision.precision) & (tally.alarms > 0)
    return np.where(enough, tally.recall, -np.inf)


def _outcomes(positive: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> dict[str, int]:
    return {
        "true_positive": int((alarm & positive).sum()),
        "false_positive": int((alarm & ~positive).sum()),
        "false_negative": int((~alarm & positive).sum()),
        "true_negative": int((~alarm & ~positive).sum()),
    }


def _curve(tally: Tally, values: NDArray[np.float64], best: int) -> dict[str, list[float | None]]:
    """Thin the curve to what a screen shows, the chosen one among them."""
    wanted = np.linspace(0, len(values) - 1, _POINTS).astype(int)
    shown = np.unique(np.append(wanted, best))
    return {
        "threshold": tally.thresholds[shown].tolist(),
        "value": [float(v) if np.isfinite(v) else None for v in values[shown]],
        "precision": tally.precision[shown].tolist(),
        "recall": tally.recall[shown].tolist(),
    }
