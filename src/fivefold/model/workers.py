"""Fits in processes of their own: side by side, each within a time and a memory."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as FitTimeoutError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from fivefold.model.crossvalidation import Job, Outcome, Task, fit_and_score
from fivefold.model.limits import FitLimits
from fivefold.model.memory import PeakMemory

__all__ = ["Here", "Pool", "cores", "fitting"]

# The exit code of a worker that ended itself because it took too much memory.
_TOO_MUCH_MEMORY = 113
# Below so many cells to fit (rows times features times fits), processes cost more than they save.
_WORTH_PROCESSES = 5_000_000

_job: Job | None = None
_limit: int | None = None


def cores() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def fitting(
    job: Job, *, processes: int | None, limits: FitLimits, n_fits: int
) -> Iterator[Here | Pool]:
    """Give what fits the tasks of a job: this process, or a pool of others.

    Parameters
    ----------
    job : Job
        What the fits share; each process of a pool reads it once.
    processes : int or None
        How many fits run side by side, at least 1. None: as many as there are processors, where
        there is enough to do. The results do not depend on it.
    limits : FitLimits
        With one set, fits run in processes of their own, which can be ended.
    n_fits : int
        About how many fits there will be.
    """
    limited = limits.seconds is not None or limits.memory_mb is not None
    if processes is None:
        enough = job.features.size * n_fits >= _WORTH_PROCESSES
        processes = min(cores(), n_fits) if enough else 1
    if processes == 1 and not limited:
        yield Here(job)
        return
    with Pool(job, processes, limits) as pool:
        yield pool


class Here:
    """Fits in this process, one after the other."""

    processes = 1

    def __init__(self, job: Job) -> None:
        self._job = job

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Give the outcome of each task, in their order."""
        return [fit_and_score(self._job, task) for task in tasks]


class Pool:
    """Fits in other processes.

    Parameters
    ----------
    job : Job
        What the fits share.
    processes : int
        How many.
    limits : FitLimits
        For each fit.
    """

    def __init__(self, job: Job, processes: int, limits: FitLimits) -> None:
        self.processes = processes
        self._limits = limits
        self._folder = tempfile.TemporaryDirectory(prefix="fivefold-fits-")
        path = Path(self._folder.name) / "job"
        with path.open("wb") as file:
            pickle.dump(job, file, protocol=5)
        limit = None if limits.memory_mb is None else int(limits.memory_mb * 1e6)
        self._pool = ProcessPool(
            max_workers=processes,
            initializer=_prepare,
            initargs=(str(path), max(1, cores() // processes), limit),
            context=_context(),
        )

    def __enter__(self) -> Pool:
        """Start nothing before there is a task."""
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        """End the processes; those that fit still, at once if something went wrong."""
        if kind is None:
            self._pool.close()  # type: ignore[no-untyped-call]
        else:
            self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()
        self._folder.cleanup()

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Give the outcome of each task, in their order."""
        waiting = [
            self._pool.schedule(_fit, args=(task,), timeout=self._limits.seconds) for task in tasks
        ]
        return [self._outcome(future) for future in waiting]

    def _outcome(self, future: Any) -> Outcome:
        try:
            outcome: Outcome = future.result()
        except FitTimeoutError:
            return _ended(f"took longer than the limit of {self._limits.seconds:g} s")
        except ProcessExpired as error:
            if error.exitcode == _TOO_MUCH_MEMORY:
                return _ended(f"took more memory than the limit of {self._limits.memory_mb:g} MB")
            return _ended(f"its process died with exit code {error.exitcode}")
        return outcome


def _ended(cause: str) -> Outcome:
    return Outcome(error=cause, lasting=False)


def _context() -> Any:
    # A fork of a process whose libraries run threads can hang; this forks from a clean one that
    # has imported what every fit needs.
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "sklearn.pipeline"])
    return context


def _prepare(path: str, threads: int, limit: int | None) -> None:
    global _job, _limit
    with Path(path).open("rb") as file:
        _job = pickle.load(file)  # noqa: S301 - our own, of a moment ago
    _limit = limit
    # Fits side by side share the processors.
    threadpool_limits(limits=threads)


def _fit(task: Task) -> Outcome:
    assert _job is not None  # noqa: S101 - _prepare ran first
    with PeakMemory(_limit, lambda: os._exit(_TOO_MUCH_MEMORY)):
        return fit_and_score(_job, task)
