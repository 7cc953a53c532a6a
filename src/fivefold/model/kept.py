"""Outcomes of fits, kept by what they depend on: a fit that was done once is not done again.

A question is the data, the folds, the metrics, the seed and the code; each has a file of lines, one
per fit, in the user's cache folder. A line is written as soon as its fit is done, so that a run
that is killed loses the fits in flight alone. Deleting the folder costs the fits.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import platformdirs

from fivefold.model.crossvalidation import Job, Outcome, Task
from fivefold.model.hashing import add, add_array, add_frame

__all__ = ["Fitter", "Kept", "question"]

_SUFFIX = ".jsonl"
# A question that nobody asked for so long is forgotten.
_FORGET_SECONDS = 90 * 24 * 3600
# Of all questions together; the ones asked longest ago make room.
_MOST_BYTES = 200_000_000


class Fitter(Protocol):
    """What fits tasks: this process or a pool of others."""

    processes: int

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Give the outcome of each task, in their order."""


def question(job: Job, code: str) -> str:
    """Name what the outcomes of a job depend on, beside the tasks themselves.

    Parameters
    ----------
    job : Job
        The data, the folds, the metrics and the seed.
    code : str
        A hash of the code and of the libraries' versions.

    Returns
    -------
    str
        40 hexadecimal digits.
    """
    digest = hashlib.sha256()
    add(digest, code, job.seed, list(job.metrics), job.objective.to_json(), job.schema.to_json())
    add_frame(digest, job.features)
    for array in (job.y, *(rows for fold in job.folds for rows in fold)):
        add_array(digest, array)
    add(digest, job.ordered)
    if job.weights is not None:
        add_array(digest, job.weights)
    return digest.hexdigest()[:40]


class Kept:
    """A fitter that looks first whether the outcome is known.

    Parameters
    ----------
    fitter : Fitter
        Fits what is not known.
    name : str
        Of :func:`question`.
    folder : Path, optional
        Where the files are; in the user's cache folder by default.
    """

    def __init__(self, fitter: Fitter, name: str, folder: Path | None = None) -> None:
        self._fitter = fitter
        self._path = (folder or _own_folder()) / f"{name}{_SUFFIX}"
        self._known = _read(self._path)
        self.processes = fitter.processes
        # Seconds of fits that were not done again.
        self.spared = 0.0

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Give the outcome of each task, in their order."""
        keys = [_key(task) for task in tasks]
        missing = [
            (key, task) for key, task in zip(keys, tasks, strict=True) if key not in self._known
        ]
        spared = [self._known[key] for key in keys if key in self._known]
        self.spared += sum(item.fit_seconds + item.predict_seconds for item in spared)
        # As many at a time as run side by side, so that what is done is kept soon.
        for start in range(0, len(missing), self.processes):
            part = missing[start : start + self.processes]
            outcomes = self._fitter.run([task for _, task in part])
            self._keep((key, outcome) for (key, _), outcome in zip(part, outcomes, strict=True))
        return [self._known[key] for key in keys]

    def _keep(self, outcomes: Iterable[tuple[str, Outcome]]) -> None:
        lines = []
        for key, outcome in outcomes:
            self._known[key] = outcome
            if outcome.lasting:
                # The newline first: the line before may be of a run that was killed in it.
                lines.append("\n" + json.dumps({"task": key, **asdict(outcome)}))
        # What can't be kept is computed again another time.
        with suppress(OSError):
            if not self._path.parent.is_dir():
                self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write("".join(lines))


def _own_folder() -> Path:
    folder = Path(platformdirs.user_cache_dir("fivefold", appauthor=False)) / "fits"
    with suppress(OSError):
        _prune(folder)
    return folder


def _prune(folder: Path) -> None:
    """Delete what was not asked for long, and the oldest of what is too much."""
    total = 0
    known = [(path.stat(), path) for path in folder.glob(f"*{_SUFFIX}")]
    for stat, path in sorted(known, key=lambda item: -item[0].st_mtime):
        total += stat.st_size
        if total > _MOST_BYTES or time.time() - stat.st_mtime > _FORGET_SECONDS:
            path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Outcome]:
    known: dict[str, Outcome] = {}
    try:
        text = path.read_text(encoding="utf-8")
        os.utime(path)
    except (OSError, ValueError):
        return known
    for line in text.splitlines():
        # The last line of a run that was killed may be cut, and a file may have been tampered with.
        with suppress(ValueError, TypeError, KeyError):
            values: dict[str, Any] = json.loads(line)
            key = values.pop("task")
            known[key] = Outcome(**{**values, "warnings": tuple(values["warnings"])})
    return known


def _key(task: Task) -> str:
    digest = hashlib.sha256()
    candidate = asdict(task.candidate)
    # Neither its name nor what might be searched changes a fit.
    del candidate["model"], candidate["search"]
    add(digest, candidate, task.fold, task.params, task.share, task.sized)
    return digest.hexdigest()[:32]
