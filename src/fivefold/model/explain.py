"""Look into the model: what it heeds, and what it does when its input changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.report import Page

__all__ = ["ExplainConfig", "Explained", "explain"]


@dataclass(frozen=True)
class ExplainConfig:
    """What the model looks at, and what it does when its input changes.

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
                "the seed is negative", where="explain.seed", got=self.seed, allowed="at least 0"
            )


@dataclass(frozen=True)
class Explained:
    """What was found."""

    report: dict[str, Any]
    page: Page


def explain(
    estimator: Any,
    fitted: Mapping[str, Any],
    train: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: ExplainConfig,
) -> Explained:
    """Look into the model: what it heeds, and what it does when its input changes."""
    from fivefold.report import Page

    page = Page(title="Explained", lead="", kicker=f"{objective.name} · model", sections=[])
    return Explained(report={}, page=page)
