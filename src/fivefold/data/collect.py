"""Collect: read every declared source into a table of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from fivefold.data.callables import call_of, relocated, require_target
from fivefold.errors import ConfigError, FivefoldError, SourceError
from fivefold.table.engine import from_native, to_arrow
from fivefold.table.parquet import canonical

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
    """

    read: dict[str, Any]
    sample: int | None = None
    row_number: str | None = None

    def __post_init__(self) -> None:
        if self.sample is not None and self.sample < 1:
            raise ConfigError(
                "a sample must have at least one row",
                where="collect.sources.*.sample",
                got=self.sample,
                allowed="1 or more, or null for all rows",
            )


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


@dataclass(frozen=True)
class Collected:
    """The sources as tables.

    Attributes
    ----------
    tables : dict of str to pyarrow.Table
        By name, rows in the source's order.
    report : dict
        Per source: file, SHA-256, rows in the source and in the sample, columns and their types.
    """

    tables: dict[str, pa.Table]
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
    tables: dict[str, pa.Table] = {}
    report: dict[str, Any] = {}
    for name, source in config.sources.items():
        tables[name], report[name] = _collected(name, source, config.seed)
    return Collected(tables, {"sources": report})


def _collected(name: str, source: Source, seed: int) -> tuple[pa.Table, dict[str, Any]]:
    where = f"collect.sources.{name}.read"
    call = call_of(source.read, where)
    given = call(error=SourceError)
    try:
        whole = _canonical(_table(given, call.name))
        table = _sampled(_numbered(whole, source.row_number), source.sample, name, seed)
    except FivefoldError as error:
        raise relocated(error, where) from error
    known = {
        "file": getattr(given, "file", None) or call.name,
        "sha256": getattr(given, "sha256", None) or _digest(whole),
        "source_rows": whole.num_rows,
        "rows": table.num_rows,
        "sampled": table.num_rows < whole.num_rows,
        "columns": {column.name: _name(column.type) for column in table.schema},
    }
    return table, known


def _table(given: Any, name: str) -> pa.Table:
    inner = getattr(given, "table", given)
    if not isinstance(inner, pa.Table):
        inner = to_arrow(from_native(inner, where=name))
    if inner.num_columns == 0 or inner.num_rows == 0:
        raise SourceError(
            "the source has no rows",
            where=name,
            got=f"{inner.num_columns} columns, {inner.num_rows} rows",
        )
    return inner


def _canonical(table: pa.Table) -> pa.Table:
    target = canonical(table.schema)
    for column in target:
        if pa.types.is_nested(column.type) or _name(column.type) not in _NAMES.values():
            raise SourceError(
                f"the column {column.name!r} has a type that a table can't hold",
                where=column.name,
                got=str(column.type),
                allowed=_NAMES.values(),
                hint="flatten or convert it before, or in a function of your own under read:",
            )
    try:
        return table.cast(target).combine_chunks()
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"a value can't be kept in 64 bits: {str(error).splitlines()[0]}"
        ) from None


def _numbered(table: pa.Table, name: str | None) -> pa.Table:
    if name is None:
        return table
    if name in table.column_names:
        raise SourceError(
            "row_number names a column that the source already has",
            where="row_number",
            got=name,
        )
    return table.add_column(0, name, _integers(range(1, table.num_rows + 1)))


def _sampled(table: pa.Table, sample: int | None, name: str, seed: int) -> pa.Table:
    if sample is None or sample >= table.num_rows:
        return table
    import numpy as np

    # The raw stream of a bit generator is stable over NumPy's versions; its distributions are not.
    entropy = [abs(seed), int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")]
    draws = np.random.PCG64(entropy).random_raw(table.num_rows)
    rows = np.sort(np.argsort(draws, kind="stable")[:sample])
    return table.take(_integers(rows)).combine_chunks()


def _integers(values: Any) -> pa.Array:
    """Make an Arrow column of numbers without Arrow's converter, which imports pandas."""
    import numpy as np

    numbers = np.asarray(values, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def _digest(table: pa.Table) -> str:
    """Hash the rows of a source that has no bytes to hash."""
    import pyarrow.csv

    text = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, text)
    return hashlib.sha256(text.getvalue()).hexdigest()


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
