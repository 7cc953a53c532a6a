"""The judgement of a diff: the plan's gates, and the whole in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fivefold.history.diff.changes import Gate, MetricChange
from fivefold.history.dvc.values import FileValues
from fivefold.history.goals import Goals, Plan
from fivefold.history.measures import find_measure, is_number

__all__ = ["give_verdict", "judge_gates"]


def judge_gates(
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
    for name, limit in plan.thresholds.items():
        relation: Literal[">=", "<="] = "<=" if goal == "minimize" else ">="
        # Only the acceptable threshold is asked for; the others are marks on the way.
        required = name == "acceptable"
        gates.append(_gate("threshold", name, plan.primary, relation, limit, files, required))
    for metric, bounds in plan.guardrails.items():
        for end, relation in (("min", ">="), ("max", "<=")):
            if end in bounds:
                gates.append(_gate("guardrail", end, metric, relation, bounds[end], files, True))
    return tuple(gates)


def _gate(
    kind: Literal["threshold", "guardrail"],
    name: str,
    metric: str,
    relation: Literal[">=", "<="],
    limit: float,
    files: Mapping[str, FileValues],
    required: bool,
) -> Gate:
    measure = find_measure(files, metric)
    value = measure.value if measure else None
    passed = is_number(value) and (value >= limit if relation == ">=" else value <= limit)
    return Gate(kind, name, metric, relation, limit, value, passed, required)


def give_verdict(
    metrics: tuple[MetricChange, ...], gates: tuple[Gate, ...], primary: str | None
) -> tuple[str, str]:
    """Say in one line what the diff means, and give its outcome.

    Parameters
    ----------
    metrics : tuple of MetricChange
    gates : tuple of Gate
    primary : str or None
        The metric that decides; without one the metrics are counted.

    Returns
    -------
    verdict, outcome : str
        See `Diff`.
    """
    failed = [gate for gate in gates if gate.required and not gate.passed]
    change = next((c for c in metrics if c.name == primary), None)
    if change is not None:
        text, outcome = _primary_verdict(change)
    else:
        text, outcome = _count_verdict(metrics, primary)
    if failed:
        return f"not acceptable: {', '.join(map(_gate_text, failed))}; {text}", "failed"
    if gates:
        reached = [g.name for g in gates if g.kind == "threshold" and g.passed]
        text += f"; {reached[-1]}, " if reached else "; "
        rails = sum(g.kind == "guardrail" for g in gates)
        words = {0: "no guardrails", 1: "the guardrail holds"}
        text += words.get(rails, f"all {rails} guardrails hold")
    return text, outcome


def _primary_verdict(change: MetricChange) -> tuple[str, str]:
    if change.change is None:
        return f"{change.name} can't be compared ({change.judgement})", "unknown"
    moved = f"{change.name} {change.base:.6g} → {change.head:.6g} ({change.change:+.4g})"
    match change.judgement:
        case "same":
            return f"same {change.name}: {change.head:.6g}", "same"
        case "noise":
            return f"within noise: {moved}", "noise"
        case "better" | "worse":
            return f"{change.judgement}: {moved}", change.judgement
    return f"changed: {moved}", "unknown"


def _count_verdict(metrics: tuple[MetricChange, ...], primary: str | None) -> tuple[str, str]:
    missing = f"{primary} is on neither side; " if primary else ""
    counts = {
        kind: sum(c.judgement == kind for c in metrics)
        for kind in ("better", "worse", "noise", "changed", "added", "removed", "same")
    }
    words = {"noise": "within noise", "changed": "changed in unknown direction"}
    text = ", ".join(f"{n} {words.get(kind, kind)}" for kind, n in counts.items() if n)
    if counts["better"] and counts["worse"]:
        outcome = "mixed"
    else:
        outcome = next((kind for kind in ("better", "worse", "noise") if counts[kind]), "unknown")
        if outcome == "unknown" and counts["same"] == len(metrics):
            outcome = "same"
    return f"{missing}metrics: {text or 'none'}", outcome


def _gate_text(gate: Gate) -> str:
    if gate.value is None:
        return f"{gate.metric} is missing ({gate.kind} {gate.relation} {gate.limit:g})"
    shown = f"{gate.value:.6g}" if is_number(gate.value) else str(gate.value)
    return f"{gate.metric} {shown} is not {gate.relation} {gate.limit:g}"
