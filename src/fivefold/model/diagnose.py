"""Find where the model errs: the worst slices, the costliest rows, the data behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError, nearest
from fivefold.model.decision import Costs
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.report import Page

__all__ = ["DiagnoseConfig", "Diagnosed", "diagnose"]

_LOSSES = ("log_loss", "squared_score", "zero_one", "absolute_error", "squared_error")


@dataclass(frozen=True)
class DiagnoseConfig:
    """Where the errors are looked for.

    Attributes
    ----------
    key : list of str
        The columns that name a row.
    seed : int
        Draws the half of the rows that is searched, and the bootstrap; at least 0.
    loss : str or None
        What a row costs: log_loss, squared_score or zero_one of classes, absolute_error or
        squared_error of numbers; what suits the primary metric if null.
    depth : int
        Conditions of a slice at most, 1 to 4.
    beam : int
        How many of the best slices are refined by a third condition, and how many columns are
        combined with all others by a second one; at least 1.
    bins : int
        Of a column of numbers, about equally many training rows in each; 2 to 50.
    max_categories : int
        Of a column of texts, the most frequent of training; the others share a condition. 1 to
        1,000.
    columns : list of str
        To make slices of, beside the features, the time and those of the roles group and
        sensitive.
    min_rows : int
        Rows of a slice at least, in the whole test part; at least 20.
    min_share : float
        And as a share of the test part, in [0, 0.5).
    slices : int
        How many of the worst are told at most, at least 1.
    blocks : str
        Rows that are not independent go together: ``auto`` takes a calendar day of the column with
        the role time, where there are 20 of them; ``none`` none; else a column, whose rows of one
        value go together.
    confidence : float
        Of every interval, in (0.5, 1); what is left of 1 is the level of the tests.
    resamples : int
        Bootstrap resamples behind the primary metric of each slice, at least 100.
    rows : int
        The most costly rows that are told, at least 0.
    confusions : int
        The most frequent confusions of classes that are told, at least 1.
    costs : Costs or None
        What each outcome of two classes costs, as ``train.decision.costs`` has it. Rows are ranked
        by what the error costs more than being right, and without costs by their loss.
    cost_matrix : dict of str to dict of str to float
        The same for any number of classes: by the true class, then by the predicted one. What it
        does not name costs as in ``costs``; without them 1, and nothing where it is right.
    """

    key: list[str] = field(default_factory=list)
    seed: int = 0
    loss: str | None = None
    depth: int = 2
    beam: int = 50
    bins: int = 8
    max_categories: int = 30
    columns: list[str] = field(default_factory=list)
    min_rows: int = 100
    min_share: float = 0.005
    slices: int = 10
    blocks: str = "auto"
    confidence: float = 0.95
    resamples: int = 500
    rows: int = 20
    confusions: int = 10
    costs: Costs | None = None
    cost_matrix: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, good, allowed in (
            ("seed", self.seed >= 0, "at least 0"),
            ("depth", 1 <= self.depth <= 4, "1 to 4"),
            ("beam", self.beam >= 1, "at least 1"),
            ("bins", 2 <= self.bins <= 50, "2 to 50"),
            ("max_categories", 1 <= self.max_categories <= 1000, "1 to 1,000"),
            ("min_rows", self.min_rows >= 20, "at least 20"),
            ("min_share", 0 <= self.min_share < 0.5, "0 to 0.5"),
            ("slices", self.slices >= 1, "at least 1"),
            ("confidence", 0.5 < self.confidence < 1, "between 0.5 and 1"),
            ("resamples", self.resamples >= 100, "at least 100"),
            ("rows", self.rows >= 0, "at least 0"),
            ("confusions", self.confusions >= 1, "at least 1"),
        ):
            if not good:
                raise ConfigError(
                    "a number is out of bounds",
                    where=f"diagnose.{name}",
                    got=getattr(self, name),
                    allowed=allowed,
                )
        if self.loss is not None and self.loss not in _LOSSES:
            raise ConfigError(
                "there is no such loss",
                where="diagnose.loss",
                got=self.loss,
                allowed=_LOSSES,
                hint=nearest(self.loss, _LOSSES),
            )


@dataclass(frozen=True)
class Diagnosed:
    """What was found.

    Attributes
    ----------
    report : dict
        ``{"rows", "confidence", "loss", "blocks", "search", "slices", "costly", "confusions",
        "features", "quality"}``.
    page : Page
        The same, drawn.
    """

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
    """Look for the rows of the test part that the model does worst on, and for what they share.

    Raises
    ------
    ConfigError
        The loss or the costs do not fit the task.
    DataError
        A column is absent, or the predictions are of other rows than the test part's.
    """
    from fivefold.model.diagnosing.diagnosed import diagnosed
    from fivefold.model.diagnosing.page import diagnosis_page

    report = diagnosed(predictions, train, test, schema, objective, config)
    return Diagnosed(report=report, page=diagnosis_page(report, objective, config))
