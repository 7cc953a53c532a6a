"""Does a plan hold together? What a stage would trip over in an hour is refused now."""

from __future__ import annotations

import datetime
import math
import re
from typing import TYPE_CHECKING

from fivefold.errors import PlanError, nearest
from fivefold.fairness import check_fairness
from fivefold.metrics import TASKS, Metric
from fivefold.thresholds import check_guardrails, check_metric, check_thresholds

if TYPE_CHECKING:
    from fivefold.plan.plan import Budget, PlanConfig

__all__ = ["PHASES", "check"]

PHASES = ("plan", "data", "model", "deploy", "monitor")


def check(config: PlanConfig) -> None:
    """Raise for the first contradiction in a plan.

    Raises
    ------
    PlanError
        Names the key, the value, and what would have been accepted.
    """
    for key in ("name", "target"):
        if not str(getattr(config, key)).strip():
            raise PlanError(f"the plan has no {key}", where=f"plan.{key}", got="an empty text")
    for key in ("task", "primary_metric"):
        if getattr(config, key) == "infer":
            raise PlanError(
                f"the plan does not say its {key} yet",
                where=f"plan.{key}",
                got="infer",
                hint="fivefold schema infer reads it off the table, or set it in conf/plan.yaml",
            )
    if config.task not in TASKS:
        raise PlanError(
            f"unknown task {config.task!r}",
            where="plan.task",
            got=config.task,
            allowed=TASKS,
            hint=nearest(config.task, TASKS),
        )
    primary = check_metric(config.primary_metric, config.task, "plan.primary_metric")
    for index, name in enumerate(config.metrics):
        check_metric(name, config.task, f"plan.metrics.{index}")
        if name in config.metrics[:index]:
            raise PlanError("the metric is named twice", where=f"plan.metrics.{index}", got=name)
    check_thresholds(config.thresholds, primary, "plan.thresholds")
    _check_difference(config.smallest_difference, primary)
    check_guardrails(config.guardrails, config.task, "plan.guardrails", primary.name)
    check_fairness(config.fairness, config.task, "plan.fairness", config.target)
    _check_budget(config.budget)
    _check_roles(config)
    for index, risk in enumerate(config.risks):
        if not risk.risk.strip():
            raise PlanError(
                "a risk does not say what may happen",
                where=f"plan.risks.{index}.risk",
                got="an empty text",
            )


def _check_difference(difference: float | None, metric: Metric) -> None:
    widest = metric.high - metric.low
    if difference is not None and not (math.isfinite(difference) and 0 < difference <= widest):
        raise PlanError(
            f"no difference of {metric.name} can be so",
            where="plan.smallest_difference",
            got=difference,
            allowed="above 0" + (f", at most {widest:g}" if math.isfinite(widest) else ""),
            hint="leave it out, or null, where nobody knows",
        )


def _check_budget(budget: Budget) -> None:
    for key in ("compute_hours", "cost", "person_days"):
        value = getattr(budget, key)
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise PlanError(
                "a budget can't be negative or endless",
                where=f"plan.budget.{key}",
                got=value,
                allowed="0 or more, or null for no limit",
            )
    if budget.cost is not None and not re.fullmatch("[A-Z]{3}", budget.currency):
        raise PlanError(
            "a cost needs its currency",
            where="plan.budget.currency",
            got=budget.currency or "an empty text",
            allowed="an ISO 4217 code, such as EUR or USD",
        )
    if budget.deadline:
        try:
            datetime.date.fromisoformat(budget.deadline)
        except ValueError:
            raise PlanError(
                "the deadline is not a date",
                where="plan.budget.deadline",
                got=budget.deadline,
                allowed="an ISO 8601 date, such as 2026-12-31",
            ) from None


def _check_roles(config: PlanConfig) -> None:
    for title, role in config.roles.items():
        if not (role.name.strip() or role.handle.strip()):
            raise PlanError(
                "nobody holds the role",
                where=f"plan.roles.{title}",
                hint="set its name or handle, or take the role out",
            )
        for phase in role.phases:
            if phase not in PHASES:
                raise PlanError(
                    f"unknown phase {phase!r}",
                    where=f"plan.roles.{title}.phases",
                    got=phase,
                    allowed=PHASES,
                    hint=nearest(phase, PHASES),
                )
