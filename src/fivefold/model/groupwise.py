"""A decision threshold per group: which ones bring the groups together at the least loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["choose_thresholds"]

_CANDIDATES = 100
_TARGETS = 51
_LEAST = 1e-6

# Which of a group's rates (selection, true positive, false positive) each constraint is about.
_RATES: dict[str, tuple[int, ...]] = {
    "demographic_parity": (0,),
    "true_positive_rate_parity": (1,),
    "false_positive_rate_parity": (2,),
    "equalized_odds": (1, 2),
}


def choose_thresholds(
    score: NDArray[np.float64],
    positive: NDArray[np.bool_],
    codes: NDArray[np.intp],
    *,
    constraint: str,
    objective: str,
    tolerance: float,
) -> NDArray[np.float64]:
    """Choose a threshold per group, deterministically.

    For each of many values that the constrained rates could have in common, every group takes the
    threshold that comes nearest. Of the choices that leave the groups no farther apart than the
    tolerance, the one with the best objective is taken; where none does, the one that leaves them
    the nearest. Hardt, Price and Srebro (2016, "Equality of opportunity in supervised learning")
    draw between two thresholds at random and so meet equalized odds exactly; one threshold per
    group may not.

    Parameters
    ----------
    score : ndarray of shape (n_rows,)
        Probabilities of the positive class, of rows that the model was not fitted on.
    positive : ndarray of bool, shape (n_rows,)
        Is each row of the positive class?
    codes : ndarray of int, shape (n_rows,)
        Each row's group, from 0 on; every group has rows.
    constraint : str
        Of :data:`fivefold.model.mitigation.CONSTRAINTS`.
    objective : {"balanced_accuracy_score", "accuracy_score"}
        Over all groups together.
    tolerance : float
        How far apart the rates may be.

    Returns
    -------
    ndarray of shape (n_groups,)
        In (0, 1).
    """
    n_groups = int(codes.max()) + 1
    tables = [_candidates(score[codes == g], positive[codes == g]) for g in range(n_groups)]
    concerned = list(_RATES[constraint])
    axes = [np.linspace(0, 1, _TARGETS)] * len(concerned)
    targets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(concerned))
    # By target and group: the candidate that comes nearest in the rates that count.
    picks = np.stack([_nearest(table, concerned, targets) for table in tables], axis=1)
    rates = np.stack([t[1][picks[:, g]] for g, t in enumerate(tables)], axis=1)[..., concerned]
    with np.errstate(invalid="ignore"):
        apart = _quiet_range(rates).max(axis=-1)
    hits = sum(table[2][picks[:, g]] for g, table in enumerate(tables))
    gain = _gain(np.asarray(hits), positive, objective)
    allowed = apart <= tolerance
    chosen = np.flatnonzero(allowed) if allowed.any() else np.flatnonzero(apart == apart.min())
    best = chosen[np.argmax(gain[chosen])]
    return np.array([table[0][picks[best, g]] for g, table in enumerate(tables)])


Table = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def _candidates(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> Table:
    """Give thresholds, their rates (NaN where undefined) and true positives and negatives."""
    distinct = np.unique(score)
    if len(distinct) > _CANDIDATES:
        shares = np.linspace(0, 1, _CANDIDATES)
        distinct = np.unique(np.quantile(score, shares, method="nearest"))
    # Between two scores, so that rounding decides no row.
    cuts = np.concatenate([[_LEAST], (distinct[:-1] + distinct[1:]) / 2, [1 - _LEAST]])
    cuts = np.unique(np.clip(cuts, _LEAST, 1 - _LEAST))
    ordered, hits = np.sort(score), np.sort(score[positive])
    selected = len(ordered) - np.searchsorted(ordered, cuts, side="left")
    right = len(hits) - np.searchsorted(hits, cuts, side="left")
    negatives = len(score) - len(hits)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.stack(
            [
                selected / len(score),
                right / np.float64(len(hits)),
                (selected - right) / np.float64(negatives),
            ],
            axis=1,
        )
    return cuts, rates, np.stack([right, negatives - (selected - right)], axis=1)


def _nearest(table: Table, concerned: list[int], targets: NDArray[np.float64]) -> NDArray[np.intp]:
    cuts, rates, _ = table
    # A rate that the group can't have (no row of the class) says nothing against a threshold.
    away = np.nan_to_num(rates[:, concerned])[None] - targets[:, None]
    distance = np.abs(away).max(axis=-1)
    # Of equally near ones the least surprising.
    near = distance <= distance.min(axis=1, keepdims=True) + 1e-12
    surprise = np.where(near, np.abs(cuts - 0.5)[None], np.inf)
    result: NDArray[np.intp] = surprise.argmin(axis=1)
    return result


def _quiet_range(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(rates)
    high = np.where(known, rates, -np.inf).max(axis=1)
    low = np.where(known, rates, np.inf).min(axis=1)
    result: NDArray[np.float64] = np.maximum(high - low, 0.0)
    return result


def _gain(hits: Any, positive: NDArray[np.bool_], objective: str) -> NDArray[np.float64]:
    total = int(positive.sum())
    if objective == "accuracy_score":
        accuracy: NDArray[np.float64] = hits.sum(axis=1) / len(positive)
        return accuracy
    sizes = np.array([max(total, 1), max(len(positive) - total, 1)])
    balanced: NDArray[np.float64] = (hits / sizes).mean(axis=1)
    return balanced
