"""Bias: how far the groups of every sensitive column, and of their intersections, are apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.report import Page

__all__ = ["AssessConfig", "Assessed", "assess"]


@dataclass(frozen=True)
class AssessConfig:
    """Which groups are compared, and how surely.

    Attributes
    ----------
    key : list of str
        The columns that name a row.
    columns : list of str
        Columns to compare by, beside those of the role sensitive.
    order : int
        1 to 3. Up to so many columns are crossed: 2 compares the groups of every pair too.
    bins : int
        2 to 20. Numbers and dates with more than 10 values are cut into so many ranges, at
        quantiles of the test part.
    edges : dict of str to list of float
        Where to cut a column of numbers instead, ascending.
    min_group_rows : int
        Smaller groups are too small to judge, and left out of the aggregates; at least 1.
    max_groups : int
        Only so many groups of a column are compared, the largest; at least 2.
    resamples : int
        Resamples behind the intervals, at least 100.
    confidence : float
        Of the intervals, in (0.5, 1).
    seed : int
        For the resamples, at least 0.
    limits : dict
        The plan's: by column, or by columns as in ``"sex, age"``; by fairness metric; ``min`` or
        ``max``.
    """

    key: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    order: int = 2
    bins: int = 4
    edges: dict[str, list[float]] = field(default_factory=dict)
    min_group_rows: int = 100
    max_groups: int = 30
    resamples: int = 1000
    confidence: float = 0.95
    seed: int = 0
    limits: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, good, allowed in (
            ("order", self.order, 1 <= self.order <= 3, "1 to 3"),
            ("bins", self.bins, 2 <= self.bins <= 20, "2 to 20"),
            ("min_group_rows", self.min_group_rows, self.min_group_rows >= 1, "at least 1"),
            ("max_groups", self.max_groups, self.max_groups >= 2, "at least 2"),
            ("resamples", self.resamples, self.resamples >= 100, "at least 100"),
            ("confidence", self.confidence, 0.5 < self.confidence < 1, "between 0.5 and 1"),
            ("seed", self.seed, self.seed >= 0, "at least 0"),
        ):
            if not good:
                raise ConfigError(
                    "a number is out of bounds", where=f"assess.{name}", got=value, allowed=allowed
                )
        for name, edges in self.edges.items():
            if not edges or sorted(set(edges)) != list(edges):
                raise ConfigError(
                    "the edges don't ascend",
                    where=f"assess.edges.{name}",
                    got=edges,
                    allowed="numbers, each larger than the one before",
                )


@dataclass(frozen=True)
class Assessed:
    """How far the groups are apart.

    Attributes
    ----------
    metrics : dict
        ``{"<column>.<metric>": v, ..., "interval": {"<column>.<metric>": {"low", "high"}}}``; an
        intersection is named as in ``"sex, age"``.
    report : dict
        Every group with its rates, every aggregate, and the limits.
    page : Page
        The same, drawn.
    """

    metrics: dict[str, Any]
    report: dict[str, Any]
    page: Page


def assess(
    predictions: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: AssessConfig,
) -> Assessed:
    """Compare the groups that sensitive columns and their intersections make.

    Raises
    ------
    DataError
        A column is absent, or the predictions are of other rows.
    PlanError
        A limit doesn't fit the task.
    """
    from fivefold.fairness import check_fairness
    from fivefold.model.assessment import assessed
    from fivefold.model.assessment_page import assessment_page

    check_fairness(config.limits, objective.task, "plan.fairness", objective.target)
    metrics, report = assessed(predictions, test, schema, objective, config)
    return Assessed(metrics, report, assessment_page(report, objective))
