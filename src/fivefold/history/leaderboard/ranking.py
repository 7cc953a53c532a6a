"""The leaderboard: the runs of the history, ranked by one metric."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from fivefold.errors import HistoryError, nearest
from fivefold.history.integrity import check
from fivefold.history.intervals import METHOD, is_noise
from fivefold.history.leaderboard.board import Board, Declaration, choose_board
from fivefold.history.leaderboard.candidates import gather
from fivefold.history.leaderboard.evaluation import data_version, find_primary, misses, run_value
from fivefold.history.leaderboard.standings import Leaderboard, Row, RowBuilder
from fivefold.history.leaderboard.where import Condition
from fivefold.history.measures import Measure, is_number, names_of
from fivefold.history.reader import Reader
from fivefold.history.runs import Run, Tip, collect_runs
from fivefold.metrics import Goal

__all__ = ["admitted", "in_order", "rank_runs", "score_runs", "with_ranks"]


def rank_runs(
    reader: Reader,
    tips: Iterable[Tip],
    *,
    declaration: Declaration | None = None,
    metric: str | None = None,
    top: int | None = 20,
    where: str | None = None,
    since: datetime | None = None,
    columns: tuple[str, ...] = (),
    workspace: bool = True,
) -> Leaderboard:
    """Rank the runs that the tips reach.

    Parameters
    ----------
    reader : Reader
    tips : iterable of Tip
    declaration : Declaration, optional
        A declared board; by default what the plan says.
    metric : str, optional
        ``NAME`` or ``NAME:maximize``, instead of the board's.
    top : int or None, default=20
        How many ranked rows to give; None for all.
    where : str, optional
        A condition that runs must meet, beside the board's own; see `Condition`.
    since : datetime, optional
        Leave out older commits.
    columns : tuple of str
        Params or metrics to show beside the board's own.
    workspace : bool, default=True
        Whether uncommitted results are a run too.

    Raises
    ------
    HistoryError
        Where no run has any metric, or nothing can be ranked.
    """
    declaration = declaration or Declaration()
    tips = list(tips)
    runs = collect_runs(reader, tips, workspace=workspace)
    if not any(_has_metrics(reader, run) for run in runs):
        raise HistoryError(
            "no commit has metrics" + (" (the clone is shallow)" if _shallow(reader) else ""),
            where=", ".join(tip.name for tip in tips),
            allowed="metrics declared in dvc.yaml, committed or in DVC's cache",
            hint="dvc repro && git add -A && git commit",
        )
    board = choose_board(reader, runs, declaration, metric)
    conditions = [Condition(text) for text in (declaration.where, where) if text]
    chosen = [run for run in runs if admitted(reader, run, conditions, since)]
    builder = RowBuilder(reader, board, (*declaration.columns, *columns))
    scored, unranked, without = score_runs(builder, chosen)
    if not scored and not unranked:
        raise _nothing(reader, runs, board, filtered=len(chosen) < len(runs))
    reader.memory.save()
    here = _current_data(reader, board, scored)
    scored = in_order(builder, scored)
    rows, elsewhere, passed_over = _verified(builder, scored, None if declaration.by else top, here)
    candidates = 0
    if declaration.by:
        rows, candidates = _candidates(reader, rows, board, top)
        elsewhere = {k: _candidates(reader, v, board, top)[0] for k, v in elsewhere.items()}
    rows = with_ranks(rows)
    elsewhere = {version: with_ranks(found) for version, found in elsewhere.items()}
    others = sum(map(len, elsewhere.values()))
    ranked = candidates if declaration.by else len(scored) - len(passed_over) - others
    return Leaderboard(
        board,
        tuple(rows),
        (*passed_over, *unranked),
        {version: tuple(found) for version, found in elsewhere.items()},
        ranked,
        without,
        _notes(reader, board, rows, without),
    )


def _has_metrics(reader: Reader, run: Run) -> bool:
    declared = reader.declared(run.snapshot)
    return bool(declared.metrics or declared.problems)


def _shallow(reader: Reader) -> bool:
    return reader.repository.is_shallow


def _nothing(reader: Reader, runs: list[Run], board: Board, *, filtered: bool) -> HistoryError:
    names = sorted({n for run in runs for n in names_of(reader.metrics(run.snapshot))})
    if filtered and board.primary in names:
        return HistoryError(
            "no run meets the conditions", where="--where, --since, or the board's own"
        )
    return HistoryError(
        "no run has the metric to rank by, or several files of each run have it",
        got=board.primary,
        allowed=", ".join(names[:12]) + (", ..." if len(names) > 12 else ""),
        hint=nearest(board.primary, names) or "fivefold leaderboard --metric FILE:NAME",
    )


def _notes(reader: Reader, board: Board, rows: list[Row], without: int) -> tuple[str, ...]:
    notes = list(board.notes)
    if _shallow(reader):
        notes.append("the clone is shallow: runs before its first commit are not here")
    if any(row.level for row in rows[1:]):
        notes.append(f"rank 1 is shared where the difference can be noise, by {METHOD}")
    if without:
        notes.append(f"{without} run{'s have' if without > 1 else ' has'} no {board.primary}")
    return tuple(notes)


def admitted(reader: Reader, run: Run, conditions: list[Condition], since: datetime | None) -> bool:
    """Tell whether a run meets the conditions and isn't older."""
    if since is not None and run.time is not None and run.time < since:
        return False
    return all(
        condition.holds(lambda name: run_value(reader, run, name)) for condition in conditions
    )


def score_runs(
    builder: RowBuilder, runs: list[Run]
) -> tuple[list[tuple[Run, Measure]], list[Row], int]:
    """Find each run's primary metric; runs whose metric can't rank become rows with a reason."""
    reader, board = builder.reader, builder.board
    scored: list[tuple[Run, Measure]] = []
    unranked: list[Row] = []
    without = 0
    hint: str | None = None
    for run in runs:
        measure, reasons = find_primary(reader, run, board, hint)
        if measure is not None and not reasons and is_number(measure.value):
            hint = measure.file
            scored.append((run, measure))
        elif measure is not None and not reasons:
            value = "null" if measure.value is None else measure.value
            unranked.append(builder.row(run, measure, [f"{board.primary} is {value}"]))
        elif reasons:
            unranked.append(builder.row(run, measure, reasons))
        elif _has_metrics(reader, run):
            without += 1
    return scored, unranked, without


def _order(measure: Measure, goal: Goal) -> float:
    value = float(measure.value)
    return -value if goal == "maximize" else value


def in_order(builder: RowBuilder, scored: list[tuple[Run, Measure]]) -> list[tuple[Run, Measure]]:
    """Sort the best first; of equal ones the cheaper, then the older."""
    goal = builder.board.goal
    scored = sorted(scored, key=lambda item: _order(item[1], goal))
    result: list[tuple[Run, Measure]] = []
    for _, equal in groupby(scored, key=lambda item: _order(item[1], goal)):
        group = list(equal)
        if len(group) > 1:
            # Only a tie is worth the reading of what the runs cost.
            group.sort(key=lambda item: _tie(builder, item[0]))
        result.extend(group)
    return result


def _tie(builder: RowBuilder, run: Run) -> tuple[float, float]:
    seconds = builder.seconds(run)
    return (
        float("inf") if seconds is None else seconds,
        run.time.timestamp() if run.time else float("inf"),
    )


def _current_data(reader: Reader, board: Board, scored: list[tuple[Run, Measure]]) -> str | None:
    """Give the version of the data that runs are judged on now: here, or else by the newest run."""
    if not scored:
        return None
    newest, measure = scored[0]
    repository = reader.repository
    here = repository.snapshot(repository.workspace())
    return data_version(reader, here, board, measure.file) or data_version(
        reader, newest.snapshot, board, measure.file
    )


def _verified(
    builder: RowBuilder, scored: list[tuple[Run, Measure]], top: int | None, here: str | None
) -> tuple[list[Row], dict[str, list[Row]], list[Row]]:
    """Give the best rows that nothing speaks against, those judged elsewhere, and the others.

    Runs are looked into from the best down, and no further than the rows asked for.
    """
    reader, board = builder.reader, builder.board
    rows: list[Row] = []
    elsewhere: dict[str, list[Row]] = {}
    passed_over: list[Row] = []
    for run, measure in scored:
        if top is not None and len(rows) >= top:
            break
        integrity = check(reader, run.snapshot)
        version = data_version(reader, run.snapshot, board, measure.file)
        reasons = () if integrity.trusted else integrity.reasons
        reasons = (*reasons, *misses(reader, run.snapshot, board))
        row = builder.row(run, measure, reasons, integrity, version)
        if reasons:
            passed_over.append(row)
        elif version is not None and here is not None and version != here:
            elsewhere.setdefault(version, []).append(row)
        else:
            rows.append(row)
    return rows, elsewhere, passed_over


def _candidates(
    reader: Reader, rows: list[Row], board: Board, top: int | None
) -> tuple[list[Row], int]:
    """Make one row of each candidate's runs."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = tuple(_group_value(reader, row.run, name) for name in board.declaration.by)
        groups.setdefault(key, []).append(row)
    found = []
    for key, members in groups.items():
        newest = max(
            members, key=lambda row: row.run.time.timestamp() if row.run.time else float("inf")
        )
        candidate, standing = gather(
            dict(zip(board.declaration.by, key, strict=True)),
            [row.value for row in members],
            members.index(newest),
            board.declaration.aggregate,
            board.goal,
        )
        row = members[standing]
        alone = row.value == candidate.value
        found.append(
            replace(
                row,
                value=candidate.value,
                # The interval is one run's; a mean of several has another.
                interval=row.interval if alone else None,
                candidate=candidate,
            )
        )
    found.sort(key=lambda row: -row.value if board.goal == "maximize" else row.value)
    return found[:top], len(found)


def _group_value(reader: Reader, run: Run, name: str) -> Any:
    try:
        value = run_value(reader, run, name)
    except KeyError:
        return None
    return str(value) if isinstance(value, (list, dict)) else value


def with_ranks(rows: list[Row]) -> list[Row]:
    """Give ranks to rows in order; who can't be told from the leader shares its rank."""
    ranked: list[Row] = []
    for place, row in enumerate(rows, start=1):
        leader = rows[0]
        level = is_noise(leader.value, leader.interval, row.value, row.interval)
        rank: int | None = place
        if level or row.value == leader.value:
            rank = 1
        elif ranked[-1].value == row.value:
            rank = ranked[-1].rank
        ranked.append(replace(row, rank=rank, level=level))
    return ranked
