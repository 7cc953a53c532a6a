"""Tables of differing schemas stacked into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.data.integration.lineage import Lineage, Origin, Several, origins
from fivefold.data.integration.mapping import Source
from fivefold.data.keys import count_rows
from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, DataError, nearest

__all__ = ["Union", "stacked"]


@dataclass(frozen=True)
class Union:
    """Several tables, one below the other.

    Attributes
    ----------
    tables : list of str
        In order; each is mapped by ``integrate.tables`` first, if it has an entry there.
    source : str or None
        A column to add, with the name of the table that the row came from.
    missing : list of str
        Columns that some of the tables lack: there they are missing values. Any other column must
        be in every table.
    columns : list of str or None
        The columns to take; all if None.
    """

    tables: list[str]
    source: str | None = None
    missing: list[str] = field(default_factory=list)
    columns: list[str] | None = None

    def __post_init__(self) -> None:
        if len(self.tables) < 2 or len(set(self.tables)) < len(self.tables):
            raise ConfigError(
                "a union needs two tables or more, each once",
                where="integrate.unions.*.tables",
                got=self.tables,
            )


def stacked(name: str, sources: Sequence[Source], union: Union) -> tuple[Source, dict[str, Any]]:
    """Stack the tables, and count the rows of each.

    Raises
    ------
    DataError
        A table lacks a column that is not declared as missing, or two tables have it with
        different types.
    """
    where = f"integrate.unions.{name}"
    schemas = {source.name: dict(source.frame.collect_schema()) for source in sources}
    every = list(dict.fromkeys(column for schema in schemas.values() for column in schema))
    for key, listed in (("columns", union.columns or []), ("missing", union.missing)):
        for column in listed:
            if column not in every:
                raise DataError(
                    f"no table of the union has a column {column!r}",
                    where=f"{where}.{key}",
                    got=column,
                    allowed=every,
                    hint=nearest(column, every),
                )
    columns = every if union.columns is None else union.columns
    if union.source in columns:
        raise DataError(
            "source: names a column that is there already",
            where=f"{where}.source",
            got=union.source,
        )
    dtypes = {column: _dtype(column, schemas, union, where) for column in columns}
    parts = []
    for source in sources:
        have = schemas[source.name]
        selected = [
            nw.col(column) if column in have else nw.lit(None).cast(dtypes[column]).alias(column)
            for column in columns
        ]
        if union.source is not None:
            selected.append(nw.lit(source.name).alias(union.source))
        parts.append(source.frame.select(*selected))
    lineage: Lineage = {}
    for column in columns:
        found = [
            origin
            for source in sources
            if column in source.lineage
            for origin in origins(source.lineage[column])
        ]
        lineage[column] = Several("union", found)
    if union.source is not None:
        lineage[union.source] = Several(
            "union", [Origin(source.name, None).noted(constant=source.name) for source in sources]
        )
    rows = {source.name: count_rows(source.frame) for source in sources}
    report = {
        "tables": rows,
        "rows": sum(rows.values()),
        "missing": {
            column: [table for table, schema in schemas.items() if column not in schema]
            for column in columns
            if column in union.missing
        },
    }
    return Source(name, nw.concat(parts, how="vertical"), lineage), report


def _dtype(column: str, schemas: dict[str, dict[str, Any]], union: Union, where: str) -> Any:
    lacking = [table for table, schema in schemas.items() if column not in schema]
    if lacking and column not in union.missing:
        have = list(schemas[lacking[0]])
        raise DataError(
            f"the table {lacking[0]!r} has no column {column!r}",
            where=where,
            got=column,
            allowed=have,
            hint=nearest(column, have)
            or f"rename: or constants: it under integrate.tables.{lacking[0]}, or list it under "
            f"missing: or leave it out of columns:",
        )
    found = {table: schema[column] for table, schema in schemas.items() if column in schema}
    names = {table: dtype_name(dtype) for table, dtype in found.items()}
    if len(set(found.values())) > 1:
        raise DataError(
            f"the column {column!r} has different types",
            where=where,
            got=", ".join(f"{table}: {dtype}" for table, dtype in names.items()),
            hint="set types: under integrate.tables, or in the source's read:",
        )
    return next(iter(found.values()))
