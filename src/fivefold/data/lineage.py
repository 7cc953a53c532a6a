"""Where each column of the cleaned table came from: a source's column, or a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["column_sources"]


def column_sources(
    names: Iterable[str], integrated: Mapping[str, Any], audit: Mapping[str, Any]
) -> dict[str, str]:
    """Word the source of each column, as far as the reports tell.

    Parameters
    ----------
    names : iterable of str
        The table's columns.
    integrated : mapping
        The report of integrate; its ``lineage`` says where its columns came from.
    audit : mapping
        The audit of clean; its steps say which columns they added.

    Returns
    -------
    dict of str to str
        Such as ``weather.temp``, or ``clean.steps.3 (date_parts)``; a column that neither report
        knows is left out.
    """
    lineage = integrated.get("lineage", {})
    found = {name: _origin(lineage[name]) for name in names if name in lineage}
    for number, step in enumerate(audit.get("steps", [])):
        function = str(step["step"]).rpartition(".")[2]
        for name in step["columns_added"]:
            found[name] = f"clean.steps.{number} ({function})"
    return {name: found[name] for name in names if name in found}


def _origin(entry: Mapping[str, Any]) -> str:
    if "sources" in entry:
        joint = " or else " if entry.get("by") == "precedence" else " and "
        return joint.join(_origin(each) for each in entry["sources"])
    column = entry.get("column")
    return f"{entry['source']}.{column}" if column is not None else str(entry["source"])
