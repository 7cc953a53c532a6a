"""All that is known of single runs, and several of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fivefold.errors import HistoryError
from fivefold.history.conventions import (
    CODE_SECTION,
    COST_FILE,
    baselines,
    code_fingerprints,
    cost,
)
from fivefold.history.dvc.lock import Hash, Lock
from fivefold.history.dvc.values import same
from fivefold.history.git.repository import Revision
from fivefold.history.integrity import Integrity, check
from fivefold.history.leaderboard.standings import Leaderboard, Row
from fivefold.history.leaderboard.trials import Trials, read_trials
from fivefold.history.measures import Measure, all_measures
from fivefold.history.reader import Reader
from fivefold.history.runs import Run

__all__ = ["Comparison", "Details", "compare_runs", "describe", "place_of"]


@dataclass(frozen=True)
class Details:
    """One revision's run.

    Attributes
    ----------
    name : str
        As the user wrote it.
    run : Run
    metrics : dict of str to Measure
    baselines : dict of str to float
        What a model that learns nothing reaches, where recorded.
    params : dict of str to object
        By dotted name, with ``file:`` in front where there are several files.
    code : dict of str to str
        Fingerprints of the code that the stages ran.
    data : dict of str to Hash
        What DVC keeps: by path, as ``dvc.lock`` vouches for it.
    cost : dict of str to dict
        Seconds and peak memory (MB) per stage.
    integrity : Integrity
    problems : tuple of str
        What couldn't be read.
    rerun : tuple of str or None
        The stages that ran since the parent, by ``dvc.lock``; None where there is no parent.
    trials : Trials
        Of the study that tuned the model.
    """

    name: str
    run: Run
    metrics: Mapping[str, Measure]
    baselines: Mapping[str, float]
    params: Mapping[str, Any]
    code: Mapping[str, str]
    data: Mapping[str, Hash]
    cost: Mapping[str, Mapping[str, float]]
    integrity: Integrity
    problems: tuple[str, ...]
    rerun: tuple[str, ...] | None = None
    trials: Trials = field(default_factory=Trials)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing that runs have, over all of them.

    Attributes
    ----------
    section : {"metric", "param", "code", "data", "cost"}
    name : str
    values : tuple of object
        One per run; None where a run has none.
    differs : bool
    """

    section: str
    name: str
    values: tuple[Any, ...]
    differs: bool


def describe(reader: Reader, revision: Revision) -> Details:
    """Read all that a revision tells of its run.

    Raises
    ------
    HistoryError
        Where the revision declares no metrics.
    """
    snapshot = reader.repository.snapshot(revision)
    declared = reader.declared(snapshot)
    metrics, params = reader.metrics(snapshot), reader.params(snapshot)
    if not declared.metrics and not declared.problems:
        raise HistoryError(
            "this revision declares no metrics, so it is no run",
            got=revision.label,
            hint="fivefold leaderboard --all",
        )
    fingerprints = code_fingerprints(params)
    several = len([file for file in params.values() if file.values]) > 1
    lock = reader.lock(snapshot)
    cached = {out.path for s in declared.stages.values() for out in s.outs if out.cached}
    errors = [file.error for file in (*metrics.values(), *params.values()) if file.error]
    known: dict[str, float] = {}
    for file in metrics.values():
        known.update(baselines(file))
    return Details(
        name=revision.name,
        run=Run(
            reader.repository,
            revision.commit.id.raw if revision.commit else None,
            snapshot=snapshot,
        ),
        metrics=all_measures(metrics),
        baselines=known,
        params={
            f"{path}:{name}" if several else name: value
            for path, file in params.items()
            for name, value in file.values.items()
            if not (fingerprints and name.startswith(f"{CODE_SECTION}."))
        },
        code=fingerprints,
        data={path: h for path, h in lock.outs().items() if path in cached or path in lock.data},
        cost=cost(metrics.get(COST_FILE)),
        integrity=check(reader, snapshot),
        problems=(*declared.problems, *errors),
        rerun=_rerun(reader, revision, lock),
        trials=read_trials(reader, snapshot),
    )


def _rerun(reader: Reader, revision: Revision, lock: Lock) -> tuple[str, ...] | None:
    """Name the stages whose last run isn't that of the first parent; of HEAD's for what stands."""
    repository = reader.repository
    try:
        before = repository.head().commit if revision.commit is None else revision.commit.parents[0]
    except (IndexError, KeyError):
        # The first commit of the history, or of a shallow clone.
        return None
    assert before is not None  # noqa: S101  head() never gives the working tree
    ran = reader.lock(repository.commit_snapshot(before)).stages
    return tuple(name for name, stage in lock.stages.items() if ran.get(name) != stage)


def place_of(board: Leaderboard, run: Run) -> Row | None:
    """Find a run's row: under its own commit, one that holds the same, or as its candidate's."""
    apart = [row for rows in board.elsewhere.values() for row in rows]
    rows = (*board.rows, *apart, *board.unranked)
    for row in rows:
        if run.id in (row.run.id, *row.run.also):
            return row
    return next((row for row in rows if row.candidate and run.id in row.candidate.members), None)


def compare_runs(runs: list[Details]) -> list[Comparison]:
    """Put runs side by side: what differs first, each part in the order metrics to cost."""
    sections = {
        "metric": [{name: m.value for name, m in run.metrics.items()} for run in runs],
        "param": [dict(run.params) for run in runs],
        "code": [dict(run.code) for run in runs],
        "data": [{path: item.value for path, item in run.data.items()} for run in runs],
        "cost": [
            {
                f"{stage} {key}": value
                for stage, row in run.cost.items()
                for key, value in row.items()
            }
            for run in runs
        ],
    }
    found = []
    for section, columns in sections.items():
        for name in dict.fromkeys(name for column in columns for name in column):
            values = tuple(column.get(name) for column in columns)
            has = [name in column for column in columns]
            differs = not all(has) or not all(same(values[0], value) for value in values[1:])
            found.append(Comparison(section, name, values, differs))
    return sorted(found, key=lambda item: not item.differs)
