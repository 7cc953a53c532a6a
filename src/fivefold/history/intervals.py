"""Whether a difference of two estimates is more than noise, by their confidence intervals."""

from __future__ import annotations

import math

__all__ = ["METHOD", "Interval", "change_interval", "difference", "is_noise"]

Interval = tuple[float, float]

METHOD = "the 95% intervals in the metrics files (MOVER, runs taken as independent)"


def difference(base: float, base_ends: Interval, head: float, head_ends: Interval) -> Interval:
    """Give the confidence interval of ``head - base`` from the intervals of both.

    The method of variance estimates recovery: it needs the two intervals only, and they may be
    lopsided, as bootstrap intervals are. Both estimates are taken as independent; two models
    judged on the same rows usually agree on most of them, so the true interval is narrower and
    this one errs towards "noise".

    Parameters
    ----------
    base, head : float
        The estimates.
    base_ends, head_ends : (float, float)
        Low and high end of each 95% interval.

    Returns
    -------
    (float, float)
        Low and high end of the difference's interval.

    References
    ----------
    Zou and Donner (2008), Construction of confidence limits about effect measures: a general
    approach. Statistics in Medicine 27(10), 1693-1702.
    """
    change = head - base
    low = change - math.hypot(head - head_ends[0], base_ends[1] - base)
    high = change + math.hypot(head_ends[1] - head, base - base_ends[0])
    return low, high


def change_interval(
    base: float, base_ends: Interval | None, head: float, head_ends: Interval | None
) -> Interval | None:
    """Give the interval of ``head - base``, or None where one is missing or not finite."""
    if base_ends is None or head_ends is None:
        return None
    low, high = difference(base, base_ends, head, head_ends)
    return None if math.isnan(low) or math.isnan(high) else (low, high)


def is_noise(
    base: float, base_ends: Interval | None, head: float, head_ends: Interval | None
) -> bool | None:
    """Tell whether the difference can be noise; None where an interval is missing or not finite.

    Examples
    --------
    >>> is_noise(0.70, (0.69, 0.71), 0.705, (0.695, 0.715))
    True
    """
    ends = change_interval(base, base_ends, head, head_ends)
    return None if ends is None else ends[0] <= 0 <= ends[1]
