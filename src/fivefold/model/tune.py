"""Search the space of the chosen candidate's arguments, as declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError, nearest
from fivefold.metrics import METRICS
from fivefold.model.candidate import SELECTED, Candidate
from fivefold.model.limits import FitLimits
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.report import Page

__all__ = ["Budget", "TuneConfig", "Tuned", "tune", "work"]

_METHODS = ("auto", "kfold", "stratified", "group", "time")


@dataclass(frozen=True)
class Budget:
    """When a study ends.

    Attributes
    ----------
    trials : int
        After so many, at least 0; with 0 nothing is searched.
    seconds : float or None
        Or when so much time has passed, above 0. The trials in flight are brought to their end.
    cost : float or None
        Or when the fits have cost so much, by ``price_per_hour``; above 0.
    """

    trials: int = 0
    seconds: float | None = None
    cost: float | None = None


@dataclass(frozen=True)
class TuneConfig:
    """How the candidate's arguments are searched.

    Attributes
    ----------
    candidate : Candidate
        The model of the train stage; ``selected`` takes the winner of the select stage.
    search : dict
        Argument to range, in place of the candidate's own space; null takes an argument out of it.
    budget : Budget
        When the study ends.
    price_per_hour : float or None
        Of this machine, above 0; for the budget's cost and the objective of that name.
    sampler : dict
        ``_target_``, a sampler of Optuna's, and its arguments; it is given the seed.
    pruner : dict
        ``_target_``, a pruner of Optuna's, and its arguments; it is asked after every fold.
    objectives : list of str
        ``primary`` or another metric, ``fit_seconds``, ``predict_seconds``, ``memory_mb``,
        ``size_mb`` or ``cost``; with more than one the Pareto front is found.
    within : float
        At least 0. Of the trials on the front whose first objective is no worse than the best by
        more than this, the one with the best second objective is taken.
    patience : int or None
        End after so many trials that did not improve the first objective, at least 1.
    min_delta : float
        What counts as an improvement, at least 0.
    metrics : list of str
        Metrics to report beside the objectives.
    folds : int
        How many times a part of the training rows is held out, at least 2.
    cross_validation : {"auto", "kfold", "stratified", "group", "time"}
        How, as in the select stage.
    gap : str or None
        By time: the last rows before those of a fold that are not fitted on; that of the split.
    weight : str or None
        The column that says how much each row counts in a fit; that of the train stage.
    max_rows : int or None
        Tune on at most so many training rows, drawn by the seed; at least 10.
    processes : int
        So many trials are fitted side by side, at least 1. Together with the seed it decides which
        trials there are.
    limits : FitLimits
        What one fit may take of time and memory; beyond it the trial has failed.
    storage : str or None
        The URL of a database, as SQLAlchemy writes it, in which several machines share the study.
    user_env, password_env : str or None
        The environment variables with its credentials.
    task : str
        The plan's task: only the estimator for it is kept. Both are if empty.
    seed : int
        For the sampler, the folds and the estimators, at least 0.
    code : str
        The fingerprint of the code, from the runner; without it no outcome is kept.
    """

    candidate: Candidate = field(default_factory=Candidate)
    search: dict[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    price_per_hour: float | None = None
    sampler: dict[str, Any] = field(
        default_factory=lambda: {"_target_": "optuna.samplers.TPESampler"}
    )
    pruner: dict[str, Any] = field(default_factory=lambda: {"_target_": "optuna.pruners.NopPruner"})
    objectives: list[str] = field(default_factory=lambda: ["primary"])
    within: float = 0.0
    patience: int | None = None
    min_delta: float = 0.0
    metrics: list[str] = field(default_factory=list)
    folds: int = 3
    cross_validation: str = "auto"
    gap: str | None = None
    weight: str | None = None
    max_rows: int | None = None
    processes: int = 1
    limits: FitLimits = field(default_factory=FitLimits)
    storage: str | None = None
    user_env: str | None = None
    password_env: str | None = None
    task: str = ""
    seed: int = 0
    code: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "candidate", self.candidate.for_task(self.task))
        self.limits.check("tune.limits")
        for name, value, known in (
            ("cross_validation", self.cross_validation, _METHODS),
            *(("metrics", metric, tuple(METRICS)) for metric in self.metrics),
        ):
            if value not in known:
                raise ConfigError(
                    "unknown choice",
                    where=f"tune.{name}",
                    got=value,
                    allowed=known,
                    hint=nearest(value, known),
                )
        if not self.objectives:
            raise ConfigError(
                "there is no objective", where="tune.objectives", allowed="such as [primary]"
            )
        for name, number, least in (
            ("budget.trials", self.budget.trials, 0),
            ("within", self.within, 0),
            ("patience", self.patience, 1),
            ("min_delta", self.min_delta, 0),
            ("folds", self.folds, 2),
            ("max_rows", self.max_rows, 10),
            ("processes", self.processes, 1),
            ("seed", self.seed, 0),
        ):
            if number is not None and number < least:
                raise ConfigError(
                    "a number is out of bounds",
                    where=f"tune.{name}",
                    got=number,
                    allowed=f"at least {least}",
                )
        for name, number in (
            ("budget.seconds", self.budget.seconds),
            ("budget.cost", self.budget.cost),
            ("price_per_hour", self.price_per_hour),
        ):
            if number is not None and number <= 0:
                raise ConfigError(
                    "a number is out of bounds", where=f"tune.{name}", got=number, allowed="above 0"
                )
        if self.budget.cost is not None and self.price_per_hour is None:
            raise ConfigError(
                "a budget in money needs a price",
                where="tune.price_per_hour",
                got="null",
                allowed="what an hour of this machine costs, above 0",
            )


@dataclass(frozen=True)
class Tuned:
    """What the search gave.

    Attributes
    ----------
    scores : dict
        The best trial's scores and the number of trials, for ``metrics/``.
    tuning : dict
        The model's name, the candidate with the best arguments, and what the study found.
    trials : str
        A row per trial, as CSV.
    page : Page
        The same, drawn.
    costs : dict
        Per trial the seconds and the memory of its fits, which vary from run to run.
    """

    scores: dict[str, Any]
    tuning: dict[str, Any]
    trials: str
    page: Page
    costs: dict[str, Any] = field(default_factory=dict)


def tune(
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    selection: Mapping[str, Any],
    config: TuneConfig,
) -> Tuned:
    """Search the candidate's space by cross-validation on the training part.

    Raises
    ------
    ConfigError
        The space contradicts the estimator; the sampler or the storage is not declared right.
    ModelError
        Every trial failed, or the storage went away.
    DataError
        The training part can't be cut into the folds.
    """
    chosen = config.candidate.model == SELECTED
    candidate = Candidate(**selection["candidate"]) if chosen else config.candidate
    known = {"model": str(selection["winner"]) if chosen else candidate.model, "selected": chosen}
    if not config.budget.trials:
        return _untuned(candidate, known, objective)
    from fivefold.model.tuning.outcome import told
    from fivefold.model.tuning.search import searched

    found = searched(train, schema, objective, candidate, config)
    return told(found, known, objective, config)


def work(
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    selection: Mapping[str, Any],
    config: TuneConfig,
) -> int:
    """Work on a shared study beside the stage, until it is done.

    Returns
    -------
    int
        How many trials this process fitted.

    Raises
    ------
    ConfigError
        No storage is declared, or see :func:`tune`.
    ModelError
        See :func:`tune`.
    """
    if config.storage is None or not config.budget.trials:
        raise ConfigError(
            "there is no shared study to work on",
            where="tune.storage" if config.storage is None else "tune.budget.trials",
            got="null" if config.storage is None else 0,
            allowed="the URL of a database, and a budget of trials",
            hint="set storage: postgresql+psycopg://HOST/DATABASE in conf/tune.yaml",
        )
    from fivefold.model.tuning.search import asked, joined

    chosen = config.candidate.model == SELECTED
    candidate = Candidate(**selection["candidate"]) if chosen else config.candidate
    found = joined(asked(train, schema, objective, candidate, config), config)
    return found.brought or 0


def _untuned(candidate: Candidate, known: Mapping[str, Any], objective: Objective) -> Tuned:
    from fivefold.report import Page, Section, Text

    told = Text(
        "Nothing was searched: the model is fitted with the arguments that are declared. To "
        "search, set `budget: {trials: 50}` in `conf/tune.yaml`; the space stands beside the "
        "model, under `search`."
    )
    page = Page(
        title="Tuning",
        lead=f"{known['model']} as it is declared.",
        kicker=f"{objective.name} · model",
        sections=[Section("Study", [told])],
    )
    tuning = {**known, "tuned": False, "candidate": asdict(candidate)}
    return Tuned({"trials": 0}, tuning, "trial\n", page)
