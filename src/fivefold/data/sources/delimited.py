"""CSV and TSV with Arrow; where Arrow gives up, Python's reader finds the line to mend."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv

from fivefold.data.sources.text import records
from fivefold.errors import ConfigError, SourceError, nearest

__all__ = ["NULL_VALUES", "read_delimited"]

NULL_VALUES = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")

_ARROW: dict[str, Any] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}
# Arrow can't parse a larger block in one piece.
_LARGEST_BLOCK = 1 << 30


def read_delimited(
    text: bytes,
    shown: str,
    delimiter: str,
    types: Mapping[str, str],
    null_values: Sequence[str] | None,
) -> pa.Table:
    """Read delimited text whose first line names the columns.

    A column's type is the narrowest of integer, boolean, date, datetime, number and string that
    all its values have, unless ``types`` declares it.

    Parameters
    ----------
    text : bytes
        UTF-8.
    shown : str
        How messages call the file.
    delimiter : str
        One character.
    types : mapping of str to str
        Declared types by column.
    null_values : sequence of str, optional
        The texts that mean "missing".

    Raises
    ------
    SourceError
        Ragged rows, duplicate or missing headers, a value that is not of the declared type.
    """
    if len(delimiter) != 1:
        raise ConfigError(
            "the delimiter is not one character", where="delimiter", got=repr(delimiter)
        )
    header = _header(text, shown, delimiter)
    for name in types:
        if name not in header:
            raise SourceError(
                f"the source has no column {name!r}",
                where=f"types.{name}",
                got=name,
                allowed=header,
                hint=nearest(name, header),
            )
    read = _Reader(text, delimiter, header, types, null_values)
    try:
        table = read(threads=True)
    except pa.ArrowInvalid:
        # Arrow infers a type from the first block; a later one may not fit it. In one block it sees
        # every value, and without threads it names the first that is wrong.
        try:
            table = read(threads=False, block=len(text) + 1)
        except pa.ArrowInvalid as error:
            raise _explained(str(error), text, shown, delimiter, header, types) from None
    return _timed(table, types, text, shown, delimiter)


class _Reader:
    """Arrow's options for one text."""

    def __init__(
        self,
        text: bytes,
        delimiter: str,
        header: Sequence[str],
        types: Mapping[str, str],
        null_values: Sequence[str] | None,
    ) -> None:
        self.text = text
        self.header = header
        # Newlines inside quotes cost Arrow its parallel cutting into blocks.
        self.parse = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in text)
        self.convert = pa.csv.ConvertOptions(
            column_types={name: _ARROW[kind] for name, kind in types.items() if kind in _ARROW},
            null_values=list(NULL_VALUES if null_values is None else null_values),
            strings_can_be_null=True,
        )

    def __call__(self, threads: bool, block: int = 1 << 20) -> pa.Table:
        options = pa.csv.ReadOptions(
            use_threads=threads,
            block_size=min(block, _LARGEST_BLOCK),
            column_names=list(self.header),
            skip_rows=1,
        )
        source = pa.BufferReader(self.text)
        return pa.csv.read_csv(
            source, read_options=options, parse_options=self.parse, convert_options=self.convert
        )


def _header(text: bytes, shown: str, delimiter: str) -> list[str]:
    """Read the names of the columns; a column without one is called by its place."""
    try:
        _, found = next(records(text, delimiter), (1, []))
    except csv.Error as error:
        raise SourceError(f"the header can't be read: {error}", where=f"{shown}:1") from None
    other = next((mark for mark in ";\t|," if mark != delimiter and mark in found[0]), None)
    if len(found) == 1 and other:
        raise SourceError(
            "the header has one column, so the delimiter seems to be another",
            where=f"{shown}:1",
            got=found[0],
            hint=f"set delimiter: {other!r}",
        )
    header = [name.strip() or f"unnamed_{at}" for at, name in enumerate(found, 1)]
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        places = [str(at) for at, name in enumerate(header, 1) if name == twice[0]]
        raise SourceError(
            f"the header names {twice[0]!r} more than once",
            where=f"{shown}:1",
            got=f"columns {', '.join(places)} of {len(header)}",
            hint="give each column a name of its own in the file",
        )
    return header


def _explained(
    message: str,
    text: bytes,
    shown: str,
    delimiter: str,
    header: Sequence[str],
    types: Mapping[str, str],
) -> SourceError:
    """Turn Arrow's message into one that names the line, the column and what to do."""
    bad = re.search(r"In CSV column #(\d+).*invalid value '(.*)'", message, re.DOTALL)
    if bad:
        name, value = header[int(bad[1])], bad[2]
        return _unreadable(name, types.get(name, "inferred type"), value, text, shown, delimiter)
    try:
        for line, record in records(text, delimiter):
            if len(record) != len(header):
                return SourceError(
                    "a row has another number of fields than the header",
                    where=f"{shown}:{line}",
                    got=f"{len(record)} fields: {delimiter.join(record)[:120]}",
                    allowed=f"{len(header)} fields",
                    hint="mend the line; a field that holds the delimiter must be quoted",
                )
    except csv.Error as error:
        return SourceError(f"not delimited text: {error}", where=shown)
    return SourceError(f"not delimited text: {message.splitlines()[0]}", where=shown)


def _unreadable(
    name: str, dtype: str, value: str, text: bytes, shown: str, delimiter: str
) -> SourceError:
    at, line = None, None
    for number, record in records(text, delimiter):
        at = _header(text, shown, delimiter).index(name) if at is None else at
        if line is None and len(record) > at and record[at].strip() == value.strip() and number > 1:
            line = number
            break
    return SourceError(
        f"a value of the column {name!r} can't be read as {dtype}",
        where=f"{shown}:{line}" if line else shown,
        got=repr(value),
        hint=f"mend the value, add it to null_values:, or set types.{name}: string",
    )


def _timed(
    table: pa.Table, types: Mapping[str, str], text: bytes, shown: str, delimiter: str
) -> pa.Table:
    """Hold declared datetimes against what Arrow found, and keep times of day as text."""
    for at, field in enumerate(table.schema):
        if pa.types.is_time(field.type):
            table = table.set_column(at, field.name, table[field.name].cast(pa.string()))
        elif types.get(field.name) == "datetime" and not pa.types.is_timestamp(field.type):
            column = table[field.name]
            if pa.types.is_date(field.type) or pa.types.is_null(field.type):
                table = table.set_column(at, field.name, column.cast(pa.timestamp("us")))
                continue
            value = _first_not_a_time(column)
            raise _unreadable(field.name, "datetime (ISO 8601)", value, text, shown, delimiter)
    return table


def _first_not_a_time(column: pa.ChunkedArray) -> str:
    for value in column.drop_null():
        try:
            value.cast(pa.timestamp("us"))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return str(value.as_py())
        if not isinstance(value.as_py(), str):
            return str(value.as_py())
    return "values with a time zone beside values without one"
