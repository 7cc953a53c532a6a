"""Integrate: join the collected tables into one, as declared, and never multiply a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.data.joining import Linked, link, matches
from fivefold.errors import ConfigError, DataError, nearest
from fivefold.table import Table, checkpoint, require_columns

__all__ = ["IntegrateConfig", "Integrated", "Join", "integrate"]

HOWS = ("left", "inner")
EXPECTED = ("one_to_one", "many_to_one")


@dataclass(frozen=True)
class Join:
    """One table joined to what is there already.

    Attributes
    ----------
    table : str
        The table to join.
    keys : list of str
        The key columns, if they have the same names on both sides.
    left_keys, right_keys : list of str
        The key columns, if they have different names; the left names stay.
    how : {"left", "inner"}
        Keep rows without a match, or drop them.
    expect : {"many_to_one", "one_to_one"}
        How many rows on the left may share a key. On the right every key must be unique.
    columns : list of str or None
        The columns to take; all but the key if None.
    prefix : str
        Put before the name of each column taken.
    """

    table: str
    keys: list[str] = field(default_factory=list)
    left_keys: list[str] = field(default_factory=list)
    right_keys: list[str] = field(default_factory=list)
    how: str = "left"
    expect: str = "many_to_one"
    columns: list[str] | None = None
    prefix: str = ""

    def __post_init__(self) -> None:
        where = f"integrate.joins ({self.table})"
        for name, value, allowed in (("how", self.how, HOWS), ("expect", self.expect, EXPECTED)):
            if value not in allowed:
                raise ConfigError(
                    f"a join's {name} is unknown",
                    where=f"{where}.{name}",
                    got=value,
                    allowed=allowed,
                    hint=nearest(value, allowed),
                )
        if bool(self.keys) == bool(self.left_keys or self.right_keys):
            raise ConfigError(
                "a join needs its keys once",
                where=where,
                got=f"keys: {self.keys}, left_keys: {self.left_keys}, "
                f"right_keys: {self.right_keys}",
                allowed="keys, or left_keys and right_keys",
            )
        if len(self.left_keys) != len(self.right_keys):
            raise ConfigError(
                "a join has another number of keys on the left than on the right",
                where=where,
                got=f"left_keys: {self.left_keys}, right_keys: {self.right_keys}",
            )

    @property
    def own_keys(self) -> list[str]:
        """The key columns of the rows that are there already."""
        return self.keys or self.left_keys

    @property
    def their_keys(self) -> list[str]:
        """The key columns of the joined table."""
        return self.keys or self.right_keys


@dataclass(frozen=True)
class IntegrateConfig:
    """How the tables become one.

    Attributes
    ----------
    base : str
        The table whose rows stay.
    key : list of str
        The columns that together name a row of the result.
    joins : list of Join
        In order.
    engine : str
        What runs it: pandas, polars or duckdb.
    """

    base: str
    key: list[str]
    joins: list[Join] = field(default_factory=list)
    engine: str = "polars"

    def __post_init__(self) -> None:
        if not self.key:
            raise ConfigError("the key has no column", where="integrate.key", got=self.key)


@dataclass(frozen=True)
class Integrated:
    """The one table.

    Attributes
    ----------
    table : Table
        One row per row of the base table, fewer after an inner join.
    report : dict
        Rows, the match rate of each join with examples of keys unmatched, and for each column the
        source and column it came from.
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
        An unknown table or column.
    JoinError
        Keys of different types, a right key that is not unique, columns whose names collide.
    """
    frame = _named(tables, config.base, "integrate.base")
    require_columns(frame, config.key, "integrate.key", f"the table {config.base!r}")
    lineage = {
        name: {"source": config.base, "column": name} for name in frame.collect_schema().names()
    }
    joins: list[Linked] = []
    for number, join in enumerate(config.joins):
        where = f"integrate.joins.{number} ({join.table})"
        right = _named(tables, join.table, f"{where}.table")
        linked = link(frame, right, join, marker=f"__matched_{number}", where=where)
        frame, lineage = linked.frame, lineage | linked.lineage
        joins.append(linked)
    frame = checkpoint(frame)
    base_rows, report = matches(frame, joins)
    kept = frame
    for linked in joins:
        if linked.inner:
            kept = kept.filter(~nw.col(linked.marker).is_null())
    rows = report[-1]["rows_after"] if report else base_rows
    _require_rows(rows, report)
    return Integrated(
        Table(kept.select(*lineage), tuple(config.key)),
        {
            "base": config.base,
            "rows_before": base_rows,
            "rows": rows,
            "joins": report,
            "unused_tables": sorted(set(tables) - {config.base, *(j.table for j in config.joins)}),
            "lineage": lineage,
        },
    )


def _named(tables: Mapping[str, nw.LazyFrame[Any]], name: str, where: str) -> nw.LazyFrame[Any]:
    if name not in tables:
        raise DataError(
            f"no table {name!r} was collected",
            where=where,
            got=name,
            allowed=sorted(tables),
            hint=nearest(name, tables) or "declare it under collect.sources",
        )
    return tables[name]


def _require_rows(rows: int, report: Sequence[Mapping[str, Any]]) -> None:
    if rows == 0:
        emptied = next((join["table"] for join in report if join["rows_after"] == 0), None)
        raise DataError(
            "no row is left after the joins",
            where=f"integrate.joins ({emptied})" if emptied else "integrate.base",
            hint="use how: left, or look at the keys of both tables",
        )
