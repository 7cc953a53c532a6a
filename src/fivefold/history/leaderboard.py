"""The leaderboard: the runs of the history, ranked by one metric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fivefold.errors import HistoryError, nearest
from fivefold.history.conventions import COST_FILE, cost, model_name
from fivefold.history.goals import Goals, parse_metric_option, read_plan
from fivefold.history.integrity import Integrity, check
from fivefold.history.intervals import METHOD, Interval, is_noise
from fivefold.history.measures import Measure, find_measure, is_number, names_of
from fivefold.history.reader import FileValues, Reader
from fivefold.history.runs import Run, Tip, collect_runs
from fivefold.metrics import Goal

__all__ = ["Board", "Leaderboard", "Row", "choose_board", "rank_runs"]


@dataclass(frozen=True)
class Board:
    """What ranks, and what else is shown.

    Attributes
    ----------
    primary : str
        The metric that ranks.
    goal : {"maximize", "minimize"}
    source : str
        How the goal is known: plan, option, catalogue or guessed.
    metrics : tuple of str
        Other metrics to show.
    notes : tuple of str
        What the reader should know about the choice.
    """

    primary: str
    goal: Goal
    source: str
    metrics: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One run on the leaderboard.

    Attributes
    ----------
    rank : int or None
        None below the line, with `reasons`. Runs that can't be told from the leader share its rank.
    run : Run
    value : object
        The primary metric.
    interval : (float, float) or None
        Its 95% confidence interval.
    level : bool or None
        Whether the difference from the leader can be noise; None where intervals are missing.
    metrics : dict of str to object
        The board's other metrics.
    model : str or None
    seconds : float or None
        Of all stages together, where recorded.
    integrity : Integrity or None
        None where nothing was checked, as the row can't rank anyhow.
    reasons : tuple of str
        Why the row isn't ranked.
    """

    rank: int | None
    run: Run
    value: Any
    interval: Interval | None = None
    level: bool | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    seconds: float | None = None
    integrity: Integrity | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leaderboard:
    """Ranked rows, rows below the line, and how many runs there were.

    Attributes
    ----------
    board : Board
    rows, unranked : tuple of Row
    ranked : int
        Runs that could rank, shown or not.
    without : int
        Runs that don't have the primary metric, and so aren't listed.
    notes : tuple of str
    """

    board: Board
    rows: tuple[Row, ...]
    unranked: tuple[Row, ...]
    ranked: int
    without: int
    notes: tuple[str, ...]


def choose_board(reader: Reader, runs: list[Run], option: str | None) -> Board:
    """Decide what ranks: the option, else the plan's primary metric, else a well-known name.

    Raises
    ------
    HistoryError
        Where no metric can rank, or the direction of the one that should is unknown.
    """
    newest = [run.snapshot for run in runs]
    plan = read_plan(reader.params(newest[0])) if newest else None
    goals = Goals(plan)
    name, goal = parse_metric_option(option) if option else (plan.primary if plan else None, None)
    notes: list[str] = []
    if name is None:
        names = next((found for s in newest if (found := names_of(reader.metrics(s)))), [])
        name = next((n for n in names if goals.direction(n).goal), None)
        if name is None:
            raise HistoryError(
                "nothing can be ranked: no plan names a primary metric, and no metric's name tells "
                "which way is better",
                got=", ".join(names) or "no numeric metric in any run",
                hint="fivefold leaderboard --metric NAME:maximize (or :minimize)",
            )
        notes.append(
            f"no plan names a primary metric: ranked by {name}; choose another with --metric"
        )
    direction = goals.direction(name.rpartition(":")[2])
    goal, source = (goal, "option") if goal else (direction.goal, direction.source)
    if goal is None:
        raise HistoryError(
            f"nothing tells whether more or less of {name!r} is better",
            hint=f"fivefold leaderboard --metric {name}:maximize (or :minimize)",
        )
    if source == "guessed":
        notes.append(f"{goal} is guessed from the name {name}: say it with --metric {name}:{goal}")
    others = [m for m in (plan.primary, *plan.metrics) if m != name] if plan else []
    return Board(name, goal, source, tuple(others), tuple(notes))


def rank_runs(
    reader: Reader,
    tips: Iterable[Tip],
    *,
    metric: str | None = None,
    top: int | None = 20,
    workspace: bool = True,
) -> Leaderboard:
    """Rank the runs that the tips reach.

    Parameters
    ----------
    reader : Reader
    tips : iterable of Tip
    metric : str, optional
        ``NAME`` or ``NAME:maximize``; by default the plan's primary metric.
    top : int or None, default=20
        How many ranked rows to give; None for all.
    workspace : bool, default=True
        Whether uncommitted results are a run too.

    Raises
    ------
    HistoryError
        Where no run has any metric, or nothing can be ranked.
    """
    tips = list(tips)
    runs = [
        run
        for run in collect_runs(reader, tips, workspace=workspace)
        if (declared := reader.declared(run.snapshot)).metrics or declared.problems
    ]
    if not runs:
        raise HistoryError(
            "no commit has metrics" + (" (the clone is shallow)" if _shallow(reader) else ""),
            where=", ".join(tip.name for tip in tips),
            allowed="metrics declared in dvc.yaml, committed or in DVC's cache",
            hint="dvc repro && git add -A && git commit",
        )
    board = choose_board(reader, runs, metric)
    scored, unranked, without = _score(reader, runs, board)
    if not scored and not unranked:
        names = sorted({n for run in runs for n in names_of(reader.metrics(run.snapshot))})
        raise HistoryError(
            "no run has the metric to rank by, or several files of each run have it",
            got=board.primary,
            allowed=", ".join(names[:12]) + (", ..." if len(names) > 12 else ""),
            hint=nearest(board.primary, names) or "fivefold leaderboard --metric FILE:NAME",
        )
    scored.sort(key=lambda item: _order(item[1], board.goal))
    rows, distrusted = _verified(reader, scored, board, top)
    unranked = distrusted + unranked
    notes = list(board.notes)
    if _shallow(reader):
        notes.append("the clone is shallow: runs before its first commit are not here")
    if any(row.level for row in rows[1:]):
        notes.append(f"rank 1 is shared where the difference can be noise, by {METHOD}")
    if without:
        notes.append(f"{without} run{'s have' if without > 1 else ' has'} no {board.primary}")
    return Leaderboard(
        board,
        tuple(rows),
        tuple(unranked),
        len(scored) - len(distrusted),
        without,
        tuple(notes),
    )


def _shallow(reader: Reader) -> bool:
    return reader.repository.is_shallow


def _order(measure: Measure, goal: Goal) -> float:
    value = float(measure.value)
    return -value if goal == "maximize" else value


def _score(
    reader: Reader, runs: list[Run], board: Board
) -> tuple[list[tuple[Run, Measure]], list[Row], int]:
    """Find each run's primary metric; runs whose metric can't rank become rows with a reason."""
    scored: list[tuple[Run, Measure]] = []
    unranked: list[Row] = []
    without = 0
    hint: str | None = None
    for run in runs:
        measure = _quick(reader, run, board.primary, hint)
        if measure is None:
            files = reader.metrics(run.snapshot)
            measure = find_measure(files, board.primary)
            if measure is None:
                broken = [f.error for f in files.values() if f.error and not f.missing]
                broken.extend(reader.declared(run.snapshot).problems)
                if broken:
                    unranked.append(_describe(reader, run, None, board, files, broken))
                else:
                    without += 1
                continue
            hint = measure.file
        if is_number(measure.value):
            scored.append((run, measure))
        else:
            reason = f"{board.primary} is {_spell(measure.value)}"
            files = reader.metrics(run.snapshot)
            unranked.append(_describe(reader, run, measure, board, files, [reason]))
    return scored, unranked, without


def _spell(value: Any) -> str:
    return "null" if value is None else str(value)


def _quick(reader: Reader, run: Run, name: str, path: str | None) -> Measure | None:
    """Look only where the last run had the metric: other files of the run stay unread."""
    if path is None or path not in reader.declared(run.snapshot).metrics:
        return None
    blob = run.snapshot.blob(path)
    if blob is None:
        return None
    return find_measure({path: reader.file(run.snapshot, path, blob)}, name)


def _verified(
    reader: Reader, scored: list[tuple[Run, Measure]], board: Board, top: int | None
) -> tuple[list[Row], list[Row]]:
    """Give the best rows that nothing speaks against, and those that were passed over."""
    rows: list[Row] = []
    distrusted: list[Row] = []
    leader: Measure | None = None
    for run, measure in scored:
        if top is not None and len(rows) >= top:
            break
        integrity = check(reader, run.snapshot)
        files = reader.metrics(run.snapshot)
        if not integrity.trusted:
            distrusted.append(
                _describe(reader, run, measure, board, files, integrity.reasons, integrity)
            )
            continue
        leader = leader or measure
        level = is_noise(leader.value, leader.interval, measure.value, measure.interval)
        rank = len(rows) + 1
        if level or measure.value == leader.value:
            rank = 1
        elif rows[-1].value == measure.value and rows[-1].rank is not None:
            rank = rows[-1].rank
        rows.append(
            _describe(reader, run, measure, board, files, (), integrity, rank=rank, level=level)
        )
    return rows, distrusted


def _describe(
    reader: Reader,
    run: Run,
    measure: Measure | None,
    board: Board,
    files: Mapping[str, FileValues],
    reasons: Iterable[str],
    integrity: Integrity | None = None,
    *,
    rank: int | None = None,
    level: bool | None = None,
) -> Row:
    spent = cost(files.get(COST_FILE))
    seconds = [row["seconds"] for row in spent.values() if "seconds" in row]
    others = {name: found.value for name in board.metrics if (found := find_measure(files, name))}
    return Row(
        rank=rank,
        run=run,
        value=measure.value if measure else None,
        interval=measure.interval if measure else None,
        level=level,
        metrics=others,
        model=model_name(reader.params(run.snapshot)),
        seconds=sum(seconds) if seconds else None,
        integrity=integrity,
        reasons=tuple(reasons),
    )
