"""The plan's budget, held against what the repository records of the work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone

from fivefold.history.conventions import COST_FILE, cost
from fivefold.history.diff.changes import Gate
from fivefold.history.dvc.values import FileValues
from fivefold.history.git.repository import Revision
from fivefold.history.goals import Plan
from fivefold.history.measures import find_measure, is_number

__all__ = ["day_of", "judge_budget"]

_HOUR = 3600.0


def judge_budget(
    plan: Plan | None,
    base: Mapping[str, FileValues],
    head: Mapping[str, FileValues],
    stages: Collection[str],
    day: date,
) -> tuple[Gate, ...]:
    """Hold each budget against the head's records.

    A budget that nothing ever recorded doesn't fail: it is said to be not recorded. One that the
    base recorded and the head doesn't fails, as a missing metric does.

    Parameters
    ----------
    plan : Plan or None
        The head's.
    base, head : dict of str to FileValues
        The metrics files of both sides.
    stages : collection of str
        The head's stages: what the base recorded of others isn't missed.
    day : datetime.date
        When the head was made.
    """
    if plan is None:
        return ()
    gates = []
    for name, limit in plan.budget.items():
        value, note = _spent(head, name), ""
        lost = _lost(base, head, name, stages)
        if lost:
            value, note = None, f"the base records it, the head doesn't: {', '.join(lost)}"
        passed = value is not None and value <= limit
        required = value is not None or bool(lost)
        gate = f"budget.{name}"
        gates.append(Gate("budget", gate, name, "<=", limit, value, passed, required, note))
    if plan.deadline:
        gates.append(_deadline(plan.deadline, day))
    return tuple(gates)


def _deadline(deadline: str, day: date) -> Gate:
    try:
        passed, note = day <= date.fromisoformat(deadline), ""
    except ValueError:
        passed, note = False, "the plan's deadline is not an ISO 8601 date"
    return Gate(
        "budget", "budget.deadline", "deadline", "<=", deadline, day.isoformat(), passed, note=note
    )


def _spent(files: Mapping[str, FileValues], name: str) -> float | None:
    """Sum what the stages record, or take the metric of the budget's name."""
    found = list(_by_stage(files, name).values())
    if found:
        return sum(found)
    measure = find_measure(files, name)
    return float(measure.value) if measure and is_number(measure.value) else None


def _lost(
    base: Mapping[str, FileValues],
    head: Mapping[str, FileValues],
    name: str,
    stages: Iterable[str],
) -> list[str]:
    """Name what the base records of a budget, and the head should and doesn't."""
    before, after = _by_stage(base, name), _by_stage(head, name)
    lost = [stage for stage in stages if stage in before and stage not in after]
    if not before and _spent(base, name) is not None and _spent(head, name) is None:
        lost.append(name)
    return lost


def _by_stage(files: Mapping[str, FileValues], name: str) -> dict[str, float]:
    rows = cost(files.get(COST_FILE))
    if name == "compute_hours":
        return {stage: row["seconds"] / _HOUR for stage, row in rows.items() if "seconds" in row}
    return {stage: row[name] for stage, row in rows.items() if name in row}


def day_of(revision: Revision) -> date:
    """Give the day a commit was made, where it was made; today for the working tree."""
    if revision.commit is None:
        # What isn't committed yet can be committed today at the earliest.
        return datetime.now().astimezone().date()
    zone = timezone(timedelta(minutes=revision.commit.commit_time_offset))
    return datetime.fromtimestamp(revision.commit.commit_time, UTC).astimezone(zone).date()
