"""What a remedy gains in fairness and costs in the primary metric, on rows held out for that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fivefold.model.disparity import named_difference, resampled_counts
from fivefold.model.mitigation import CONSTRAINTS, Mitigation
from fivefold.objective import Objective
from fivefold.paired import paired_changes
from fivefold.scoring import Predictions

__all__ = ["price_of"]

_RESAMPLES = 1000

Price = dict[str, float | None]


def price_of(
    pair: list[Predictions],
    codes: NDArray[np.intp],
    objective: Objective,
    mitigation: Mitigation,
    seed: int,
) -> dict[str, Price]:
    """Compare two models on the same rows.

    Parameters
    ----------
    pair : list of Predictions
        Without and with the remedy, of the same rows.
    codes : ndarray of int, shape (n_rows,)
        Their groups.
    objective : Objective
        Names the primary metric.
    mitigation : Mitigation
        Names the constraint, and with it the fairness metric.
    seed : int
        For the resamples.

    Returns
    -------
    dict of str to dict
        By metric: ``without``, ``with``, ``change``, and ``low`` and ``high`` of the change, all
        null where the metric is undefined.
    """
    return {
        objective.primary_metric: _metric_price(pair, objective, seed),
        CONSTRAINTS[mitigation.constraint]: _fairness_price(
            pair, codes, objective, mitigation, seed
        ),
    }


def _metric_price(pair: list[Predictions], objective: Objective, seed: int) -> Price:
    name = objective.primary_metric
    found = paired_changes([name], pair[0], pair[1], n_resamples=_RESAMPLES, seed=seed)[name]
    if found is None:
        return _price(None, None, None, None)
    return _price(found.before, found.after, found.low, found.high)


def _fairness_price(
    pair: list[Predictions],
    codes: NDArray[np.intp],
    objective: Objective,
    mitigation: Mitigation,
    seed: int,
) -> Price:
    """Resample how many rows each group, true class and pair of predictions has."""
    labels = [np.asarray(p.label) for p in pair]
    classes, flat = np.unique(np.concatenate([pair[0].y_true, *labels]), return_inverse=True)
    size = len(classes)
    true, before, after = flat.reshape(3, -1)
    n_groups = int(codes.max()) + 1
    cells = ((codes * size + true) * size + before) * size + after
    joint = np.bincount(cells, minlength=n_groups * size**3).reshape(n_groups, size, size, size)
    drawn = resampled_counts(joint, _RESAMPLES, np.random.default_rng(seed))
    name = CONSTRAINTS[mitigation.constraint].removesuffix("_difference")
    binary = objective.task == "binary"

    def difference(counts: NDArray[np.int64], predicted: int) -> NDArray[np.float64]:
        return named_difference(name, counts.sum(axis=-1 - predicted), binary=binary)

    first, second = (float(difference(joint[None], side)[0]) for side in (0, 1))
    changes = difference(drawn, 1) - difference(drawn, 0)
    known = changes[np.isfinite(changes)]
    if not np.isfinite(first + second) or 2 * len(known) <= _RESAMPLES:
        return _price(None, None, None, None)
    low, high = np.quantile(known, [0.025, 0.975])
    return _price(first, second, float(low), float(high))


def _price(
    without: float | None, remedied: float | None, low: float | None, high: float | None
) -> Price:
    change = None if without is None or remedied is None else remedied - without
    return {"without": without, "with": remedied, "change": change, "low": low, "high": high}
