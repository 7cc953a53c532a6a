"""Search the space of the chosen candidate, as declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.errors import ConfigError
from fivefold.model.candidate import SELECTED, Candidate
from fivefold.objective import Objective
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.report import Page

__all__ = ["TuneConfig", "Tuned", "tune"]


@dataclass(frozen=True)
class TuneConfig:
    """How the candidate's arguments are searched.

    Attributes
    ----------
    candidate : Candidate
        The model of the train stage; ``selected`` takes the winner of the select stage.
    trials : int
        How many sets of arguments are tried, at least 0; with 0 the candidate stays as it is.
    task : str
        The plan's task: only the estimator for it is kept. Both are if empty.
    seed : int
        For the sampler, the folds and the estimators, at least 0.
    """

    candidate: Candidate = field(default_factory=Candidate)
    trials: int = 0
    task: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "candidate", self.candidate.for_task(self.task))
        for name, value in (("trials", self.trials), ("seed", self.seed)):
            if value < 0:
                raise ConfigError(
                    "a number is out of bounds",
                    where=f"tune.{name}",
                    got=value,
                    allowed="at least 0",
                )


@dataclass(frozen=True)
class Tuned:
    """What the search gave.

    Attributes
    ----------
    scores : dict
        The best trial's scores, for ``metrics/``.
    tuning : dict
        The model's name, the candidate with the best arguments, and the study.
    trials : str
        A row per trial, as CSV.
    page : Page
        The same, drawn.
    """

    scores: dict[str, Any]
    tuning: dict[str, Any]
    trials: str
    page: Page


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
        The space contradicts the estimator.
    ModelError
        Every trial failed.
    """
    from fivefold.report import Page

    chosen = config.candidate.model == SELECTED
    candidate = Candidate(**selection["candidate"]) if chosen else config.candidate
    name = str(selection["winner"]) if chosen else candidate.model
    tuning = {
        "model": name,
        "selected": chosen,
        "tuned": False,
        "candidate": asdict(candidate),
    }
    page = Page(title="Tuning", lead="", kicker=f"{objective.name} · model", sections=[])
    return Tuned({}, tuning, "trial\n", page)
