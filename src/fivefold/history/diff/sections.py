"""A diff as a list of sections, which every format writes in its own way.

Who has no room for all of them drops the least important first: that is how a report gets into a
pull request whose body may only be so long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fivefold.history.diff.changes import Diff
from fivefold.history.diff.evidence_parts import slice_parts, table_parts
from fivefold.history.diff.exploration_parts import exploration_parts
from fivefold.history.diff.mermaid import curves_chart, stages_flowchart
from fivefold.history.diff.overlays import Overlay
from fivefold.history.diff.parts import (
    cost_table,
    data_table,
    gate_parts,
    metric_table,
    param_table,
    place_parts,
    stage_table,
)
from fivefold.history.tables import Table, Text

__all__ = ["Diagram", "Part", "ReportSection", "report_sections"]

# Longer tables are folded in a pull request.
_LONG = 12


@dataclass(frozen=True, slots=True)
class Diagram:
    """A picture as Mermaid's text, for formats that draw it."""

    source: str


Part = Table | Text | Diagram


@dataclass(frozen=True, slots=True)
class ReportSection:
    """One section of a report.

    Attributes
    ----------
    name : str
        Names it among the sections: ``gates``, ``metrics``.
    title : str
        Its heading; the first section, the verdict, has none.
    parts : tuple of Table, Text or Diagram
    priority : int
        0 for what is never dropped; the highest is dropped first.
    folded : bool
        Whether it opens on a click where that is possible.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    priority: int
    folded: bool = False


def report_sections(
    diff: Diff, *, overlays: Sequence[Overlay] = (), everything: bool = False
) -> tuple[ReportSection, ...]:
    """Give a diff's sections in the order to read them; empty ones are left out.

    Parameters
    ----------
    diff : Diff
    overlays : sequence of Overlay
        Both revisions' curves, for the pictures.
    everything : bool, default=False
        Show the metrics that didn't change too.
    """
    verdict = [
        Text(diff.verdict[:1].upper() + diff.verdict[1:], "bold"),
        Text(f"{diff.base.label} → {diff.head.label}", "dim"),
    ]
    notes: list[Part] = [Text(note, "dim") for note in diff.notes]
    gates = list(gate_parts(diff.gates))
    if diff.is_empty:
        found = [
            ReportSection("verdict", "", tuple(verdict[:1]), 0),
            ReportSection("notes", "Notes", tuple(notes), 2),
        ]
        return tuple(section for section in found if section.parts)
    metrics = _parts(metric_table(diff, everything=everything))
    hidden = sum(change.judgement == "same" for change in diff.metrics)
    if hidden and not everything:
        plural = "s" if hidden > 1 else ""
        metrics.append(Text(f"{hidden} metric{plural} unchanged", "dim"))
    params: list[Part] = [*_parts(param_table(diff.params))]
    if diff.code:
        params.append(Text(f"Code changed: {', '.join(diff.code)}"))
    found = [
        ReportSection("verdict", "", tuple(verdict), 0),
        ReportSection("gates", "Gates", tuple(gates), 1),
        _section("metrics", "Metrics", metrics, 2),
        _section("slices", "Slices", slice_parts(diff.slices, everything=everything), 3),
        ReportSection("place", "Place on the leaderboard", tuple(place_parts(diff)), 3),
        _section("params", "Params changed" if diff.params else "Code", params, 4),
        _section("inputs", "Inputs changed", _parts(data_table(diff.inputs)), 6),
        _section("data", "Data changed", _parts(data_table(diff.data)), 5),
        _section("tables", "Inside the data", table_parts(diff.tables, everything=everything), 5),
        _section(
            "exploration",
            "What the data says",
            exploration_parts(diff.exploration, everything=everything),
            5,
        ),
        _section("stages", "Stages", _stages(diff), 7),
        _section("cost", "Cost and time", _parts(cost_table(diff.cost)), 8),
        ReportSection("pictures", "Curves", _pictures(overlays), 9, folded=True),
        ReportSection("notes", "Notes", tuple(notes), 2),
    ]
    return tuple(section for section in found if section.parts)


def _parts(*parts: Part | None) -> list[Part]:
    return [part for part in parts if part is not None]


def _section(name: str, title: str, parts: Sequence[Part], priority: int) -> ReportSection:
    long = any(isinstance(part, Table) and len(part.rows) > _LONG for part in parts)
    # What matters most is never a click away.
    return ReportSection(name, title, tuple(parts), priority, folded=long and priority > 2)


def _stages(diff: Diff) -> list[Part]:
    table = stage_table(diff)
    if table is None:
        return []
    ran = {stage.name for stage in diff.stages if stage.kind != "removed"}
    chart = stages_flowchart(diff.lineage, (), ran)
    return _parts(table, Diagram(chart) if chart else None)


def _pictures(overlays: Sequence[Overlay]) -> tuple[Part, ...]:
    """Draw the curves of the unit square; Mermaid has no other axes that fit."""
    parts: list[Part] = []
    for overlay in overlays:
        sides = {series.side: series for series in overlay.series}
        if (
            not overlay.unit
            or overlay.end < 1
            or set(sides) != {"base", "head"}
            or len(overlay.series) != 2
        ):
            continue
        curves = [(sides[side].x, sides[side].y) for side in ("base", "head")]
        chart = curves_chart(overlay.title, (overlay.x, overlay.y), curves)
        if chart:
            parts += [Text(f"{overlay.title}: the base in grey, the head in blue."), Diagram(chart)]
    return tuple(parts)
