"""The evaluation sets of a board: which runs rank together, and what each was judged on.

Without a declaration there is one set, the data that stands here. A board may name several: metrics
files (``evaluations``), or the last versions of files (``coverage``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fivefold.history.checks import Found
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.leaderboard.board import Board
from fivefold.history.leaderboard.candidates import Score
from fivefold.history.leaderboard.evaluation import set_measures
from fivefold.history.leaderboard.judged import (
    data_version,
    file_version,
    judged_on,
    version_text,
)
from fivefold.history.leaderboard.standings import Row
from fivefold.history.measures import Measure
from fivefold.history.reader import Reader
from fivefold.history.runs import Run

__all__ = ["Arena"]


@dataclass(frozen=True)
class Arena:
    """What runs are judged on now.

    Attributes
    ----------
    reader : Reader
    board : Board
    version : str or None
        The version of the data that stands here; None where nothing tells.
    by_file : str or None
        The same by the hashes of the files alone, by which runs without a fingerprint are known.
    sets : tuple of str
        The evaluation sets by name; empty where there is one only.
    """

    reader: Reader
    board: Board
    version: str | None
    by_file: str | None = None
    sets: tuple[str, ...] = ()

    @classmethod
    def of(cls, reader: Reader, board: Board, scored: list[tuple[Run, Measure]]) -> Arena:
        """Find what runs are judged on here, or else by the newest run.

        Parameters
        ----------
        reader : Reader
        board : Board
        scored : list of (Run, Measure)
            Newest first.
        """
        if not scored:
            return cls(reader, board, None)
        newest, measure = scored[0]
        here = place = _here(reader)
        version = data_version(reader, here, board, measure.file)
        if version is None:
            place = newest.snapshot
            version = data_version(reader, place, board, measure.file)
        by_file = file_version(reader, place, board, measure.file)
        sets = board.declaration.evaluations
        if board.declaration.coverage:
            sets = _last_versions(reader, board, (here, *(run.snapshot for run, _ in scored)))
        return cls(reader, board, version, by_file, sets)

    def apart(self, snapshot: Snapshot, found: Found) -> str | None:
        """Name the data and the plan that keep a run from ranking here; None where it does."""
        if self.sets and self.board.declaration.by:
            here = bool(self._covered(snapshot))
        else:
            here = found.data in (self.version, self.by_file)
        parts = [] if here else [found.data or "unknown data"]
        if found.planned and self.board.planned and found.planned != self.board.planned:
            parts.append(f"planned for {found.planned}")
        return ", ".join(parts) or None

    def moved(self, elsewhere: Iterable[str]) -> list[str]:
        """Say that the data changed between runs, where that is what keeps some apart."""
        planned = "planned for"
        others = [label for label in elsewhere if not label.startswith(planned)]
        if self.sets or self.version is None or not others:
            return []
        versions = ", ".join(label.partition(f", {planned}")[0] for label in others)
        return [f"what runs are judged on has changed: {self.version} here, elsewhere {versions}"]

    def could_be_told(self, snapshot: Snapshot) -> bool:
        """Whether a run's stages have inputs, of which some may have been held out."""
        if self.board.data is not None:
            return False
        return any(stage.deps for stage in self.reader.lock(snapshot).stages.values())

    def scores(self, row: Row, age: int) -> dict[str, Score]:
        """Give what a run that ranks here scored, by evaluation set."""
        if not self.sets:
            return {"": Score(age, row.value, row.interval)}
        snapshot = row.run.snapshot
        covered = self._covered(snapshot)
        if self.board.declaration.coverage:
            return {label: Score(age, row.value, row.interval) for label in covered}
        measures = set_measures(self.reader, snapshot, self.board)
        return {
            path: Score(age, float(measures[path].value), measures[path].interval)
            for path in covered
        }

    def _covered(self, snapshot: Snapshot) -> list[str]:
        """List the evaluation sets that a run was judged on, as they are now."""
        if self.board.declaration.coverage:
            known = judged_on(self.reader, snapshot, self.board, ())
            labels = {_label(path, value) for path, value in known.items()}
            return [label for label in self.sets if label in labels]
        here = _here(self.reader)
        return [
            path
            for path in set_measures(self.reader, snapshot, self.board)
            if judged_on(self.reader, snapshot, self.board, (path,))
            == judged_on(self.reader, here, self.board, (path,))
        ]


def _here(reader: Reader) -> Snapshot:
    return reader.repository.snapshot(reader.repository.workspace())


def _label(path: str, value: str) -> str:
    return version_text({path: value})


def _last_versions(reader: Reader, board: Board, places: Iterable[Snapshot]) -> tuple[str, ...]:
    """Give the last versions of each file that the board asks for, newest first."""
    asked = board.declaration.coverage
    found: dict[str, dict[str, None]] = {path: {} for path in asked}
    for snapshot in places:
        for path, value in judged_on(reader, snapshot, board, ()).items():
            if path in found and len(found[path]) < asked[path]:
                found[path][_label(path, value)] = None
        if all(len(found[path]) == number for path, number in asked.items()):
            break
    return tuple(label for labels in found.values() for label in labels)
