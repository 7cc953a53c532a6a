"""The tables of a diff, one function a section; what has nothing to show gives nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fivefold.history.diff.changes import (
    CostChange,
    DataChange,
    Diff,
    Gate,
    MetricChange,
    ParamChange,
    Place,
)
from fivefold.history.diff.sparklines import sparkline
from fivefold.history.dvc.lock import Hash
from fivefold.history.figures import (
    arrow,
    bytes_text,
    change_text,
    ends_text,
    seconds_text,
    value_text,
)
from fivefold.history.tables import Column, Table, Text, without_empty

__all__ = [
    "cost_table",
    "data_table",
    "gate_parts",
    "metric_table",
    "param_table",
    "place_parts",
    "place_text",
    "short_name",
    "stage_table",
]

_WORDS = {"noise": "within noise", "added": "new", "removed": "gone"}
_STATES = ("failed", "allowed", "not reached", "not recorded", "passed")
_STYLES = {"failed": "worse", "allowed": "noise", "passed": "better"}


def gate_parts(gates: Iterable[Gate]) -> list[Table | Text]:
    """Show the gates, those that fail first, and below them what their figures don't say."""
    ordered = sorted(gates, key=lambda gate: _STATES.index(gate.state))
    if not ordered:
        return []
    columns = (
        Column("gate", shrinks=True),
        Column("asked"),
        Column("is", number=True),
        Column("result"),
    )
    rows = [[gate.name, _asked(gate), _is(gate), gate.state] for gate in ordered]
    table = Table(columns, rows, [_STYLES.get(gate.state, "dim") for gate in ordered])
    notes: list[Table | Text] = []
    for gate in ordered:
        if gate.allowed is not None:
            notes.append(Text(f"{gate.name} is allowed: {gate.allowed}", "noise"))
        told = gate.failed or gate.allowed is not None or gate.kind == "guardrail"
        if gate.note and told:
            notes.append(Text(f"{gate.name}: {gate.note}", "dim"))
    return [table, *notes]


def _asked(gate: Gate) -> str:
    return f"{gate.metric} {gate.asks}"


def _is(gate: Gate) -> str:
    if gate.value is None:
        return "dropped" if gate.kind == "weakened" else "missing" if gate.required else "–"  # noqa: RUF001
    if gate.kind == "integrity":
        # The rest names the very results, which is for exceptions to compare.
        return str(gate.value).partition(",")[0]
    return value_text(gate.value, digits=4 if gate.kind == "budget" else 6)


def metric_table(diff: Diff, *, everything: bool) -> Table | None:
    """Show the metrics that changed, and the primary one in any case."""
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
        Column("on the rows of both", number=True),
        Column("95% interval of change", spare=1),
        Column("95% interval of head", spare=1),
        Column("verdict"),
    )
    # Where nothing bounds the change itself, the head's own interval is better than none.
    by_change = any(change.interval for change in shown)
    rows = [
        [
            short_name(change.name),
            "" if change.judgement == "added" else _side(change.base, change),
            "" if change.judgement == "removed" else _side(change.head, change),
            change_text(change.change),
            change_text(change.common_change),
            ends_text(change.interval) if change.change else "",
            "" if by_change else ends_text(change.head_interval),
            _word(change),
        ]
        for change in shown
    ]
    return without_empty(Table(columns, rows, [change.judgement for change in shown]))


def short_name(name: str) -> str:
    """Write a metric's name; where two files hold one of that name, with the file's stem."""
    return re.sub(r"^(?:.*/)?([^/:]+)\.(?:json|ya?ml|toml|py):", r"\1: ", name)


def _side(value: Any, change: MetricChange) -> str:
    unknown = change.judgement == "unreadable" and value is None
    return "?" if unknown else value_text(value)


def _word(change: MetricChange) -> str:
    word = _WORDS.get(change.judgement, change.judgement)
    if change.p_value is not None:
        word += f", p {change.p_value:.2g}"
    guessed = change.source == "guessed" and change.judgement in ("better", "worse")
    return f"{word} (guessed)" if guessed else word


def place_text(place: Place) -> str:
    """Say where the head stands: ``2 of 14 by roc_auc, shared with 1a2b3c4, was 5``."""
    by = f"by {place.metric}" + (f" on the board {place.board}" if place.board else "")
    was = "" if place.was is None or place.was == place.rank else f", was {place.was}"
    if place.rank is None:
        why = f": {'; '.join(place.reasons[:2])}" if place.reasons else ""
        return f"Not ranked {by}{why}" + (f"; the base is {place.was}" if place.was else "")
    shared = ""
    if place.shared:
        named = ", ".join(place.shared[:3])
        more = len(place.shared) - 3
        shared = f", shared with {named}" + (f" and {more} more" if more > 0 else "")
    taken = f"; {place.unchecked} of them not looked into" if place.unchecked else ""
    return f"{place.rank} of {place.ranked} {by}{shared}{was}{taken}"


def place_parts(diff: Diff) -> list[Table | Text]:
    """Show the place on the leaderboard, and the metric over the history as blocks."""
    if diff.place is None:
        return []
    parts: list[Table | Text] = [Text(place_text(diff.place))]
    values = [value for _, value in diff.place.trend]
    if len(values) > 1:
        parts.append(
            Text(
                f"{diff.place.metric} over the ranked runs: {sparkline(values)} "
                f"({min(values):.4g} to {max(values):.4g}, last {values[-1]:.4g})"
            )
        )
    return parts


def param_table(changes: tuple[ParamChange, ...]) -> Table | None:
    """Show the params that differ."""
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
    columns = (
        Column("param"),
        Column("base", shrinks=True),
        Column("head", shrinks=True),
    )
    return Table(columns, rows)


def data_table(changes: tuple[DataChange, ...]) -> Table | None:
    """Show what data or input has another hash."""
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
    columns = (
        Column("path", shrinks=True),
        Column("hash"),
        Column("size"),
        Column("files", spare=1),
    )
    return without_empty(Table(columns, rows))


def _hash_text(item: Hash | None) -> str:
    return item.value[:8] if item else ""


def _files_text(change: DataChange) -> str:
    sides = [item.files if item else None for item in (change.base, change.head)]
    if sides == [None, None]:
        return ""
    old, new = ("" if count is None else str(count) for count in sides)
    return arrow(old, new)


def stage_table(diff: Diff) -> Table | None:
    """Show the stages that ran again, with what changed for them."""
    if not diff.stages:
        return None
    rows = [[stage.name, stage.kind, ", ".join(stage.because)] for stage in diff.stages]
    columns = (Column("stage"), Column("run"), Column("because of", shrinks=True))
    return Table(columns, rows)


def cost_table(changes: tuple[CostChange, ...]) -> Table | None:
    """Show time and memory of all stages together, and of those that ran again."""
    # A stage that didn't run again keeps its old figures, and says nothing.
    shown = [
        change
        for change in changes
        if (change.base_seconds, change.base_memory, change.base_cost)
        != (change.head_seconds, change.head_memory, change.head_cost)
    ]
    if not shown:
        return None
    rows = [_cost_row(change) for change in shown]
    if len(changes) > 1:
        rows.insert(0, _cost_row(_total(changes)))
    columns = (
        Column("stage"),
        Column("time"),
        Column("change", number=True),
        Column("peak memory"),
        Column("cost"),
    )
    return without_empty(Table(columns, rows))


def _total(changes: tuple[CostChange, ...]) -> CostChange:
    def total(values: Iterable[float | None], summed: Any = sum) -> float | None:
        known = [value for value in values if value is not None]
        return summed(known) if known else None

    return CostChange(
        "all stages",
        total(change.base_seconds for change in changes),
        total(change.head_seconds for change in changes),
        total((change.base_memory for change in changes), max),
        total((change.head_memory for change in changes), max),
        total(change.base_cost for change in changes),
        total(change.head_cost for change in changes),
    )


def _cost_row(change: CostChange) -> list[str]:
    costs = (change.base_cost, change.head_cost)
    return [
        change.stage,
        arrow(seconds_text(change.base_seconds), seconds_text(change.head_seconds)),
        _share(change.base_seconds, change.head_seconds),
        arrow(_memory(change.base_memory), _memory(change.head_memory)),
        "" if costs == (None, None) else arrow(*("" if c is None else f"{c:.4g}" for c in costs)),
    ]


def _share(base: float | None, head: float | None) -> str:
    return "" if not base or head is None else f"{head / base - 1:+.0%}"


def _memory(megabytes: float | None) -> str:
    return "" if megabytes is None else f"{megabytes:.0f} MB"
