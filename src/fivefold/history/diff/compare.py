"""The diff of two revisions: what got better, what got worse, whether it is noise, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fivefold.errors import HistoryError
from fivefold.history.conventions import CODE_SECTION, COST_FILE, code_fingerprints, cost
from fivefold.history.diff.budget import day_of, judge_budget
from fivefold.history.diff.changes import (
    CostChange,
    DataChange,
    Diff,
    Gate,
    Judgement,
    MetricChange,
    ParamChange,
    StageChange,
)
from fivefold.history.diff.evidence import Evidence, look_into
from fivefold.history.diff.exceptions import Allowance, apply_allowances, read_allowances
from fivefold.history.diff.gate import judge_integrity, judge_plan, judge_regressions
from fivefold.history.diff.significance import judged, method_notes
from fivefold.history.diff.slices import slice_clause
from fivefold.history.diff.verdict import give_verdict
from fivefold.history.diff.weakened import judge_weakened
from fivefold.history.dvc.lock import Hash, Lock
from fivefold.history.dvc.values import FileValues, flatten, same
from fivefold.history.git.repository import Revision
from fivefold.history.goals import Goals, Plan, parse_metric_option
from fivefold.history.integrity import Integrity, check
from fivefold.history.intervals import Interval, change_interval
from fivefold.history.measures import Measure, all_measures, is_number
from fivefold.history.reader import Reader
from fivefold.history.settings import goals_of, plan_of
from fivefold.metrics import Goal

__all__ = ["compare"]


@dataclass(frozen=True)
class _Side:
    """What is read of one revision."""

    metrics: Mapping[str, FileValues]
    params: Mapping[str, FileValues]
    lock: Lock
    cached: frozenset[str]
    plan: Plan | None
    goals: Goals
    integrity: Integrity
    allowances: tuple[Allowance, ...]
    problems: tuple[str, ...]

    @classmethod
    def read(cls, reader: Reader, revision: Revision, *, judges: bool) -> _Side:
        snapshot = reader.repository.snapshot(revision)
        params = reader.params(snapshot)
        declared = reader.declared(snapshot)
        cached = {out.path for s in declared.stages.values() for out in s.outs if out.cached}
        lock = reader.lock(snapshot)
        allowances, unread = read_allowances(reader, snapshot)
        try:
            plan = plan_of(reader, snapshot)
            goals = goals_of(reader, snapshot, plan)
        except HistoryError as error:
            # The head may be what mends the base.
            if judges:
                raise
            plan, goals, unread = None, Goals(), (*unread, f"{error.where}: {error.what}")
        return cls(
            reader.metrics(snapshot),
            params,
            lock,
            frozenset(cached | set(lock.data)),
            plan,
            goals,
            check(reader, snapshot),
            allowances,
            (*declared.problems, *unread),
        )


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
    left, right = _Side.read(reader, base, judges=False), _Side.read(reader, head, judges=True)
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
    data = _data(left, right, inputs=False)
    found = Evidence(metrics)
    if rows:
        found = look_into(reader, base, head, metrics, data, primary=name, fetch=fetch)
        metrics = found.metrics
    sections: dict[str, Any] = {
        "metrics": metrics,
        "params": _params(left, right),
        "code": _code(left, right),
        "inputs": _data(left, right, inputs=True),
        "data": data,
        "stages": _stages(left.lock, right.lock),
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
        cost=_cost(left, right) if changed else (),
        slices=found.slices,
        tables=found.tables,
        integrity={"base": left.integrity, "head": right.integrity},
        lineage=_lineage(right.lock),
        notes=notes,
        **sections,
    )


def _gates(
    reader: Reader,
    sides: tuple[_Side, _Side],
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


def _metrics(left: _Side, right: _Side, goals: Goals) -> list[MetricChange]:
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


def _params(left: _Side, right: _Side) -> tuple[ParamChange, ...]:
    found = []
    for file in dict.fromkeys((*right.params, *left.params)):
        old, new = left.params.get(file), right.params.get(file)
        before, after = (old.values if old else {}), (new.values if new else {})
        if (old and old.error and not old.missing) or (new and new.error and not new.missing):
            # The notes say that the file can't be read; all its params would seem removed.
            continue
        fingerprints = bool(code_fingerprints({file: new} if new else {}))
        for name in dict.fromkeys((*after, *before)):
            if fingerprints and name.startswith(f"{CODE_SECTION}."):
                continue
            if name not in before:
                found.append(ParamChange(file, name, None, after[name], "added"))
            elif name not in after:
                found.append(ParamChange(file, name, before[name], None, "removed"))
            elif not same(before[name], after[name]):
                found.append(ParamChange(file, name, before[name], after[name], "changed"))
    return tuple(found)


def _code(left: _Side, right: _Side) -> tuple[str, ...]:
    before, after = code_fingerprints(left.params), code_fingerprints(right.params)
    return tuple(
        stage for stage in dict.fromkeys((*after, *before)) if before.get(stage) != after.get(stage)
    )


def _data(left: _Side, right: _Side, *, inputs: bool) -> tuple[DataChange, ...]:
    """Compare hashes: of the data that DVC keeps, or of the inputs that it doesn't."""
    before, after = (_inputs(s) if inputs else _kept(s) for s in (left, right))
    return tuple(
        DataChange(path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if (before[path].value if path in before else None)
        != (after[path].value if path in after else None)
    )


def _kept(side: _Side) -> dict[str, Hash]:
    return {path: item for path, item in side.lock.outs().items() if path in side.cached}


def _inputs(side: _Side) -> dict[str, Hash]:
    outs = side.lock.outs()
    deps = {path: item for s in side.lock.stages.values() for path, item in s.deps.items()}
    return {path: item for path, item in deps.items() if path not in outs}


def _stages(left: Lock, right: Lock) -> tuple[StageChange, ...]:
    found = []
    for name in dict.fromkeys((*right.stages, *left.stages)):
        old, new = left.stages.get(name), right.stages.get(name)
        if old is None or new is None:
            found.append(StageChange(name, "removed" if new is None else "added"))
            continue
        because = []
        if old.command != new.command:
            because.append("command")
        because.extend(
            path
            for path in sorted(old.deps.keys() | new.deps.keys())
            if _value(old.deps.get(path)) != _value(new.deps.get(path))
        )
        for file in sorted(old.params.keys() | new.params.keys()):
            before = flatten(old.params.get(file, {}))
            after = flatten(new.params.get(file, {}))
            because.extend(
                f"code of {key.removeprefix(f'{CODE_SECTION}.')}"
                if key.startswith(f"{CODE_SECTION}.")
                else str(key)
                for key in sorted(before.keys() | after.keys(), key=str)
                if not same(before.get(key), after.get(key))
            )
        wrote = {path: _value(item) for path, item in old.outs.items()} != {
            path: _value(item) for path, item in new.outs.items()
        }
        if because or wrote:
            found.append(StageChange(name, "re-run", tuple(because)))
    return tuple(found)


def _lineage(lock: Lock) -> tuple[tuple[str, str], ...]:
    writers = {path: name for name, stage in lock.stages.items() for path in stage.outs}
    edges = [
        (writers[path], name)
        for name, stage in lock.stages.items()
        for path in (*stage.deps, *stage.params)
        if path in writers and writers[path] != name
    ]
    return tuple(dict.fromkeys(edges))


def _value(item: Hash | None) -> str | None:
    return item.value if item else None


def _cost(left: _Side, right: _Side) -> tuple[CostChange, ...]:
    before, after = (cost(side.metrics.get(COST_FILE)) for side in (left, right))
    found = []
    for stage in dict.fromkeys((*after, *before)):
        old, new = before.get(stage, {}), after.get(stage, {})
        found.append(
            CostChange(
                stage,
                old.get("seconds"),
                new.get("seconds"),
                old.get("peak_memory_mb"),
                new.get("peak_memory_mb"),
                old.get("cost"),
                new.get("cost"),
            )
        )
    return tuple(found)


def _notes(
    reader: Reader, left: _Side, right: _Side, metrics: tuple[MetricChange, ...]
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
