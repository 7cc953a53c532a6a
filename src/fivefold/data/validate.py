"""Validate: hold the cleaned table against the schema that the user owns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw

from fivefold.data.keys import count_rows
from fivefold.data.lineage import column_sources
from fivefold.data.observe import Observed, observe
from fivefold.data.outcomes import (
    class_lines,
    failure_lines,
    missing_lines,
    quarantined,
    too_many,
)
from fivefold.data.quarantine import REASON, set_aside, without_quarantined
from fivefold.data.roles import role_violations
from fivefold.data.rules import Rule, TableCheck, check_rules, column_rules, pattern_problem
from fivefold.data.structure import structure_violations
from fivefold.data.values import dtype_name
from fivefold.data.violations import Located, locate
from fivefold.errors import ConfigError, SchemaError, nearest
from fivefold.objective import Objective
from fivefold.table import ON_VIOLATION, Column, Table, TableSchema

__all__ = ["ValidateConfig", "Validated", "declared_rules", "validate"]

ON_EXTRA = ("error", "ignore")


@dataclass(frozen=True)
class ValidateConfig:
    """What the table must be.

    Attributes
    ----------
    columns : dict of str to Column
        Type, role and bounds by column.
    checks : list of TableCheck
        What is true of every row, across columns.
    on_violation : {"fail", "warn", "quarantine"}
        What follows when a cell or a row is not as declared, where its column or check doesn't
        say: the stage fails, or reports it, or sets the rows aside. A column that is absent, a type
        or a role is always an error.
    max_quarantined : float
        The largest share of rows that may be set aside, 0 to 1; with more of them the stage fails.
    key : list of str
        The columns that name a row; needed to set rows aside.
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
    checks: list[TableCheck] = field(default_factory=list)
    on_violation: str = "fail"
    max_quarantined: float = 0.05

    def __post_init__(self) -> None:
        for name, value, known in (
            ("on_extra_columns", self.on_extra_columns, ON_EXTRA),
            ("on_violation", self.on_violation, ON_VIOLATION),
        ):
            if value not in known:
                raise ConfigError(
                    f"{name} is unknown",
                    where=f"validate.{name}",
                    got=value,
                    allowed=known,
                    hint=nearest(value, known),
                )
        if not 0 <= self.max_quarantined <= 1:
            raise ConfigError(
                "the share of rows that may be set aside is none",
                where="validate.max_quarantined",
                got=self.max_quarantined,
                allowed="0 to 1",
            )
        aside = [self.on_violation, *(column.on_violation for column in self.columns.values())]
        if (
            "quarantine" in (*aside, *(check.on_violation for check in self.checks))
            and not self.key
        ):
            raise ConfigError(
                "rows can be set aside only where a key names them",
                where="validate.key",
                hint="name it under key: in conf/config.yaml",
            )


@dataclass(frozen=True)
class Validated:
    """A table that is as declared, but for the rows set aside.

    Attributes
    ----------
    schema : TableSchema
        The declared columns, in the table's order.
    quarantine : Table
        The rows set aside, all columns of them, and ``quarantine_reason``. Usually none.
    report : dict
        Rows, checks, the columns of each role, what was set aside and why, what was only warned
        of, what each column holds, and what a reviewer should look at.
    """

    schema: TableSchema
    quarantine: Table
    report: dict[str, Any]


def validate(
    table: nw.LazyFrame[Any],
    audit: Mapping[str, Any],
    lineage: Mapping[str, Any],
    objective: Objective,
    config: ValidateConfig,
) -> Validated:
    """Check the table's columns, roles and cells.

    A pass on the engine finds each column's missing values and the ends of its range. What these
    can't clear of a violation, pandera looks at row by row.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The cleaned rows.
    audit : mapping
        What clean did and found: a column that gives the target away must not be a feature.
    lineage : mapping
        The report of integrate, which says where its columns came from.
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
    have = table.collect_schema()
    schema = TableSchema({name: config.columns[name] for name in have if name in config.columns})
    lines = structure_violations(table, config.columns, config.on_extra_columns == "error")
    lines += role_violations(TableSchema(config.columns), audit, objective)
    if REASON in have:
        lines.append(f"{REASON}: the name is kept for why a row is set aside; rename the column")
    fitting = {
        name: column
        for name, column in schema.columns.items()
        if dtype_name(have[name]) == column.dtype
    }
    observed = observe(table, fitting)
    rules, problems = declared_rules(config, have, fitting)
    rows, key = count_rows(table), [name for name in config.key if name in have]
    located, unlocated = _looked_for(
        table, rules, observed, key, int(rows * config.max_quarantined)
    )
    found, n_aside = located.violations, located.n_set_aside
    lines += problems + failure_lines(found, fitting) + unlocated
    lines += missing_lines(observed, fitting, config.on_violation, ("fail", "quarantine"))
    if n_aside and located.set_aside is None:
        lines.append(too_many(found, n_aside, rows, config.max_quarantined))
    quarantine = set_aside(table, key, located.set_aside)
    kept = table
    if n_aside and objective.target in have:
        # What is kept is computed, so only what is looked at.
        looked_at = table.select(*dict.fromkeys([*quarantine.key, objective.target]))
        kept = without_quarantined(looked_at, quarantine.frame, quarantine.key)
    lines += class_lines(kept, fitting, objective)
    if rows == 0:
        lines.append("the table has no row")
    if lines:
        raise _error(lines)
    warnings = [str(item) for item in found if item.rule.on_violation == "warn"]
    roles = {role: schema.with_role(role) for role in _ROLES}
    shares = sum(column.max_missing is not None for column in fitting.values())
    report = {
        "rows_before": rows,
        "rows": rows - n_aside,
        "columns": len(have),
        "checks": len(fitting) + len(rules) + shares,
        "quarantined": quarantined(found, n_aside, rows),
        "warnings": warnings + missing_lines(observed, fitting, config.on_violation, ("warn",)),
        "violations": [item.to_json() for item in found],
        "features": schema.features,
        "roles": {role: columns for role, columns in roles.items() if columns},
        "extra_columns": [name for name in have if name not in config.columns],
        "look_at": [dict(item) for item in audit.get("findings", []) if item["kind"] != "leak"],
        "observed": {name: seen.to_json() for name, seen in observed.items()},
    }
    sources = column_sources(have.names(), lineage, audit)
    return Validated(_sourced(schema, sources), quarantine, report)


_MOST = 20
# pandera takes some milliseconds a column, and no reader wants more.
_MOST_LOCATED = 200
_ROLES: tuple[Any, ...] = (
    "target", "feature", "identifier", "time", "group", "sensitive", "outcome", "ignored",
)  # fmt: skip


def _sourced(schema: TableSchema, sources: Mapping[str, str]) -> TableSchema:
    """Write where each column came from into a schema, but where the user has."""
    return TableSchema(
        {
            name: replace(column, source=column.source or sources.get(name, ""))
            for name, column in schema.columns.items()
        }
    )


def declared_rules(
    config: ValidateConfig, have: nw.Schema, columns: Mapping[str, Column]
) -> tuple[list[Rule], list[str]]:
    """Give the rules that can be asked of the table, and a line for each of the others."""
    rules: list[Rule] = []
    problems = []
    for name, column in columns.items():
        wrong = pattern_problem(column.pattern) if column.pattern is not None else None
        if wrong:
            problems.append(f"{name}: pattern: {column.pattern} is none: {wrong}")
        else:
            rules += column_rules(name, column, have[name], config.on_violation)
    on_rows, more = check_rules(config.checks, have, config.on_violation)
    return rules + on_rows, problems + more


def _looked_for(
    table: nw.LazyFrame[Any],
    rules: Sequence[Rule],
    observed: Mapping[str, Observed],
    key: Sequence[str],
    limit: int,
) -> tuple[Located, list[str]]:
    """Look for the rows against rules; of very many rules, only word that they are violated."""
    suspects = [rule for rule in rules if not rule.cleared(observed)]
    plain = [rule for rule in suspects if rule.on_violation == "fail" and rule.is_proven]
    skipped = {id(rule) for rule in plain[_MOST_LOCATED:]}
    located = locate(table, [rule for rule in suspects if id(rule) not in skipped], key, limit)
    return located, [f"{rule.reason} is violated" for rule in plain[_MOST_LOCATED:]]


def _error(lines: Sequence[str]) -> SchemaError:
    return SchemaError(
        "the table violates the schema"
        if len(lines) == 1
        else f"the table violates the schema in {len(lines):,} ways",
        where="validate.columns and validate.checks, in conf/schema.yaml",
        got="\n".join(lines[:_MOST])
        + (f"\nand {len(lines) - _MOST:,} more" if len(lines) > _MOST else ""),
        hint="mend the data in clean.steps, or the schema if the data is right",
    )
