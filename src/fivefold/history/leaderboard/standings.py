"""The rows of a leaderboard, and how they are made of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fivefold.history.conventions import COST_FILE, cost, model_name
from fivefold.history.integrity import Integrity
from fivefold.history.intervals import Interval
from fivefold.history.leaderboard.board import Board
from fivefold.history.leaderboard.candidates import Candidate
from fivefold.history.leaderboard.evaluation import run_value
from fivefold.history.measures import Measure, find_measure
from fivefold.history.reader import Reader
from fivefold.history.runs import Run

__all__ = ["DistinctRows", "Leaderboard", "Row", "RowBuilder"]


@dataclass(frozen=True)
class Row:
    """One run on the leaderboard, or one candidate.

    Attributes
    ----------
    rank : int or None
        None below the line, with `reasons`. Runs that can't be told from the leader share its rank.
    run : Run
        For a candidate the run that stands for it.
    value : object
        The primary metric; for a candidate the aggregate over its runs.
    interval : (float, float) or None
        Its 95% confidence interval.
    level : bool or None
        Whether the difference from the leader can be noise; None where intervals are missing.
    metrics, columns : dict of str to object
        The board's other metrics, and the params asked for.
    model : str or None
    seconds : float or None
        Of all stages together, where recorded.
    integrity : Integrity or None
        None where nothing was checked, as the row can't rank anyhow.
    data : str or None
        The version of the data that the run was judged on.
    candidate : Candidate or None
    reasons : tuple of str
        Why the row isn't ranked.
    """

    rank: int | None
    run: Run
    value: Any
    interval: Interval | None = None
    level: bool | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    seconds: float | None = None
    integrity: Integrity | None = None
    data: str | None = None
    candidate: Candidate | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leaderboard:
    """Ranked rows, rows below the line, and how many runs there were.

    Attributes
    ----------
    board : Board
    rows, unranked : tuple of Row
    elsewhere : dict of str to tuple of Row
        Rows ranked among themselves, by the version of the data that they were judged on, where
        that isn't the newest run's.
    ranked : int
        Runs that could rank, shown or not.
    without : int
        Runs that don't have the primary metric, and so aren't listed.
    notes : tuple of str
    """

    board: Board
    rows: tuple[Row, ...]
    unranked: tuple[Row, ...]
    elsewhere: Mapping[str, tuple[Row, ...]]
    ranked: int
    without: int
    notes: tuple[str, ...]


class RowBuilder:
    """Makes rows of runs, as one board shows them.

    Parameters
    ----------
    reader : Reader
    board : Board
    columns : tuple of str
        Params or metrics to show beside the board's own.
    """

    def __init__(self, reader: Reader, board: Board, columns: tuple[str, ...]) -> None:
        self.reader = reader
        self.board = board
        self.columns = tuple(dict.fromkeys(columns))

    def row(
        self,
        run: Run,
        measure: Measure | None,
        reasons: Iterable[str] = (),
        integrity: Integrity | None = None,
        data: str | None = None,
    ) -> Row:
        """Describe a run; without reasons it awaits its rank."""
        files = self.reader.metrics(run.snapshot)
        values = {}
        for name in self.columns:
            try:
                values[name] = run_value(self.reader, run, name)
            except KeyError:
                continue
        return Row(
            rank=None,
            run=run,
            value=measure.value if measure else None,
            interval=measure.interval if measure else None,
            metrics={
                name: found.value
                for name in self.board.metrics
                if (found := find_measure(files, name))
            },
            columns=values,
            model=model_name(self.reader.params(run.snapshot)),
            seconds=self.seconds(run),
            integrity=integrity,
            data=data,
            reasons=tuple(reasons),
        )

    def seconds(self, run: Run) -> float | None:
        """Give what all stages together took, where it is recorded."""
        blob = run.snapshot.blob(COST_FILE)
        if blob is None:
            return None
        spent = cost(self.reader.file(run.snapshot, COST_FILE, blob))
        seconds = [row["seconds"] for row in spent.values() if "seconds" in row]
        return sum(seconds) if seconds else None


class DistinctRows:
    """Rows in order of their value, in which commits of one run stand once, under the oldest.

    Commits whose files differ in notation only (a comment in ``params.yaml``) are one run. Only
    rows of the same value are worth the comparison.
    """

    def __init__(self, reader: Reader) -> None:
        self.rows: list[Row] = []
        self._reader = reader
        self._equal: dict[str, int] = {}

    def add(self, row: Row) -> None:
        """Add a row, or its commit to the row that is there already."""
        if not self.rows or self.rows[-1].value != row.value:
            self._equal = {}
            self.rows.append(row)
            return
        if not self._equal:
            self._equal[self._contents(self.rows[-1].run)] = len(self.rows) - 1
        place = self._equal.setdefault(self._contents(row.run), len(self.rows))
        if place == len(self.rows):
            self.rows.append(row)
            return
        older, newer = sorted((self.rows[place], row), key=_time)
        older.run.also = (*older.run.also, newer.run.id, *newer.run.also)
        self.rows[place] = older

    def _contents(self, run: Run) -> str:
        """Write what makes a run one: metrics and params as values, and what its stages ran on."""
        snapshot = run.snapshot
        lock = self._reader.lock(snapshot)
        values = [
            sorted((path, sorted(file.values.items(), key=str)) for path, file in files.items())
            for files in (self._reader.metrics(snapshot), self._reader.params(snapshot))
        ]
        values[0] = [item for item in values[0] if item[0] != COST_FILE]
        stages = sorted(
            (name, str(stage.command), sorted((p, item.value) for p, item in stage.deps.items()))
            for name, stage in lock.stages.items()
        )
        data = sorted((path, item.value) for path, item in lock.data.items())
        return repr((values, stages, data))


def _time(row: Row) -> float:
    return row.run.time.timestamp() if row.run.time else float("inf")
