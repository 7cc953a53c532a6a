"""Candidates: runs that belong together, and the one figure that stands for them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fivefold.history.intervals import Interval
from fivefold.metrics import Goal

__all__ = ["Candidate", "Score", "aggregate_scores", "mean_interval"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a candidate's runs have in common, and how they spread.

    Attributes
    ----------
    by : dict of str to object
        The values that make it one candidate.
    runs : int
    value : float
        The aggregate of the primary metric; of several evaluation sets the mean over those covered.
    low, high : float
        The least and the greatest value of its runs.
    deviation : float or None
        Their standard deviation, with ``n - 1``; None for a single run.
    covered, sets : int
        On how many of the board's evaluation sets it was judged, and how many there are.
    members : tuple of str
        The ids of its runs, newest first.
    """

    by: Mapping[str, Any]
    runs: int
    value: float
    low: float
    high: float
    deviation: float | None
    covered: int = 1
    sets: int = 1
    members: tuple[str, ...] = ()


class Score(NamedTuple):
    """One run's value on one evaluation set.

    Attributes
    ----------
    age : int
        The run's place in the history: 0 is the newest.
    value : float
    interval : (float, float) or None
    """

    age: int
    value: float
    interval: Interval | None = None


def aggregate_scores(scores: Sequence[Score], aggregate: str, goal: Goal) -> Score:
    """Give the score that stands for several on the same evaluation set.

    For a mean, the run nearest to it stands, with the mean's own value and interval.

    Examples
    --------
    >>> aggregate_scores([Score(0, 0.6), Score(1, 0.8), Score(2, 0.7)], "best", "maximize")
    Score(age=1, value=0.8, interval=None)
    """
    if aggregate == "last":
        return min(scores, key=lambda score: score.age)
    if aggregate == "mean":
        mean = statistics.fmean(score.value for score in scores)
        nearest = min(scores, key=lambda score: abs(score.value - mean))
        return Score(nearest.age, mean, mean_interval([score.interval for score in scores]))
    highest = aggregate == "max" or (aggregate == "best" and goal == "maximize")
    # Of equal ones the oldest, as everywhere.
    return (max if highest else min)(
        scores, key=lambda score: (score.value, score.age if highest else -score.age)
    )


def mean_interval(intervals: Sequence[Interval | None]) -> Interval | None:
    """Give an interval for the mean of estimates; None where one of them has none.

    The mean of the ends: it holds however the estimates hang together, as the standard error of a
    mean is at most the mean of the standard errors. Runs judged on the same rows do hang together.

    Examples
    --------
    >>> mean_interval([(0.5, 0.75), (0.25, 0.5)])
    (0.375, 0.625)
    """
    known = [interval for interval in intervals if interval is not None]
    if not known or len(known) < len(intervals):
        return None
    return statistics.fmean(low for low, _ in known), statistics.fmean(high for _, high in known)
