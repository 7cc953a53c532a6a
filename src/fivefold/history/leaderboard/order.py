"""The order of runs, and the ranks that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

from fivefold.history.intervals import Interval, is_noise
from fivefold.history.leaderboard.standings import Row, RowBuilder
from fivefold.history.measures import Measure, find_measure, is_number
from fivefold.history.runs import Run
from fivefold.metrics import Goal

__all__ = ["in_order", "ranks", "rows_in_order", "with_ranks"]

_T = TypeVar("_T")
_LAST = float("inf")


def in_order(builder: RowBuilder, scored: list[tuple[Run, Measure]]) -> list[tuple[Run, Measure]]:
    """Sort the best first; equal ones by the board's tie rule: the cheaper, then the older."""
    return _in_order(builder, scored, lambda item: item[1].value, lambda item: item[0])


def rows_in_order(builder: RowBuilder, rows: list[Row]) -> list[Row]:
    """Sort rows as `in_order` sorts runs."""
    return _in_order(builder, rows, lambda row: row.value, lambda row: row.run)


def _in_order(
    builder: RowBuilder,
    items: Iterable[_T],
    value_of: Callable[[_T], float],
    run_of: Callable[[_T], Run],
) -> list[_T]:
    goal = builder.board.goal

    def order(item: _T) -> float:
        return _signed(value_of(item), goal)

    result: list[_T] = []
    for _, equal in groupby(sorted(items, key=order), key=order):
        group = list(equal)
        if len(group) > 1:
            # Only a tie is worth the reading of what the runs cost.
            group.sort(key=lambda item: _tie(builder, run_of(item)))
        result.extend(group)
    return result


def _signed(value: float, goal: Goal) -> float:
    return -float(value) if goal == "maximize" else float(value)


def _tie(builder: RowBuilder, run: Run) -> tuple[float, ...]:
    return tuple(_rule(builder, run, name, goal) for name, goal in builder.board.ties)


def _rule(builder: RowBuilder, run: Run, name: str, goal: Goal | None) -> float:
    """Give what one tie rule sorts by; a run that lacks it comes last."""
    if goal is not None:
        measure = find_measure(builder.reader.metrics(run.snapshot), name)
        return _signed(measure.value, goal) if measure and is_number(measure.value) else _LAST
    if name == "cost":
        seconds = builder.seconds(run)
        return _LAST if seconds is None else seconds
    time = run.time.timestamp() if run.time else _LAST
    return -time if name == "newer" else time


def with_ranks(rows: list[Row]) -> list[Row]:
    """Give ranks to rows in order: the place, but who can't be told from the leader shares its."""
    found = zip(rows, ranks([(row.value, row.interval) for row in rows]), strict=True)
    return [replace(row, rank=rank, level=level) for row, (rank, level) in found]


def ranks(figures: Sequence[tuple[float, Interval | None]]) -> Iterator[tuple[int, bool | None]]:
    """Give each value's rank, and whether only noise can part it from the first.

    Parameters
    ----------
    figures : sequence of (float, (float, float) or None)
        The best first.
    """
    for place, (value, interval) in enumerate(figures, start=1):
        leader, around = figures[0]
        level = is_noise(leader, around, value, interval)
        yield (1 if level or value == leader else place), level
