"""JSON lines with Arrow, a block at a time, and JSON documents, whose records become lines.

A column's type is the one that all its values have: numbers are integers unless one has a fraction;
texts are datetimes if all are. What was seen of it does not depend on where the blocks were cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fivefold.data.sources.content import Content
from fivefold.data.sources.declared import dtype_of, formats_of
from fivefold.data.sources.jsonblocks import Block, Lines
from fivefold.data.sources.ladder import rounded_integer
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.survey import Survey
from fivefold.data.sources.text import misencoded, opened_text
from fivefold.errors import SourceError, nearest
from fivefold.table.rows import Rows

__all__ = ["read_json", "read_json_lines"]

_WHOLE = 2**53


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
    counts = []
    for lines in parts:
        before = columns.survey.count
        for block in lines.blocks():
            columns.see(block)
        counts.append(columns.survey.count - before)
    schema = columns.schema()

    def batches(lines: Lines) -> Iterator[pa.RecordBatch]:
        for block in lines.blocks():
            yield from block.table(columns.texts, schema).to_batches()

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

    def see(self, block: Block) -> None:
        """Join a block's types to those before it."""
        table = block.table(self.texts)
        for field, column in zip(table.schema, table.columns, strict=True):
            before = self.types.get(field.name, pa.null())
            joined = pa.string() if field.name in self.texts else _joined(before, field.type)
            if joined is None:
                raise _mixed(block, field.name, before)
            self.types[field.name] = joined
            if field.name not in self._inexact and field.name not in self._declared:
                self._look(block, field.name, column)
        for batch in table.to_batches():
            self.survey.see(batch)

    def _look(self, block: Block, name: str, column: Any) -> None:
        """Note the first integer of a column that a float would round."""
        if column.type not in (pa.int64(), pa.float64()):
            return
        ends = pc.min_max(column).as_py()
        if ends["min"] is None or (ends["min"] > -_WHOLE and ends["max"] < _WHOLE):
            return
        for line, record in block.records():
            value = record.get(name)
            if isinstance(value, int) and rounded_integer(str(value)):
                self._inexact[name] = f"{block.lines.at(line)} holds {value}"
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


def _mixed(block: Block, name: str, before: pa.DataType) -> SourceError:
    """Word the error for a key whose values are of another kind than in the blocks before."""
    filled = ((line, record.get(name)) for line, record in block.records())
    line, value = next(item for item in filled if item[1] is not None)
    return SourceError(
        f"the key {name!r} has values of different kinds",
        where=block.lines.at(line),
        got=f"{value!r}, after values that are {before}",
        hint=f"mend the value, or set types.{name}: string",
    )
