"""Where the errors are: curves and confusion of classes, residuals of numbers, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.scoring import Predictions

__all__ = ["calibration", "confusion", "drawn", "residuals"]

# Points of a curve that are kept: more than a screen shows.
_MOST_POINTS = 200
_CALIBRATION_BINS = 10
_RESIDUAL_BINS = 30
_MOST_DOTS = 500


def drawn(p: Predictions) -> dict[str, Any]:
    """Give what the report and the page show of the predictions."""
    if p.value is not None:
        return {"residuals": residuals(p.y_true, p.value)}
    found: dict[str, Any] = {"confusion": confusion(p)}
    if p.score is not None:
        found["curves"] = _curves(p)
        if p.score.ndim == 1 and p.probabilistic:
            found["calibration"] = calibration(p.positive, p.score)
    return found


def confusion(p: Predictions) -> dict[str, Any]:
    """Count how often each class (rows) was taken for each (columns)."""
    classes = np.asarray(p.classes).tolist()
    # A class of the test part that the model never saw still has its row.
    classes += [value for value in np.unique(p.y_true).tolist() if value not in classes]
    position = {value: index for index, value in enumerate(classes)}
    matrix = np.zeros((len(classes), len(classes)), dtype=int)
    for true, label in zip(p.y_true.tolist(), np.asarray(p.label).tolist(), strict=True):
        matrix[position[true], position[label]] += 1
    return {"classes": classes, "matrix": matrix.tolist()}


def _curves(p: Predictions) -> list[dict[str, Any]]:
    classes, score = np.asarray(p.classes), np.asarray(p.score)
    if score.ndim == 1:
        return [_curve(classes[-1], p.positive, score)]
    return [
        _curve(value, p.y_true == value, score[:, index]) for index, value in enumerate(classes)
    ]


def _curve(value: Any, positive: NDArray[np.bool_], score: NDArray[np.float64]) -> dict[str, Any]:
    from sklearn.metrics import precision_recall_curve, roc_curve

    named = {
        "class": value.item() if isinstance(value, np.generic) else value,
        "prevalence": float(positive.mean()),
    }
    if positive.all() or not positive.any():
        return {**named, "roc": None, "precision_recall": None}
    false, true, _ = roc_curve(positive, score)
    precision, recall, _ = precision_recall_curve(positive, score, drop_intermediate=True)
    roc, pr = _thinned(false), _thinned(recall)
    return {
        **named,
        "roc": {
            "false_positive_rate": false[roc].tolist(),
            "true_positive_rate": true[roc].tolist(),
        },
        "precision_recall": {
            "recall": recall[pr].tolist(),
            "precision": precision[pr].tolist(),
        },
    }


def _thinned(along: NDArray[np.float64]) -> NDArray[np.intp]:
    """Choose points evenly along an axis of a curve, its ends among them."""
    if len(along) <= _MOST_POINTS:
        return np.arange(len(along))
    rising = along if along[-1] >= along[0] else -along
    wanted = np.linspace(rising[0], rising[-1], _MOST_POINTS - 2)
    found = np.searchsorted(rising, wanted).clip(0, len(along) - 1)
    return np.unique(np.concatenate([[0], found, [len(along) - 1]]))


def calibration(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Compare predicted probabilities with observed rates, in bins of about equal counts.

    Returns
    -------
    list of dict
        Per bin the rows, the mean prediction, the observed rate, and its 95% interval by Wilson,
        *Journal of the American Statistical Association* 22 (1927).
    """
    edges = np.unique(np.quantile(score, np.linspace(0, 1, _CALIBRATION_BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, score, side="right")
    found = []
    for index in range(len(edges) + 1):
        inside = bins == index
        rows = int(inside.sum())
        if rows:
            rate = float(positive[inside].mean())
            low, high = _wilson(rate, rows)
            found.append(
                {
                    "rows": rows,
                    "predicted": float(score[inside].mean()),
                    "observed": rate,
                    "low": low,
                    "high": high,
                }
            )
    return found


def _wilson(rate: float, rows: int, z: float = 1.959963984540054) -> tuple[float, float]:
    shrink = 1 + z**2 / rows
    centre = (rate + z**2 / (2 * rows)) / shrink
    half = z * np.sqrt(rate * (1 - rate) / rows + z**2 / (4 * rows**2)) / shrink
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def residuals(true: NDArray[np.float64], value: NDArray[np.float64]) -> dict[str, Any]:
    """Describe the residuals (observed minus predicted) of a regression, in the target's unit.

    Returns
    -------
    dict
        Mean and standard deviation, quantiles, a histogram, and an even sample of rows by rank of
        the prediction, at most 500.
    """
    residual = true - value
    counts, edges = np.histogram(residual, bins=_RESIDUAL_BINS)
    order = np.argsort(value, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, _MOST_DOTS).astype(np.intp))]
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    return {
        "mean": float(residual.mean()),
        "std": float(residual.std()),
        "quantiles": {
            f"{q:g}": float(at)
            for q, at in zip(quantiles, np.quantile(residual, quantiles), strict=True)
        },
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        "sample": {"predicted": value[shown].tolist(), "observed": true[shown].tolist()},
    }
