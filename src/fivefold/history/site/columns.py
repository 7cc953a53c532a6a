"""The columns of a board's page, and the scale of its intervals."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fivefold.history.figures import seconds_text, value_text
from fivefold.history.leaderboard.candidates import Candidate
from fivefold.history.leaderboard.standings import Row
from fivefold.history.measures import is_number
from fivefold.history.site.gather import Standing

__all__ = ["BoardColumn", "Cell", "Scale", "columns_of"]


@dataclass(frozen=True)
class Cell:
    """A cell as it is read, and by what it is sorted."""

    text: str
    sort: str


@dataclass(frozen=True)
class BoardColumn:
    """A column of a board: how a row's cell is written, and by what it is sorted."""

    title: str
    read: Callable[[Row], Any]
    write: Callable[[Any], str] = value_text
    number: bool = False
    key: str = ""

    def cell(self, row: Row) -> Cell:
        """Write a row's cell."""
        value = self.read(row)
        if value is None or value == "":
            return Cell("", "")
        return Cell(self.write(value), repr(value) if is_number(value) else str(value))


def columns_of(standing: Standing) -> list[BoardColumn]:
    """Give a board's columns; those that no row fills are left out."""
    assert standing.found is not None  # noqa: S101  the caller shows a problem instead
    board = standing.found.board
    rows = standing.rows
    ranks = [row.rank for _, group in standing.sections for row in group]

    several = len(standing.sections) > 1
    columns = [
        BoardColumn("rank", lambda r: r.rank, str, number=True),
        BoardColumn(board.primary, lambda r: r.value, number=True),
        BoardColumn(
            "95% interval", lambda r: r.interval[0] if r.interval else r.value, key="interval"
        ),
    ]
    if not several:
        columns[0] = replace(
            columns[0], write=lambda value: f"{value}{'=' * (ranks.count(value) > 1)}"
        )
    columns[2] = replace(columns[2], write=lambda _: "")
    columns.append(BoardColumn("run", lambda r: r.run.subject, key="run"))
    columns.append(BoardColumn("model", lambda r: r.model))
    columns.extend(
        BoardColumn(name, functools.partial(_of, "metrics", name), number=True)
        for name in board.metrics
    )
    extra = dict.fromkeys(name for row in rows for name in row.columns)
    columns.extend(BoardColumn(name, functools.partial(_of, "columns", name)) for name in extra)
    by = dict.fromkeys(name for row in rows if row.candidate for name in row.candidate.by)
    columns.extend(BoardColumn(name, functools.partial(_group, name)) for name in by)
    columns += [
        BoardColumn("sets", lambda r: r.candidate and _covered(r.candidate), str),
        BoardColumn("runs", lambda r: r.candidate.runs if r.candidate else None, number=True),
        BoardColumn("branch", lambda r: r.run.branch),
        BoardColumn("author", lambda r: r.run.author),
        BoardColumn(
            "date", lambda r: r.run.time.isoformat() if r.run.time else "", lambda v: v[:10]
        ),
        BoardColumn("time", lambda r: r.seconds, seconds_text, number=True),
        BoardColumn("integrity", lambda r: r.integrity.status if r.integrity else None),
    ]
    return [
        column
        for column in columns
        if column.key or any(column.read(row) not in (None, "") for row in rows)
    ]


def _covered(candidate: Candidate) -> str:
    return f"{candidate.covered} of {candidate.sets}" if candidate.sets > 1 else ""


def _group(name: str, row: Row) -> Any:
    return row.candidate.by.get(name) if row.candidate else None


def _of(part: str, name: str, row: Row) -> Any:
    return getattr(row, part).get(name)


class Scale:
    """Where a value stands in the small picture of an interval, 120 pixels wide.

    Parameters
    ----------
    rows : list of Row
    marks : list of float
        The plan's thresholds.
    """

    def __init__(self, rows: list[Row], marks: list[float]) -> None:
        values = [float(row.value) for row in rows if is_number(row.value)]
        ends = [end for row in rows if row.interval for end in row.interval if is_number(end)]
        self.low = min([*values, *ends])
        self.span = max([*values, *ends]) - self.low or 1.0
        self.marks = [self.at(mark) for mark in marks if 0 <= mark - self.low <= self.span]

    def at(self, value: float) -> str:
        """Give how far to the right a value stands."""
        place = 4 + 112 * (value - self.low) / self.span
        return f"{min(max(place, 0), 120):.1f}"
