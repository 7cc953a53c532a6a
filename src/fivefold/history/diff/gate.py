"""The gates of a diff: the plan's, no regression, results as the lock has them, no weaker plan."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fivefold.errors import HistoryError, nearest
from fivefold.history.conventions import COST_FILE
from fivefold.history.diff.changes import ENDS, Gate, MetricChange, Relation
from fivefold.history.dvc.values import FileValues
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.goals import Goals, Plan
from fivefold.history.integrity import Integrity
from fivefold.history.measures import find_measure, is_number
from fivefold.history.reader import Reader

__all__ = ["judge_integrity", "judge_plan", "judge_regressions", "parse_tolerances"]

PRIMARY = ""
"""The key of the tolerance that names no metric."""


def parse_tolerances(texts: Iterable[str]) -> dict[str, float]:
    """Read ``0.01``, which is the primary metric's, and ``METRIC=0.01``.

    Returns
    -------
    dict of str to float
        By metric; the primary one's under the empty name.

    Raises
    ------
    HistoryError
        Where a tolerance is no finite number of at least 0.
    """
    found = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            tolerance = float(number)
        except ValueError:
            tolerance = math.nan
        if not (math.isfinite(tolerance) and tolerance >= 0):
            raise HistoryError(
                "the tolerance is no amount",
                where="--tolerance",
                got=text,
                allowed="NUMBER for the primary metric, or METRIC=NUMBER; at least 0",
            )
        found[name.strip()] = tolerance
    return found


def judge_plan(
    plan: Plan | None, files: Mapping[str, FileValues], goals: Goals
) -> tuple[Gate, ...]:
    """Hold a revision's metrics against the plan; a metric that is missing is not a pass.

    Parameters
    ----------
    plan : Plan or None
    files : dict of str to FileValues
        The metrics files of the revision that is judged.
    goals : Goals
    """
    if plan is None:
        return ()
    gates = []
    goal = goals.direction(plan.primary).goal
    relation: Relation = "<=" if goal == "minimize" else ">="
    for mark, limit in plan.thresholds.items():
        value, passed, _ = _held(files, plan.primary, relation, limit)
        # Only the acceptable threshold is asked for; the others are marks on the way.
        required = mark == "acceptable"
        name = f"threshold.{mark}"
        gates.append(
            Gate("threshold", name, plan.primary, relation, limit, value, passed, required)
        )
    for metric, bounds in plan.guardrails.items():
        for end, asked in ENDS.items():
            if end in bounds:
                limit = bounds[end]
                value, passed, note = _held(files, metric, asked, limit)
                name = f"guardrail.{metric}.{end}"
                gates.append(
                    Gate("guardrail", name, metric, asked, limit, value, passed, note=note)
                )
    return tuple(gates)


def _held(
    files: Mapping[str, FileValues], metric: str, relation: Relation, limit: float
) -> tuple[Any, bool, str]:
    """Give the value, whether it keeps the limit, and whether its interval allows otherwise."""
    measure = find_measure(files, metric)
    value = measure.value if measure else None
    passed = is_number(value) and (value >= limit if relation == ">=" else value <= limit)
    note = ""
    if measure and measure.interval:
        low, high = measure.interval
        # At the limit itself it is kept.
        open_still = low < limit <= high if relation == ">=" else low <= limit < high
        if open_still:
            otherwise = "broken" if passed else "kept"
            note = f"the interval, {low:.4g} to {high:.4g}, allows for the limit being {otherwise}"
    return value, passed, note


def judge_regressions(
    metrics: Sequence[MetricChange], primary: str | None, tolerances: Mapping[str, float]
) -> tuple[Gate, ...]:
    """Ask that the primary metric, and those that have a tolerance, are no worse than the base's.

    A difference within noise passes, whatever its size; so does one within the tolerance.

    Parameters
    ----------
    metrics : sequence of MetricChange
    primary : str or None
    tolerances : dict of str to float
        As `parse_tolerances` gives them.

    Raises
    ------
    HistoryError
        Where a tolerance is of no metric, or no metric is the primary one.
    """
    asked = {name: amount for name, amount in tolerances.items() if name != PRIMARY}
    if primary is not None:
        asked = {primary: tolerances.get(PRIMARY, 0.0), **asked}
    elif PRIMARY in tolerances:
        raise HistoryError(
            "no metric decides, so the tolerance is of none",
            where="--tolerance",
            got=f"{tolerances[PRIMARY]:g}",
            hint="name it: --tolerance METRIC=NUMBER, or --metric METRIC",
        )
    by_name = {change.name: change for change in metrics}
    gates = []
    for name, tolerance in asked.items():
        change = by_name.get(name)
        if change is None and name in tolerances:
            raise HistoryError(
                "no metric has this name",
                where="--tolerance",
                got=name,
                allowed=", ".join(list(by_name)[:12]),
                hint=nearest(name, by_name),
            )
        # What the base hasn't can't have become worse.
        if change is not None and is_number(change.base):
            gates.append(_regression(change, tolerance))
    return tuple(gates)


def _regression(change: MetricChange, tolerance: float) -> Gate:
    sign = -1.0 if change.goal == "minimize" else 1.0
    limit = change.base - sign * tolerance
    note = f"tolerance {tolerance:g}" if tolerance else ""
    if change.change is None:
        passed = False
    elif change.judgement == "changed":
        # A custom metric of a plain repository, say: a pass would be a guess.
        passed = False
        note = f"nothing tells which way is better: --metric {change.name}:maximize (or :minimize)"
    else:
        loss = -sign * (change.effect or 0.0)
        within = loss <= tolerance or math.isclose(loss, tolerance, rel_tol=1e-9)
        passed = change.judgement != "worse" or within
        if loss > 0 and not within and change.judgement == "noise":
            note = "within noise"
    relation: Relation = "<=" if change.goal == "minimize" else ">="
    name = f"regression.{change.name}"
    return Gate("regression", name, change.name, relation, limit, change.head, passed, note=note)


def judge_integrity(reader: Reader, snapshot: Snapshot, found: Integrity) -> Gate:
    """Ask that the results are those that the head's lock vouches for.

    The value names the very results where they aren't, so that an exception covers no others.
    """
    value: str = found.status
    note = ""
    if not found.trusted:
        key = reader.results_key(snapshot, without=frozenset({COST_FILE}))
        digest = hashlib.blake2b(repr(key).encode(), digest_size=4).hexdigest()
        value = f"{found.status}, results {digest}"
        more = len(found.reasons) - 1
        note = "; ".join(found.reasons[:1]) + (f"; and {more} more" if more > 0 else "")
    return Gate("integrity", "integrity", "results", "=", "ok", value, found.trusted, note=note)
