"""A leaderboard as a table, Markdown, JSON or CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fivefold.history.figures import as_json, ends_text, seconds_text, value_text
from fivefold.history.leaderboard.standings import Leaderboard, Row
from fivefold.history.tables import Column, Table, Text, draw, to_csv, to_markdown, without_empty

__all__ = ["render_leaderboard"]


def render_leaderboard(board: Leaderboard, format: str) -> str:  # noqa: A002  the option's name
    """Show a leaderboard.

    Parameters
    ----------
    board : Leaderboard
    format : {"table", "markdown", "json", "csv"}
    """
    if format == "json":
        return json.dumps(to_dict(board), indent=2, ensure_ascii=False)
    if format == "csv":
        return to_csv(_flat(board))
    parts = _parts(board)
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
        "seconds": row.seconds,
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
    for version, rows in board.elsewhere.items():
        parts.append(_ranked(board, rows, f"Judged on other data: {version}"))
    if board.unranked:
        parts.append(_below(board))
    parts.extend(Text(note, "dim") for note in board.notes)
    return parts


def _ranked(board: Leaderboard, rows: Sequence[Row], title: str = "") -> Table:
    others = [name for name in board.board.metrics if any(name in row.metrics for row in rows)]
    extra = list(dict.fromkeys(name for row in rows for name in row.columns))
    columns = [
        Column("rank", number=True),
        Column(board.board.primary, number=True),
        Column("95% interval", spare=1),
        *(Column(name, number=True, spare=2) for name in others),
        *(Column(name) for name in board.board.declaration.by),
        Column("runs", number=True),
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
                *_candidate_cells(row, board.board.declaration.by),
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
    columns = (
        Column(board.board.primary, number=True),
        Column("state"),
        Column("model"),
        Column("commit"),
        Column("subject", shrinks=True),
        Column("why", shrinks=True),
    )
    cells = [
        [
            value_text(row.value),
            row.integrity.status if row.integrity else "unreadable",
            row.model or "",
            row.run.short,
            row.run.subject,
            _why(row.reasons),
        ]
        for row in board.unranked
    ]
    return without_empty(Table(columns, cells, ["dim"] * len(cells), "Not ranked"))


def _candidate_cells(row: Row, by: tuple[str, ...]) -> list[str]:
    found = row.candidate
    if found is None:
        return [*("" for _ in by), "", ""]
    spread = "" if found.deviation is None else f"{ends_text((found.low, found.high))}"
    return [*(value_text(found.by.get(name)) for name in by), str(found.runs), spread]


def _why(reasons: tuple[str, ...]) -> str:
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}" if reasons else ""


def _flat(board: Leaderboard) -> Table:
    """Give every row, ranked or not, with raw values: for a spreadsheet or a program."""
    apart = [row for rows in board.elsewhere.values() for row in rows]
    rows = [_row_dict(row) for row in (*board.rows, *apart, *board.unranked)]
    extra = tuple(dict.fromkeys(name for row in rows for name in row["columns"]))
    plain = (
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
    columns = ["rank", board.board.primary, "low", "high", *board.board.metrics, *extra, *plain]
    columns.append("reasons")
    cells = [
        [
            "" if cell is None else str(cell)
            for cell in (
                row["rank"],
                row["value"],
                *(row["interval"] or (None, None)),
                *(row["metrics"].get(name) for name in board.board.metrics),
                *(row["columns"].get(name) for name in extra),
                *(row[key] for key in plain),
                "; ".join(row["reasons"]),
            )
        ]
        for row in rows
    ]
    return Table(tuple(Column(name) for name in columns), cells)
