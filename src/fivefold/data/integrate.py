"""Integrate: map, stack and join the collected tables into one, as declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.data.integration.assembly import Assembly, sources_of
from fivefold.data.integration.join import AsOf, Join
from fivefold.data.integration.lineage import lineage_json
from fivefold.data.integration.mapping import TableMapping
from fivefold.data.integration.union import Union
from fivefold.errors import ConfigError, DataError
from fivefold.table import Table

__all__ = [
    "AsOf",
    "IntegrateConfig",
    "Integrated",
    "Join",
    "TableMapping",
    "Union",
    "integrate",
]


@dataclass(frozen=True)
class IntegrateConfig:
    """How the tables become one.

    Attributes
    ----------
    base : str
        The table whose rows stay: a collected one, or one of ``unions``.
    key : list of str
        The columns that together name a row of the result.
    tables : dict of str to TableMapping
        By collected table: its names, types, units and categories put in the terms of the result.
    unions : dict of str to Union
        By the name of the new table: collected ones, one below the other.
    joins : list of Join
        In order.
    precedence : dict of str to list of str
        By column that several tables give: the tables, the one that is believed first.
    engine : str
        What runs it: pandas, polars or duckdb.
    """

    base: str
    key: list[str]
    tables: dict[str, TableMapping] = field(default_factory=dict)
    unions: dict[str, Union] = field(default_factory=dict)
    joins: list[Join] = field(default_factory=list)
    precedence: dict[str, list[str]] = field(default_factory=dict)
    engine: str = "polars"

    def __post_init__(self) -> None:
        if not self.key:
            raise ConfigError("the key has no column", where="integrate.key", got=self.key)
        for column, order in self.precedence.items():
            if len(set(order)) < 2 or len(set(order)) < len(order):
                raise ConfigError(
                    "a precedence names two tables or more, each once",
                    where=f"integrate.precedence.{column}",
                    got=order,
                )


@dataclass(frozen=True)
class Integrated:
    """The one table.

    Attributes
    ----------
    table : Table
        One row per row of the base table: fewer after an inner join, more after one that is
        declared one_to_many.
    report : dict
        Rows; what the mapping and the unions did; the match rate of each join with examples of keys
        unmatched; where sources agree and differ; and for each column where it came from.
    """

    table: Table
    report: dict[str, Any]


def integrate(tables: Mapping[str, nw.LazyFrame[Any]], config: IntegrateConfig) -> Integrated:
    """Join the tables.

    Every join is run as a left one that marks its matches; inner joins drop the unmarked rows at
    the end. So one pass over the rows does it all, and each match rate is known.

    Parameters
    ----------
    tables : mapping of str to narwhals.LazyFrame
        By name.
    config : IntegrateConfig
        The joins.

    Raises
    ------
    DataError
        An unknown table or column; a value without a category; a union that does not fit.
    JoinError
        Keys of different types, a key that is less unique than expected, names that collide.
    ConfigError
        A unit is unknown, or a tolerance not of its column's kind.
    """
    sources, report = sources_of(tables, config)
    assembly = Assembly(sources, config)
    for number, join in enumerate(config.joins):
        assembly.add(number, join)
    frame, lineage, precedence = assembly.finished()
    _require_rows(assembly)
    used = {config.base, *(join.table for join in config.joins)}
    used |= {name for union in config.unions.values() for name in union.tables}
    return Integrated(
        Table(frame.select(*lineage), tuple(config.key)),
        {
            "base": config.base,
            "rows_before": assembly.rows_before,
            "rows": assembly.rows,
            **report,
            "joins": assembly.report,
            "precedence": precedence,
            "unused_tables": sorted(set(tables) - used),
            "lineage": lineage_json(lineage),
        },
    )


def _require_rows(assembly: Assembly) -> None:
    if assembly.rows == 0:
        emptied = next((join["table"] for join in assembly.report if join["rows_after"] == 0), None)
        raise DataError(
            "no row is left after the joins",
            where=f"integrate.joins ({emptied})" if emptied else "integrate.base",
            hint="use how: left, or look at the keys of both tables",
        )
