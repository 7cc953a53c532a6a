"""Bias: every sensitive column and their intersections."""

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
    """Bias: every sensitive column and their intersections.

    Attributes
    ----------
    key : list of str
        The columns that name a row.
    seed : int
        At least 0.
    """

    key: list[str] = field(default_factory=list)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(
                "the seed is negative", where="assess.seed", got=self.seed, allowed="at least 0"
            )


@dataclass(frozen=True)
class Assessed:
    """What was found."""

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
    """Bias: every sensitive column and their intersections."""
    from fivefold.report import Page

    page = Page(title="Assessed", lead="", kicker=f"{objective.name} · model", sections=[])
    return Assessed(metrics={}, report={}, page=page)
