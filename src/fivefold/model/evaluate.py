"""Judge the fitted pipeline on the test part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError
from fivefold.objective import Objective
from fivefold.table import Table, TableSchema

if TYPE_CHECKING:
    from fivefold.report import Page

__all__ = ["EvaluateConfig", "Evaluated", "evaluate"]


@dataclass(frozen=True)
class EvaluateConfig:
    """How the pipeline is judged.

    Attributes
    ----------
    key : list of str
        The columns that name a row of the predictions.
    seed : int
        For the bootstrap, at least 0.
    resamples : int
        Bootstrap resamples behind every interval, at least 100.
    confidence : float
        The share of resamples within an interval, in (0.5, 1).
    groups : list of str
        Columns to judge by, beside those of the roles group and sensitive.
    min_group_rows : int
        Groups of fewer rows are marked as too small to judge; at least 1.
    max_groups : int
        Only so many groups of a column are judged, the largest; at least 1.
    threshold : float or None
        In [0, 1]. Two classes: from this probability on, the positive class is predicted; as the
        train stage chose if null.
    """

    key: list[str] = field(default_factory=list)
    seed: int = 0
    resamples: int = 1000
    confidence: float = 0.95
    groups: list[str] = field(default_factory=list)
    min_group_rows: int = 100
    max_groups: int = 50
    threshold: float | None = None

    def __post_init__(self) -> None:
        for name, value, good, allowed in (
            ("seed", self.seed, self.seed >= 0, "at least 0"),
            ("resamples", self.resamples, self.resamples >= 100, "at least 100"),
            ("confidence", self.confidence, 0.5 < self.confidence < 1, "between 0.5 and 1"),
            ("min_group_rows", self.min_group_rows, self.min_group_rows >= 1, "at least 1"),
            ("max_groups", self.max_groups, self.max_groups >= 1, "at least 1"),
            ("threshold", self.threshold, 0 <= (self.threshold or 0) <= 1, "0 to 1"),
        ):
            if not good:
                raise ConfigError(
                    "a number is out of bounds",
                    where=f"evaluate.{name}",
                    got=value,
                    allowed=allowed,
                )


@dataclass(frozen=True)
class Evaluated:
    """What the test part shows.

    Attributes
    ----------
    metrics : dict
        ``{"rows": n, "<metric>": v, ..., "interval": {"<metric>": {"low", "high"}},
        "baseline": {"<metric>": v}}``.
    predictions : Table
        The key, the target, the scores and what was predicted, per row.
    report : dict
        Curves, confusion or residuals, and the metrics per group.
    page : Page
        The same, drawn.
    """

    metrics: dict[str, Any]
    predictions: Table
    report: dict[str, Any]
    page: Page


def evaluate(
    estimator: Any,
    fitted: Mapping[str, Any],
    train: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: EvaluateConfig,
) -> Evaluated:
    """Predict the test part and measure, over all rows and per group, against a baseline.

    Raises
    ------
    DataError
        A feature, the target or a group column is absent or not as the schema says.
    ModelError
        The pipeline can't predict the rows, or gives no scores where a metric needs them.
    """
    from fivefold.model.evaluation import judged
    from fivefold.model.evaluation_page import evaluation_page

    if config.threshold is None:
        config = replace(config, threshold=fitted.get("threshold", 0.5))
    result = judged(estimator, train, test, schema, objective, config)
    return Evaluated(
        metrics=result.metrics,
        predictions=result.predictions,
        report=result.report,
        page=evaluation_page(result.metrics, result.report, objective, config),
    )
