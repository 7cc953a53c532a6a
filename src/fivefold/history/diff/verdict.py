"""The whole of a diff in one line."""

from __future__ import annotations

from fivefold.history.diff.changes import Gate, MetricChange
from fivefold.history.measures import is_number

__all__ = ["give_verdict"]

_SHOWN = 4


def give_verdict(
    metrics: tuple[MetricChange, ...],
    gates: tuple[Gate, ...],
    primary: str | None,
    *,
    identical: str | None = None,
    but: str = "",
) -> tuple[str, str]:
    """Say in one line what the diff means, and give its outcome.

    Parameters
    ----------
    metrics : tuple of MetricChange
    gates : tuple of Gate
    primary : str or None
        The metric that decides; without one the metrics are counted.
    identical : str, optional
        What to say of the metrics where nothing differs at all.
    but : str, optional
        What the metrics don't say: a slice that got worse.

    Returns
    -------
    verdict, outcome : str
        See `Diff`.
    """
    change = next((c for c in metrics if c.name == primary), None)
    if identical is not None:
        text, outcome = identical, "identical"
    elif change is not None:
        text, outcome = _primary_verdict(change)
    else:
        text, outcome = _count_verdict(metrics, primary)
    if but:
        text += f", {but}"
    allowed = sum(gate.state == "allowed" for gate in gates)
    if allowed:
        text += f"; {allowed} exception{'s' if allowed > 1 else ''} allowed"
    failed = [_gate_text(gate) for gate in gates if gate.failed]
    if failed:
        shown = ", ".join(failed[:_SHOWN])
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        return f"not acceptable: {shown}{more}; {text}", "failed"
    reached = [g.name.partition(".")[2] for g in gates if g.kind == "threshold" and g.passed]
    rails = sum(g.kind == "guardrail" for g in gates)
    if (reached or rails) and outcome != "identical" and not allowed:
        text += f"; {reached[-1]}, " if reached else "; "
        words = {0: "no guardrails", 1: "the guardrail holds"}
        text += words.get(rails, f"all {rails} guardrails hold")
    return text, outcome


def _primary_verdict(change: MetricChange) -> tuple[str, str]:
    if change.change is None:
        return f"{change.name} can't be compared ({change.judgement})", "unknown"
    moved = f"{change.name} {change.base:.6g} → {change.head:.6g} ({_change_text(change)})"
    match change.judgement:
        case "same":
            return f"same {change.name}: {change.head:.6g}", "same"
        case "noise":
            return f"within noise: {moved}", "noise"
        case "better" | "worse":
            return f"{change.judgement}: {moved}", change.judgement
    return f"changed: {moved}", "unknown"


def _change_text(change: MetricChange) -> str:
    """Say by how much, and between which ends where the rows of both tell."""
    text = f"{change.change:+.4g}"
    if change.rows is None or change.interval is None:
        return text
    low, high = change.interval
    ends = f"95% interval {low:+.2g} to {high:+.2g}"
    if change.common_change is None:
        return f"{text}, {ends} on the same rows"
    return f"{text}; on the {change.rows:,} rows of both {change.common_change:+.4g}, {ends}"


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
    """Say what is wrong with a gate that fails."""
    shown = f"{gate.value:.6g}" if is_number(gate.value) else str(gate.value)
    if gate.kind == "integrity":
        return f"the results are {shown.partition(',')[0]} ({gate.note})"
    if gate.kind == "weakened":
        dropped = gate.value is None
        limit = gate.asks.partition(" ")[2]
        moved = f"{limit} is dropped" if dropped else f"{limit} → {shown}"
        return f"the plan is weakened ({gate.name.partition('.')[2]} {moved})"
    if gate.value is None:
        return f"{gate.metric} is missing ({gate.kind} {gate.asks})"
    if gate.kind == "regression":
        return f"{gate.metric} is worse beyond noise" + (f" and {gate.note}" if gate.note else "")
    return f"{gate.metric} {shown} is not {gate.asks}"
