"""What a diff reads of one revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fivefold.errors import HistoryError
from fivefold.history.diff.exceptions import Allowance, read_allowances
from fivefold.history.dvc.lock import Lock
from fivefold.history.dvc.values import FileValues
from fivefold.history.git.repository import Revision
from fivefold.history.goals import Goals, Plan
from fivefold.history.integrity import Integrity, check
from fivefold.history.reader import Reader
from fivefold.history.settings import goals_of, plan_of

__all__ = ["Side"]


@dataclass(frozen=True)
class Side:
    """What is read of one revision."""

    metrics: Mapping[str, FileValues]
    params: Mapping[str, FileValues]
    lock: Lock
    cached: frozenset[str]
    plan: Plan | None
    goals: Goals
    integrity: Integrity
    allowances: tuple[Allowance, ...]
    problems: tuple[str, ...]

    @classmethod
    def read(cls, reader: Reader, revision: Revision, *, judges: bool) -> Side:
        """Read a revision; what is wrong with the plan of the one that judges is raised."""
        snapshot = reader.repository.snapshot(revision)
        params = reader.params(snapshot)
        declared = reader.declared(snapshot)
        cached = {out.path for s in declared.stages.values() for out in s.outs if out.cached}
        lock = reader.lock(snapshot)
        allowances, unread = read_allowances(reader, snapshot)
        try:
            plan = plan_of(reader, snapshot)
            goals = goals_of(reader, snapshot, plan)
        except HistoryError as error:
            # The head may be what mends the base.
            if judges:
                raise
            plan, goals, unread = None, Goals(), (*unread, f"{error.where}: {error.what}")
        return cls(
            reader.metrics(snapshot),
            params,
            lock,
            frozenset(cached | set(lock.data)),
            plan,
            goals,
            check(reader, snapshot),
            allowances,
            (*declared.problems, *unread),
        )
