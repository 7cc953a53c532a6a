"""The diff of two revisions: what got better, what got worse, whether it is noise, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.errors import HistoryError
from fivefold.history.diff.budget import day_of, judge_budget
from fivefold.history.diff.changes import Diff, Gate, Judgement, MetricChange
from fivefold.history.diff.evidence import Evidence, look_into
from fivefold.history.diff.exceptions import apply_allowances
from fivefold.history.diff.gate import judge_integrity, judge_plan, judge_regressions
from fivefold.history.diff.sides import Side
from fivefold.history.diff.significance import judged, method_notes
from fivefold.history.diff.slices import slice_clause
from fivefold.history.diff.upstream import (
    code_changes,
    cost_changes,
    data_changes,
    lineage,
    param_changes,
    stage_changes,
)
from fivefold.history.diff.verdict import give_verdict
from fivefold.history.diff.weakened import judge_weakened
from fivefold.history.dvc.values import FileValues, same
from fivefold.history.git.repository import Revision
from fivefold.history.goals import Goals, Plan, parse_metric_option
from fivefold.history.intervals import Interval, change_interval
from fivefold.history.measures import Measure, all_measures, is_number
from fivefold.history.reader import Reader
from fivefold.metrics import Goal

__all__ = ["compare"]


def compare(
    reader: Reader,
    base: Revision,
    head: Revision,
    *,
    metric: str | None = None,
    tolerances: Mapping[str, float] | None = None,
    rows: bool = True,
    fetch: bool = False,
) -> Diff:
    """Compare two revisions.

    Parameters
    ----------
    reader : Reader
    base, head : Revision
        ``head`` is judged against ``base``.
    metric : str, optional
        ``NAME`` or ``NAME:maximize``: the metric that decides, instead of the plan's.
    tolerances : dict of str to float, optional
        How much worse a metric may be; see `parse_tolerances`.
    rows : bool, default=True
        Look into predictions and tables that are at hand, and not only at metrics and hashes.
    fetch : bool, default=False
        Download those that aren't at hand from the DVC remote.

    Raises
    ------
    HistoryError
        Where neither side has any metric, or a tolerance is of none.
    """
    left, right = Side.read(reader, base, judges=False), Side.read(reader, head, judges=True)
    if not left.metrics and not right.metrics:
        raise HistoryError(
            "neither revision declares metrics",
            got=f"{base.label} and {head.label}",
            allowed="metrics in a stage of dvc.yaml, or in its top-level 'metrics' section",
            hint="https://dvc.org/doc/command-reference/metrics",
        )
    plan = right.plan or left.plan
    name, goal = parse_metric_option(metric) if metric else (plan.primary if plan else None, None)
    chosen: dict[str, Goal] = {name: goal} if name and goal else {}
    goals = Goals(plan, chosen, right.goals.declared)
    metrics = _order(_metrics(left, right, goals), name, plan)
    data = data_changes(left, right, inputs=False)
    found = Evidence(metrics)
    if rows:
        found = look_into(reader, base, head, metrics, data, primary=name, fetch=fetch)
        metrics = found.metrics
    sections: dict[str, Any] = {
        "metrics": metrics,
        "params": param_changes(left, right),
        "code": code_changes(left, right),
        "inputs": data_changes(left, right, inputs=True),
        "data": data,
        "stages": stage_changes(left.lock, right.lock),
    }
    gates = _gates(reader, (left, right), head, metrics, name, goals, tolerances or {})
    notes = (*_notes(reader, left, right, metrics), *found.notes)
    changed = any(change.judgement not in ("same", "unreadable") for change in metrics) or any(
        sections[key] for key in sections if key != "metrics"
    )
    nothing = None if changed else f"nothing differs between {base.label} and {head.label}"
    but = slice_clause(found.slices, metrics)
    verdict, outcome = give_verdict(metrics, gates, name, identical=nothing, but=but)
    return Diff(
        base,
        head,
        verdict,
        outcome,
        primary=name,
        gates=gates,
        cost=cost_changes(left, right) if changed else (),
        slices=found.slices,
        tables=found.tables,
        exploration=found.exploration,
        integrity={"base": left.integrity, "head": right.integrity},
        lineage=lineage(right.lock),
        notes=notes,
        **sections,
    )


def _gates(
    reader: Reader,
    sides: tuple[Side, Side],
    head: Revision,
    metrics: tuple[MetricChange, ...],
    primary: str | None,
    goals: Goals,
    tolerances: Mapping[str, float],
) -> tuple[Gate, ...]:
    left, right = sides
    snapshot = reader.repository.snapshot(head)
    gates = (
        *judge_plan(right.plan or left.plan, right.metrics, goals),
        *judge_regressions(metrics, primary, tolerances),
        *judge_budget(right.plan, left.metrics, right.metrics, right.lock.stages, day_of(head)),
        judge_integrity(reader, snapshot, right.integrity),
        *judge_weakened(left.plan, right.plan, left.goals, right.goals),
    )
    worse = [change.name for change in metrics if change.judgement == "worse"]
    return apply_allowances(gates, right.allowances, left.allowances, worse)


def _metrics(left: Side, right: Side, goals: Goals) -> list[MetricChange]:
    before, after = all_measures(left.metrics), all_measures(right.metrics)
    found = []
    for name in dict.fromkeys((*after, *before)):
        old, new = before.get(name), after.get(name)
        direction = goals.direction(name)
        file = (new or old).file  # type: ignore[union-attr]
        change = interval = None
        if old and new and is_number(old.value) and is_number(new.value):
            change = new.value - old.value
            interval = change_interval(old.value, old.interval, new.value, new.interval)
        judgement = _judge(
            (old, left.metrics.get(file)), (new, right.metrics.get(file)), direction.goal, interval
        )
        found.append(
            MetricChange(
                name,
                file,
                old.value if old else None,
                new.value if new else None,
                change,
                direction.goal,
                direction.source,
                judgement,
                old.interval if old else None,
                new.interval if new else None,
                "intervals" if interval else None,
                interval,
            )
        )
    return found


def _judge(
    base: tuple[Measure | None, FileValues | None],
    head: tuple[Measure | None, FileValues | None],
    goal: Goal | None,
    interval: Interval | None,
) -> Judgement:
    (old, left), (new, right) = base, head
    if old is None:
        return "unreadable" if left and left.error and not left.missing else "added"
    if new is None:
        return "unreadable" if right and right.error and not right.missing else "removed"
    if same(old.value, new.value):
        return "same"
    if not (is_number(old.value) and is_number(new.value)):
        return "changed"
    noise = interval is not None and interval[0] <= 0 <= interval[1]
    return judged(new.value - old.value, goal, noise=noise)


def _order(
    changes: list[MetricChange], primary: str | None, plan: Plan | None
) -> tuple[MetricChange, ...]:
    """Put the primary metric first, then the plan's others, then the rest as they stand."""
    first = [primary, *(plan.metrics if plan else ())]
    return tuple(
        sorted(changes, key=lambda c: first.index(c.name) if c.name in first else len(first))
    )


def _notes(
    reader: Reader, left: Side, right: Side, metrics: tuple[MetricChange, ...]
) -> tuple[str, ...]:
    notes: list[str] = []
    for side, name in ((left, "base"), (right, "head")):
        errors = [f.error for f in (*side.metrics.values(), *side.params.values()) if f.error]
        notes.extend(f"{name}: {problem}" for problem in side.problems)
        notes.extend(f"{name}: {error}" for error in errors)
        if not side.integrity.trusted:
            shown = "; ".join(side.integrity.reasons[:3])
            more = len(side.integrity.reasons) - 3
            notes.append(
                f"{name} is {side.integrity.status}: {shown}"
                + (f"; and {more} more" if more > 0 else "")
            )
    if left.plan and right.plan and left.plan != right.plan:
        notes.append("the plan changed: the head's is the one that judges")
    notes.extend(method_notes(metrics))
    guessed = [c.name for c in metrics if c.source == "guessed" and c.judgement != "same"]
    if guessed:
        shown = ", ".join(guessed[:4]) + (", ..." if len(guessed) > 4 else "")
        notes.append(f"which way is better is guessed from the name: {shown}")
    if reader.repository.is_shallow:
        notes.append("the clone is shallow: older commits are not here")
    return tuple(notes)
