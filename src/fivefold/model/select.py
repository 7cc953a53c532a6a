"""Compare candidates by cross-validation on the training part, and choose one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError, nearest
from fivefold.metrics import METRICS
from fivefold.model.candidate import Candidate
from fivefold.model.limits import FitLimits
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.report import Page

__all__ = ["SelectConfig", "Selected", "select"]

_METHODS = ("auto", "kfold", "stratified", "group", "time")
_RULES = ("best", "one_standard_error")


@dataclass(frozen=True)
class SelectConfig:
    """How candidates are compared.

    Attributes
    ----------
    candidates : dict of str to Candidate
        By name, the simplest first: that order decides under ``rule: one_standard_error``.
    folds : int
        How many times a part of the training rows is held out, at least 2.
    cross_validation : {"auto", "kfold", "stratified", "group", "time"}
        How rows are held out; auto takes time where the schema has a time column, else group where
        it has one with that role, else stratified (kfold for regression).
    rule : {"best", "one_standard_error"}
        The winner has the best mean, or is the simplest within one standard error of the best
        (Breiman et al., Classification and Regression Trees, 1984, section 3.4.3).
    metrics : list of str
        Metrics to report beside the primary one.
    gap : str or None
        By time: the last rows before those of a fold that are not fitted on; that of the split.
    weight : str or None
        The column that says how much each row counts in a fit; that of the train stage.
    max_rows : int or None
        Compare on at most so many training rows, drawn by the seed; at least 10.
    processes : int or None
        How many fits run side by side, at least 1; null decides by the work there is.
    limits : FitLimits
        What one fit may take of time and memory; beyond it the candidate is out.
    learning_curve : int
        Points of each candidate's learning curve, at least 2; 0 for none. Each is a fit on a share
        of the last fold's rows.
    keep : bool
        Keep the outcome of every fit by what it depends on, in the user's cache folder, so that a
        candidate that was fitted is not fitted again.
    task : str
        The plan's task: of each candidate only the estimator for it is kept. Both are if empty.
    seed : int
        For folds, sampling and estimators, at least 0.
    code : str
        The fingerprint of the code, from the runner; without it no outcome is kept.
    """

    candidates: dict[str, Candidate] = field(default_factory=dict)
    folds: int = 3
    cross_validation: str = "auto"
    rule: str = "best"
    metrics: list[str] = field(default_factory=list)
    gap: str | None = None
    weight: str | None = None
    max_rows: int | None = None
    processes: int | None = None
    limits: FitLimits = field(default_factory=FitLimits)
    learning_curve: int = 0
    keep: bool = True
    task: str = ""
    seed: int = 0
    code: str = ""

    def __post_init__(self) -> None:
        self.limits.check("select.limits")
        kept = {name: item.for_task(self.task) for name, item in self.candidates.items()}
        object.__setattr__(self, "candidates", kept)
        for name, value, known in (
            ("cross_validation", self.cross_validation, _METHODS),
            ("rule", self.rule, _RULES),
            *(("metrics", metric, tuple(METRICS)) for metric in self.metrics),
        ):
            if value not in known:
                raise ConfigError(
                    "unknown choice",
                    where=f"select.{name}",
                    got=value,
                    allowed=known,
                    hint=nearest(value, known),
                )
        for name, number, least in (
            ("folds", self.folds, 2),
            ("max_rows", self.max_rows, 10),
            ("processes", self.processes, 1),
            ("seed", self.seed, 0),
            ("learning_curve", self.learning_curve or None, 2),
        ):
            if number is not None and number < least:
                raise ConfigError(
                    "a number is out of bounds",
                    where=f"select.{name}",
                    got=number,
                    allowed=f"at least {least}",
                )


@dataclass(frozen=True)
class Selected:
    """What the comparison gave.

    Attributes
    ----------
    scores : dict
        ``{"<candidate>": {"<metric>": mean, "std": ...}}`` of those that could be fitted.
    selection : dict
        Every candidate with its folds, the ranking, the winner and its declaration.
    page : Page
        The same, drawn.
    costs : dict
        Per candidate the seconds and the memory of a fold's fit, which vary from run to run.
    """

    scores: dict[str, Any]
    selection: dict[str, Any]
    page: Page
    costs: dict[str, Any] = field(default_factory=dict)


def select(
    train: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, config: SelectConfig
) -> Selected:
    """Cross-validate every candidate on the training part and choose the winner.

    A candidate that fails in a fold is reported and out of the comparison.

    Raises
    ------
    ConfigError
        There is no candidate, or one is not declared right.
    ModelError
        Every candidate failed.
    DataError
        The training part can't be cut into the folds.
    """
    from fivefold.model.comparison import compare, scores_of
    from fivefold.model.selection_page import selection_page

    if not config.candidates:
        raise ConfigError(
            "there is no candidate to select from",
            where="select.candidates",
            hint="add to the defaults in conf/config.yaml: - model@select.candidates.tree: tree",
        )
    selection, costs = compare(train, schema, objective, config)
    return Selected(
        scores=scores_of(selection),
        selection=selection,
        page=selection_page(selection, objective),
        costs={"candidates": costs},
    )
