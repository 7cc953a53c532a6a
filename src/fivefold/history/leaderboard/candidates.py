"""Candidates: runs that belong together, and the one figure that stands for them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fivefold.metrics import Goal

__all__ = ["Candidate", "gather"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a candidate's runs have in common, and how they spread.

    Attributes
    ----------
    by : dict of str to object
        The values that make it one candidate.
    runs : int
    value : float
        The aggregate of the primary metric.
    low, high : float
        The least and the greatest value of its runs.
    deviation : float or None
        Their standard deviation, with ``n - 1``; None for a single run.
    """

    by: Mapping[str, Any]
    runs: int
    value: float
    low: float
    high: float
    deviation: float | None


def gather(
    by: Mapping[str, Any], values: Sequence[float], last: int, aggregate: str, goal: Goal
) -> tuple[Candidate, int]:
    """Make a candidate of its runs' values.

    Parameters
    ----------
    by : dict of str to object
    values : sequence of float
        The primary metric of each run.
    last : int
        The place of the newest run.
    aggregate : {"last", "best", "mean", "min", "max"}
    goal : {"maximize", "minimize"}

    Returns
    -------
    candidate : Candidate
    standing : int
        The place of the run that stands for it: the one with the value, or nearest to the mean.
    """
    low, high = min(values), max(values)
    value = {
        "last": values[last],
        "best": high if goal == "maximize" else low,
        "mean": statistics.fmean(values),
        "min": low,
        "max": high,
    }[aggregate]
    nearest_place = min(range(len(values)), key=lambda place: abs(values[place] - value))
    standing = last if aggregate == "last" else nearest_place
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Candidate(by, len(values), value, low, high, deviation), standing
