"""Validate: hold the cleaned table against the schema that the user owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.errors import ConfigError, SchemaError, nearest
from fivefold.objective import Objective
from fivefold.table import Column, TableSchema

__all__ = ["ValidateConfig", "Validated", "validate"]

ON_EXTRA = ("error", "ignore")


@dataclass(frozen=True)
class ValidateConfig:
    """What the table must be.

    Attributes
    ----------
    columns : dict of str to Column
        Type, role and bounds by column.
    key : list of str
        The columns that name a row in a message; the first ones of the table if empty.
    engine : str
        What reads the table: pandas, polars or duckdb.
    on_extra_columns : {"error", "ignore"}
        What to do about a column that the schema does not have; an ignored one is kept in the
        table, and used for nothing.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    key: list[str] = field(default_factory=list)
    engine: str = "polars"
    on_extra_columns: str = "error"

    def __post_init__(self) -> None:
        if self.on_extra_columns not in ON_EXTRA:
            raise ConfigError(
                "what to do about extra columns is unknown",
                where="validate.on_extra_columns",
                got=self.on_extra_columns,
                allowed=ON_EXTRA,
                hint=nearest(self.on_extra_columns, ON_EXTRA),
            )


@dataclass(frozen=True)
class Validated:
    """A table that is as declared.

    Attributes
    ----------
    schema : TableSchema
        The declared columns, in the table's order.
    report : dict
        Rows, checks, the columns of each role, and what a reviewer should look at.
    """

    schema: TableSchema
    report: dict[str, Any]


def validate(
    table: nw.LazyFrame[Any],
    audit: Mapping[str, Any],
    objective: Objective,
    config: ValidateConfig,
) -> Validated:
    """Check the table's columns, roles and cells.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The cleaned rows.
    audit : mapping
        What clean found: a column that gives the target away must not be a feature.
    objective : Objective
        Names the target and the task.
    config : ValidateConfig
        The schema.

    Raises
    ------
    SchemaError
        All violations, in one message.
    """
    if not config.columns:
        raise SchemaError(
            "no column is declared",
            where="validate.columns",
            hint="fivefold schema infer, then look through conf/schema.yaml: it is yours",
        )
    # Imported here: pandera, which takes a second.
    from fivefold.data.roles import role_violations
    from fivefold.data.violations import cell_violations, count_checks, structure_violations

    names = table.collect_schema().names()
    schema = TableSchema({name: config.columns[name] for name in names if name in config.columns})
    found = structure_violations(table, config.columns, config.on_extra_columns == "error")
    found += role_violations(TableSchema(config.columns), audit, objective)
    found += cell_violations(table, schema, config.key, objective)
    if found:
        raise SchemaError(
            "the table violates the schema"
            if len(found) == 1
            else f"the table violates the schema in {len(found)} ways",
            where="validate.columns, in conf/schema.yaml",
            got="\n".join(found[:_MOST])
            + (f"\nand {len(found) - _MOST} more" if len(found) > _MOST else ""),
            hint="mend the data in clean.steps, or the schema if the data is right",
        )
    roles = {role: schema.with_role(role) for role in _ROLES}
    report = {
        "rows": _rows(table),
        "columns": len(names),
        "checks": count_checks(schema),
        "features": schema.features,
        "roles": {role: columns for role, columns in roles.items() if columns},
        "extra_columns": [name for name in names if name not in config.columns],
        "look_at": [dict(item) for item in audit.get("findings", []) if item["kind"] != "leak"],
    }
    return Validated(schema, report)


_MOST = 20
_ROLES: tuple[Any, ...] = (
    "target", "feature", "identifier", "time", "group", "sensitive", "outcome", "ignored",
)  # fmt: skip


def _rows(table: nw.LazyFrame[Any]) -> int:
    from fivefold.data.values import single

    return int(single(table.select(nw.len().alias("rows")))["rows"])
