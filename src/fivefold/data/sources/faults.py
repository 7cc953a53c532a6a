"""What is wrong with a delimited text: Arrow says that it is, Python's reader finds the line."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from fivefold.data.sources.declared import dtype_of, formats_of
from fivefold.data.sources.text import misencoded, records
from fivefold.errors import SourceError

if TYPE_CHECKING:
    from fivefold.data.sources.delimited import Delimited

__all__ = ["explained", "unreadable"]


def explained(message: str, text: Delimited) -> SourceError:
    """Turn Arrow's message into one that names the line, the column and what to do."""
    shown = text.content.shown
    wrong = misencoded(text.content, text.options.encoding)
    if wrong is not None:
        return wrong
    bad = re.search(r"In CSV column #(\d+).*invalid value '(.*)'", message, re.DOTALL)
    if bad:
        return unreadable(text.header[int(bad[1])], bad[2], text)
    try:
        for line, _, record in records(text.content, text.options.encoding, text.delimiter):
            if line > text.skip and len(record) != len(text.header):
                return SourceError(
                    "a row has another number of fields than the header",
                    where=f"{shown}:{line}",
                    got=f"{len(record)} fields: {text.delimiter.join(record)[:120]}",
                    allowed=f"{len(text.header)} fields",
                    hint="mend the line; a field that holds the delimiter must be quoted",
                )
    except csv.Error as error:
        return SourceError(f"not delimited text: {error}", where=shown)
    return SourceError(f"not delimited text: {message.splitlines()[0]}", where=shown)


def unreadable(name: str, value: str, text: Delimited) -> SourceError:
    """Word the error for a value that is not of its column's declared type, with its line."""
    declared = text.options.types.get(name)
    formats = formats_of(declared)
    dtype = dtype_of(declared) if declared is not None else "the type of the others"
    if formats:
        dtype += f" ({' or '.join(formats)})"
    elif dtype == "datetime":
        dtype += " (ISO 8601)"
    line = _line_of(name, value, text)
    dated = dtype.startswith("date")
    return SourceError(
        f"a value of the column {name!r} can't be read as {dtype}",
        where=f"{text.content.shown}:{line}" if line else text.content.shown,
        got=repr(value),
        hint=f"mend the value, add it to null_values:, or set types.{name}: string"
        + (f" or {{dtype: {dtype.split()[0]}, format: ...}}" if dated else ""),
    )


def _line_of(name: str, value: str, text: Delimited) -> int | None:
    at, wanted = text.header.index(name), value.strip()
    try:
        for line, _, record in records(text.content, text.options.encoding, text.delimiter):
            if line > text.skip and len(record) > at and record[at].strip() == wanted:
                return line
    except csv.Error:
        pass
    return None
