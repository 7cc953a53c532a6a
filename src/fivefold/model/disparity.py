"""How far groups are apart: rates per group, their aggregates, and intervals by resampled counts.

What a group's rates need of its rows is how many fall into each cell of its confusion. Rows drawn
with replacement fall into the cells as a multinomial draw does (Efron and Tibshirani 1993, *An
Introduction to the Bootstrap*, chapter 20), so a thousand resamples of the rows are a thousand
draws of a few dozen counts, whatever the number of rows. A mean per group (a score, an error) is
drawn as the mean of so many draws from the group's values: normal, by the central limit theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Aggregate",
    "Counted",
    "Means",
    "aggregates",
    "named_difference",
    "rates",
    "resampled_counts",
    "wilson",
]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# Two numerators and denominators: what is counted, of how many.
Rate = tuple[NDArray[Any], NDArray[Any]]

# Which measures the named ones take the worst of.
NAMED: dict[str, tuple[str, ...]] = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity": ("true_positive_rate",),
}

# Ratios are judged by their logarithm, and half a row keeps it from leaving the numbers.
_HALF = 0.5


@dataclass(frozen=True)
class Aggregate:
    """One number over the groups.

    Attributes
    ----------
    value : float or None
        None where fewer groups than it needs have the measure.
    low, high : float or None
        Its interval.
    percentiles : (float, float) or None
        The quantiles of the resampled values, as fairlearn gives them: of a difference they lie
        too high.
    groups : int
        How many groups it is of.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    percentiles: tuple[float, float] | None = None
    groups: int = 0


@dataclass(frozen=True)
class Counted:
    """Rows per cell, and what a measure makes of them.

    Attributes
    ----------
    point : dict of str to (ndarray, ndarray)
        By measure: numerators and denominators, shape (n_groups, n_shown); a column per class of
        more than two, else one.
    drawn : dict of str to (ndarray, ndarray)
        The same on resamples, shape (n_resamples, n_groups, n_shown).
    """

    point: Mapping[str, Rate]
    drawn: Mapping[str, Rate]


@dataclass(frozen=True)
class Means:
    """Means per group: shape (n_groups, n_shown), and on resamples with one axis in front."""

    point: Mapping[str, Floats]
    drawn: Mapping[str, Floats]


def rates(cells: Counts, *, binary: bool) -> dict[str, Rate]:
    """Count what each measure is of.

    Parameters
    ----------
    cells : ndarray of shape (..., n_groups, n_classes, n_classes)
        Rows by group, true and predicted class.
    binary : bool
        Of two classes the last is the positive one. Of more, each in turn is, against the rest.

    Returns
    -------
    dict of str to (ndarray, ndarray)
        Numerators and denominators, each of shape (..., n_groups, n_shown).
    """
    right = np.diagonal(cells, axis1=-2, axis2=-1)
    true, predicted = cells.sum(axis=-1), cells.sum(axis=-2)
    rows = true.sum(axis=-1, keepdims=True)
    if binary:
        hit, true, predicted = right[..., 1:], true[..., 1:], predicted[..., 1:]
    else:
        hit = right
    other = rows - true
    false_alarm = predicted - hit
    return {
        "selection_rate": (predicted, np.broadcast_to(rows, predicted.shape)),
        "true_positive_rate": (hit, true),
        "false_positive_rate": (false_alarm, other),
        "false_negative_rate": (true - hit, true),
        "true_negative_rate": (other - false_alarm, other),
        "precision_score": (hit, predicted),
        "accuracy_score": (right.sum(axis=-1, keepdims=True), rows),
    }


def resampled_counts(counts: Counts, n_resamples: int, generator: np.random.Generator) -> Counts:
    """Draw as many rows again, with replacement, and count them by cell.

    Parameters
    ----------
    counts : ndarray of any shape
        Rows per cell, at least one in all.
    n_resamples : int
        How many times.
    generator : numpy.random.Generator
        Draws.

    Returns
    -------
    ndarray of shape (n_resamples, *counts.shape)
    """
    flat = counts.ravel()
    used = np.flatnonzero(flat)
    total = int(flat.sum())
    drawn = np.zeros((n_resamples, flat.size), dtype=np.int64)
    drawn[:, used] = generator.multinomial(total, flat[used] / total, size=n_resamples)
    return drawn.reshape(n_resamples, *counts.shape)


def aggregates(
    counted: Counted, means: Means, kept: NDArray[np.bool_], confidence: float
) -> dict[str, Aggregate]:
    """Give every aggregate of the groups that are kept.

    Of more than two classes it is the one of the class where the groups are farthest apart.

    Parameters
    ----------
    counted : Counted
        Rates, as counts.
    means : Means
        Means.
    kept : ndarray of bool, shape (n_groups,)
        Which groups are compared.
    confidence : float
        Of the intervals, in (0, 1).
    """
    values: dict[str, tuple[Floats, Floats]] = {}
    logs: dict[str, tuple[Floats, Floats]] = {}
    for name, (numerator, denominator) in counted.point.items():
        drawn = counted.drawn[name]
        point = _kept(_share(numerator, denominator), kept)
        values[name] = (point, _kept(_share(*drawn), kept))
        logs[name] = (
            _kept(_log(numerator, denominator), kept),
            _kept(_log(*drawn), kept),
        )
    for name, mean in means.point.items():
        point, sampled = _kept(mean, kept), _kept(means.drawn[name], kept)
        values[name] = (point, sampled)
        if name == "mean_absolute_error":
            with np.errstate(divide="ignore", invalid="ignore"):
                logs[name] = (np.log(point), np.log(sampled))
    found: dict[str, Aggregate] = {}
    for name, of in NAMED.items():
        if set(of) <= set(values):
            found[f"{name}_difference"] = _difference([values[part] for part in of], confidence)
            found[f"{name}_ratio"] = _ratio(
                [values[part] for part in of], [logs[part] for part in of], confidence
            )
    for name, pair in values.items():
        found[f"{name}_difference"] = _difference([pair], confidence)
        if name in logs:
            found[f"{name}_ratio"] = _ratio([pair], [logs[name]], confidence)
        found[f"{name}_group_min"] = _extreme(pair, confidence, np.nanmin)
        found[f"{name}_group_max"] = _extreme(pair, confidence, np.nanmax)
    return found


def named_difference(name: str, cells: Counts, *, binary: bool) -> Floats:
    """Give how far the groups are apart on each resample.

    Parameters
    ----------
    name : str
        A named measure (``demographic_parity``) or a rate.
    cells : ndarray of shape (n_resamples, n_groups, n_classes, n_classes)
        Rows by group, true and predicted class.
    binary : bool
        As in :func:`rates`.

    Returns
    -------
    ndarray of shape (n_resamples,)
        NaN where no two groups have it.
    """
    counted = rates(cells, binary=binary)
    shares = [_share(*counted[part]) for part in NAMED.get(name, (name,))]
    return _spreads(shares, lambda top, low: top - low, np.nanmax)


def wilson(numerator: Any, denominator: Any, confidence: float) -> tuple[Floats, Floats]:
    """Give the interval of shares (Wilson 1927), which needs no count to be large, nor above 0.

    Returns
    -------
    low, high : ndarray
        NaN where the denominator is 0.
    """
    from scipy.special import ndtri

    z2 = float(ndtri(0.5 + confidence / 2)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = numerator / denominator
        middle = (share + z2 / (2 * denominator)) / (1 + z2 / denominator)
        half = np.sqrt(z2 * (share * (1 - share) + z2 / (4 * denominator)) / denominator)
        half /= 1 + z2 / denominator
    # Rounding may leave the share itself a hair outside.
    return np.minimum(middle - half, share).clip(0), np.maximum(middle + half, share).clip(max=1)


def _kept(values: Floats, kept: NDArray[np.bool_]) -> Floats:
    return values[..., kept, :]


def _share(numerator: Any, denominator: Any) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = numerator / denominator
    return result


def _log(numerator: Any, denominator: Any) -> Floats:
    result: Floats = np.log((numerator + _HALF) / (denominator + 2 * _HALF))
    return np.where(denominator > 0, result, np.nan)


def _difference(pairs: list[tuple[Floats, Floats]], confidence: float) -> Aggregate:
    value, groups = _spread([point for point, _ in pairs], lambda top, low: top - low, np.nanmax)
    if value is None:
        return Aggregate(None, groups=groups)
    resampled = _spreads([drawn for _, drawn in pairs], lambda top, low: top - low, np.nanmax)
    ends = _simultaneous([_contrasts(*pair) for pair in pairs], confidence)
    return _bounded(value, (max(ends[0], 0.0), ends[1]), resampled, confidence, groups)


def _ratio(
    pairs: list[tuple[Floats, Floats]], logs: list[tuple[Floats, Floats]], confidence: float
) -> Aggregate:
    def share(top: Floats, low: Floats) -> Floats:
        return _share(low, top)

    value, groups = _spread([point for point, _ in pairs], share, np.nanmin)
    if value is None:
        return Aggregate(None, groups=groups)
    resampled = _spreads([drawn for _, drawn in pairs], share, np.nanmin)
    low, high = _simultaneous([_contrasts(*pair) for pair in logs], confidence)
    ends = (float(np.exp(-high)), float(np.exp(-max(low, 0.0))))
    return _bounded(value, ends, resampled, confidence, groups)


def _extreme(
    pair: tuple[Floats, Floats], confidence: float, worst: Callable[..., Any]
) -> Aggregate:
    point, drawn = (part.reshape(*part.shape[:-2], -1) for part in pair)
    known = np.isfinite(point)
    if not known.any():
        return Aggregate(None)
    sign = 1.0 if worst is np.nanmax else -1.0
    resampled = _quietly(worst, drawn[:, known], axis=-1)
    low, high = _simultaneous([(sign * point[known], sign * drawn[:, known])], confidence)
    ends = (low, high) if sign > 0 else (-high, -low)
    value = float(worst(point))
    return _bounded(value, ends, resampled, confidence, _defined_groups([pair[0]]))


def _defined_groups(points: list[Floats]) -> int:
    """Count the groups that have each of the measures, for a class at least."""
    return int(np.all([np.isfinite(point).any(axis=-1) for point in points], axis=0).sum())


def _spread(
    points: list[Floats], between: Callable[[Any, Any], Any], worst: Callable[..., Any]
) -> tuple[float | None, int]:
    groups = _defined_groups(points)
    # Of a class that only one group has, no two can be compared.
    enough = [np.isfinite(point).sum(axis=0) >= 2 for point in points]
    if not any(mask.any() for mask in enough):
        return None, groups
    values = [
        between(_quietly(np.nanmax, point, axis=0), _quietly(np.nanmin, point, axis=0))[mask]
        for point, mask in zip(points, enough, strict=True)
    ]
    value = float(_quietly(worst, np.concatenate(values)))
    return (value if np.isfinite(value) else None), groups


def _spreads(
    drawn: list[Floats], between: Callable[[Any, Any], Any], worst: Callable[..., Any]
) -> Floats:
    """Aggregate each resample, shape (n_resamples,)."""
    values = [
        between(_quietly(np.nanmax, part, axis=-2), _quietly(np.nanmin, part, axis=-2))
        for part in drawn
    ]
    result: Floats = _quietly(worst, np.concatenate(values, axis=-1), axis=-1)
    return result


def _contrasts(point: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Give how far each two groups are apart: (n_pairs,), and (n_resamples, n_pairs)."""
    first, second = np.triu_indices(point.shape[0], k=1)
    differences = (point[first] - point[second]).ravel()
    sampled = (drawn[:, first] - drawn[:, second]).reshape(len(drawn), -1)
    known = np.isfinite(differences)
    # From the lower to the higher group: the other way round says nothing of the largest.
    sign = np.where(differences < 0, -1.0, 1.0)[known]
    return differences[known] * sign, sampled[:, known] * sign


def _simultaneous(pairs: list[tuple[Floats, Floats]], confidence: float) -> tuple[float, float]:
    """Bound the largest of several estimates by bounds that hold for all of them together.

    Noise alone makes the largest of many differences large, and resampling adds to it, so that the
    quantiles of a resampled maximum leave out the truth, always where groups are alike. Here every
    difference gets bounds of one multiple of its own standard error, the smallest multiple with
    which the resamples keep all of them at once; the largest true difference then lies between the
    largest lower and the largest upper bound.

    References
    ----------
    Westfall and Young (1993), Resampling-Based Multiple Testing, chapter 2 (max-t).
    """
    point = np.concatenate([values for values, _ in pairs])
    drawn = np.concatenate([sampled for _, sampled in pairs], axis=-1)
    # A group that a resample left out has no value there; the others of it count.
    error = np.nan_to_num(_quietly(np.nanstd, drawn, axis=0))
    varied = error > 0
    if not varied.any():
        return float(point.max()), float(point.max())
    away = np.abs(drawn[:, varied] - point[varied]) / error[varied]
    farthest = _quietly(np.nanmax, away, axis=-1)
    multiple = float(np.nanquantile(farthest, confidence))
    return float((point - multiple * error).max()), float((point + multiple * error).max())


def _bounded(
    value: float, ends: tuple[float, float], resampled: Floats, confidence: float, groups: int
) -> Aggregate:
    tail = (1 - confidence) / 2
    known = resampled[np.isfinite(resampled)]
    percentiles = None
    if 2 * len(known) > len(resampled):
        low, high = np.quantile(known, [tail, 1 - tail])
        percentiles = (float(low), float(high))
    # Half a row added to a ratio's counts may move its bounds past the value.
    return Aggregate(value, min(ends[0], value), max(ends[1], value), percentiles, groups)


def _quietly(reduce: Callable[..., Any], values: Any, **options: Any) -> Any:
    import warnings

    with warnings.catch_warnings():
        # "All-NaN slice": undefined stays NaN, and is told as null.
        warnings.simplefilter("ignore", RuntimeWarning)
        return reduce(values, **options)
