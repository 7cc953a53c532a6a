"""The same pipeline fitted again: on fewer rows, and with other seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from fivefold.errors import FivefoldError
from fivefold.model.preprocessing import fit
from fivefold.objective import Objective
from fivefold.resampling import Drawing
from fivefold.scoring import Predictions, bootstrap, predict, score

if TYPE_CHECKING:
    import pandas as pd

    from fivefold.model.evaluate import EvaluateConfig

__all__ = ["Refits", "learning_curve", "seed_stability"]

# Intervals of single points: rough ones do.
_RESAMPLES = 200


@dataclass(frozen=True)
class Refits:
    """What every refit shares.

    Attributes
    ----------
    estimator : Pipeline
        Fitted on the whole training part.
    features, test : pandas.DataFrame
        Of the training and the test part.
    y : ndarray of shape (n_rows,)
        The training part's target.
    order : ndarray of shape (n_rows,)
        The training rows in the order in which they are taken.
    drawing : Drawing
        Of the test part.
    """

    estimator: Any
    features: pd.DataFrame
    test: pd.DataFrame
    y: NDArray[Any]
    order: NDArray[np.intp]
    drawing: Drawing
    objective: Objective
    config: EvaluateConfig

    def fitted(self, rows: int, y_test: NDArray[Any], seed: int | None = None) -> Predictions:
        """Fit a clone on the first rows of the order, and predict the test part."""
        model = clone(self.estimator)
        if seed is not None:
            model.set_params(**dict.fromkeys(_seeds(model), seed))
        taken = np.sort(self.order[:rows])
        fit(model, self.features.iloc[taken], self.y[taken])
        return predict(
            model, self.test, y_test, self.objective, threshold=self.config.threshold or 0.0
        )


def learning_curve(refits: Refits, kept: Predictions) -> tuple[dict[str, Any], Predictions | None]:
    """Score fits on growing shares of the training part; the last point is the kept model.

    Returns
    -------
    tuple of (dict, Predictions or None)
        ``points`` and ``skipped``, the reason where there are none; and the predictions of the
        largest refit: a rival that resembles the kept model.
    """
    config, total = refits.config.learning_curve, len(refits.y)
    if config.points == 0:
        return _skipped("evaluate.learning_curve.points is 0"), None
    most = min(config.max_rows, total // 2)
    sizes = sorted({most >> halving for halving in range(config.points)})
    points, rival, failed = [], None, []
    for rows in (size for size in sizes if size >= 2):
        try:
            rival = refits.fitted(rows, kept.y_true)
        except Exception as error:  # noqa: BLE001 - whatever an estimator raises is told
            failed.append(f"{rows:,} rows: {_cause(error)}")
            continue
        points.append(_point(refits, rival, rows))
    if not points:
        return _skipped("; ".join(failed) or "the training part has too few rows"), None
    return {
        "points": [*points, _point(refits, kept, total)],
        "skipped": None,
        "failed": failed,
    }, rival


def _point(refits: Refits, p: Predictions, rows: int) -> dict[str, Any]:
    name = refits.objective.primary_metric
    ends = bootstrap(
        [name],
        p,
        n_resamples=_RESAMPLES,
        seed=refits.config.seed,
        confidence=refits.config.confidence,
        drawing=refits.drawing,
    )[name]
    low, high = (ends["low"], ends["high"]) if ends else (None, None)
    return {"rows": rows, "value": score(name, p), "low": low, "high": high}


def seed_stability(
    refits: Refits, y_test: NDArray[Any], interval: dict[str, float] | None
) -> dict[str, Any]:
    """Score fits that differ in their seed only.

    Returns
    -------
    dict
        ``rows`` fitted on; ``values`` by seed, their ``mean`` and ``std``; ``spread``, the largest
        less the smallest; ``larger``, whether that is more than the width of the interval; and
        ``skipped``, the reason where there is none of it.
    """
    config, name = refits.config.seeds, refits.objective.primary_metric
    if config.number == 0:
        return _skipped("evaluate.seeds.number is 0")
    if not _seeds(refits.estimator):
        return _skipped("the estimator takes no random_state: its fit has nothing random")
    rows, values = min(config.max_rows, len(refits.y)), []
    first: Predictions | None = None
    for number in range(config.number):
        try:
            found = refits.fitted(rows, y_test, refits.config.seed + number)
        except Exception as error:  # noqa: BLE001 - whatever an estimator raises is told
            return _skipped(_cause(error))
        values.append(score(name, found))
        if first is not None and number == 1 and _alike(first, found):
            return _skipped("a second seed gave the same predictions: nothing in the fit is random")
        first = found
    known = np.array([value for value in values if value is not None])
    if len(known) < 2:
        return _skipped(f"{name} is undefined on the test part")
    spread = float(known.max() - known.min())
    width = None if interval is None else interval["high"] - interval["low"]
    return {
        "rows": rows,
        "values": values,
        "mean": float(known.mean()),
        "std": float(known.std(ddof=1)),
        "spread": spread,
        "larger": None if width is None else bool(spread > width),
        "skipped": None,
    }


def _seeds(model: Any) -> list[str]:
    params: Sequence[str] = list(model.get_params())
    return [name for name in params if name.rpartition("__")[2] == "random_state"]


def _alike(first: Predictions, second: Predictions) -> bool:
    for name in ("score", "value", "label"):
        ours, theirs = getattr(first, name), getattr(second, name)
        if ours is not None:
            return bool(np.array_equal(ours, theirs))
    return False


def _cause(error: Exception) -> str:
    return error.what if isinstance(error, FivefoldError) else f"{type(error).__name__}: {error}"


def _skipped(reason: str) -> dict[str, Any]:
    return {"skipped": reason}
