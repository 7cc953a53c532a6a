"""JSON lines with Arrow, a block at a time, and JSON documents, whose records become lines.

A column's type is the one that all its values have: numbers are integers unless one has a fraction;
texts are datetimes if all are. What was seen of it does not depend on where the blocks were cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from fivefold.data.sources.content import Content
from fivefold.data.sources.declared import dtype_of, formats_of
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.survey import Survey
from fivefold.data.sources.text import misencoded, opened_text
from fivefold.errors import SourceError, nearest
from fivefold.table.rows import Rows

__all__ = ["read_json", "read_json_lines"]

_BLOCK = 8 << 20
_WHOLE = 2**53
# What a line of an object has not: it starts with something else, or a null follows it. Arrow's
# reader does not survive a null that stands where an object should.
_STRAY = re.compile(rb"\n[ \t\r]*[^ \t\r\n{]|\}\s*null")


@dataclass(frozen=True)
class Lines:
    """Records, one a line.

    Attributes
    ----------
    shown : str
        How messages call where they are from.
    unit : str
        What stands between that and the number of a line.
    opened : callable
        Open them as a binary stream of UTF-8.
    misencoded : callable
        Find the byte that is not of the encoding.
    """

    shown: str
    unit: str
    opened: Callable[[], AbstractContextManager[Any]]
    misencoded: Callable[[], SourceError | None]

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Give whole lines, some megabytes at a time, with the number of the first, from 1."""
        line, rest = 1, b""
        try:
            with self.opened() as stream:
                while chunk := stream.read(_BLOCK):
                    whole, newline, after = chunk.rpartition(b"\n")
                    if not newline:
                        rest += chunk
                        continue
                    block = rest + whole + newline
                    block.decode()  # Arrow does not look whether a text is UTF-8
                    yield line, block
                    line, rest = line + block.count(b"\n"), after
            rest.decode()
            if rest:
                yield line, rest
        except UnicodeError:
            raise self.misencoded() or SourceError("not text", where=self.shown) from None

    def at(self, line: int) -> str:
        """Name a line."""
        return f"{self.shown}{self.unit}{line}"


def read_json_lines(
    contents: Sequence[Content], options: FormatOptions
) -> tuple[list[Rows], Survey]:
    """Read one JSON object a line.

    Raises
    ------
    SourceError
        A line is none, or a key has values of different kinds.
    """
    return _parts([_lines(content, options.encoding) for content in contents], options)


def _lines(content: Content, encoding: str) -> Lines:
    return Lines(
        content.shown,
        ":",
        lambda: opened_text(content, encoding),
        lambda: misencoded(content, encoding),
    )


def read_json(contents: Sequence[Content], options: FormatOptions) -> tuple[list[Rows], Survey]:
    """Read JSON documents that are, or hold, an array of objects; each is held in memory.

    Raises
    ------
    SourceError
        A document is no JSON, or holds no array of objects where it is said to.
    """
    return _parts([_document(content, options) for content in contents], options)


def _document(content: Content, options: FormatOptions) -> Lines:
    try:
        with opened_text(content, options.encoding) as stream:
            found = json.loads(stream.read().decode("utf-8-sig"))
    except UnicodeError:
        raise misencoded(content, options.encoding) or SourceError(
            "not text", where=content.shown
        ) from None
    except (ValueError, RecursionError) as error:
        hint = "set format: jsonl, if it has one object a line" if "Extra" in str(error) else None
        raise SourceError(f"not JSON: {error}", where=content.shown, hint=hint) from None
    for key in options.records.split(".") if options.records else ():
        if not isinstance(found, Mapping) or key not in found:
            keys = list(found) if isinstance(found, Mapping) else []
            raise SourceError(
                f"the document has no {options.records!r}",
                where=f"{content.shown}, records",
                got=key,
                allowed=keys or "no keys here",
                hint=nearest(key, keys),
            )
        found = found[key]
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        lists = (
            [key for key, value in found.items() if isinstance(value, list)]
            if isinstance(found, Mapping)
            else []
        )
        raise SourceError(
            "the document holds no array of objects there",
            where=content.shown,
            got=type(found).__name__,
            allowed="[{...}, {...}]",
            hint=f"set records: {lists[0]}" if lists else "set records: to where it is",
        )
    text = "".join(json.dumps(item) + "\n" for item in found).encode()
    return Lines(content.shown, ", record ", lambda: nullcontext(BytesIO(text)), lambda: None)


def _parts(parts: Sequence[Lines], options: FormatOptions) -> tuple[list[Rows], Survey]:
    columns = _Columns(options)
    counts = [
        sum(columns.see(lines, first, block) for first, block in lines.blocks()) for lines in parts
    ]
    schema = columns.schema()

    def batches(lines: Lines) -> Iterator[pa.RecordBatch]:
        for first, block in lines.blocks():
            yield from _read(lines, first, block, columns.texts, schema).to_batches()

    rows = [
        Rows(schema, lambda lines=lines: batches(lines), count)  # type: ignore[misc]
        for lines, count in zip(parts, counts, strict=True)
    ]
    return rows, columns.survey


class _Columns:
    """The types of the columns, joined over the blocks.

    Attributes
    ----------
    types : dict of str to pyarrow.DataType
        In the order in which the columns were first seen.
    texts : set of str
        The columns whose values are kept as text, whatever they are.
    survey : Survey
        What a look at the values showed.
    """

    def __init__(self, options: FormatOptions) -> None:
        self.types: dict[str, pa.DataType] = {}
        self.texts = {
            name
            for name, declared in options.types.items()
            if dtype_of(declared) == "string" or formats_of(declared)
        }
        self._declared = frozenset(options.types)
        self._inexact: dict[str, str] = {}
        self.survey = Survey()

    def see(self, lines: Lines, first: int, block: bytes) -> int:
        """Join a block's types to those before it, and give the number of its rows."""
        table = _read(lines, first, block, self.texts)
        for field, column in zip(table.schema, table.columns, strict=True):
            before = self.types.get(field.name, pa.null())
            joined = pa.string() if field.name in self.texts else _joined(before, field.type)
            if joined is None:
                raise _mixed(lines, first, block, field.name, before)
            self.types[field.name] = joined
            if field.name not in self._inexact and field.name not in self._declared:
                self._look(lines, first, block, field.name, column)
        for batch in table.to_batches():
            self.survey.see(batch)
        return int(table.num_rows)

    def _look(self, lines: Lines, first: int, block: bytes, name: str, column: Any) -> None:
        """Note the first integer of a column that a float would round."""
        if column.type not in (pa.int64(), pa.float64()):
            return
        ends = pc.min_max(column).as_py()
        if ends["min"] is None or (ends["min"] > -_WHOLE and ends["max"] < _WHOLE):
            return
        for line, record in _records(first, block):
            value = record.get(name)
            if isinstance(value, int) and _rounded(value):
                self._inexact[name] = f"{lines.at(line)} holds {value}"
                return

    def schema(self) -> pa.Schema:
        """Settle the types."""
        for name, place in self._inexact.items():
            if self.types[name] == pa.float64():
                self.types[name] = pa.string()
                self.texts.add(name)
                self.survey.warn(
                    name, f"kept as text, for numbers in 64 bits would be rounded: {place}"
                )
        return pa.schema(list(self.types.items()))


def _rounded(value: int) -> bool:
    try:
        return int(float(value)) != value
    except OverflowError:
        return True


def _joined(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Give the narrowest type that holds the values of both, or None."""
    kinds = [kind for kind in (one, other) if not pa.types.is_null(kind)]
    if len(set(kinds)) < 2:
        return kinds[0] if kinds else pa.null()
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return pa.float64()
    if all(pa.types.is_timestamp(kind) for kind in kinds):
        return pa.timestamp("ns", kinds[0].tz) if kinds[0].tz == kinds[1].tz else pa.string()
    if all(pa.types.is_timestamp(kind) or pa.types.is_string(kind) for kind in kinds):
        return pa.string()
    # A nested value is refused by whoever keeps the table.
    return one if all(pa.types.is_nested(kind) for kind in kinds) else None


def _read(
    lines: Lines, first: int, block: bytes, texts: set[str], schema: pa.Schema | None = None
) -> pa.Table:
    """Read a block as a table, with the columns in `texts` as text."""
    if not _STRAY.search(b"\n" + block):
        try:
            return _parsed(block, schema)
        except pa.ArrowInvalid as error:
            if not texts:
                raise _wrong(lines, first, block, str(error)) from None
    rewritten = b"".join(
        json.dumps(
            {key: _text(value) if key in texts else value for key, value in record.items()}
        ).encode()
        + b"\n"
        for _, record in _records(first, block, lines)
    )
    try:
        return _parsed(rewritten, schema)
    except pa.ArrowInvalid as error:
        raise _wrong(lines, first, block, str(error)) from None


def _parsed(block: bytes, schema: pa.Schema | None) -> pa.Table:
    return pa.json.read_json(
        pa.BufferReader(block),
        # In one piece, so that Arrow sees every value before it settles a type.
        read_options=pa.json.ReadOptions(block_size=len(block) + 1),
        parse_options=pa.json.ParseOptions(explicit_schema=schema),
    )


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _records(
    first: int, block: bytes, lines: Lines | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the records of a block as Python's values, with their lines; blank lines are none."""
    for line, text in enumerate(block.split(b"\n"), first):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except ValueError as error:
            if lines is not None:
                raise SourceError(f"not JSON lines: {error}", where=lines.at(line)) from None
            continue
        if isinstance(record, dict):
            yield line, record
        elif lines is not None:
            raise SourceError(
                "not JSON lines", where=lines.at(line), got=str(text[:60]), allowed="an object"
            )


def _wrong(lines: Lines, first: int, block: bytes, message: str) -> SourceError:
    """Word Arrow's message, with the line."""
    wrong = lines.misencoded()
    if wrong is not None:
        return wrong
    head = message.splitlines()[0]
    row, name = re.search(r"in row (\d+)", head), re.search(r"Column\(/([^/)]+)\) changed", head)
    filled = [at for at, text in enumerate(block.split(b"\n"), first) if text.strip()]
    return SourceError(
        f"not JSON lines: {head}",
        where=lines.at(filled[int(row[1])]) if row and int(row[1]) < len(filled) else lines.shown,
        allowed="one JSON object a line, with the same kind of value under a key in each",
        hint=f"mend the value, or set types.{name[1]}: string" if name else None,
    )


def _mixed(lines: Lines, first: int, block: bytes, name: str, before: pa.DataType) -> SourceError:
    """Word the error for a key whose values are of another kind than in the blocks before."""
    line, value = next(
        (
            (line, record[name])
            for line, record in _records(first, block)
            if record.get(name) is not None
        ),
        (first, None),
    )
    return SourceError(
        f"the key {name!r} has values of different kinds",
        where=lines.at(line),
        got=f"{value!r}, after values that are {before}",
        hint=f"mend the value, or set types.{name}: string",
    )
