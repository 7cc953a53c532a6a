"""Collect: read every declared source into a table of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from fivefold.callables import call_of, relocated, require_target
from fivefold.data.drawing import numbered, sampled
from fivefold.data.moments import require_moment
from fivefold.data.sources.content import Reading
from fivefold.data.sources.credentials import refuse_secrets
from fivefold.data.sources.survey import Survey
from fivefold.errors import ConfigError, FivefoldError, SourceError
from fivefold.table.engine import from_native, to_arrow
from fivefold.table.parquet import canonical
from fivefold.table.progress import watched
from fivefold.table.rows import Rows

__all__ = ["CollectConfig", "Collected", "Source", "collect"]


@dataclass(frozen=True)
class Source:
    """One table's source.

    Attributes
    ----------
    read : dict
        ``_target_``, the dotted name of a function that gives a table, and its arguments.
    sample : int or None
        How many rows to draw at random, without replacement, at least 1; all if None. They stay in
        the source's order.
    row_number : str or None
        The name of an integer column to add: the row's number in the source, from 1. A key for
        sources that have none.
    as_of : str or None
        The moment that the rows are of, in ISO 8601, where the source itself doesn't tell it.
    """

    read: dict[str, Any]
    sample: int | None = None
    row_number: str | None = None
    as_of: str | None = None

    def __post_init__(self) -> None:
        if self.sample is not None and self.sample < 1:
            raise ConfigError(
                "a sample must have at least one row",
                where="collect.sources.*.sample",
                got=self.sample,
                allowed="1 or more, or null for all rows",
            )
        if self.as_of is not None:
            require_moment(self.as_of, "collect.sources.*.as_of")


@dataclass(frozen=True)
class CollectConfig:
    """What to collect.

    Attributes
    ----------
    sources : dict of str to Source
        By the table's name.
    seed : int
        Draws the samples.
    """

    sources: dict[str, Source]
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.sources:
            raise ConfigError(
                "no source is declared", where="collect.sources", hint="name one in conf/"
            )
        for name, source in self.sources.items():
            if not name.replace("-", "_").isidentifier():
                raise ConfigError(
                    "a source's name must be a word, for it names a file",
                    where="collect.sources",
                    got=name,
                    allowed="letters, digits, - and _",
                )
            require_target(source.read, f"collect.sources.{name}.read")
            refuse_secrets(source.read, f"collect.sources.{name}.read")


@dataclass(frozen=True)
class Collected:
    """The sources as tables.

    Attributes
    ----------
    tables : mapping of str to Rows
        By name, rows in the source's order, read as they are written.
    report : dict
        Per source: file, SHA-256, the moment it is of, rows in the source and in the sample,
        columns and their types, and what a person should look at.
    """

    tables: Mapping[str, Rows]
    report: dict[str, Any]


def collect(config: CollectConfig) -> Collected:
    """Read every source.

    Raises
    ------
    SourceError
        A source can't be read, or a function gives no table.
    ConfigError
        A ``_target_`` leads nowhere, or an argument is unknown.
    """
    tables: dict[str, Rows] = {}
    report: dict[str, Any] = {}
    for name, source in config.sources.items():
        tables[name], report[name] = _collected(name, source, config.seed)
    return Collected(tables, {"sources": report})


def _collected(name: str, source: Source, seed: int) -> tuple[Rows, dict[str, Any]]:
    where = f"collect.sources.{name}.read"
    call = call_of(source.read, where)
    given = call(error=SourceError)
    try:
        reading = _reading(given, call.name)
        whole = _canonical(reading.rows)
        count, warnings = _surveyed(reading, whole)
        if count == 0 or not whole.schema.names:
            raise SourceError(
                "the source has no rows",
                where=reading.file,
                got=f"{len(whole.schema.names)} columns, {count} rows",
            )
        rows = sampled(numbered(whole, source.row_number), count, source.sample, name, seed)
        kept = count if rows.count is None else rows.count
        known = {
            "file": reading.file,
            "sha256": reading.sha256 or _digest(whole),
            **({"as_of": as_of} if (as_of := source.as_of or reading.as_of) else {}),
            **reading.details,
            "source_rows": count,
            "rows": kept,
            "sampled": kept < count,
            "columns": {column.name: _name(column.type) for column in rows.schema},
            **({"warnings": list(warnings)} if warnings else {}),
        }
    except FivefoldError as error:
        raise relocated(error, where) from error
    return rows, known


def _reading(given: Any, name: str) -> Reading:
    """Take what a function returned; a source that tells no bytes has no digest yet."""
    if isinstance(given, Reading):
        return given
    table = given if isinstance(given, pa.Table) else to_arrow(from_native(given, where=name))
    return Reading(Rows.of(table), name, "")


def _surveyed(reading: Reading, whole: Rows) -> tuple[int, tuple[str, ...]]:
    """Count the rows and look at their values, unless the reader has."""
    exact = not _may_overflow(reading.rows.schema)
    if reading.surveyed and reading.rows.count is not None and exact:
        return reading.rows.count, reading.warnings
    survey = Survey()
    for batch in watched(reading.rows.batches(), f"read {reading.file}", reading.rows.count):
        survey.see(batch)
        if not exact:
            _cast(batch, whole.schema)
    return survey.count, tuple(dict.fromkeys((*reading.warnings, *survey.warnings)))


def _may_overflow(schema: pa.Schema) -> bool:
    """Tell whether a value may need more than the 64 bits it is kept in."""
    return any(
        pa.types.is_uint64(column.type) or pa.types.is_decimal(column.type) for column in schema
    )


def _canonical(rows: Rows) -> Rows:
    """Give the rows in the types that a table is kept in."""
    target = canonical(rows.schema)
    for column in target:
        if pa.types.is_nested(column.type) or _name(column.type) not in _NAMES.values():
            raise SourceError(
                f"the column {column.name!r} has a type that a table can't hold",
                where=column.name,
                got=str(column.type),
                allowed=dict.fromkeys(_NAMES.values()),
                hint="flatten or convert it before, or in a function of your own under read:",
            )
    if target.equals(rows.schema):
        return rows
    return rows.mapped(lambda batch: _cast(batch, target), target)


def _cast(batch: pa.RecordBatch, target: pa.Schema) -> pa.RecordBatch:
    columns = []
    for column, field in zip(batch.columns, target, strict=True):
        try:
            # A time is kept to the microsecond; Survey tells where that cuts something off.
            exact = not pa.types.is_timestamp(column.type)
            same = column.type == field.type
            columns.append(column if same else column.cast(field.type, safe=exact))
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"a value of the column {field.name!r} can't be kept in 64 bits: "
                f"{str(error).splitlines()[0]}",
                where=field.name,
                hint="give it as text",
            ) from None
    return pa.RecordBatch.from_arrays(columns, schema=target)


def _digest(rows: Rows) -> str:
    """Hash the rows of a source that has no bytes to hash."""
    import pyarrow.csv

    digest = hashlib.sha256()
    header = True
    for batch in rows.batches():
        text = pa.BufferOutputStream()
        options = pyarrow.csv.WriteOptions(include_header=header)
        pyarrow.csv.write_csv(batch, text, write_options=options)
        digest.update(text.getvalue())
        header = False
    return digest.hexdigest()


_NAMES: Mapping[str, str] = {
    "int64": "integer",
    "double": "number",
    "string": "string",
    "bool": "boolean",
    "date32[day]": "date",
    "timestamp[us]": "datetime",
    "timestamp[us, tz=UTC]": "datetime",
}


def _name(type_: pa.DataType) -> str:
    return _NAMES.get(str(type_), str(type_))
