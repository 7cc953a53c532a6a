"""Explore: the table and the target as figures and as a page of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.data.quarantine import without_quarantined
from fivefold.errors import ConfigError
from fivefold.objective import Objective
from fivefold.report.page import Page
from fivefold.table import TableSchema, require_columns

__all__ = ["ExploreConfig", "Explored", "explore"]

_BOUNDS: Mapping[str, tuple[int, int]] = {
    "bins": (5, 100),
    "top": (3, 50),
    "sample": (100, 1_000_000),
    "pictures": (0, 200),
    "examples": (0, 100),
}


@dataclass(frozen=True)
class ExploreConfig:
    """How much is shown.

    Attributes
    ----------
    engine : str
        What counts: pandas, polars or duckdb.
    key : list of str
        The columns that together name a row: they draw the sample.
    split : dict
        The section of the stage split: its parts are compared. Empty for none.
    bins : int
        Bins of a number's histogram, 5 to 100.
    top : int
        Categories shown of a text, 3 to 50.
    alarm : float
        A feature whose association with the target is at least this, in (0, 1], is pointed out:
        it may know the answer.
    sample : int
        Rows, about, that columns are compared with one another on, 100 to 1,000,000; a shorter
        table is compared whole.
    pictures : int
        Features that are drawn, 0 to 200, the strongest first; the others are listed.
    examples : int
        Rows shown as they are, 0 to 100.
    """

    engine: str = "polars"
    key: list[str] = field(default_factory=list)
    split: dict[str, Any] = field(default_factory=dict)
    bins: int = 30
    top: int = 12
    alarm: float = 0.8
    sample: int = 20_000
    pictures: int = 60
    examples: int = 10

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"explore.{name} is out of bounds",
                    where=f"explore.{name}",
                    got=getattr(self, name),
                    allowed=f"{low:,} to {high:,}",
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
        Rows, target, alarms, and per column its gaps, spread, outliers, drift between the parts
        and association with the target; how columns miss values and go together, and move over
        time.
    page : Page
        The same, drawn.
    """

    summary: dict[str, Any]
    page: Page


def explore(
    table: nw.LazyFrame[Any],
    quarantine: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: ExploreConfig,
) -> Explored:
    """Summarise the table.

    Every figure is a count, an order statistic, or a mean rounded to where engines agree, so that
    it is the same on each of them.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The cleaned rows.
    quarantine : narwhals.LazyFrame
        The rows that validation set aside, which are left out.
    schema : TableSchema
        The columns and their roles.
    objective : Objective
        The target and the task.
    config : ExploreConfig
        How much is shown.
    """
    # Imported here: NumPy and the charts, which composing the config does not need.
    from fivefold.data.profiling.page import page_of
    from fivefold.data.profiling.summary import summarise

    require_columns(table, [*schema.columns, objective.target], "validate.columns")
    require_columns(table, config.key, "explore.key")
    kept = without_quarantined(table, quarantine, config.key) if config.key else table
    summary = summarise(kept, schema, objective, config)
    return Explored(summary, page_of(summary, objective, config.pictures))
