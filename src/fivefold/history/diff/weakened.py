"""Whether a proposal asks less of itself: its plan held against the base's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fivefold.history.diff.changes import ENDS, Gate, Relation
from fivefold.history.goals import Goals, Plan

__all__ = ["judge_weakened"]


def judge_weakened(
    before: Plan | None, after: Plan | None, base: Goals, head: Goals
) -> tuple[Gate, ...]:
    """Find what the head's plan loosens or drops of the base's; each is a gate that fails.

    Parameters
    ----------
    before, after : Plan or None
        Of the base and of the head. A base without a plan asks for nothing.
    base, head : Goals
        Tell which way metrics are better.
    """
    if before is None:
        return ()
    if after is None:
        gone = "the base has a plan, the head has none"
        return (_weaker("plan", "plan", "=", before.primary, None, gone),)
    return (
        *_primary(before, after, base, head),
        *_thresholds(before, after, base),
        *_guardrails(before, after),
        *_budget(before, after),
    )


def _primary(before: Plan, after: Plan, base: Goals, head: Goals) -> Iterator[Gate]:
    if before.primary != after.primary:
        note = "the metric that decides is another one"
        yield _weaker("primary_metric", "primary metric", "=", before.primary, after.primary, note)
    told, now = base.direction(before.primary), head.direction(before.primary)
    # A guess may be corrected; what was said may not be turned round unseen.
    if told.source not in ("guessed", "unknown") and told.goal != now.goal:
        note = "what was better is worse now"
        yield _weaker("goal", before.primary, "=", told.goal, now.goal, note)


def _thresholds(before: Plan, after: Plan, goals: Goals) -> Iterator[Gate]:
    goal = goals.direction(before.primary).goal
    relation: Relation = "<=" if goal == "minimize" else ">="
    for name, limit in before.thresholds.items():
        now = after.thresholds.get(name)
        # Limits of two metrics can't be compared; that the metric is another one fails already.
        if now is None or (before.primary == after.primary and _looser(limit, now, relation)):
            yield _weaker(f"threshold.{name}", before.primary, relation, limit, now)


def _guardrails(before: Plan, after: Plan) -> Iterator[Gate]:
    for metric, bounds in before.guardrails.items():
        held: Mapping[str, float] = after.guardrails.get(metric, {})
        for end, relation in ENDS.items():
            if end in bounds and _looser(bounds[end], held.get(end), relation):
                name = f"guardrail.{metric}.{end}"
                yield _weaker(name, metric, relation, bounds[end], held.get(end))


def _budget(before: Plan, after: Plan) -> Iterator[Gate]:
    for name, limit in before.budget.items():
        if _looser(limit, after.budget.get(name), "<="):
            yield _weaker(f"budget.{name}", name, "<=", limit, after.budget.get(name))
    if before.deadline and _looser(before.deadline, after.deadline or None, "<="):
        yield _weaker("budget.deadline", "deadline", "<=", before.deadline, after.deadline or None)


def _looser(limit: Any, now: Any, relation: Relation) -> bool:
    if now is None:
        return True
    return bool(now < limit if relation == ">=" else now > limit)


def _weaker(
    what: str, metric: str, relation: Relation, limit: Any, now: Any, note: str = ""
) -> Gate:
    note = note or ("the head's plan drops it" if now is None else "the head's plan asks for less")
    return Gate("weakened", f"weakened.{what}", metric, relation, limit, now, False, note=note)
