"""What a revision's stages used: figures, timelines, energy and money, as blocks of a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeGuard

from fivefold.history.conventions import COST_FILE, TIMELINE_FILE
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.measures import is_number
from fivefold.history.reader import Reader
from fivefold.report import Block, Column, Section, Table, Text, charts
from fivefold.report import format as form

__all__ = ["Spent", "figures_tables", "read_spent", "timelines"]

# Fewer steps than that make no line.
_FEWEST_STEPS = 4
# More processors are told by their mean and the busiest.
_MOST_CORES = 16
_MEGA = 1e6

# Figure, heading, how it is written, what makes it that, how stages join.
_COLUMNS: tuple[tuple[str, Column, float, Any], ...] = (
    ("seconds", Column("time, s", "number"), 1, sum),
    ("cpu_seconds", Column("processors, s", "number"), 1, sum),
    ("mean_cores", Column("cores, mean", "number", 2), 1, None),
    ("peak_cores", Column("peak", "number", 2), 1, max),
    ("mean_memory_mb", Column("memory, mean", "size"), _MEGA, None),
    ("peak_memory_mb", Column("peak", "size"), _MEGA, max),
    ("disk_read_mb", Column("disk, read", "size"), _MEGA, sum),
    ("disk_written_mb", Column("written", "size"), _MEGA, sum),
    ("received_mb", Column("network, in", "size"), _MEGA, sum),
    ("sent_mb", Column("out", "size"), _MEGA, sum),
    ("stored_mb", Column("kept by DVC", "size"), _MEGA, sum),
    ("energy_wh", Column("energy, Wh", "number"), 1, sum),
    ("emissions_g", Column("CO2, g", "number"), 1, sum),
    ("cost", Column("cost", "number"), 1, sum),
)

_ON_THE_MACHINE = {key for key, *_ in _COLUMNS[:6]}
# Megabytes a second that are worth a picture.
_LEAST_RATE = 0.01


@dataclass(frozen=True)
class Spent:
    """What a revision records of its stages' use of the machine.

    Attributes
    ----------
    figures : dict of str to mapping
        The entries of ``metrics/profile.json`` by stage.
    timelines : dict of str to mapping
        The lines of ``metrics/timeline.jsonl`` by stage.
    profile : mapping
        The section of the params.
    currency : str
        That of the prices; empty where nothing has one.
    """

    figures: Mapping[str, Mapping[str, Any]]
    timelines: Mapping[str, Mapping[str, Any]]
    profile: Mapping[str, Any]
    currency: str


def read_spent(reader: Reader, snapshot: Snapshot) -> Spent:
    """Read what a revision records; what can't be read is left out."""
    blob = snapshot.blob(COST_FILE)
    raw = reader.file(snapshot, COST_FILE, blob).raw if blob is not None else None
    entries = raw.items() if isinstance(raw, Mapping) else ()
    lines: dict[str, Mapping[str, Any]] = {}
    blob = snapshot.blob(TIMELINE_FILE)
    if blob is not None:
        for line in snapshot.data(blob).decode(errors="replace").splitlines():
            with suppress(ValueError, TypeError, KeyError):
                found = json.loads(line)
                lines[str(found["stage"])] = found
    sections: dict[str, Mapping[str, Any]] = {}
    for file in reader.params(snapshot).values():
        if isinstance(file.raw, Mapping):
            sections |= {k: v for k, v in file.raw.items() if isinstance(v, Mapping)}
    return Spent(
        {str(stage): entry for stage, entry in entries if isinstance(entry, Mapping)},
        lines,
        sections.get("profile", {}),
        str(sections.get("prices", {}).get("currency") or ""),
    )


def figures_tables(figures: Mapping[str, Mapping[str, Any]], currency: str = "") -> list[Block]:
    """Give tables of the stages and of all of them; a column that is empty throughout is left out.

    Parameters
    ----------
    figures : mapping of str to mapping
        By stage.
    currency : str
        Stands beside the cost.
    """
    found: list[Block] = []
    for caption, keys in (
        ("Time, processors and memory", _ON_THE_MACHINE),
        ("Disk, network, energy and cost", {key for key, *_ in _COLUMNS} - _ON_THE_MACHINE),
    ):
        columns = [
            column
            for column in _COLUMNS
            if column[0] in keys and any(is_number(row.get(column[0])) for row in figures.values())
        ]
        if not columns:
            continue
        rows: list[list[object]] = [
            [stage, *(_scaled(row.get(key), factor) for key, _, factor, _ in columns)]
            for stage, row in figures.items()
        ]
        if len(rows) > 1:
            rows.append(["all stages", *(_joined(figures, *column) for column in columns)])
        heads: list[str | Column] = ["stage"]
        heads += [
            Column(f"cost, {currency}", "number") if key == "cost" and currency else column
            for key, column, _, _ in columns
        ]
        found.append(Table(heads, rows, caption))
    return found


def _scaled(value: Any, factor: float) -> float | None:
    return value * factor if is_number(value) else None


def _joined(
    figures: Mapping[str, Mapping[str, Any]], key: str, _: Column, factor: float, join: Any
) -> float | None:
    known = [value for row in figures.values() if is_number(value := row.get(key))]
    return join(known) * factor if join and known else None


def timelines(spent: Spent, most: int | None = None) -> list[Section]:
    """Draw the stages that took long enough to be drawn, the longest first where some are left out.

    Parameters
    ----------
    spent : Spent
    most : int, optional
        How many.
    """
    drawn = {
        stage: line for stage, line in spent.timelines.items() if _steps(line) >= _FEWEST_STEPS
    }
    if most is not None:
        longest = sorted(drawn, key=lambda stage: -_steps(drawn[stage]) * drawn[stage]["step"])
        drawn = {stage: drawn[stage] for stage in drawn if stage in longest[:most]}
    return [
        Section(stage, [*_charts(line), *_cores(line), *_cards(spent.figures.get(stage, {}))])
        for stage, line in drawn.items()
    ]


def _steps(line: Mapping[str, Any]) -> int:
    series = line.get("series")
    if not isinstance(series, Mapping) or not is_number(line.get("step")):
        return 0
    memory = series.get("memory_mb")
    return len(memory) if isinstance(memory, list) else 0


def _charts(line: Mapping[str, Any]) -> list[Block]:
    series, step = line["series"], float(line["step"])
    cards = sorted({name.partition("_")[0] for name in series if name.startswith("gpu")})
    wanted: list[tuple[str, dict[str, str]]] = [
        ("Processors that are busy", {"cpu_cores": "the stage", "machine_cores": "the machine"}),
        ("Memory, MB", {"memory_mb": "resident"}),
        ("Disk, MB a second", {"disk_read_mb": "read", "disk_written_mb": "written"}),
        ("Network, MB a second", {"received_mb": "received", "sent_mb": "sent"}),
        ("Processes", {"processes": "processes"}),
        *(
            (title, {f"{card}_{figure}": card.replace("gpu", "card ") for card in cards})
            for title, figure in (
                ("Cards: use", "use"),
                ("Cards: memory, MB", "memory_mb"),
                ("Cards: watts", "watts"),
            )
        ),
    ]
    found: list[Block] = []
    for title, names in wanted:
        held = {said: series[name] for name, said in names.items() if _is_line(series.get(name))}
        most = max((max(values) for values in held.values()), default=0.0)
        if most < _LEAST_RATE or (title == "Processes" and most <= 1):
            continue
        # A counter that was read less often ends earlier.
        long = max(map(len, held.values()))
        lines = {
            said: [*values, *[values[-1]] * (long - len(values))] for said, values in held.items()
        }
        found.append(
            charts.line(
                [round(step * (number + 1), 1) for number in range(long)],
                lines if len(lines) > 1 else next(iter(lines.values())),
                x_title="seconds",
                y_title="",
                zero=True,
                title=title,
                width="third",
            )
        )
    return found


def _is_line(values: Any) -> TypeGuard[list[float]]:
    return isinstance(values, list) and bool(values) and all(map(is_number, values))


def _cores(line: Mapping[str, Any]) -> list[Block]:
    machine = line.get("machine")
    if not isinstance(machine, Mapping):
        return []
    means, peaks = machine.get("mean_use"), machine.get("peak_use")
    if not (_is_line(means) and _is_line(peaks) and len(means) == len(peaks)):
        return []
    if len(means) > _MOST_CORES:
        return [
            Text(
                f"The machine's {len(means)} processors were busy "
                f"{form.percent(sum(means) / len(means))} of the time, the busiest "
                f"{form.percent(max(means))}."
            )
        ]
    heads: list[str | Column] = ["processor", Column("mean", "share"), Column("peak", "share")]
    rows = [(str(n), *pair) for n, pair in enumerate(zip(means, peaks, strict=True))]
    return [Table(heads, rows, "Each of the machine's processors, whoever used it")]


def _cards(row: Mapping[str, Any]) -> list[Block]:
    cards = row.get("gpus")
    if not isinstance(cards, Mapping):
        return []
    heads: list[str | Column] = [
        "card",
        Column("use, mean", "percent"),
        Column("peak", "percent"),
        Column("memory, mean", "size"),
        Column("peak", "size"),
        Column("watts, mean", "number"),
        Column("peak", "number"),
        Column("energy, Wh", "number"),
    ]
    rows = [
        [
            f"{number}: {card.get('name')}",
            card.get("mean_use"),
            card.get("peak_use"),
            _scaled(card.get("mean_memory_mb"), _MEGA),
            _scaled(card.get("peak_memory_mb"), _MEGA),
            card.get("mean_watts"),
            card.get("peak_watts"),
            card.get("energy_wh"),
        ]
        for number, card in cards.items()
        if isinstance(card, Mapping)
    ]
    return [Table(heads, rows, "Each card of the machine, whoever used it")]
