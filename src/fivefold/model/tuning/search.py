"""From a stage's inputs to a study that has run."""

from __future__ import annotations

import hashlib
import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import narwhals as nw
from optuna.trial import FrozenTrial, TrialState

from fivefold.errors import ConfigError, ModelError, nearest
from fivefold.metrics import METRICS
from fivefold.model.candidate import Candidate, build_estimator
from fivefold.model.comparison import job_of
from fivefold.model.hashing import add
from fivefold.model.kept import Fitter, Kept, question
from fivefold.model.tuning.measures import measures_of
from fivefold.model.tuning.space import Space
from fivefold.model.tuning.study import CAUSE, Question, Search, finished, quiet
from fivefold.model.workers import fitting
from fivefold.objective import Objective
from fivefold.table import TableSchema
from fivefold.thresholds import check_metric

if TYPE_CHECKING:
    from fivefold.model.tune import TuneConfig

__all__ = ["Searched", "asked", "joined", "searched"]

# What Optuna's samplers import only when they are first asked, which may be after many trials.
_LATE = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}


@dataclass(frozen=True)
class Searched:
    """A study that has run.

    Attributes
    ----------
    question : Question
        What it asked.
    study : optuna.Study
        With all its trials.
    trials : list of optuna.trial.FrozenTrial
        Those that came to an end of their own.
    ended : {"trials", "seconds", "cost", "plateau", "space"}
        Why it ended.
    brought : int or None
        How many trials this process fitted of a shared study.
    """

    question: Question
    study: Any
    trials: list[FrozenTrial]
    ended: str
    brought: int | None = None


def searched(
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    candidate: Candidate,
    config: TuneConfig,
) -> Searched:
    """Run a study; see :func:`fivefold.model.tune.tune`."""
    asks = asked(train, schema, objective, candidate, config)
    if config.storage is not None:
        return joined(asks, config)
    n_fits = config.budget.trials * len(asks.job.folds)
    with fitting(asks.job, processes=config.processes, limits=config.limits, n_fits=n_fits) as fits:
        fitter: Fitter = fits
        if config.code:
            fitter = Kept(fits, question(asks.job, config.code))
        search = Search(asks, config, fitter, sampler_of(config, asks.space), pruner_of(config))
        try:
            search.run()
        except ImportError as error:  # of a sampler that asks for its package late
            raise _lacking(config.sampler["_target_"], error, "tune.sampler._target_") from None
    trials = finished(search.study.get_trials(deepcopy=False))
    _require_one(trials)
    return Searched(asks, search.study, trials, search.ended)


def joined(asks: Question, config: TuneConfig) -> Searched:
    """Work on a study that is shared in a database, until it is done.

    Raises
    ------
    ConfigError
        The storage is not declared right.
    ModelError
        Every trial failed, or the storage went away.
    """
    from fivefold.model.tuning.shared import SharedSearch, storage_of

    # Each worker draws for itself.
    sampler, pruner = sampler_of(config, asks.space, seeded=False), pruner_of(config)
    with (
        storage_of(config) as storage,
        fitting(asks.job, processes=1, limits=config.limits, n_fits=1) as fitter,
    ):
        search = SharedSearch(
            asks, config, fitter, sampler, pruner, storage=storage, name=_study_name(asks, config)
        )
        brought, trials = search.run(), search.trials()
        _require_one(trials)
        return Searched(asks, search.study, trials, search.ended, brought)


def _study_name(asks: Question, config: TuneConfig) -> str:
    """Name a study by all that it asks, so that only who asks the same joins it."""
    digest = hashlib.sha256(question(asks.job, config.code).encode())
    kind = asks.candidate.classifier or asks.candidate.regressor
    space = [asdict(item) for item in asks.space.dimensions]
    names = [item.name for item in asks.measures]
    add(digest, kind, asks.candidate.scale, asks.candidate.rare_share, space, names)
    return f"fivefold-{digest.hexdigest()[:24]}"


def asked(
    train: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    candidate: Candidate,
    config: TuneConfig,
) -> Question:
    """Put the question together, refusing what can't be asked before anything is fitted."""
    measures = measures_of(config.objectives, objective.primary_metric, config.price_per_hour)
    space = _space(candidate, objective, config)
    own = _own_arguments(candidate, space, objective, config.seed)
    names = [item.name for item in measures if item.name in METRICS]
    for name in names:
        check_metric(name, objective.task, "tune.objectives")
    metrics = dict.fromkeys([objective.primary_metric, *names, *config.metrics])
    job = job_of(train, schema, objective, config, list(metrics))
    return Question(job, candidate, space, space.written(own), measures)


def _space(candidate: Candidate, objective: Objective, config: TuneConfig) -> Space:
    kind = "classifier" if objective.is_classification else "regressor"
    declared = {**(candidate.search.get(kind) or {}), **config.search}
    search = {name: given for name, given in declared.items() if given is not None}
    where = "tune.search"
    if not search:
        raise ConfigError(
            f"the model {candidate.model!r} declares nothing to search",
            where=f"{where}",
            got="an empty space",
            allowed="argument to range, such as {C: {low: 0.01, high: 100.0, log: true}}",
            hint="set it in conf/tune.yaml, or budget.trials: 0 to fit it as it is",
        )
    space = Space.parsed(search, where)
    _require_accepted(candidate, space, objective, config.seed)
    return space


def _require_accepted(candidate: Candidate, space: Space, objective: Objective, seed: int) -> None:
    """Refuse arguments that the estimator does not have, and ends that it refuses."""
    declared = dict(candidate.declared(objective, "tune.candidate"))
    estimator = build_estimator(candidate, objective, seed, "tune.candidate")
    has = set(estimator.get_params(deep=False)) if hasattr(estimator, "get_params") else None
    for item in space.dimensions:
        where = f"{space.where}.{item.name}"
        if has is not None and item.name not in has and not _takes_any(declared["_target_"]):
            raise ConfigError(
                f"{type(estimator).__name__} takes no argument {item.name!r}",
                where=where,
                got=item.name,
                allowed=sorted(has),
                hint=nearest(item.name, sorted(has)),
            )
        for value in item.ends:
            _require_value(estimator, item.name, value, where)


def _takes_any(name: str) -> bool:
    try:
        parameters = inspect.signature(pkgutil.resolve_name(name)).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(item.kind is item.VAR_KEYWORD for item in parameters)


def _require_value(estimator: Any, name: str, value: Any, where: str) -> None:
    from sklearn.utils._param_validation import (
        InvalidParameterError,
        validate_parameter_constraints,
    )

    constraints = getattr(estimator, "_parameter_constraints", None)
    if not isinstance(constraints, Mapping) or name not in constraints:
        return
    try:
        validate_parameter_constraints(
            {name: constraints[name]}, {name: value}, caller_name=type(estimator).__name__
        )
    except InvalidParameterError as error:
        said = str(error)
        raise ConfigError(
            f"{type(estimator).__name__} refuses a value of the space",
            where=where,
            got=value,
            allowed=said.partition(" must be ")[2].partition(" Got ")[0].strip(". ") or said,
        ) from None


def _own_arguments(
    candidate: Candidate, space: Space, objective: Objective, seed: int
) -> dict[str, Any]:
    """Give the candidate's own values of what is searched, as declared or by default."""
    estimator = build_estimator(candidate, objective, seed, "tune.candidate")
    declared = candidate.declared(objective, "tune.candidate")
    known = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    known = {**known, **declared}
    return {item.name: known[item.name] for item in space.dimensions if item.name in known}


def sampler_of(config: TuneConfig, space: Space, *, seeded: bool = True) -> Any:
    """Build the sampler.

    Raises
    ------
    ConfigError
        There is none of the name, it refuses its arguments, or it needs a package.
    """
    import optuna

    given = dict(config.sampler)
    if given.get("_target_", "").endswith(".GridSampler") and "search_space" not in given:
        given["search_space"] = {
            item.name: item.kept_choices for item in space.dimensions if item.choices is not None
        }
        ranges = [item.name for item in space.dimensions if item.choices is None]
        if ranges:
            raise ConfigError(
                "a grid has choices only",
                where=f"{space.where}.{ranges[0]}",
                got="a range",
                allowed="{choices: [...]}",
                hint="or take optuna.samplers.BruteForceSampler, with a step for each range",
            )
    seed = config.seed if seeded else None
    return _built(given, "tune.sampler", optuna.samplers.BaseSampler, seed)


def pruner_of(config: TuneConfig) -> Any:
    """Build the pruner; see :func:`sampler_of`."""
    import optuna

    pruner = _built(dict(config.pruner), "tune.pruner", optuna.pruners.BasePruner, config.seed)
    if len(config.objectives) > 1 and not isinstance(pruner, optuna.pruners.NopPruner):
        raise ConfigError(
            "a study with several objectives can't prune",
            where="tune.pruner",
            got=config.pruner.get("_target_"),
            allowed="optuna.pruners.NopPruner",
        )
    return pruner


def _built(given: dict[str, Any], where: str, kind: type, seed: int | None) -> Any:
    name = given.pop("_target_", None)
    place = f"{where}._target_"
    module = kind.__module__.rpartition(".")[0]
    known = [f"{module}.{item}" for item in dir(pkgutil.resolve_name(module)) if item[0].isupper()]
    try:
        found = pkgutil.resolve_name(str(name))
        right = isinstance(found, type) and issubclass(found, kind)
    except (ImportError, AttributeError, ValueError):
        right = False
    if not right:
        raise ConfigError(
            "there is no such class of Optuna's",
            where=place,
            got=name if name is not None else "nothing",
            allowed=[item for item in known if not item.endswith("." + kind.__name__)],
            hint=nearest(str(name), known),
        )
    takes = inspect.signature(found).parameters
    unknown = next((key for key in given if key not in takes), None)
    if unknown is not None:
        raise ConfigError(
            f"{found.__name__} takes no argument {unknown!r}",
            where=f"{where}.{unknown}",
            got=unknown,
            allowed=list(takes),
            hint=nearest(unknown, list(takes)),
        )
    if "seed" in takes and seed is not None:
        given.setdefault("seed", seed)
    package = _LATE.get(found.__name__)
    if package is not None and find_spec(package) is None:
        raise _lacking(str(name), ImportError(f"no module {package!r}", name=package), place)
    try:
        with quiet():
            return found(**given)
    except ImportError as error:
        raise _lacking(str(name), error, place) from None
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{found.__name__} refuses its arguments", where=where, got=str(error)
        ) from None


def _lacking(name: str, error: ImportError, where: str) -> ConfigError:
    return ConfigError(
        f"{name.rpartition('.')[2]} needs a package that is not installed",
        where=where,
        got=str(error).splitlines()[0],
        hint=f"pip install {error.name or 'it'}, then: fivefold lock",
    )


def _require_one(trials: list[FrozenTrial]) -> None:
    if any(trial.state == TrialState.COMPLETE for trial in trials):
        return
    causes = dict.fromkeys(
        "the pruner ended it" if trial.state == TrialState.PRUNED else str(trial.user_attrs[CAUSE])
        for trial in trials
    )
    raise ModelError(
        "every trial failed",
        where="tune",
        got="\n".join(list(causes)[:5]),
        hint="narrow the space in conf/, raise tune.limits, or choose another pruner",
    )
