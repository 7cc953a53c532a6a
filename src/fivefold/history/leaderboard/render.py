"""A leaderboard as a table, Markdown, JSON or CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fivefold.history.figures import as_json, ends_text, seconds_text, value_text
from fivefold.history.leaderboard.standings import Leaderboard, Row
from fivefold.history.leaderboard.trials import Trials, trials_table
from fivefold.history.tables import Column, Table, Text, to_csv, to_markdown, without_empty
from fivefold.history.terminal import draw

__all__ = ["render_leaderboard"]

_BELOW = 20
_PLAIN = (
    "model",
    "commit",
    "subject",
    "author",
    "date",
    "branch",
    "seconds",
    "integrity",
    "data",
)


def render_leaderboard(
    board: Leaderboard,
    format: str,  # noqa: A002  the option's name
    trials: Mapping[str, Trials] | None = None,
    most: int = 0,
) -> str:
    """Show a leaderboard.

    Parameters
    ----------
    board : Leaderboard
    format : {"table", "markdown", "json", "csv"}
    trials : mapping of str to Trials, optional
        By a run's commit, those of its study; CSV leaves them out.
    most : int
        How many of each to show, the best first; JSON holds all.
    """
    if format == "json":
        found = to_dict(board)
        if trials is not None:
            found["trials"] = {
                commit: [dict(row) for row in study.rows] for commit, study in trials.items()
            }
        return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
    if format == "csv":
        return to_csv(_flat(board))
    parts = _parts(board)
    for row in board.rows:
        study = (trials or {}).get(row.run.id)
        if study is not None and study.rows:
            parts.append(trials_table(study, most, f"Trials of {row.run.short} {row.run.subject}"))
    return to_markdown(parts) if format == "markdown" else draw(parts)


def to_dict(board: Leaderboard) -> dict[str, Any]:
    """Give a leaderboard as JSON holds it; values are as in the files, to the last digit."""
    return {
        "board": board.board.declaration.name,
        "metric": board.board.primary,
        "goal": board.board.goal,
        "goal_source": board.board.source,
        "ranked": board.ranked,
        "without_metric": board.without,
        "rows": [_row_dict(row) for row in board.rows],
        "elsewhere": {
            version: [_row_dict(row) for row in rows] for version, rows in board.elsewhere.items()
        },
        "unranked": [_row_dict(row) for row in board.unranked],
        "notes": list(board.notes),
    }


def _row_dict(row: Row) -> dict[str, Any]:
    time = row.run.time
    return {
        "rank": row.rank,
        "value": as_json(row.value),
        "interval": as_json(row.interval),
        "within_noise_of_leader": row.level,
        "model": row.model,
        "commit": row.run.id,
        "subject": row.run.subject,
        "author": row.run.author,
        "date": time.isoformat() if time else None,
        "branch": row.run.branch,
        "seconds": as_json(row.seconds),
        "integrity": row.integrity.status if row.integrity else None,
        "reasons": list(row.reasons),
        "data": row.data,
        "metrics": as_json(dict(row.metrics)),
        "columns": as_json(dict(row.columns)),
        "candidate": as_json(asdict(row.candidate)) if row.candidate else None,
        "also": list(row.run.also),
    }


def _parts(board: Leaderboard) -> list[Table | Text]:
    word = {"maximize": "more is better", "minimize": "less is better"}[board.board.goal]
    shown = len(board.rows)
    word_for_one = "candidate" if board.board.declaration.by else "run"
    count = f"{board.ranked} {word_for_one}{'s' if board.ranked != 1 else ''}"
    head = f"{count} ranked by {board.board.primary} ({word})"
    if shown < board.ranked:
        head += f", the best {shown} shown"
    parts: list[Table | Text] = [Text(head, "bold")]
    if board.rows:
        parts.append(_ranked(board, board.rows))
    for label, rows in board.elsewhere.items():
        how = "Made under another plan" if label.startswith("planned") else "Judged on other data"
        parts.append(_ranked(board, rows, f"{how}: {label}"))
    if board.unranked:
        parts.append(_below(board))
        if len(board.unranked) > _BELOW:
            parts.append(Text(f"and {len(board.unranked) - _BELOW} more not ranked", "dim"))
    parts.extend(Text(note, "dim") for note in board.notes)
    return parts


def _groups(rows: Sequence[Row]) -> list[str]:
    """Name what the candidates are grouped by: what was declared, or the params in it."""
    return list(dict.fromkeys(name for row in rows if row.candidate for name in row.candidate.by))


def _ranked(board: Leaderboard, rows: Sequence[Row], title: str = "") -> Table:
    others = [name for name in board.board.metrics if any(name in row.metrics for row in rows)]
    extra = list(dict.fromkeys(name for row in rows for name in row.columns))
    by = _groups(rows)
    columns = [
        Column("rank", number=True),
        Column(board.board.primary, number=True),
        Column("95% interval", spare=1),
        *(Column(name, number=True, spare=2) for name in others),
        *(Column(name, spare=place and 1) for place, name in enumerate(by)),
        Column("runs", number=True),
        Column("sets"),
        Column("spread", spare=1),
        *(Column(name) for name in extra),
        Column("model"),
        Column("commit"),
        Column("subject", shrinks=True),
        Column("author", shrinks=True, spare=6),
        Column("date", spare=4),
        Column("branch", shrinks=True, spare=3),
        Column("time", number=True, spare=5),
        Column("checked", spare=7),
    ]
    cells = []
    for row in rows:
        shared = sum(other.rank == row.rank for other in rows) > 1
        cells.append(
            [
                f"{row.rank}{'=' if shared else ''}",
                value_text(row.value),
                ends_text(row.interval),
                *(value_text(row.metrics[name]) if name in row.metrics else "" for name in others),
                *_candidate_cells(row, by),
                *(value_text(row.columns[name]) if name in row.columns else "" for name in extra),
                row.model or "",
                row.run.short,
                row.run.subject,
                row.run.author,
                f"{row.run.time:%Y-%m-%d}" if row.run.time else "",
                row.run.branch or "",
                seconds_text(row.seconds),
                row.integrity.status if row.integrity else "",
            ]
        )
    styles = ["bold" if row.rank == 1 else "" for row in rows]
    return without_empty(Table(tuple(columns), cells, styles, title))


def _below(board: Leaderboard) -> Table:
    rows = board.unranked[:_BELOW]
    by = _groups(rows)
    columns = (
        Column(board.board.primary, number=True),
        Column("state"),
        *(Column(name, spare=place and 1) for place, name in enumerate(by)),
        Column("runs", number=True),
        Column("sets"),
        Column("spread", spare=1),
        Column("model"),
        Column("commit"),
        Column("subject", shrinks=True),
        Column("why", shrinks=True),
    )
    cells = [
        [
            value_text(row.value),
            row.integrity.status if row.integrity else "unreadable",
            *_candidate_cells(row, by),
            row.model or "",
            row.run.short,
            row.run.subject,
            _why(row.reasons),
        ]
        for row in rows
    ]
    return without_empty(Table(columns, cells, ["dim"] * len(cells), "Not ranked"))


def _candidate_cells(row: Row, by: Sequence[str]) -> list[str]:
    found = row.candidate
    if found is None:
        return [*("" for _ in by), "", "", ""]
    spread = "" if found.deviation is None else f"{ends_text((found.low, found.high))}"
    covered = f"{found.covered} of {found.sets}" if found.sets > 1 else ""
    return [*(value_text(found.by.get(name)) for name in by), str(found.runs), covered, spread]


def _why(reasons: tuple[str, ...]) -> str:
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}" if reasons else ""


def _flat(board: Leaderboard) -> Table:
    """Give every row, ranked or not, with raw values: for a spreadsheet or a program."""
    apart = [row for rows in board.elsewhere.values() for row in rows]
    every = (*board.rows, *apart, *board.unranked)
    rows = [_row_dict(row) for row in every]
    extra = tuple(dict.fromkeys(name for row in rows for name in row["columns"]))
    by = _groups(every)
    gathered = ("runs", "covered", "sets", "low", "high", "deviation") if by else ()
    columns = [
        *("rank", board.board.primary, "low", "high", "within_noise_of_leader"),
        *board.board.metrics,
        *by,
        *("runs", "covered", "sets", "lowest", "highest", "deviation")[: len(gathered)],
        *extra,
        *_PLAIN,
        "reasons",
    ]
    cells = []
    for row in rows:
        candidate = row["candidate"] or {}
        values = (
            row["rank"],
            row["value"],
            *(row["interval"] or (None, None)),
            row["within_noise_of_leader"],
            *(row["metrics"].get(name) for name in board.board.metrics),
            *(candidate.get("by", {}).get(name) for name in by),
            *(candidate.get(key) for key in gathered),
            *(row["columns"].get(name) for name in extra),
            *(row[key] for key in _PLAIN),
            "; ".join(row["reasons"]),
        )
        cells.append(["" if cell is None else str(cell) for cell in values])
    return Table(tuple(Column(name) for name in columns), cells)
