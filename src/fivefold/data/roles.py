"""What a schema's roles must not be, given the plan and what cleaning found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.errors import nearest
from fivefold.objective import Objective
from fivefold.table import TableSchema

__all__ = ["role_violations"]


def role_violations(
    schema: TableSchema, audit: Mapping[str, Any], objective: Objective
) -> list[str]:
    """Say what is wrong with the roles.

    Parameters
    ----------
    schema : TableSchema
        All declared columns.
    audit : mapping
        The findings of clean.
    objective : Objective
        The plan's target and task.

    Returns
    -------
    list of str
        A line per violation.
    """
    found = list(_target(schema, objective))
    features = set(schema.features)
    for name in schema.features:
        dtype = schema.columns[name].dtype
        if dtype in ("datetime", "date"):
            found.append(
                f"{name}: a {dtype} can't be a feature; derive its parts with "
                "fivefold.data.cleaning.date_parts, and give it role: time or ignored"
            )
    if not features:
        found.append("no column is a feature; give role: feature to what is known beforehand")
    found.extend(
        f"{finding['column']}: a feature that gives the target away: {finding['detail']}; "
        "give it role: outcome if it is known only afterwards, or drop it in clean.steps"
        for finding in audit.get("findings", [])
        if finding["kind"] == "leak" and finding["column"] in features
    )
    return found


def _target(schema: TableSchema, objective: Objective) -> list[str]:
    targets = schema.with_role("target")
    wanted = objective.target
    if targets == [wanted]:
        column = schema.columns[wanted]
        if column.nullable:
            return [f"{wanted}: the target can't be nullable; drop the rows without it"]
        if objective.task == "regression" and column.dtype not in ("integer", "number"):
            return [f"{wanted}: a regression needs a number, and the schema says {column.dtype}"]
        return []
    if wanted not in schema.columns:
        near = nearest(wanted, schema.columns)
        return [f"{wanted}: the plan's target is not in the schema" + (f"; {near}" if near else "")]
    others = ", ".join(name for name in targets if name != wanted)
    return [
        f"{wanted}: the plan's target must be the one column with role: target"
        + (f", not {others}" if others else f", and has role: {schema.columns[wanted].role}")
    ]
