"""Is the test part large enough: which difference of a metric it can show, and how surely."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from fivefold.resampling import Drawing, resample_counts
from fivefold.scoring import Predictions, on_counts, row_order

__all__ = ["LEVEL", "POWER", "paired_error", "power_of"]

LEVEL = 0.05
"""How often no difference may be taken for one, two-sided."""
POWER = 0.8
"""How often a difference should be seen: the convention of Cohen (1988)."""


def power_of(error: float, rows: int, difference: float | None) -> dict[str, Any]:
    """Tell what a comparison with this standard error can show.

    Parameters
    ----------
    error : float
        The standard error of the difference between two models, in the metric's unit.
    rows : int
        The rows that it was estimated on.
    difference : float or None
        The smallest difference that is of interest, above 0.

    Returns
    -------
    dict
        ``error``; ``detectable``, the difference seen with 80% power; and for the difference its
        ``power`` and ``rows``, how many 80% would need. The last two are None without one.

    Notes
    -----
    The two-sided z test at 5%: J. Cohen, *Statistical Power Analysis for the Behavioral Sciences*
    (2nd ed., 1988), chapter 2; for comparing models, D. Card et al., "With Little Power Comes Great
    Responsibility", *EMNLP* (2020). The rows needed take the error to fall with their root.
    """
    normal = NormalDist()
    bar = normal.inv_cdf(1 - LEVEL / 2)
    detectable = (bar + normal.inv_cdf(POWER)) * error
    found: dict[str, Any] = {"error": error, "detectable": detectable, "power": None, "rows": None}
    if difference is None:
        return found
    if error == 0:
        return {**found, "power": 1.0, "rows": rows}
    away = difference / error
    return {
        **found,
        "power": normal.cdf(away - bar) + normal.cdf(-away - bar),
        "rows": math.ceil(rows * (detectable / difference) ** 2),
    }


def paired_error(
    name: str,
    first: Predictions,
    second: Predictions,
    drawing: Drawing,
    *,
    n_resamples: int,
    seed: int,
) -> float | None:
    """Estimate the standard error of a metric's difference between two models on the same rows.

    Returns
    -------
    float or None
        None where the metric is undefined on half of the resamples or more.
    """
    rows = row_order(first)
    before, after = (on_counts(name, p.take(rows)) for p in (first, second))
    differences = np.concatenate(
        [
            after(counts) - before(counts)
            for _, counts in resample_counts(drawing.take(rows), n_resamples, seed)
        ]
    )
    defined = differences[np.isfinite(differences)]
    return float(defined.std()) if 2 * len(defined) > n_resamples else None
