"""Judge the fitted pipeline on the test part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError, nearest
from fivefold.model.decision import Costs
from fivefold.objective import Objective
from fivefold.table import Table, TableSchema

if TYPE_CHECKING:
    from fivefold.report import Page

__all__ = ["Bootstrap", "EvaluateConfig", "Evaluated", "LearningCurve", "Seeds", "evaluate"]

_METHODS = ("auto", "rows", "stratified", "group", "time")


@dataclass(frozen=True)
class Bootstrap:
    """How resamples of the test part are drawn: as the test part itself was.

    Attributes
    ----------
    method : {"auto", "rows", "stratified", "group", "time"}
        rows: each by itself. stratified: within each class, whose size stays. group: whole groups.
        time: stretches of time. auto follows the split: time for a split by time, group for
        grouped, stratified for stratified, rows for random; for a split by a column, time where the
        test part is later, group where it shares no group with the training part, else rows.
    columns : list of str
        Whose values are the strata, the groups or the moments; by default the split's column, or
        those of the role group or time.
    block : int or None
        For time: how many moments a stretch holds, at least 1; by Politis and White's rule if null.
    """

    method: str = "auto"
    columns: list[str] = field(default_factory=list)
    block: int | None = None

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise ConfigError(
                "unknown method of drawing resamples",
                where="evaluate.bootstrap.method",
                got=self.method,
                allowed=_METHODS,
                hint=nearest(self.method, _METHODS),
            )
        _require_least("bootstrap.block", self.block, 1)


@dataclass(frozen=True)
class LearningCurve:
    """The pipeline fitted again on fewer rows.

    Attributes
    ----------
    points : int
        How many fits, each on twice the rows of the one before; 0 for none.
    max_rows : int
        The most rows of a fit, at least 10; never more than half of the training part.
    """

    points: int = 3
    max_rows: int = 10_000

    def __post_init__(self) -> None:
        _require_least("learning_curve.points", self.points, 0)
        _require_least("learning_curve.max_rows", self.max_rows, 10)


@dataclass(frozen=True)
class Seeds:
    """The pipeline fitted again with other seeds.

    Attributes
    ----------
    number : int
        How many fits, 2 or more; 0 for none.
    max_rows : int
        The most rows of a fit, at least 10.
    """

    number: int = 3
    max_rows: int = 10_000

    def __post_init__(self) -> None:
        if self.number == 1:
            raise ConfigError(
                "one seed has no spread",
                where="evaluate.seeds.number",
                got=1,
                allowed="0 for none, or at least 2",
            )
        _require_least("seeds.number", self.number, 0)
        _require_least("seeds.max_rows", self.max_rows, 10)


def _require_least(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise ConfigError(
            "a number is out of bounds",
            where=f"evaluate.{name}",
            got=value,
            allowed=f"at least {least}",
        )


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
    bootstrap : Bootstrap
        How resamples are drawn.
    split : dict
        The split's own section, which says how the test part came about.
    metrics : dict of str to dict
        Metrics of your own by name: ``_target_`` and its arguments, ``needs`` (label, score or
        value) and ``goal`` (maximize or minimize). The function takes what is true and what is
        predicted and gives a number.
    own_resamples : int
        Resamples behind the intervals of your own metrics, a call each; at least 20.
    costs : Costs or None
        What each outcome costs, for the curve of the mean cost over thresholds.
    learning_curve : LearningCurve
        Would more rows help?
    seeds : Seeds
        Does the seed matter?
    smallest_difference : float or None
        Of the primary metric: the smallest that is of interest, above 0.
    """

    key: list[str] = field(default_factory=list)
    seed: int = 0
    resamples: int = 1000
    confidence: float = 0.95
    groups: list[str] = field(default_factory=list)
    min_group_rows: int = 100
    max_groups: int = 50
    threshold: float | None = None
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    split: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    own_resamples: int = 200
    costs: Costs | None = None
    learning_curve: LearningCurve = field(default_factory=LearningCurve)
    seeds: Seeds = field(default_factory=Seeds)
    smallest_difference: float | None = None

    def __post_init__(self) -> None:
        for name, value, good, allowed in (
            ("seed", self.seed, self.seed >= 0, "at least 0"),
            ("resamples", self.resamples, self.resamples >= 100, "at least 100"),
            ("confidence", self.confidence, 0.5 < self.confidence < 1, "between 0.5 and 1"),
            ("min_group_rows", self.min_group_rows, self.min_group_rows >= 1, "at least 1"),
            ("max_groups", self.max_groups, self.max_groups >= 1, "at least 1"),
            ("threshold", self.threshold, 0 <= (self.threshold or 0) <= 1, "0 to 1"),
            ("own_resamples", self.own_resamples, self.own_resamples >= 20, "at least 20"),
            (
                "smallest_difference",
                self.smallest_difference,
                self.smallest_difference is None or self.smallest_difference > 0,
                "above 0, or null",
            ),
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
        ``{"rows": n, "<metric>": v, ..., "detectable_difference": d, "interval": {"<metric>":
        {"low", "high"}}, "baseline": {"<metric>": v}}``.
    predictions : Table
        The key, the target, the scores and what was predicted, per row.
    report : dict
        The metrics' goals, how resamples were drawn, curves, confusion or residuals, thresholds,
        gains, the metrics per group, the learning curve, the seeds' spread and the power.
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
        chosen = fitted.get("threshold")
        config = replace(config, threshold=0.5 if chosen is None else chosen)
    result = judged(estimator, train, test, schema, objective, config)
    return Evaluated(
        metrics=result.metrics,
        predictions=result.predictions,
        report=result.report,
        page=evaluation_page(result.metrics, result.report, objective, config),
    )
