"""Runs gathered into candidates: which belong together, and one row for each."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from fivefold.history.conventions import CODE_SECTION
from fivefold.history.dvc.values import same
from fivefold.history.leaderboard.candidates import (
    Candidate,
    Score,
    aggregate_scores,
    mean_interval,
)
from fivefold.history.leaderboard.coverage import Arena
from fivefold.history.leaderboard.evaluation import run_value, tags_of
from fivefold.history.leaderboard.order import rows_in_order
from fivefold.history.leaderboard.standings import Row, RowBuilder
from fivefold.history.reader import Reader
from fivefold.history.runs import Run

__all__ = ["gather"]

_EVERY = "params"
_NO_HYPERPARAMETERS = (f"{CODE_SECTION}.", "plan.")

Key = tuple[tuple[str, Any], ...]


def gather(
    builder: RowBuilder, arena: Arena, rows: list[Row], ages: Mapping[Run, int]
) -> tuple[list[Row], list[Row], int]:
    """Make one row of each candidate's runs.

    Parameters
    ----------
    builder : RowBuilder
    arena : Arena
    rows : list of Row
        Runs that nothing speaks against.
    ages : dict of Run to int
        Each run's place in the history: 0 is the newest.

    Returns
    -------
    complete, partial : list of Row
        Candidates that cover every evaluation set, and the others by how many they cover; each
        with the run that stands for it, the best first.
    without : int
        How many runs have no tag to belong to a candidate by.
    """
    by = _names(builder.reader, builder.board.declaration.by, rows)
    groups: dict[str, tuple[Key, list[Row]]] = {}
    without = 0
    for row in rows:
        keys = _keys(builder.reader, row.run, by)
        without += not keys
        for key in keys:
            # A list or a mapping can't be a key, and 1 is not true.
            groups.setdefault(repr(key), (key, []))[1].append(row)
    found = [_candidate(builder, arena, dict(key), rows, ages) for key, rows in groups.values()]
    complete = [row for row in found if not row.reasons]
    partial = [row for row in found if row.reasons]
    partial = rows_in_order(builder, partial)
    partial.sort(key=lambda row: -row.candidate.covered if row.candidate else 0)
    return rows_in_order(builder, complete), partial, without


def _candidate(
    builder: RowBuilder,
    arena: Arena,
    by: Mapping[str, Any],
    members: list[Row],
    ages: Mapping[Run, int],
) -> Row:
    board = builder.board
    scores: dict[str, list[Score]] = {}
    for row in members:
        for name, score in arena.scores(row, ages[row.run]).items():
            scores.setdefault(name, []).append(score)
    standing = {
        name: aggregate_scores(found, board.declaration.aggregate, board.goal)
        for name, found in scores.items()
    }
    chosen = list(standing.values())
    # Of several sets no single run has the figure: the newest stands for all.
    age = chosen[0].age if len(chosen) == 1 else min(ages[row.run] for row in members)
    row = next(row for row in members if ages[row.run] == age)
    values = [score.value for found in scores.values() for score in found]
    sets = max(len(arena.sets), 1)
    lacking = [name for name in arena.sets if name not in scores]
    candidate = Candidate(
        by=by,
        runs=len(members),
        value=statistics.fmean(score.value for score in chosen)
        if len(chosen) > 1
        else chosen[0].value,
        low=min(values),
        high=max(values),
        deviation=statistics.stdev(values) if len(values) > 1 else None,
        covered=len(chosen),
        sets=sets,
        members=tuple(row.run.id for row in sorted(members, key=lambda row: ages[row.run])),
    )
    reasons = (
        (f"judged on {len(chosen)} of {sets} evaluation sets, not on {', '.join(lacking)}",)
        if lacking
        else ()
    )
    return replace(
        row,
        value=candidate.value,
        interval=mean_interval([score.interval for score in chosen]),
        candidate=candidate,
        reasons=reasons,
    )


def _keys(reader: Reader, run: Run, by: tuple[str, ...]) -> list[Key]:
    """Give the candidates that a run belongs to: several where it has several tags."""
    return [
        tuple(zip(by, values, strict=True))
        for values in product(*(_values(reader, run, name) for name in by))
    ]


def _values(reader: Reader, run: Run, name: str) -> tuple[Any, ...]:
    if name == "tag" or name.startswith("tag:"):
        return tags_of(reader, run, name.partition(":")[2])
    try:
        return (run_value(reader, run, name),)
    except KeyError:
        return (None,)


def _names(reader: Reader, by: tuple[str, ...], rows: list[Row]) -> tuple[str, ...]:
    """Resolve ``params`` and sections to the params in them that tell the runs apart."""
    found: dict[str, None] = {}
    for name in by:
        if any(_values(reader, row.run, name) not in ((None,), ()) for row in rows):
            found[name] = None
            continue
        inside = _differing(reader, name, rows)
        found.update(dict.fromkeys(inside or ([] if name == _EVERY else [name])))
    return tuple(found)


def _differing(reader: Reader, section: str, rows: list[Row]) -> list[str]:
    absent = object()
    table = []
    for row in rows:
        values: dict[str, Any] = {}
        for file in reader.params(row.run.snapshot).values():
            values.update(file.values)
        table.append(values)
    names = dict.fromkeys(name for values in table for name in values)
    if section == _EVERY:
        inside = [name for name in names if not name.startswith(_NO_HYPERPARAMETERS)]
    else:
        inside = [name for name in names if name.startswith(f"{section}.")]
    return [
        name
        for name in inside
        if not all(same(table[0].get(name, absent), values.get(name, absent)) for values in table)
    ]
