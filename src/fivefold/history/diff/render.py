"""A diff for the terminal, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from fivefold.history.diff.changes import Diff, Gate
from fivefold.history.diff.markdown import MAX_BYTES, write_markdown
from fivefold.history.diff.sections import Diagram, ReportSection, report_sections
from fivefold.history.figures import as_json
from fivefold.history.git.repository import Revision
from fivefold.history.tables import Table, Text
from fivefold.history.terminal import draw

__all__ = ["render_diff", "render_terminal", "to_dict"]


def render_diff(
    diff: Diff,
    format: str,  # noqa: A002
    *,
    everything: bool = False,
    max_bytes: int = MAX_BYTES,
) -> str:
    """Show a diff.

    Parameters
    ----------
    diff : Diff
    format : {"terminal", "markdown", "json"}
    everything : bool, default=False
        Show the metrics that didn't change too.
    max_bytes : int, default=65000
        The most that Markdown may take.
    """
    if format == "json":
        return json.dumps(to_dict(diff), indent=2, ensure_ascii=False)
    sections = report_sections(diff, everything=everything)
    if format == "markdown":
        return write_markdown(sections, max_bytes=max_bytes)
    return render_terminal(sections)


def render_terminal(sections: Sequence[ReportSection]) -> str:
    """Draw sections for the terminal that standard output is."""
    parts: list[Table | Text] = []
    for section in sections:
        shown = [part for part in section.parts if not isinstance(part, Diagram)]
        if section.name == "notes":
            # Quiet lines need no heading, but air.
            parts += [Text(""), *shown]
        elif not section.title:
            parts += shown
        elif shown and isinstance(shown[0], Table):
            parts += [replace(shown[0], title=section.title), *shown[1:]]
        else:
            parts += [Text(""), Text(section.title, "bold"), *shown]
    return draw(parts)


def to_dict(diff: Diff) -> dict[str, Any]:
    """Give a diff as JSON holds it; values are as in the files, to the last digit."""
    return {
        "base": _revision(diff.base),
        "head": _revision(diff.head),
        "verdict": diff.verdict,
        "outcome": diff.outcome,
        "primary": diff.primary,
        "passed": diff.passed,
        "gates": [_gate(gate) for gate in diff.gates],
        "metrics": [_slots(change) for change in diff.metrics],
        "params": [_slots(change) for change in diff.params],
        "code": list(diff.code),
        "inputs": [_slots(change) for change in diff.inputs],
        "data": [_slots(change) for change in diff.data],
        "stages": [_slots(change) for change in diff.stages],
        "cost": [_slots(change) for change in diff.cost],
        "slices": _slots(diff.slices) if diff.slices else None,
        "tables": [_slots(table) for table in diff.tables],
        "exploration": _slots(diff.exploration) if diff.exploration else None,
        "place": _slots(diff.place) if diff.place else None,
        "integrity": {name: _slots(found) for name, found in diff.integrity.items()},
        "notes": list(diff.notes),
    }


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "name": revision.name,
        "commit": str(revision.commit.id) if revision.commit else None,
    }


def _gate(gate: Gate) -> dict[str, Any]:
    return {**_slots(gate), "state": gate.state}


def _slots(item: Any) -> dict[str, Any]:
    return {key: as_json(value) for key, value in asdict(item).items()}
