"""Where the errors are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.report import Page

__all__ = ["DiagnoseConfig", "Diagnosed", "diagnose"]


@dataclass(frozen=True)
class DiagnoseConfig:
    """Where the errors are.

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
                "the seed is negative", where="diagnose.seed", got=self.seed, allowed="at least 0"
            )


@dataclass(frozen=True)
class Diagnosed:
    """What was found."""

    report: dict[str, Any]
    page: Page


def diagnose(
    predictions: nw.LazyFrame[Any],
    train: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: DiagnoseConfig,
) -> Diagnosed:
    """Where the errors are."""
    from fivefold.report import Page

    page = Page(title="Diagnosed", lead="", kicker=f"{objective.name} · model", sections=[])
    return Diagnosed(report={}, page=page)
