"""Who can be told from the leader, by the predictions of both, row by row.

Runs judged on the same rows agree on most of them, so a paired test sees differences that the two
intervals in the metrics files can't. It costs the reading of every run's predictions, and so is
done for the rows shown, and only when asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from fivefold.history.diff.changes import MetricChange
from fivefold.history.diff.significance import RESAMPLES, judge_by_rows
from fivefold.history.dvc.contents import Contents
from fivefold.history.git.repository import Revision
from fivefold.history.intervals import METHOD
from fivefold.history.leaderboard.board import Board
from fivefold.history.leaderboard.standings import Row
from fivefold.history.reader import Reader

__all__ = ["told_by_rows"]

_NAMES = {"paired bootstrap": f"a paired bootstrap of {RESAMPLES:,} resamples"}


def told_by_rows(
    reader: Reader, board: Board, rows: Sequence[Row]
) -> tuple[list[Row], tuple[str, ...]]:
    """Judge anew which rows share the leader's rank, where the predictions of both are at hand.

    Parameters
    ----------
    reader : Reader
    board : Board
    rows : sequence of Row
        Ranked by the intervals, the best first.

    Returns
    -------
    list of Row
    tuple of str
        What judged how many of them, and what was in the way of the others.
    """
    if board.declaration.by or board.declaration.evaluations:
        note = "predictions tell single runs on one set apart: this board's ranks are by intervals"
        return list(rows), (note,)
    contents = Contents(reader)
    found: list[Row] = list(rows[:1])
    methods: Counter[str] = Counter()
    problems: dict[str, None] = {}
    for place, row in enumerate(rows[1:], start=2):
        leader = rows[0]
        change = MetricChange(
            name=board.primary,
            file="",
            base=leader.value,
            head=row.value,
            change=row.value - leader.value,
            goal=board.goal,
            source="",
            judgement="changed",
        )
        base, head = (Revision(item.run.short, item.run.commit) for item in (leader, row))
        judged = judge_by_rows(reader, contents, base, head, (change,))
        (told,) = judged.metrics
        if told.method is None:
            if change.change:
                problems.update(dict.fromkeys(judged.notes or ("no predictions are declared",)))
            found.append(row)
            continue
        level = told.judgement == "noise"
        methods[_NAMES.get(told.method, told.method)] += 1
        found.append(replace(row, rank=1 if level else place, level=level))
    notes = [
        f"{count} of the rows shown held against the leader by {name}"
        for name, count in methods.items()
    ]
    if len(found) - 1 > methods.total():
        notes.append(f"{len(found) - 1 - methods.total()} of them by {METHOD}")
    return found, (*notes, *list(problems)[:2])
