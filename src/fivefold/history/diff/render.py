"""A diff for the terminal, as Markdown or as JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from fivefold.history.diff.changes import CostChange, DataChange, Diff, MetricChange, ParamChange
from fivefold.history.dvc.lock import Hash
from fivefold.history.figures import (
    arrow,
    as_json,
    bytes_text,
    change_text,
    ends_text,
    seconds_text,
    value_text,
)
from fivefold.history.git.repository import Revision
from fivefold.history.tables import Column, Table, Text, draw, to_markdown

__all__ = ["render_diff"]

_WORDS = {"noise": "within noise", "added": "new", "removed": "gone"}


def render_diff(diff: Diff, format: str, *, everything: bool = False) -> str:  # noqa: A002
    """Show a diff.

    Parameters
    ----------
    diff : Diff
    format : {"terminal", "markdown", "json"}
    everything : bool, default=False
        Show the metrics that didn't change too.
    """
    if format == "json":
        return json.dumps(to_dict(diff), indent=2, ensure_ascii=False)
    parts = _parts(diff, everything=everything)
    return to_markdown(parts) if format == "markdown" else draw(parts)


def _parts(diff: Diff, *, everything: bool) -> list[Table | Text]:
    verdict = Text(diff.verdict[:1].upper() + diff.verdict[1:], "bold")
    notes = [Text(note, "dim") for note in diff.notes]
    if diff.is_empty:
        return [verdict, *notes]
    parts: list[Table | Text] = [verdict, Text(f"{diff.base.label} → {diff.head.label}", "dim")]
    tables = (
        _gates(diff),
        _metrics(diff, everything=everything),
        _params(diff.params),
        _lines("Code changed", diff.code),
        _data("Inputs changed", diff.inputs),
        _data("Data changed", diff.data),
        _stages(diff),
        _cost(diff.cost),
    )
    parts.extend(table for table in tables if table is not None)
    hidden = sum(change.judgement == "same" for change in diff.metrics)
    if hidden and not everything:
        plural = "s" if hidden > 1 else ""
        parts.append(Text(f"{hidden} metric{plural} unchanged (--everything shows them)", "dim"))
    return [*parts, *notes]


def _gates(diff: Diff) -> Table | None:
    if not diff.gates:
        return None
    columns = (
        Column("gate"),
        Column("metric"),
        Column("asked"),
        Column("is", number=True),
        Column(""),
    )
    rows, styles = [], []
    for gate in diff.gates:
        value = "missing" if gate.value is None else value_text(gate.value)
        word = "passed" if gate.passed else "failed" if gate.required else "not reached"
        name = gate.name if gate.kind == "threshold" else "guardrail"
        rows.append([name, gate.metric, f"{gate.relation} {gate.limit:g}", value, word])
        styles.append("better" if gate.passed else "worse" if gate.required else "dim")
    return Table(columns, rows, styles, "Gates")


def _metrics(diff: Diff, *, everything: bool) -> Table | None:
    shown = [
        change
        for change in diff.metrics
        if everything or change.judgement != "same" or change.name == diff.primary
    ]
    if not shown:
        return None
    columns: tuple[Column, ...] = (
        Column("metric", shrinks=True),
        Column("base", number=True),
        Column("head", number=True),
        Column("change", number=True),
        Column("95% interval of head", spare=1),
        Column(""),
    )
    rows = [
        [
            # Two files may hold a metric of one name: the file's stem tells them apart.
            re.sub(r"^(?:.*/)?([^/:]+)\.(?:json|ya?ml|toml|py):", r"\1: ", change.name),
            "" if change.judgement == "added" else _side(change.base, change),
            "" if change.judgement == "removed" else _side(change.head, change),
            change_text(change.change),
            ends_text(change.head_interval),
            _word(change),
        ]
        for change in shown
    ]
    if not any(row[4] for row in rows):
        columns = (*columns[:4], columns[5])
        rows = [[*row[:4], row[5]] for row in rows]
    return Table(columns, rows, [change.judgement for change in shown], "Metrics")


def _side(value: Any, change: MetricChange) -> str:
    unknown = change.judgement == "unreadable" and value is None
    return "?" if unknown else value_text(value)


def _word(change: MetricChange) -> str:
    word = _WORDS.get(change.judgement, change.judgement)
    guessed = change.source == "guessed" and change.judgement in ("better", "worse")
    return f"{word} (guessed)" if guessed else word


def _params(changes: tuple[ParamChange, ...]) -> Table | None:
    if not changes:
        return None
    files = {change.file for change in changes}
    rows = [
        [
            change.name if len(files) == 1 else f"{change.file}:{change.name}",
            "" if change.kind == "added" else value_text(change.base, digits=12),
            "" if change.kind == "removed" else value_text(change.head, digits=12),
        ]
        for change in changes
    ]
    columns = (Column("param"), Column("base", shrinks=True), Column("head", shrinks=True))
    return Table(columns, rows, title="Params changed")


def _lines(title: str, names: tuple[str, ...]) -> Text | None:
    return Text(f"{title}: {', '.join(names)}") if names else None


def _data(title: str, changes: tuple[DataChange, ...]) -> Table | None:
    if not changes:
        return None
    rows = [
        [
            change.path,
            arrow(_hash_text(change.base), _hash_text(change.head)),
            arrow(
                bytes_text(change.base.size if change.base else None),
                bytes_text(change.head.size if change.head else None),
            ),
            _files_text(change),
        ]
        for change in changes
    ]
    columns: tuple[Column, ...] = (
        Column("path", shrinks=True),
        Column("hash"),
        Column("size"),
        Column("files"),
    )
    if not any(row[3] for row in rows):
        columns, rows = columns[:3], [row[:3] for row in rows]
    return Table(columns, rows, title=title)


def _hash_text(item: Hash | None) -> str:
    return item.value[:8] if item else ""


def _files_text(change: DataChange) -> str:
    sides = [item.files if item else None for item in (change.base, change.head)]
    if sides == [None, None]:
        return ""
    old, new = ("" if count is None else str(count) for count in sides)
    return arrow(old, new)


def _stages(diff: Diff) -> Table | None:
    if not diff.stages:
        return None
    rows = [[stage.name, stage.kind, ", ".join(stage.because)] for stage in diff.stages]
    columns = (Column("stage"), Column(""), Column("because of", shrinks=True))
    return Table(columns, rows, title="Stages")


def _cost(changes: tuple[CostChange, ...]) -> Table | None:
    # A stage that didn't run again keeps its old figures, and says nothing.
    shown = [
        change
        for change in changes
        if (change.base_seconds, change.base_memory) != (change.head_seconds, change.head_memory)
    ]
    if not shown:
        return None
    rows = [
        [
            change.stage,
            arrow(seconds_text(change.base_seconds), seconds_text(change.head_seconds)),
            arrow(_memory(change.base_memory), _memory(change.head_memory)),
        ]
        for change in shown
    ]
    return Table((Column("stage"), Column("time"), Column("peak memory")), rows, title="Cost")


def _memory(megabytes: float | None) -> str:
    return "" if megabytes is None else f"{megabytes:.0f} MB"


def to_dict(diff: Diff) -> dict[str, Any]:
    """Give a diff as JSON holds it; values are as in the files, to the last digit."""
    return {
        "base": _revision(diff.base),
        "head": _revision(diff.head),
        "verdict": diff.verdict,
        "outcome": diff.outcome,
        "primary": diff.primary,
        "gates": [_slots(gate) for gate in diff.gates],
        "metrics": [_slots(change) for change in diff.metrics],
        "params": [_slots(change) for change in diff.params],
        "code": list(diff.code),
        "inputs": [_slots(change) for change in diff.inputs],
        "data": [_slots(change) for change in diff.data],
        "stages": [_slots(change) for change in diff.stages],
        "cost": [_slots(change) for change in diff.cost],
        "integrity": {name: _slots(found) for name, found in diff.integrity.items()},
        "notes": list(diff.notes),
    }


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "name": revision.name,
        "commit": str(revision.commit.id) if revision.commit else None,
    }


def _slots(item: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {key: as_json(value) for key, value in asdict(item).items()}
