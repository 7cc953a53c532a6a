"""The leaderboard: the runs of the history, ranked by one metric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from fivefold.errors import HistoryError, nearest
from fivefold.history.checks import Checks
from fivefold.history.intervals import METHOD
from fivefold.history.leaderboard.board import Board, choose_board, settings_path
from fivefold.history.leaderboard.coverage import Arena
from fivefold.history.leaderboard.declaration import Declaration
from fivefold.history.leaderboard.evaluation import find_primary, look_into, misses, run_value
from fivefold.history.leaderboard.grouping import gather
from fivefold.history.leaderboard.order import in_order, with_ranks
from fivefold.history.leaderboard.standings import DistinctRows, Leaderboard, Row, RowBuilder
from fivefold.history.leaderboard.where import Condition
from fivefold.history.measures import Measure, is_number, names_of
from fivefold.history.names import Tip
from fivefold.history.reader import Reader
from fivefold.history.runs import Run, collect_runs

__all__ = ["admitted", "rank_runs", "score_runs"]


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
    paired: bool = False,
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
    paired : bool, default=False
        Tell the rows from the leader by the predictions of both that are at hand; see
        `told_by_rows`.

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
    arena = Arena.of(reader, board, scored)
    ages = {run: age for age, run in enumerate(runs)}
    scored = in_order(builder, scored)
    by = declaration.by
    rows, elsewhere, passed_over, unseen = _verified(builder, scored, None if by else top, arena)
    notes = _notes(builder, without)
    here = any(row.data == arena.version for row in passed_over)
    if not rows and elsewhere and not arena.sets and not here:
        rows = _those_of_the_newest(elsewhere, ages)
        if all(row.data != arena.version for row in rows):
            notes.append(f"no run was judged on what stands here ({arena.version or 'unknown'})")
    if arena.version is None and len(rows) > 1 and arena.could_be_told(rows[0].run.snapshot):
        notes.append(
            f"nothing tells which data runs were judged on, so all rank together: write in "
            f"{settings_path(reader)}: data: [PATH]"
        )
    notes.extend(
        f"no run has {name}: neither a param nor a metric is called so"
        for name in builder.columns
        if rows and not any(name in row.columns for row in rows)
    )
    ranked = len(rows) + unseen
    if by:
        rows, partial, untagged = gather(builder, arena, rows, ages)
        ranked = len(rows)
        passed_over = [*partial, *passed_over]
        apart = replace(arena, sets=())
        elsewhere = {
            label: found
            for label, runs_there in elsewhere.items()
            if (found := gather(builder, apart, runs_there, ages)[0])
        }
        if untagged:
            notes.append(f"{_count(untagged)} no tag to be a candidate by")
    notes.extend(arena.moved(elsewhere))
    rows = with_ranks(rows)[:top]
    if paired:
        # NumPy is paid for only here.
        from fivefold.history.leaderboard.paired import told_by_rows

        rows, told = told_by_rows(reader, board, rows)
        notes.extend(told)
    elif any(row.level for row in rows[1:]):
        notes.append(f"rank 1 is shared where the difference can be noise, by {METHOD}")
    return Leaderboard(
        board,
        tuple(rows),
        (*passed_over, *unranked),
        {label: tuple(with_ranks(found)[:top]) for label, found in elsewhere.items()},
        ranked,
        without,
        tuple(notes),
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


def _those_of_the_newest(elsewhere: dict[str, list[Row]], ages: Mapping[Run, int]) -> list[Row]:
    """Take those out that were judged as the newest run was."""
    newest = min(elsewhere, key=lambda label: min(ages[row.run] for row in elsewhere[label]))
    return elsewhere.pop(newest)


def _notes(builder: RowBuilder, without: int) -> list[str]:
    notes = list(builder.board.notes)
    if _shallow(builder.reader):
        notes.append("the clone is shallow: runs before its first commit are not here")
    if without:
        notes.append(f"{_count(without)} no {builder.board.primary}")
    return notes


def _count(runs: int) -> str:
    return f"{runs} run{'s have' if runs > 1 else ' has'}"


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


def _verified(
    builder: RowBuilder, scored: list[tuple[Run, Measure]], top: int | None, arena: Arena
) -> tuple[list[Row], dict[str, list[Row]], list[Row], int]:
    """Give the best rows that nothing speaks against, those judged elsewhere, and the others.

    Runs are looked into from the best down, and no further than the rows asked for; the last number
    is that of the runs not looked into.
    """
    reader, board = builder.reader, builder.board
    rows, passed_over = DistinctRows(reader), DistinctRows(reader)
    elsewhere: dict[str, DistinctRows] = {}
    checks = Checks(reader.memory.path.parent)
    unseen = len(scored)
    for run, measure in scored:
        if top is not None and len(rows.rows) >= top:
            break
        unseen -= 1
        snapshot = run.snapshot
        found = look_into(reader, checks, snapshot, board, measure.file)
        integrity = found.integrity
        reasons = () if integrity.trusted else integrity.reasons
        reasons = (*reasons, *misses(reader, snapshot, board))
        row = builder.row(run, measure, reasons, integrity, found.data)
        apart = None if reasons else arena.apart(snapshot, found)
        if reasons:
            passed_over.add(row)
        elif apart:
            elsewhere.setdefault(apart, DistinctRows(reader)).add(row)
        else:
            rows.add(row)
    checks.save()
    apart_from = {label: there.rows for label, there in elsewhere.items()}
    return rows.rows, apart_from, passed_over.rows, unseen
