"""One table mapped to the terms of the result: names, types, units, categories, constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import narwhals as nw

from fivefold.data.cleaning import cast
from fivefold.data.integration.lineage import Lineage, Origin
from fivefold.data.integration.units import Conversion, conversion
from fivefold.data.values import dtype_name, plain, rows_of
from fivefold.errors import ConfigError, DataError, nearest
from fivefold.table import require_columns, to_arrow

__all__ = ["Source", "TableMapping", "mapped"]

UNMAPPED = ("error", "keep", "missing")
_SHOWN = 5


@dataclass(frozen=True)
class TableMapping:
    """How a collected table is put in the terms of the result, in this order.

    Attributes
    ----------
    rename : dict of str to str
        The new name by the old one; what follows goes by the new names.
    types : dict of str to str
        The type by column: integer, number, string, boolean, datetime or date.
    units : dict of str to mapping
        By column: ``{from: degF, to: degC}``, or with ``factor`` and ``offset``.
    categories : dict of str to dict of str to list
        By column, for each category the other values that stand for it.
    unmapped : {"error", "keep", "missing"}
        What becomes of a value that is no category and stands for none.
    constants : dict of str to value
        Columns to add, with the same value in every row.
    """

    rename: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    units: dict[str, Any] = field(default_factory=dict)
    categories: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    unmapped: str = "error"
    constants: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.unmapped not in UNMAPPED:
            raise ConfigError(
                "what becomes of a value without a category is unknown",
                where="integrate.tables.*.unmapped",
                got=self.unmapped,
                allowed=UNMAPPED,
                hint=nearest(self.unmapped, UNMAPPED),
            )
        for column, known in self.categories.items():
            where, seen = f"integrate.tables.*.categories.{column}", dict[Any, str]()
            for category, others in known.items():
                for value in dict.fromkeys([category, *others]):
                    if seen.setdefault(value, category) != category:
                        raise ConfigError(
                            "a value stands for two categories",
                            where=where,
                            got=f"{value!r}, for {seen[value]!r} and for {category!r}",
                        )
        for column, value in self.constants.items():
            if not isinstance(value, str | int | float | bool):
                raise ConfigError(
                    "a constant is a text, a number or a boolean",
                    where=f"integrate.tables.*.constants.{column}",
                    got=value,
                )


@dataclass(frozen=True)
class Source:
    """A table on its way into the result.

    Attributes
    ----------
    name : str
        The collected table's or the union's.
    frame : narwhals.LazyFrame
        Its rows.
    lineage : dict of str to Lineage
        Where each column came from.
    """

    name: str
    frame: nw.LazyFrame[Any]
    lineage: Lineage


def mapped(
    name: str, frame: nw.LazyFrame[Any], mapping: TableMapping | None
) -> tuple[Source, dict[str, Any]]:
    """Map a table, and say what was done.

    Raises
    ------
    ConfigError
        A unit is unknown.
    DataError
        A column is missing or there already, a type can't be changed, a value has no category.
    """
    names = frame.collect_schema().names()
    lineage: Lineage = {column: Origin(name, column) for column in names}
    if mapping is None:
        return Source(name, frame, lineage), {}
    where = f"integrate.tables.{name}"
    frame = _renamed(frame, mapping.rename, where, name)
    lineage = {mapping.rename.get(old, old): origin for old, origin in lineage.items()}
    report: dict[str, Any] = {}
    if mapping.rename:
        report["renamed"] = dict(mapping.rename)
    if mapping.types:
        require_columns(frame, mapping.types, f"{where}.types", f"the table {name!r}")
        try:
            frame = cast(frame, mapping.types)
        except DataError as error:
            raise type(error)(
                error.what,
                where=f"{where}.{error.where}",
                got=error.got,
                allowed=error.allowed,
                hint=error.hint,
            ) from error
        report["types"] = dict(mapping.types)
    conversions = {
        column: conversion(declared, f"{where}.units.{column}")
        for column, declared in mapping.units.items()
    }
    if conversions:
        frame = _converted(frame, conversions, f"{where}.units", name)
        report["units"] = {c: {"from": u.source, "to": u.target} for c, u in conversions.items()}
        for column, known in conversions.items():
            origin = Origin(name, _old(column, mapping.rename))
            lineage[column] = origin.noted(unit=known.target, unit_from=known.source)
    for column, categories in mapping.categories.items():
        frame, counts = _categorised(frame, column, categories, mapping.unmapped, where, name)
        report.setdefault("categories", {})[column] = counts
    for column, value in mapping.constants.items():
        if column in lineage:
            raise DataError(
                f"a column {column!r} is there already",
                where=f"{where}.constants",
                got=column,
                hint="rename: it, or give the constant another name",
            )
        frame = frame.with_columns(nw.lit(value).alias(column))
        lineage[column] = Origin(name, None).noted(constant=value)
        report.setdefault("constants", {})[column] = value
    return Source(name, frame, lineage), report


def _old(column: str, rename: Mapping[str, str]) -> str:
    return next((old for old, new in rename.items() if new == column), column)


def _renamed(
    frame: nw.LazyFrame[Any], rename: Mapping[str, str], where: str, table: str
) -> nw.LazyFrame[Any]:
    if not rename:
        return frame
    require_columns(frame, rename, f"{where}.rename", f"the table {table!r}")
    names = [rename.get(name, name) for name in frame.collect_schema().names()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"two columns would be called {twice!r}",
            where=f"{where}.rename",
            got=twice,
            hint="rename: the other one, too",
        )
    return frame.rename(dict(rename))


def _converted(
    frame: nw.LazyFrame[Any], conversions: Mapping[str, Conversion], where: str, table: str
) -> nw.LazyFrame[Any]:
    require_columns(frame, conversions, where, f"the table {table!r}")
    schema = frame.collect_schema()
    for column in conversions:
        if dtype_name(schema[column]) not in ("integer", "number"):
            raise DataError(
                "only numbers have a unit",
                where=f"{where}.{column}",
                got=f"{column}: {dtype_name(schema[column])}",
                hint="set types: in the source's read: so that it is read as a number",
            )
    return frame.with_columns(
        known.apply(nw.col(column)).alias(column) for column, known in conversions.items()
    )


def _categorised(
    frame: nw.LazyFrame[Any],
    column: str,
    categories: Mapping[str, list[Any]],
    unmapped: str,
    where: str,
    table: str,
) -> tuple[nw.LazyFrame[Any], dict[str, int]]:
    """Give the table with the categories, and the number of rows of each value that was changed."""
    where = f"{where}.categories.{column}"
    require_columns(frame, [column], where, f"the table {table!r}")
    dtype = dtype_name(frame.collect_schema()[column])
    if dtype not in ("string", "integer"):
        raise DataError(
            "only texts and whole numbers stand for categories",
            where=where,
            got=f"{column}: {dtype}",
        )
    text = dtype == "string"
    aliases = {
        value: category
        for category, others in categories.items()
        for value in others
        if isinstance(value, str) == text
    }
    counts = frame.group_by(column).agg(nw.len().alias("__rows"))
    rows = {plain(row[column]): row["__rows"] for row in rows_of(to_arrow(counts))}
    strange = sorted(
        (value for value in rows if value is not None and value not in {*categories, *aliases}),
        key=lambda value: (-rows[value], value),
    )
    if strange and unmapped == "error":
        raise DataError(
            f"{sum(rows[value] for value in strange):,} rows have a value that is no category",
            where=where,
            got=", ".join(f"{value!r} ({rows[value]:,} rows)" for value in strange[:_SHOWN]),
            allowed=[str(value) for value in (*categories, *aliases)],
            hint=nearest(str(strange[0]), map(str, (*categories, *aliases)))
            or "list it under a category, or set unmapped: keep or missing",
        )
    value = nw.col(column)
    own = value if text else value.cast(nw.String)
    rest = own if unmapped != "missing" else nw.when(own.is_in([*categories])).then(own)
    branches = [
        (value.is_in([v for v, c in aliases.items() if c == category]), category)
        for category in dict.fromkeys(aliases.values())
    ]
    merged = reduce(
        lambda other, branch: nw.when(branch[0]).then(nw.lit(branch[1])).otherwise(other),
        branches,
        rest,
    )
    changed = {
        str(v): int(rows[v]) for v in sorted(rows, key=str) if v is not None and v in aliases
    }
    return frame.with_columns(merged.alias(column)), changed
