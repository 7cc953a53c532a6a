"""Single runs, and runs side by side, for the terminal, as Markdown or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from fivefold.history.figures import (
    as_json,
    bytes_text,
    ends_text,
    seconds_text,
    value_text,
)
from fivefold.history.git.repository import WORKSPACE
from fivefold.history.leaderboard.details import Comparison, Details
from fivefold.history.leaderboard.standings import Leaderboard, Row
from fivefold.history.leaderboard.trials import trials_table
from fivefold.history.settings import SETTINGS
from fivefold.history.tables import Column, Table, Text, to_csv, to_markdown, without_empty
from fivefold.history.terminal import draw

__all__ = ["render_comparison", "render_details"]


def render_details(
    details: Details,
    board: Leaderboard | None,
    row: Row | None,
    format: str,  # noqa: A002  the option's name
    *,
    trials: int = 10,
) -> str:
    """Show one run: its place, metrics, trials, params, data, cost and integrity.

    Parameters
    ----------
    details : Details
    board : Leaderboard or None
        None where nothing can be ranked.
    row : Row or None
        Its row on the board; None where it isn't on it.
    format : {"table", "markdown", "json", "csv"}
        CSV holds the metrics.
    trials : int
        How many of its study's trials, the best first; JSON holds all.
    """
    if format == "json":
        return json.dumps(
            _details_dict(details, row), indent=2, ensure_ascii=False, allow_nan=False
        )
    metrics = _metrics(details)
    if format == "csv":
        return to_csv(metrics)
    run = details.run
    parts: list[Table | Text] = [Text(f"{run.short}  {run.subject}", "bold")]
    if run.time is not None:
        parts.append(Text(f"{run.author}, {run.time:%Y-%m-%d %H:%M}", "dim"))
    parts.append(Text(_place(board, row)))
    parts.extend(_candidate(row) if row is not None else ())
    integrity = details.integrity
    parts.append(Text(f"Checked: {'; '.join((integrity.status, *integrity.reasons))}"))
    if row is not None and row.data:
        parts.append(Text(f"Judged on: {row.data}"))
    if details.rerun is not None:
        parts.append(Text(f"Ran since its parent: {', '.join(details.rerun) or 'no stage'}"))
    parts.append(metrics)
    if details.trials.rows and trials:
        parts.append(trials_table(details.trials, trials))
    if details.cost:
        parts.append(_cost(details))
    if details.data:
        parts.append(_data(details))
    params = [[name, value_text(value, digits=12)] for name, value in details.params.items()]
    if params:
        columns = (Column("param"), Column("value", shrinks=True))
        parts.append(Table(columns, params, title="Params"))
    parts.extend(Text(problem, "worse") for problem in details.problems)
    return to_markdown(parts) if format == "markdown" else draw(parts)


def _place(board: Leaderboard | None, row: Row | None) -> str:
    if board is None:
        return f"Not ranked: nothing tells what to rank by (--metric, or metric in {SETTINGS})"
    if row is None:
        return (
            f"Not on the leaderboard of {board.board.primary}: no run of its own, on no branch "
            "walked, or left out by the board's conditions"
        )
    peers = next((rows for rows in board.elsewhere.values() if row in rows), None)
    if row.rank is None:
        place = f"Not ranked: {'; '.join(row.reasons)}"
    else:
        number = board.ranked if peers is None else len(peers)
        place = f"Rank {row.rank} of {number} by {board.board.primary}"
        if row.rank == 1 and row.level:
            place += " (within noise of the leader)"
    if peers is not None:
        place += f", among those judged on {row.data or 'unknown data'}"
    return place


def _candidate(row: Row) -> list[Text]:
    found = row.candidate
    if found is None:
        return []
    by = ", ".join(f"{name}={value_text(value)}" for name, value in found.by.items())
    spread = f", from {value_text(found.low)} to {value_text(found.high)}" if found.runs > 1 else ""
    covered = f"; {found.covered} of {found.sets} evaluation sets" if found.sets > 1 else ""
    runs = ", ".join(commit[:7] if commit != WORKSPACE else commit for commit in found.members)
    return [
        Text(f"Of the candidate {by}: {value_text(found.value)}{spread}{covered}"),
        Text(f"Its runs: {runs}"),
    ]


def _metrics(details: Details) -> Table:
    columns = (
        Column("metric"),
        Column("value", number=True, shrinks=True),
        Column("95% interval"),
        Column("without learning", number=True),
        Column("file"),
    )
    rows = [
        [
            name,
            value_text(measure.value),
            ends_text(measure.interval),
            value_text(details.baselines[name]) if name in details.baselines else "",
            measure.file,
        ]
        for name, measure in details.metrics.items()
    ]
    return without_empty(Table(columns, rows, title="Metrics"))


def _cost(details: Details) -> Table:
    rows = [
        [
            stage,
            seconds_text(row.get("seconds")),
            f"{row['peak_memory_mb']:.0f} MB" if "peak_memory_mb" in row else "",
            f"{row['cost']:.4g}" if "cost" in row else "",
        ]
        for stage, row in details.cost.items()
    ]
    total = sum(row.get("seconds", 0.0) for row in details.cost.values())
    paid = [row["cost"] for row in details.cost.values() if "cost" in row]
    rows.append(["all", seconds_text(total), "", f"{sum(paid):.4g}" if paid else ""])
    columns = (
        Column("stage"),
        Column("time", number=True),
        Column("peak memory", number=True),
        Column("cost", number=True),
    )
    return without_empty(Table(columns, rows, title="Cost"))


def _data(details: Details) -> Table:
    rows = [
        [
            path,
            item.value[:12],
            bytes_text(item.size),
            "" if item.files is None else str(item.files),
        ]
        for path, item in details.data.items()
    ]
    columns = (
        Column("path", shrinks=True),
        Column("hash"),
        Column("size", number=True),
        Column("files", number=True),
    )
    return without_empty(Table(columns, rows, title="Data"))


def _details_dict(details: Details, row: Row | None) -> dict[str, Any]:
    time = details.run.time
    return {
        "commit": details.run.id,
        "subject": details.run.subject,
        "author": details.run.author,
        "date": time.isoformat() if time else None,
        "branch": row.run.branch if row else None,
        "rank": row.rank if row else None,
        "reasons": list(row.reasons) if row else [],
        "integrity": {
            "status": details.integrity.status,
            "reasons": list(details.integrity.reasons),
        },
        "metrics": {
            name: {
                "value": as_json(measure.value),
                "interval": as_json(measure.interval),
                "baseline": as_json(details.baselines.get(name)),
                "file": measure.file,
            }
            for name, measure in details.metrics.items()
        },
        "params": as_json(dict(details.params)),
        "code": dict(details.code),
        "data": {
            path: {"hash": item.value, "size": item.size, "files": item.files}
            for path, item in details.data.items()
        },
        "cost": as_json({stage: dict(row) for stage, row in details.cost.items()}),
        "candidate": as_json(asdict(row.candidate)) if row and row.candidate else None,
        "judged_on": row.data if row else None,
        "stages_rerun": None if details.rerun is None else list(details.rerun),
        "trials": [dict(trial) for trial in details.trials.rows],
        "problems": list(details.problems),
    }


def render_comparison(
    runs: list[Details],
    rows: list[Comparison],
    format: str,  # noqa: A002  the option's name
    *,
    everything: bool = False,
) -> str:
    """Show runs side by side, what differs first.

    Parameters
    ----------
    runs : list of Details
    rows : list of Comparison
    format : {"table", "markdown", "json", "csv"}
    everything : bool, default=False
        Show what all runs have in common too; JSON and CSV always do.
    """
    if format == "json":
        found = {
            "runs": [{"name": run.name, "commit": run.run.id} for run in runs],
            "rows": [
                {
                    "section": row.section,
                    "name": row.name,
                    "values": as_json(row.values),
                    "differs": row.differs,
                }
                for row in rows
            ],
        }
        return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
    shown = [row for row in rows if everything or row.differs or format == "csv"]
    columns = (
        Column("kind"),
        Column("name", shrinks=True),
        *(Column(_title(run), shrinks=True) for run in runs),
    )
    cells = [[row.section, row.name, *(_cell(row, value) for value in row.values)] for row in shown]
    table = Table(columns, cells, ["" if row.differs else "dim" for row in shown])
    if format == "csv":
        return to_csv(table)
    same = len(rows) - len(shown)
    parts: list[Table | Text] = [table] if cells else [Text("Nothing differs", "bold")]
    if same:
        parts.append(Text(f"{same} values are the same (--everything shows them)", "dim"))
    return to_markdown(parts) if format == "markdown" else draw(parts)


def _title(run: Details) -> str:
    short = run.run.short
    return short if run.name.startswith(short) or short == run.name else f"{run.name} {short}"


def _cell(row: Comparison, value: Any) -> str:
    if value is None:
        return "–"  # noqa: RUF001  a dash for people to read
    return str(value)[:8] if row.section in ("data", "code") else value_text(value)
