"""From bytes to an Arrow table, by format; what is wrong with them is said once, plainly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa

from fivefold.data.sources.content import Content, Reading, read_content
from fivefold.data.sources.delimited import read_delimited
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.text import decoded
from fivefold.errors import ConfigError, SourceError, nearest
from fivefold.table.rows import Rows
from fivefold.table.schema import DTYPES

__all__ = ["read_file"]

FORMATS = ("csv", "tsv", "jsonl", "parquet")
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def read_file(path: Path, shown: str, options: FormatOptions) -> Reading:
    """Read one file as its format says, or its name.

    Parameters
    ----------
    path : Path
        Where it is; it must stay there until the rows have been written.
    shown : str
        How messages and reports call it.
    options : FormatOptions
        How to read it.

    Raises
    ------
    SourceError
        The file is missing, empty, or not of the format, or holds no row.
    ConfigError
        An option does not fit.
    """
    content = read_content(path, shown)
    table = _read_table(
        content,
        options.format,
        options.encoding,
        options.types,
        options.delimiter,
        options.null_values,
    )
    return Reading(Rows.of(table), shown, content.sha256)


def _read_table(
    content: Content,
    format_: str | None,
    encoding: str,
    types: Mapping[str, str] | None,
    delimiter: str | None,
    null_values: Sequence[str] | None,
) -> pa.Table:
    """Read a source's bytes as a table; the options are those of ``local_file``.

    Raises
    ------
    SourceError
        The bytes are not of the format, or hold no row.
    ConfigError
        An option is unknown.
    """
    chosen = _format(content, format_)
    declared = dict(types or {})
    for column, dtype in declared.items():
        if dtype not in DTYPES:
            raise ConfigError(
                "a column's type is unknown",
                where=f"types.{column}",
                got=dtype,
                allowed=DTYPES,
                hint=nearest(str(dtype), DTYPES),
            )
    if chosen in ("csv", "tsv"):
        text = decoded(content, encoding)
        separator = delimiter or ("," if chosen == "csv" else "\t")
        table = read_delimited(text, content.shown, separator, declared, null_values)
    elif chosen == "jsonl":
        table = _read_json_lines(decoded(content, encoding), content.shown)
    else:
        table = _read_parquet(content)
    if table.num_rows == 0:
        raise SourceError(
            "the source has no rows",
            where=content.shown,
            got=f"a header of {table.num_columns} columns",
        )
    return table if chosen in ("csv", "tsv") else _typed(table, declared, content.shown)


def _format(content: Content, given: str | None) -> str:
    if given is not None:
        if given not in FORMATS:
            raise ConfigError(
                "the format is unknown",
                where="format",
                got=given,
                allowed=FORMATS,
                hint=nearest(str(given), FORMATS),
            )
        return given
    suffix = PurePath(content.name).suffix.lower()
    if suffix not in _SUFFIXES:
        raise SourceError(
            "the format can't be told from the file's name",
            where=content.shown,
            got=suffix or "no suffix",
            allowed=_SUFFIXES,
            hint=f"set format: to one of {', '.join(FORMATS)}",
        )
    return _SUFFIXES[suffix]


def _read_json_lines(text: bytes, shown: str) -> pa.Table:
    import pyarrow.json

    # One block, so that a column's type is inferred from all rows, and a number keeps its kind.
    options = pyarrow.json.ReadOptions(block_size=max(len(text) + 1, 1 << 20))
    try:
        return pyarrow.json.read_json(pa.BufferReader(text), read_options=options)
    except pa.ArrowInvalid as error:
        message = str(error).splitlines()[0]
        # Arrow counts rows from 0.
        row = re.search(r"in row (\d+)", message)
        raise SourceError(
            f"not JSON lines: {message}",
            where=f"{shown}:{int(row[1]) + 1}" if row else shown,
            allowed="one JSON object a line, with the same kind of value under a key in each",
        ) from None


def _read_parquet(content: Content) -> pa.Table:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_table(pa.BufferReader(content.data))
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            f"not a Parquet file: {str(error).splitlines()[0]}", where=content.shown
        ) from None


_ARROW: dict[str, Any] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
    "date": pa.date32(),
}


def _typed(table: pa.Table, declared: Mapping[str, str], shown: str) -> pa.Table:
    """Cast columns of a typed source to what is declared."""
    for name, dtype in declared.items():
        if name not in table.column_names:
            raise SourceError(
                f"the source has no column {name!r}",
                where=f"types.{name}",
                got=name,
                allowed=table.column_names,
                hint=nearest(name, table.column_names),
            )
        at = table.column_names.index(name)
        kind = _ARROW[dtype]
        if dtype == "datetime" and pa.types.is_timestamp(table.schema.field(name).type):
            continue
        try:
            table = table.set_column(at, name, table[name].cast(kind))
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"the column {name!r} can't be read as {dtype}: {str(error).splitlines()[0]}",
                where=shown,
                hint=f"mend the file, or types.{name} in conf/",
            ) from None
    return table
