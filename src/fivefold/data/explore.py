"""Explore: the table and the target as figures and as a page of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw

from fivefold.errors import ConfigError
from fivefold.objective import Objective
from fivefold.report.page import Page
from fivefold.table import TableSchema, checkpoint, require_columns

__all__ = ["ExploreConfig", "Explored", "explore"]


@dataclass(frozen=True)
class ExploreConfig:
    """How much is shown.

    Attributes
    ----------
    engine : str
        What counts: pandas, polars or duckdb.
    bins : int
        Bins of a number's histogram, 5 to 100.
    top : int
        Categories shown of a text, 3 to 50.
    alarm : float
        A feature whose association with the target is at least this, in (0, 1], is pointed out:
        it may know the answer.
    """

    engine: str = "polars"
    bins: int = 30
    top: int = 12
    alarm: float = 0.8

    def __post_init__(self) -> None:
        for name, low, high in (("bins", 5, 100), ("top", 3, 50)):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"explore.{name} is out of bounds",
                    where=f"explore.{name}",
                    got=getattr(self, name),
                    allowed=f"{low} to {high}",
                )
        if not 0 < self.alarm <= 1:
            raise ConfigError(
                "explore.alarm is out of bounds",
                where="explore.alarm",
                got=self.alarm,
                allowed="above 0, up to 1",
            )


@dataclass(frozen=True)
class Explored:
    """What the table looks like.

    Attributes
    ----------
    summary : dict
        Rows, target, and per column its missing values, spread and association with the target.
    page : Page
        The same, drawn.
    """

    summary: dict[str, Any]
    page: Page


def explore(
    table: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, config: ExploreConfig
) -> Explored:
    """Summarise the table.

    Every figure is a count, an order statistic, or a mean rounded to where engines agree, so that
    it is the same on each of them.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The cleaned rows.
    schema : TableSchema
        The columns and their roles.
    objective : Objective
        The target and the task.
    config : ExploreConfig
        How much is shown.
    """
    # Imported here: NumPy and the charts, which composing the config does not need.
    from fivefold.data.profile import profile
    from fivefold.data.profile_page import page_of

    require_columns(table, [*schema.columns, objective.target], "validate.columns")
    frame = checkpoint(table.select(*schema.columns))
    summary = profile(frame, schema, objective, config.bins, config.top, config.alarm)
    return Explored(summary, page_of(summary, objective))
