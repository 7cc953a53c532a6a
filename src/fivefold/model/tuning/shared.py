"""One study for many machines, in a database that Optuna keeps it in.

Every process that has the same question, which is to say the same commit with its data, joins the
study by the question's hash, asks for a trial, fits it and tells, until the budget is used. A
worker that dies is missed by its heartbeat, and its trial is asked again. Which trials there are
depends on who was quick, so a shared study is the same twice only by what it finds.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import optuna
from optuna.trial import FrozenTrial, TrialState

from fivefold.errors import ConfigError, FivefoldError, ModelError
from fivefold.model.kept import Fitter
from fivefold.model.tuning.study import (
    CAUSE,
    COSTS,
    Plateau,
    Question,
    Run,
    advance,
    finished,
    quiet,
)

if TYPE_CHECKING:
    from fivefold.model.tune import TuneConfig

__all__ = ["SharedSearch", "storage_of"]

# Seconds between two signs of life; after two of them without one, a trial is asked again.
_HEARTBEAT = 20
_SURPLUS = "surplus"
_ATTEMPTS = 5


class _FitFailedError(Exception):
    """A trial failed; why is among its attributes."""


class SharedSearch:
    """A study that several processes run together.

    Parameters
    ----------
    question : Question
    config : TuneConfig
    fitter : Fitter
        Fits one trial at a time.
    sampler, pruner : object
        Optuna's; the sampler must not have been seeded, or all workers would ask for the same.
    storage : optuna.storages.RDBStorage
    name : str
        The study's, by what it asks.
    """

    def __init__(
        self,
        question: Question,
        config: TuneConfig,
        fitter: Fitter,
        sampler: Any,
        pruner: Any,
        *,
        storage: Any,
        name: str,
    ) -> None:
        self._question = question
        self._config = config
        self._fitter = fitter
        self._prunes = not isinstance(pruner, optuna.pruners.NopPruner)
        self._storage = storage
        self._pause = min(storage.heartbeat_interval / 4, 1.0)
        self._vouched: set[int] = set()
        self._own = 0
        self.ended = "trials"
        with quiet():
            try:
                self.study = optuna.create_study(
                    study_name=name,
                    storage=storage,
                    directions=question.directions,
                    sampler=sampler,
                    pruner=pruner,
                )
            except optuna.exceptions.DuplicatedStudyError:
                self.study = optuna.load_study(
                    study_name=name, storage=storage, sampler=sampler, pruner=pruner
                )
            else:
                # Who made the study, and no one else: or there would be two such trials.
                if question.start is not None:
                    self.study.enqueue_trial(dict(question.start))

    def run(self) -> int:
        """Work on the study until it is done, and say how many trials this process brought in."""
        with quiet():
            while True:
                optuna.storages.fail_stale_trials(self.study)
                trials = self.study.get_trials(deepcopy=False)
                if not self._is_over(trials):
                    self.study.optimize(self._objective, n_trials=1, catch=(_FitFailedError,))
                elif any(trial.state == TrialState.RUNNING for trial in trials):
                    # Another's trial may yet have to be asked again.
                    self._vouch(trials)
                    time.sleep(self._pause)
                else:
                    return self._own

    def trials(self) -> list[FrozenTrial]:
        """Give the trials that came to an end of their own, in their order."""
        return finished(_counted(self.study.get_trials(deepcopy=False)))

    def _vouch(self, trials: Sequence[FrozenTrial]) -> None:
        """Give each trial that runs elsewhere one sign of life in its worker's name.

        A worker that dies before its first leaves a trial that Optuna never misses.
        """
        study = self._storage.get_study_id_from_name(self.study.study_name)
        for trial in trials:
            if trial.state == TrialState.RUNNING and trial.number not in self._vouched:
                self._vouched.add(trial.number)
                self._storage.record_heartbeat(
                    self._storage.get_trial_id_from_study_id_trial_number(study, trial.number)
                )

    def _is_over(self, trials: Sequence[FrozenTrial]) -> bool:
        counted = _counted(trials)
        done, budget = finished(counted), self._config.budget
        if done and budget.seconds is not None and _age(done) >= budget.seconds:
            self.ended = "seconds"
        elif done and budget.cost is not None and self._cost(done) >= budget.cost:
            self.ended = "cost"
        elif self._at_plateau(done):
            self.ended = "plateau"
        elif self._is_exhausted():
            self.ended = "space"
        else:
            waiting = any(trial.state == TrialState.WAITING for trial in trials)
            return not waiting and len(counted) >= budget.trials
        return True

    def _cost(self, done: Sequence[FrozenTrial]) -> float:
        seconds: float = sum(
            trial.user_attrs.get(COSTS, {}).get(name, 0.0)
            for trial in done
            for name in ("fit_seconds", "predict_seconds")
        )
        return seconds / 3600 * (self._config.price_per_hour or 0.0)

    def _is_exhausted(self) -> bool:
        sampler = self.study.sampler
        return isinstance(sampler, optuna.samplers.GridSampler) and sampler.is_exhausted(self.study)

    def _at_plateau(self, done: Sequence[FrozenTrial]) -> bool:
        plateau = Plateau(
            self._question.measures[0].goal, self._config.patience, self._config.min_delta
        )
        for trial in done:
            if trial.state == TrialState.COMPLETE and trial.values:
                plateau.add(trial.values[0])
        return plateau.reached

    def _objective(self, trial: optuna.Trial) -> list[float]:
        # Several workers may have found room for one more at once: the later ones step back.
        earlier = [
            other
            for other in _counted(self.study.get_trials(deepcopy=False))
            if other.number < trial.number
        ]
        if len(earlier) >= self._config.budget.trials:
            trial.set_user_attr(_SURPLUS, value=True)
            raise _FitFailedError
        run = Run(trial, self._question.space.ask(trial))
        advance(self._question, [run], self._fitter, prunes=self._prunes)
        for name, value in run.attributes(self._question.job).items():
            trial.set_user_attr(name, value)
        self._own += 1
        if run.cause is not None:
            raise _FitFailedError
        if run.pruned:
            raise optuna.TrialPruned
        return self._question.values(run.outcomes)


def _age(done: Sequence[FrozenTrial]) -> float:
    starts = [trial.datetime_start for trial in done if trial.datetime_start is not None]
    return time.time() - min(start.timestamp() for start in starts) if starts else 0.0


def _counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Give the trials that count towards the budget: all but surplus ones and those of the dead."""
    again = {number for trial in trials for number in trial.system_attrs.get("retry_history", ())}
    return [
        trial
        for trial in trials
        if _SURPLUS not in trial.user_attrs
        and trial.number not in again
        and (trial.state != TrialState.FAIL or CAUSE in trial.user_attrs)
    ]


@contextmanager
def storage_of(config: TuneConfig) -> Iterator[Any]:
    """Open the database, and word what goes wrong with it.

    Raises
    ------
    ConfigError
        The URL is none, or holds a secret; a variable is not set; a driver is not installed.
    ModelError
        The database can't be reached, or goes away.
    """
    url = _url(config)
    where = "tune.storage"
    storage = None
    threading.excepthook = _unless_of_storage
    try:
        storage = _opened(url)
        yield storage
    except FivefoldError:
        raise
    except ImportError as error:
        raise ConfigError(
            "the database's driver is not installed",
            where=where,
            got=str(error).splitlines()[0],
            hint="pip install the package of that name (for PostgreSQL: psycopg[binary])",
        ) from None
    except Exception as error:
        cause = _of_storage(error)
        if cause is None:
            raise
        raise ModelError(
            "the study's storage can't be reached",
            where=where,
            got=f"{_public(config.storage)}: {str(cause).strip().splitlines()[0]}",
            hint="what was told is in the database: when it is back, run the same again and the "
            "study goes on",
        ) from None
    finally:
        threading.excepthook = threading.__excepthook__
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def _of_storage(error: BaseException | None) -> BaseException | None:
    """Give the database's own error behind another, or None: Optuna stumbles over some of them."""
    import sqlalchemy

    while error is not None:
        if isinstance(error, sqlalchemy.exc.DBAPIError):
            return error.orig
        if isinstance(error, sqlalchemy.exc.SQLAlchemyError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _unless_of_storage(raised: threading.ExceptHookArgs) -> None:
    # The thread that gives signs of life meets the same fault as the study, which tells it.
    if _of_storage(raised.exc_value) is None:
        threading.__excepthook__(raised)


def _opened(url: str) -> Any:
    import sqlalchemy

    for left in reversed(range(_ATTEMPTS)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                again = optuna.storages.RetryHeartbeatStaleTrialCallback()
                return optuna.storages.RDBStorage(
                    url,
                    engine_kwargs={"pool_pre_ping": True},
                    heartbeat_interval=_HEARTBEAT,
                    heartbeat_stale_trial_callback=again,
                )
        except (sqlalchemy.exc.IntegrityError, sqlalchemy.exc.ProgrammingError):
            # Another worker is making the tables at the same moment.
            if not left:
                raise
            time.sleep(0.5)
    raise AssertionError("unreachable")


def _url(config: TuneConfig) -> str:
    import sqlalchemy

    where = "tune.storage"
    try:
        url = sqlalchemy.make_url(str(config.storage))
        url.get_dialect()
    except (sqlalchemy.exc.ArgumentError, ImportError):
        raise ConfigError(
            "not the URL of a database",
            where=where,
            got=_public(config.storage),
            allowed="SQLAlchemy's, such as postgresql+psycopg://HOST/DATABASE",
        ) from None
    if url.password is not None:
        raise ConfigError(
            "a secret must not stand in conf/, which is committed",
            where=where,
            got=_public(config.storage),
            allowed="user_env and password_env: the names of environment variables",
        )
    for key in ("user", "password"):
        name = getattr(config, f"{key}_env")
        if name is None:
            continue
        value = os.environ.get(name)
        if value is None:
            raise ConfigError(
                f"the environment variable {name} is not set",
                where=f"tune.{key}_env",
                got=name,
                hint=f"export {name}=...",
            )
        url = url.set(username=value) if key == "user" else url.set(password=value)
    return url.render_as_string(hide_password=False)


def _public(url: str | None) -> str:
    """Give a URL without what may be secret in it."""
    parts = urlsplit(str(url))
    if not parts.netloc:
        return str(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
