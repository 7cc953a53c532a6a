"""The charter: the plan as plain values, and as a page with a picture of the goal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from fivefold.fairness import FAIRNESS
from fivefold.metrics import METRICS, Task
from fivefold.objective import Objective
from fivefold.plan.picture import goal_picture, guardrail_picture
from fivefold.plan.soundness import PHASES
from fivefold.report import format as form
from fivefold.report.page import Alert, Block, Column, Fact, Facts, Page, Section, Table, Text

if TYPE_CHECKING:
    from fivefold.plan.plan import PlanConfig

__all__ = ["charter", "objective", "page"]

_TASKS = {
    "binary": "one of two classes",
    "multiclass": "one of several classes",
    "regression": "a number",
}


def objective(config: PlanConfig) -> Objective:
    """Give the part of the plan that decides how models are fitted and judged."""
    return Objective(
        name=config.name,
        task=cast(Task, config.task),
        target=config.target,
        primary_metric=config.primary_metric,
        metrics=tuple(dict.fromkeys((config.primary_metric, *config.metrics))),
    )


def charter(config: PlanConfig) -> dict[str, Any]:
    """Give the plan as plain values, with what follows from it.

    Returns
    -------
    dict
        The config's keys; ``metrics`` with the primary one first, as a mapping of name to goal;
        ``open``, the questions the plan leaves open.
    """
    values = asdict(config)
    values["metrics"] = {name: METRICS[name].goal for name in objective(config).metrics}
    return {**values, "open": open_questions(config)}


def open_questions(config: PlanConfig) -> list[str]:
    """Word what a reader of the charter would have to ask."""
    covered = {phase for role in config.roles.values() for phase in role.phases}
    orphans = [phase for phase in PHASES if phase not in covered]
    unanswered = [risk.risk for risk in config.risks if not risk.response.strip()]
    asked = (
        (not config.problem.strip(), "Which problem is solved, and for whom?"),
        (not config.objective.strip(), "What does the organisation want to reach?"),
        (
            config.thresholds.acceptable is None,
            f"From which {METRICS[config.primary_metric].title} on may the model be used?",
        ),
        (bool(orphans), f"Who answers for {form_list(orphans)}?"),
        *((True, f"What is the response to this risk: {risk}") for risk in unanswered),
    )
    return [question for is_open, question in asked if is_open]


def form_list(names: list[str]) -> str:
    """Join names as a sentence does.

    Examples
    --------
    >>> form_list(["plan", "data", "model"])
    'plan, data and model'
    """
    *head, last = names or [""]
    return f"{', '.join(head)} and {last}" if head else last


def page(config: PlanConfig) -> Page:
    """Draw the charter."""
    metric = METRICS[config.primary_metric]
    better = "higher" if metric.goal == "maximize" else "lower"
    lead = f"Predict {config.target}, {_TASKS[config.task]}, and be judged by {metric.title}"
    mark = config.thresholds.acceptable
    lead += f", which must reach {form.number(mark)}." if mark is not None else "."
    sections = [
        Section("Problem and objective", _paragraphs(config)),
        Section("Goal", _goal(config), note=f"{metric.title} is better when {better}."),
    ]
    if config.guardrails:
        sections.append(Section("Guardrails", _guardrails(config)))
    if config.fairness:
        sections.append(Section("Fairness", [_fairness(config)]))
    sections.append(Section("Budget", [_budget(config)]))
    if config.roles:
        sections.append(Section("Roles", [_roles(config)]))
    if config.risks:
        sections.append(Section("Risks", [_risks(config)]))
    for title, items in (
        ("Stakeholders", config.stakeholders),
        ("Assumptions", config.assumptions),
        ("Open questions", open_questions(config)),
    ):
        if items:
            sections.append(Section(title, [Table([title], [(item,) for item in items])]))
    return Page(title="Charter", lead=lead, sections=sections, kicker=f"{config.name} · plan")


def _paragraphs(config: PlanConfig) -> list[Block]:
    blocks: list[Block] = [
        Text(text.strip()) for text in (config.problem, config.objective) if text.strip()
    ]
    missing = [
        name
        for name, text in (("problem", config.problem), ("objective", config.objective))
        if not text.strip()
    ]
    if missing:
        keys = " and ".join(f"`plan.{name}`" for name in missing)
        blocks.append(Alert("warn", f"Not written yet: {keys}."))
    return blocks


def _goal(config: PlanConfig) -> list[Block]:
    metric = METRICS[config.primary_metric]
    thresholds = config.thresholds
    others = [METRICS[name].title for name in objective(config).metrics[1:]]
    blocks: list[Block] = [
        Facts(
            (
                Fact("task", config.task, note=_TASKS[config.task]),
                Fact("target", config.target),
                Fact("primary metric", metric.title, note=f"to {metric.goal}"),
                Fact("acceptable", thresholds.acceptable),
                Fact("excellent", thresholds.excellent),
                Fact("smallest difference", config.smallest_difference, note="of interest"),
            )
        )
    ]
    if thresholds.acceptable is None and thresholds.excellent is None:
        blocks.append(
            Alert("warn", "No marks are set: any result would do. See `plan.thresholds`.")
        )
    else:
        blocks.append(goal_picture(metric, thresholds))
    if others:
        blocks.append(Text(f"Also reported: {form_list(others)}."))
    return blocks


def _guardrails(config: PlanConfig) -> list[Block]:
    rows = [
        (METRICS[name].title, limits.min, limits.max) for name, limits in config.guardrails.items()
    ]
    table = Table(
        ["metric", Column("at least", "number"), Column("at most", "number")],
        rows,
        caption="Limits that hold whatever the primary metric gains.",
    )
    pictures = [
        guardrail_picture(METRICS[name], limits) for name, limits in config.guardrails.items()
    ]
    return [table, *pictures]


def _fairness(config: PlanConfig) -> Table:
    return Table(
        ["groups by", "metric", Column("at least", "number"), Column("at most", "number")],
        [
            (key, FAIRNESS[name].title, ends.get("min"), ends.get("max"))
            for key, metrics in config.fairness.items()
            for name, ends in metrics.items()
        ],
        caption="How far groups may be apart, whatever the primary metric gains.",
    )


def _budget(config: PlanConfig) -> Block:
    budget = config.budget
    cost = None if budget.cost is None else f"{form.number(budget.cost)} {budget.currency}"
    return Facts(
        (
            Fact("compute", budget.compute_hours, note="hours"),
            Fact("cost", cost),
            Fact("work", budget.person_days, note="person days"),
            Fact("deadline", budget.deadline or None),
        )
    )


def _roles(config: PlanConfig) -> Table:
    return Table(
        ["role", "who", "handle", *PHASES],
        [
            (
                title,
                role.name or None,
                role.handle or None,
                *("✓" if phase in role.phases else "" for phase in PHASES),
            )
            for title, role in config.roles.items()
        ],
        caption="Who answers for which phase.",
    )


def _risks(config: PlanConfig) -> Table:
    return Table(
        ["risk", "response"],
        [(risk.risk, risk.response.strip() or None) for risk in config.risks],
    )
