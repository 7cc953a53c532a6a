"""Which way a metric is better, and what the plan asks of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fivefold.errors import HistoryError
from fivefold.fairness import fairness_metric
from fivefold.history.dvc.values import FileValues
from fivefold.metrics import Goal, goal_of

__all__ = ["Direction", "Goals", "Plan", "parse_metric_option", "read_plan"]

_HIGHER = frozenset(
    {"acc", "accuracy", "auc", "auroc", "auprc", "roc_auc", "pr_auc", "ap", "map", "f1", "fbeta"}
    | {"precision", "recall", "sensitivity", "specificity", "score", "r2", "r_squared", "kappa"}
    | {"explained_variance", "mcc", "bleu", "rouge", "meteor", "iou", "miou", "dice", "ndcg", "mrr"}
    | {"hit", "hits", "psnr", "ssim", "correlation", "pearson", "spearman", "throughput"}
)
_LOWER = frozenset(
    {"loss", "error", "err", "mae", "mse", "rmse", "mape", "smape", "msle", "rmsle", "nll", "ece"}
    | {"perplexity", "ppl", "wer", "cer", "ter", "eer", "fid", "brier", "logloss", "deviance"}
    | {"latency", "seconds", "time", "duration", "memory", "cost", "drift", "psi", "bias"}
    | {"pinball"}
)


@dataclass(frozen=True, slots=True)
class Direction:
    """Which way a metric is better.

    Attributes
    ----------
    goal : {"maximize", "minimize"} or None
        None where nothing tells.
    source : {"option", "settings", "plan", "catalogue", "guessed", "unknown"}
        What tells; ``settings`` is ``fivefold.yaml``.
    """

    goal: Goal | None
    source: Literal["option", "settings", "plan", "catalogue", "guessed", "unknown"]


@dataclass(frozen=True)
class Plan:
    """The part of a project's plan that judges runs.

    Attributes
    ----------
    primary : str
        The metric that ranks.
    metrics : tuple of str
        The others to show.
    thresholds : dict of str to float
        ``acceptable`` and ``excellent`` values of the primary metric.
    guardrails : dict of str to dict
        ``min`` and ``max`` by metric; those of fairness too, by ``<column>.<metric>``.
    budget : dict of str to float
        What may be spent: ``compute_hours``, ``cost``, ``person_days``; only what is set.
    deadline : str
        ISO 8601 date; empty for none.
    """

    primary: str
    metrics: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    guardrails: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    budget: Mapping[str, float] = field(default_factory=dict)
    deadline: str = ""


def _numbers(section: Any) -> dict[str, float]:
    if not isinstance(section, Mapping):
        return {}
    return {
        str(key): float(value)
        for key, value in section.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _limits(section: Any) -> dict[str, dict[str, float]]:
    if not isinstance(section, Mapping):
        return {}
    return {str(key): _numbers(value) for key, value in section.items()}


def _fairness(section: Any) -> dict[str, dict[str, float]]:
    """Name the limits on groups as the metrics files name what they limit."""
    if not isinstance(section, Mapping):
        return {}
    return {
        f"{group}.{metric}": ends
        for group, metrics in section.items()
        for metric, ends in _limits(metrics).items()
    }


def read_plan(params: Mapping[str, FileValues]) -> Plan | None:
    """Find the plan in a revision's params, or None in a plain DVC repository."""
    for file in params.values():
        plan = file.raw.get("plan") if isinstance(file.raw, Mapping) else None
        if isinstance(plan, Mapping) and isinstance(plan.get("primary_metric"), str):
            names = plan.get("metrics")
            budget = plan.get("budget")
            return Plan(
                plan["primary_metric"],
                tuple(str(name) for name in names) if isinstance(names, list) else (),
                _numbers(plan.get("thresholds")),
                {**_limits(plan.get("guardrails")), **_fairness(plan.get("fairness"))},
                _numbers(budget),
                # YAML reads a date that isn't quoted as one.
                str(budget.get("deadline") or "") if isinstance(budget, Mapping) else "",
            )
    return None


def parse_metric_option(text: str) -> tuple[str, Goal | None]:
    """Split ``name`` or ``name:maximize``; a name may itself start with ``file:``.

    Raises
    ------
    HistoryError
        Where there is no name.
    """
    name, _, goal = text.rpartition(":")
    if name and goal in ("max", "maximize"):
        return name, "maximize"
    if name and goal in ("min", "minimize"):
        return name, "minimize"
    if not text.strip(": "):
        raise HistoryError(
            "the metric has no name",
            where="--metric",
            got=text,
            allowed="NAME, NAME:maximize or NAME:minimize",
        )
    return text, None


@dataclass(frozen=True)
class Goals:
    """The directions of a repository's metrics.

    Attributes
    ----------
    plan : Plan or None
    chosen : dict of str to Goal
        Directions that the user gave, by metric; they win.
    declared : dict of str to Goal
        Directions that the repository declares, by metric: ``name`` or ``file:name``.
    """

    plan: Plan | None = None
    chosen: Mapping[str, Goal] = field(default_factory=dict)
    declared: Mapping[str, Goal] = field(default_factory=dict)

    def direction(self, name: str) -> Direction:
        """Tell which way a metric is better, and how that is known; ``file:`` may stand in front.

        Examples
        --------
        >>> Goals().direction("val.rmse")
        Direction(goal='minimize', source='guessed')
        """
        if name in self.chosen:
            return Direction(self.chosen[name], "option")
        if name in self.declared:
            return Direction(self.declared[name], "settings")
        _, colon, inner = name.rpartition(":")
        if colon:
            return self.direction(inner)
        fairness = fairness_metric(name)
        if fairness:
            return Direction(fairness.goal, "catalogue")
        known = goal_of(name)
        if known:
            planned = self.plan and name in (self.plan.primary, *self.plan.metrics)
            return Direction(known, "plan" if planned else "catalogue")
        if name.startswith("baseline.") or name.rpartition(".")[2] in ("rows", "count", "support"):
            return Direction(None, "unknown")
        guess = _guess(name)
        return Direction(guess, "guessed" if guess else "unknown")


def _guess(name: str) -> Goal | None:
    """Guess from the last word of the name that is known: ``val_loss``, ``test.f1-score``."""
    for part in reversed(name.lower().split(".")):
        goal = goal_of(part)
        if goal:
            return goal
        if part in _LOWER or part in _HIGHER:
            return "minimize" if part in _LOWER else "maximize"
        words = re.split(r"[^a-z0-9]+", part)
        # A word for a loss decides over one for a gain: `accuracy_error`, `f1_loss`.
        if any(word in _LOWER for word in words):
            return "minimize"
        if any(word in _HIGHER for word in words):
            return "maximize"
    return None
