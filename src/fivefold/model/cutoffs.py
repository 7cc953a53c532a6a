"""What each threshold on a score would give, and how much the highest scores gather."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.model.decision import Costs
from fivefold.model.tally import Tally
from fivefold.scoring import Predictions

__all__ = ["gains", "thresholds"]

_POINTS = 101


def thresholds(p: Predictions, chosen: float, costs: Costs | None) -> dict[str, Any]:
    """Follow precision, recall, F1, the share predicted positive and the mean cost over thresholds.

    Parameters
    ----------
    p : Predictions
        Of two classes, with a score.
    chosen : float
        The threshold in use.
    costs : Costs or None
        What each outcome costs; without, no cost is given.

    Returns
    -------
    dict
        Lists of up to 101 points by rising threshold; ``chosen``, the same at the threshold in use;
        ``cheapest``, where the mean cost is least, on these rows and so too good to be chosen by.
    """
    score = np.asarray(p.score)
    tally = Tally.of(p.positive, score, np.ones(len(score)))
    columns = _columns(tally, costs)
    grid = np.unique(np.quantile(tally.thresholds, np.linspace(0, 1, _POINTS)))
    shown = np.unique([_at(tally, value) for value in grid])[::-1]
    found: dict[str, Any] = {
        name: [_known(value) for value in values[shown]]
        for name, values in {"threshold": tally.thresholds, **columns}.items()
    }
    here = _at(tally, chosen)
    found["chosen"] = {"threshold": chosen, **{n: _known(v[here]) for n, v in columns.items()}}
    if "cost" in columns:
        best = int(np.argmin(columns["cost"]))
        found["cheapest"] = {
            "threshold": float(tally.thresholds[best]),
            "cost": float(columns["cost"][best]),
        }
    return found


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _at(tally: Tally, threshold: float) -> int:
    """Find the point of which the alarms are the rows with at least this score."""
    # Thresholds lie between scores and fall: the last one that is not below stands for it.
    return max(int(np.searchsorted(-tally.thresholds, -threshold, side="right")) - 1, 0)


def _columns(tally: Tally, costs: Costs | None) -> dict[str, NDArray[np.float64]]:
    both = tally.alarms + tally.positives
    found = {
        # Without an alarm nothing says how many are right.
        "precision": np.where(tally.alarms > 0, tally.precision, np.nan),
        "recall": tally.recall,
        "f1": 2 * tally.hits / np.maximum(both, 1),
        "alarms": tally.alarms / tally.total,
    }
    return found if costs is None else {**found, "cost": tally.costs(costs)}


def gains(p: Predictions) -> list[dict[str, Any]]:
    """Tell which share of each class the rows with its highest scores hold.

    Returns
    -------
    list of dict
        Per class that has rows and that not every row is of (two classes: the positive one):
        ``share`` of the rows, ``gain``, the share of the class within them, and ``lift``, how many
        times as many these are as in so many rows by chance. Rows of one score are taken evenly.
    """
    score, classes = np.asarray(p.score), np.asarray(p.classes)
    pairs = (
        [(classes[-1], p.positive, score)]
        if score.ndim == 1
        else [(value, p.y_true == value, score[:, i]) for i, value in enumerate(classes)]
    )
    found = []
    for value, positive, column in pairs:
        if positive.all() or not positive.any():
            continue
        tally = Tally.of(positive, column, np.ones(len(column)))
        share = np.linspace(0, 1, _POINTS)
        # From no row on: where scores are 1, there is no threshold above them.
        shares = np.append(0.0, tally.alarms / tally.total)
        gain = np.interp(share, shares, np.append(0.0, tally.recall))
        found.append(
            {
                "class": value.item() if isinstance(value, np.generic) else value,
                "share": share[1:].tolist(),
                "gain": gain[1:].tolist(),
                "lift": (gain[1:] / share[1:]).tolist(),
            }
        )
    return found
