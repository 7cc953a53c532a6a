"""Look into the model: what it heeds, and what it does when its input changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.model.explaining.settings import (
    CHOICES,
    DIRECTIONS,
    Dependence,
    Robustness,
    require,
    require_choice,
)
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
        For what is drawn, at least 0.
    max_rows : int
        Rows of the test part that features are permuted on, drawn at random; at least 1.
    n_repeats : int
        Permutations of each feature, at least 1.
    resamples : int
        Bootstrap resamples behind every interval, at least 100.
    confidence : float
        The share of resamples within an interval, in (0.5, 1).
    groups : dict of str to list of str
        Features that are permuted together, by a name of yours.
    correlated : float
        In (0, 1]. Features associated at least so strongly are warned of, and permuted together.
    dependence : Dependence
        What is drawn of the prediction along a feature's values.
    shap : {"auto", "required", "never"}
        SHAP values of chosen rows: if the extra is installed, or else an error, or not at all.
    rows : list of dict
        Rows of the test part to take apart, each by its key.
    chosen : dict of str to int
        How many more, by how they are chosen: worst, random, highest, lowest, borderline.
    background : int
        Training rows that stand for a feature's absence, at least 1.
    permutations : int
        Orders in which features join, for SHAP values; at least 1.
    robustness : Robustness
        Changes of the input that are tried.
    monotonic : dict of str to {"increasing", "decreasing"}
        How the prediction must move with a feature, all else equal.
    monotonic_class : str or None
        The class whose score that is, where there are more than two.
    tolerance : float
        A move the wrong way up to this size counts for none, in the prediction's unit; at least 0.
    on_violation : {"warn", "fail"}
        What follows when a prediction moves the wrong way.
    """

    key: list[str] = field(default_factory=list)
    seed: int = 0
    max_rows: int = 5000
    n_repeats: int = 5
    resamples: int = 200
    confidence: float = 0.95
    groups: dict[str, list[str]] = field(default_factory=dict)
    correlated: float = 0.8
    dependence: Dependence = field(default_factory=Dependence)
    shap: str = "auto"
    rows: list[dict[str, Any]] = field(default_factory=list)
    chosen: dict[str, int] = field(default_factory=lambda: {"worst": 5, "random": 5})
    background: int = 50
    permutations: int = 10
    robustness: Robustness = field(default_factory=Robustness)
    monotonic: dict[str, str] = field(default_factory=dict)
    monotonic_class: str | None = None
    tolerance: float = 1e-6
    on_violation: str = "warn"

    def __post_init__(self) -> None:
        for name, value, good, allowed in (
            ("seed", self.seed, self.seed >= 0, "at least 0"),
            ("max_rows", self.max_rows, self.max_rows >= 1, "at least 1"),
            ("n_repeats", self.n_repeats, self.n_repeats >= 1, "at least 1"),
            ("resamples", self.resamples, self.resamples >= 100, "at least 100"),
            ("confidence", self.confidence, 0.5 < self.confidence < 1, "between 0.5 and 1"),
            ("correlated", self.correlated, 0 < self.correlated <= 1, "above 0, at most 1"),
            ("background", self.background, self.background >= 1, "at least 1"),
            ("permutations", self.permutations, self.permutations >= 1, "at least 1"),
            ("tolerance", self.tolerance, self.tolerance >= 0, "at least 0"),
        ):
            require(f"explain.{name}", value, good, allowed)
        require_choice("explain.shap", self.shap, ("auto", "required", "never"))
        require_choice("explain.on_violation", self.on_violation, ("warn", "fail"))
        for name, direction in self.monotonic.items():
            require_choice(f"explain.monotonic.{name}", direction, DIRECTIONS)
        for name, count in self.chosen.items():
            require_choice("explain.chosen", name, CHOICES)
            require(f"explain.chosen.{name}", count, count >= 0, "at least 0")
        for name, members in self.groups.items():
            require(f"explain.groups.{name}", members, len(members) > 0, "at least one feature")


@dataclass(frozen=True)
class Explained:
    """What was found.

    Attributes
    ----------
    report : dict
        ``importance``, ``correlated``, ``dependence``, ``pairs``, ``contributions``,
        ``robustness``, ``monotonicity``, and ``limits`` in Markdown.
    page : Page
        The same, drawn.
    """

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
    """Ask a fitted pipeline what it heeds, and what it does when its input changes.

    Raises
    ------
    ConfigError
        A feature or a row that is declared does not exist, or can't be what it is declared for.
    DataError
        A feature, the target or the key is absent or not as the schema says.
    ModelError
        The pipeline can't predict the rows; or ``shap`` is required and not installed; or a
        declared direction is violated and that fails.
    """
    from fivefold.model.explaining.findings import found
    from fivefold.model.explaining.page import explanation_page

    report = found(estimator, fitted, train, test, schema, objective, config)
    return Explained(report, explanation_page(report, objective))
