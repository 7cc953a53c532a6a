"""The study: trials asked of a sampler, fitted fold by fold, told in the order they were asked.

Trials that run side by side are asked together and told together, so that a seed and a number of
processes decide the whole study. A run that was killed is done again from the start, out of the
outcomes that were kept (:mod:`fivefold.model.kept`): it meets the same trials and fits what is new.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from fivefold.metrics import Goal
from fivefold.model.candidate import Candidate
from fivefold.model.crossvalidation import Job, Outcome, Task, undefined
from fivefold.model.kept import Fitter, Kept
from fivefold.model.tuning.measures import Measure
from fivefold.model.tuning.space import Space

if TYPE_CHECKING:
    from fivefold.model.tune import TuneConfig

__all__ = [
    "CAUSE",
    "COSTS",
    "SCORES",
    "Question",
    "Run",
    "Search",
    "advance",
    "finished",
    "quiet",
]

# A trial's attributes: why it failed, its scores by fold, what it cost.
CAUSE, SCORES, COSTS = "cause", "scores", "costs"


@dataclass(frozen=True)
class Question:
    """What a study asks.

    Attributes
    ----------
    job : Job
        The data and the folds.
    candidate : Candidate
        Whose arguments are searched.
    space : Space
        Where.
    start : dict or None
        The candidate's own arguments, tried first; None where they lie outside the space.
    measures : sequence of Measure
        The objectives, the primary one first.
    """

    job: Job
    candidate: Candidate
    space: Space
    start: Mapping[str, Any] | None
    measures: Sequence[Measure]

    @property
    def directions(self) -> list[Goal]:
        """Optuna's, by objective."""
        return [measure.goal for measure in self.measures]

    def task(self, params: Mapping[str, Any], fold: int) -> Task:
        """Give the fit of a trial on a fold."""
        sized = any(measure.name == "size_mb" for measure in self.measures)
        return Task(self.candidate, fold, "tune.candidate", dict(params), sized=sized)

    def values(self, outcomes: Sequence[Outcome]) -> list[float]:
        """Give a trial's value of each objective: the mean over its folds."""
        return [measure.mean(outcomes) for measure in self.measures]


@dataclass
class Run:
    """A trial while it is fitted."""

    trial: optuna.Trial
    params: dict[str, Any]
    outcomes: list[Outcome] = field(default_factory=list)
    cause: str | None = None
    pruned: bool = False

    @property
    def alive(self) -> bool:
        """Whether there is a fold to go on with."""
        return self.cause is None and not self.pruned

    def attributes(self, job: Job) -> dict[str, Any]:
        """Give what is kept of it beside its parameters and values."""
        kept: dict[str, Any] = {
            SCORES: {
                name: [outcome.scores.get(name) for outcome in self.outcomes]
                for name in job.metrics
            },
            COSTS: {
                name: sum(getattr(outcome, name) for outcome in self.outcomes)
                for name in ("fit_seconds", "predict_seconds")
            },
        }
        kept[COSTS]["memory_mb"] = max((item.memory_mb for item in self.outcomes), default=0.0)
        if self.cause is not None:
            kept[CAUSE] = self.cause
        return kept


def advance(question: Question, runs: Sequence[Run], fitter: Fitter, *, prunes: bool) -> None:
    """Fit trials fold by fold, in lock step, until each is whole, failed or pruned."""
    for fold in range(len(question.job.folds)):
        going = [run for run in runs if run.alive]
        outcomes = fitter.run([question.task(run.params, fold) for run in going])
        for run, outcome in zip(going, outcomes, strict=True):
            cause = outcome.error or undefined(outcome)
            if cause is not None:
                run.cause = f"fold {fold + 1}: {cause}"
                continue
            run.outcomes.append(outcome)
            if prunes:
                run.trial.report(question.values(run.outcomes)[0], fold)
                last = fold + 1 == len(question.job.folds)
                run.pruned = not last and run.trial.should_prune()


class Search:
    """A study in this process.

    Parameters
    ----------
    question : Question
    config : TuneConfig
    fitter : Fitter
        Fits the trials; as many at a time as it has processes.
    sampler, pruner : object
        Optuna's.
    """

    def __init__(
        self, question: Question, config: TuneConfig, fitter: Fitter, sampler: Any, pruner: Any
    ) -> None:
        self._question = question
        self._config = config
        self._fitter = fitter
        self._prunes = not isinstance(pruner, optuna.pruners.NopPruner)
        self._began = time.perf_counter()
        self._spent = 0.0
        self._done = 0
        self._plateau = Plateau(question.measures[0].goal, config.patience, config.min_delta)
        self.ended = "trials"
        with quiet():
            self.study = optuna.create_study(
                directions=question.directions, sampler=sampler, pruner=pruner
            )
            if question.start is not None:
                self.study.enqueue_trial(dict(question.start))

    def run(self) -> None:
        """Run the study to the end of its budget, of its space, or to a plateau."""
        with quiet():
            while (room := self._room()) > 0:
                runs = [self._asked() for _ in range(room)]
                advance(self._question, runs, self._fitter, prunes=self._prunes)
                for run in runs:
                    self._told(run)

    def _room(self) -> int:
        """Say how many trials are next."""
        budget, done = self._config.budget, self._done
        if done and self._plateau.reached:
            self.ended = "plateau"
        elif done and budget.seconds is not None and self._elapsed() >= budget.seconds:
            self.ended = "seconds"
        elif done and budget.cost is not None and self._cost() >= budget.cost:
            self.ended = "cost"
        elif self.ended != "space":
            return min(self._fitter.processes, budget.trials - done)
        return 0

    def _elapsed(self) -> float:
        # What was kept from a run that was killed has been paid for already.
        kept = self._fitter.spared if isinstance(self._fitter, Kept) else 0.0
        return time.perf_counter() - self._began + kept / self._fitter.processes

    def _cost(self) -> float:
        return self._spent / 3600 * (self._config.price_per_hour or 0.0)

    def _asked(self) -> Run:
        trial = self.study.ask()
        return Run(trial, self._question.space.ask(trial))

    def _told(self, run: Run) -> None:
        self._done += 1
        for name, value in run.attributes(self._question.job).items():
            run.trial.set_user_attr(name, value)
        self._spent += sum(item.fit_seconds + item.predict_seconds for item in run.outcomes)
        values = None
        state = TrialState.COMPLETE
        if run.cause is not None:
            state = TrialState.FAIL
        elif run.pruned:
            state = TrialState.PRUNED
        else:
            values = self._question.values(run.outcomes)
            self._plateau.add(values[0])
        try:
            self.study.tell(run.trial, values, state)
        except RuntimeError as error:
            # A sampler that has tried all there is stops the study, which runs in no loop of its.
            if "stop" not in str(error):
                raise
            self.ended = "space"


@dataclass
class Plateau:
    """Tells when so many trials brought nothing."""

    goal: str
    patience: int | None
    min_delta: float
    best: float | None = None
    since: int = 0

    def add(self, value: float) -> None:
        """Take a trial's value."""
        better = self.best is None or (
            value > self.best + self.min_delta
            if self.goal == "maximize"
            else value < self.best - self.min_delta
        )
        self.since = 0 if better else self.since + 1
        if better:
            self.best = value

    @property
    def reached(self) -> bool:
        """Whether it is time to stop."""
        return self.patience is not None and self.since >= self.patience


def finished(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Give the trials that came to an end of their own, in their order."""
    return [
        trial
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        or (trial.state == TrialState.FAIL and CAUSE in trial.user_attrs)
    ]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna's log and its warnings of experiments to itself."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", module="optuna.*")
            warnings.filterwarnings("ignore", message="PedAnovaImportanceEvaluator")
            yield
    finally:
        optuna.logging.set_verbosity(level)
