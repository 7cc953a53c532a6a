"""The stage ``plan``: the charter that every later stage is judged by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fivefold.objective import Objective
from fivefold.thresholds import Limits, Thresholds

if TYPE_CHECKING:
    from fivefold.report.page import Page

__all__ = ["Budget", "PlanConfig", "Planned", "Risk", "Role", "plan"]


@dataclass(frozen=True)
class Budget:
    """What the project may use up; null where nobody set a limit.

    Attributes
    ----------
    compute_hours : float or None
        Hours of computing for training, at least 0.
    cost : float or None
        Money, in ``currency``, at least 0.
    currency : str
        ISO 4217 code, such as EUR; needed where ``cost`` is set.
    person_days : float or None
        Days of work, at least 0.
    deadline : str
        ISO 8601 date, such as 2026-12-31, by which the model is in use; empty for none.
    """

    compute_hours: float | None = None
    cost: float | None = None
    currency: str = ""
    person_days: float | None = None
    deadline: str = ""


@dataclass(frozen=True)
class Role:
    """Who answers for what.

    Attributes
    ----------
    name : str
        A person or a team.
    handle : str
        The account that is asked for review, such as @ada.
    phases : list of str
        The phases this role answers for: plan, data, model, deploy, monitor.
    """

    name: str = ""
    handle: str = ""
    phases: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Risk:
    """What may go wrong, and what is done about it.

    Attributes
    ----------
    risk : str
        What may happen. Required.
    response : str
        What prevents it, or softens it; empty while nobody knows.
    """

    risk: str = ""
    response: str = ""


@dataclass(frozen=True)
class PlanConfig:
    """The plan, as a team writes it down before the work.

    Attributes
    ----------
    name : str
        The project's name.
    task : str
        What is predicted: binary, multiclass (classes) or regression (a number).
    target : str
        The column that is predicted.
    primary_metric : str
        The metric that ranks models; fits the task.
    metrics : list of str
        Further metrics to report; each fits the task.
    problem : str
        What is wrong or missing today, for whom.
    objective : str
        What the organisation wants to reach; how it would notice.
    thresholds : Thresholds
        The marks of the primary metric.
    smallest_difference : float or None
        The smallest difference of the primary metric that is of interest: above 0, within the
        metric's range. Evaluate says whether the test part can show it.
    guardrails : dict of str to Limits
        The limits other metrics must keep, whatever the primary metric gains.
    fairness : dict
        How far groups may be apart: by sensitive column, or by columns as in ``"sex, age"``; by
        fairness metric; ``max`` of a difference, ``min`` of a ratio.
    budget : Budget
        What the project may use up.
    roles : dict of str to Role
        Who answers for what, by the role's name.
    stakeholders : list of str
        Who is affected by the model's answers.
    assumptions : list of str
        What is taken to be true, and would change the plan if it were not.
    risks : list of Risk
        What may go wrong, and the response.
    """

    name: str
    task: str
    target: str
    primary_metric: str
    metrics: list[str] = field(default_factory=list)
    problem: str = ""
    objective: str = ""
    thresholds: Thresholds = field(default_factory=Thresholds)
    smallest_difference: float | None = None
    guardrails: dict[str, Limits] = field(default_factory=dict)
    fairness: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    roles: dict[str, Role] = field(default_factory=dict)
    stakeholders: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    risks: list[Risk] = field(default_factory=list)

    def __post_init__(self) -> None:
        from fivefold.plan.soundness import check

        check(self)


@dataclass(frozen=True)
class Planned:
    """What the stage leaves.

    Attributes
    ----------
    charter : dict
        The plan as plain values, with the metric's direction and the questions still open.
    page : Page
        The charter as a page.
    text : str
        The charter as Markdown.
    objective : Objective
        The part that decides how models are fitted and judged.
    """

    charter: dict[str, Any]
    page: Page
    text: str
    objective: Objective


def plan(config: PlanConfig) -> Planned:
    """Write the charter down.

    Parameters
    ----------
    config : PlanConfig
        A sound plan: building it has checked it.

    Returns
    -------
    Planned
        The charter, twice for people and once for programs.
    """
    from fivefold.plan.charter import charter, objective, page
    from fivefold.report.markdown import render_markdown

    written = page(config)
    return Planned(
        charter=charter(config),
        page=written,
        text=render_markdown(written),
        objective=objective(config),
    )
