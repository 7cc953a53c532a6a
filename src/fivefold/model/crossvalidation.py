"""One fit and its scores: the unit of work of selection, tuning and learning curves."""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.errors import FivefoldError
from fivefold.model.candidate import Candidate, build_estimator
from fivefold.model.memory import PeakMemory
from fivefold.model.preprocessing import build_pipeline, fit
from fivefold.scoring import predict, scores

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from fivefold.objective import Objective
    from fivefold.table import TableSchema

__all__ = ["Job", "Outcome", "Task", "fit_and_score", "undefined", "with_params"]


@dataclass(frozen=True)
class Job:
    """What all fits of a comparison share.

    Attributes
    ----------
    features : pandas.DataFrame of shape (n_rows, n_features)
        Of :func:`fivefold.features.feature_frame`.
    y : ndarray of shape (n_rows,)
        The target.
    folds : sequence of (ndarray, ndarray)
        Positions of the rows to fit on and to score on.
    schema : TableSchema
        Names the features and their types.
    objective : Objective
        Its task decides between classifier and regressor.
    metrics : tuple of str
        Metrics of the catalogue, the primary one first.
    seed : int
        Given to estimators that draw random numbers.
    weights : ndarray of shape (n_rows,) or None
        How much each row counts in a fit.
    ordered : bool
        Do the rows to fit on stand in the order of time?
    """

    features: pd.DataFrame
    y: NDArray[Any]
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
    schema: TableSchema
    objective: Objective
    metrics: tuple[str, ...]
    seed: int
    weights: NDArray[np.float64] | None = None
    ordered: bool = False


@dataclass(frozen=True)
class Task:
    """One fit.

    Attributes
    ----------
    candidate : Candidate
        Names the estimator.
    fold : int
        Which fold, from 0.
    where : str
        The candidate's place in ``conf/``, for messages.
    params : dict
        Arguments of the estimator in place of the candidate's own.
    share : float
        In (0, 1]. Only so many of the rows to fit on: the earliest where they are in the order of
        time, else drawn by the seed, a smaller share within each larger one.
    sized : bool
        Measure the fitted pipeline's size, too?
    """

    candidate: Candidate
    fold: int
    where: str
    params: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0
    sized: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a fit gave.

    Attributes
    ----------
    scores : dict of str to float or None
        By metric, None where it is undefined on the fold; empty where the fit failed.
    error : str or None
        Why it failed, in a line.
    warnings : tuple of str
        What was warned of while fitting.
    fit_seconds, predict_seconds : float
        Wall time.
    memory_mb : float
        By how much the process's resident memory grew, at its peak.
    size_mb : float or None
        Of the fitted pipeline, serialised; where the task asks for it.
    lasting : bool
        Would another run give the same? Not where a limit, or the end of a process, ended the fit.
    """

    scores: dict[str, float | None] = field(default_factory=dict)
    error: str | None = None
    warnings: tuple[str, ...] = ()
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    memory_mb: float = 0.0
    size_mb: float | None = None
    lasting: bool = True


def fit_and_score(job: Job, task: Task) -> Outcome:
    """Fit on the rows of one fold and score on the rows it holds out; a failure is an outcome."""
    fitted, scored = job.folds[task.fold]
    if task.share < 1:
        fitted = _share_of(fitted, task.share, job)
    with PeakMemory() as memory:
        try:
            found = _fitted_and_scored(job, task, fitted, scored)
        except FivefoldError as error:
            found = Outcome(error=error.what)
        except Exception as error:  # noqa: BLE001 - any estimator may raise anything
            found = Outcome(error=_first_line(error))
    return replace(found, memory_mb=memory.grown_mb)


def undefined(outcome: Outcome) -> str | None:
    """Say which metric an outcome lacks, or give None."""
    absent = next((metric for metric, value in outcome.scores.items() if value is None), None)
    if absent is None:
        return None
    return f"{absent} is undefined: the rows fitted on or those scored lack a class"


def with_params(candidate: Candidate, params: dict[str, Any], objective: Objective) -> Candidate:
    """Give a candidate whose estimator has other arguments.

    Parameters
    ----------
    candidate : Candidate
        Names the estimator.
    params : dict
        Arguments by name.
    objective : Objective
        Its task says whether they are the classifier's or the regressor's.
    """
    if objective.is_classification:
        return replace(candidate, classifier={**(candidate.classifier or {}), **params})
    return replace(candidate, regressor={**(candidate.regressor or {}), **params})


def _share_of(fitted: NDArray[np.intp], share: float, job: Job) -> NDArray[np.intp]:
    most = max(1, round(len(fitted) * share))
    if job.ordered:
        return fitted[:most]
    return fitted[np.sort(np.random.default_rng(job.seed).permutation(len(fitted))[:most])]


def _fitted_and_scored(
    job: Job, task: Task, fitted: NDArray[np.intp], scored: NDArray[np.intp]
) -> Outcome:
    candidate = with_params(task.candidate, task.params, job.objective)
    estimator = build_estimator(candidate, job.objective, job.seed, task.where)
    pipeline = build_pipeline(job.schema, candidate, estimator)
    began = time.perf_counter()
    weights = None if job.weights is None else job.weights[fitted]
    warned = fit(pipeline, job.features.iloc[fitted], job.y[fitted], weights=weights)
    done = time.perf_counter()
    predictions = predict(pipeline, job.features.iloc[scored], job.y[scored], job.objective)
    predicted = time.perf_counter()
    return Outcome(
        scores=scores(job.metrics, predictions),
        warnings=tuple(warned),
        fit_seconds=done - began,
        predict_seconds=predicted - done,
        size_mb=len(pickle.dumps(pipeline)) / 1e6 if task.sized else None,
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
