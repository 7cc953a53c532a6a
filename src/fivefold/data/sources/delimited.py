"""CSV and TSV with Arrow, a block at a time: once to find the types, then as often as needed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv

from fivefold.data.sources.content import Content
from fivefold.data.sources.declared import (
    ARROW,
    MisfitError,
    dtype_of,
    formats_of,
    parsed,
    require_declared,
    typed_as,
)
from fivefold.data.sources.faults import explained, unreadable
from fivefold.data.sources.ladder import Ladder
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.survey import Survey
from fivefold.data.sources.text import misencoded, opened_text, records
from fivefold.errors import ConfigError, SourceError, nearest
from fivefold.table.progress import watched
from fivefold.table.rows import Rows

__all__ = ["NULL_VALUES", "Delimited", "read_delimited"]

NULL_VALUES = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")

# Bytes that Arrow parses at a time: at least, and at most where a row needs more.
_BLOCK = 1 << 22
_LARGEST_BLOCK = 1 << 30
# A block holds this many headers' worth of bytes at least, so that a very wide table isn't handed
# on a few rows at a time.
_HEADERS = 200


def read_delimited(
    contents: Sequence[Content], options: FormatOptions, delimiter: str
) -> tuple[list[Rows], Survey]:
    """Read delimited texts whose first lines name the columns; they are parts of one table.

    A column's type is the narrowest of integer, boolean, date, datetime, number and string that
    all its values have, in all parts, unless ``options.types`` declares it.

    Parameters
    ----------
    contents : sequence of Content
        In their order, at least one.
    options : FormatOptions
        How they are written.
    delimiter : str
        One character.

    Returns
    -------
    parts : list of Rows
        One for each of the contents, all with the same schema.
    survey : Survey
        What a look at all values showed.

    Raises
    ------
    SourceError
        Ragged rows, duplicate or missing headers, a value that is not of the declared type.
    """
    if len(delimiter) != 1:
        raise ConfigError(
            "the delimiter is not one character", where="delimiter", got=repr(delimiter)
        )
    texts = [Delimited.of(content, options, delimiter) for content in contents]
    names = texts[0].header
    require_declared(options.types, names)
    for text in texts[1:]:
        _require_same_columns(text, texts[0])
    block = max(_BLOCK, min(_HEADERS * sum(map(len, names)), _LARGEST_BLOCK // 16))
    while True:
        survey, ladders = Survey(), _ladders(names, options)
        try:
            counts = [_surveyed(text, block, survey, ladders) for text in texts]
            break
        except _LongRowError:
            block = min(block * 8, _LARGEST_BLOCK)
    schema = pa.schema(
        [pa.field(name, _final(name, ladders.get(name), options, survey)) for name in names]
    )
    parts = [
        Rows(schema, lambda text=text: text.batches(schema, block), count)  # type: ignore[misc]
        for text, count in zip(texts, counts, strict=True)
    ]
    return parts, survey


class _LongRowError(Exception):
    """A row is longer than a block."""


@dataclass(frozen=True)
class Delimited:
    """One delimited text.

    Attributes
    ----------
    content : Content
        Its bytes.
    options : FormatOptions
        How they are written.
    delimiter : str
        One character.
    header : tuple of str
        The columns' names.
    skip : int
        The lines that the header ends on.
    """

    content: Content
    options: FormatOptions
    delimiter: str
    header: tuple[str, ...]
    skip: int

    @classmethod
    def of(cls, content: Content, options: FormatOptions, delimiter: str) -> Delimited:
        """Read the header."""
        try:
            _, end, found = next(records(content, options.encoding, delimiter), (1, 1, []))
        except csv.Error as error:
            raise SourceError(
                f"the header can't be read: {error}", where=f"{content.shown}:1"
            ) from None
        except UnicodeError:
            raise misencoded(content, options.encoding) or SourceError(
                "the header can't be read", where=f"{content.shown}:1"
            ) from None
        return cls(content, options, delimiter, _header(found, content.shown, delimiter), end)

    def strings(self, block: int) -> Iterator[pa.RecordBatch]:
        """Read every column whose type is to be found as text, and the others as declared."""
        types = {name: pa.string() for name in self.header}
        for name, declared in self.options.types.items():
            if not formats_of(declared) and dtype_of(declared) != "datetime":
                types[name] = ARROW[dtype_of(declared)]
        return self._read(types, block)

    def dated(self) -> dict[str, Callable[[pa.Array], pa.Array]]:
        """Give what reads the columns whose dates have formats of their own."""

        def reads(name: str, read: Callable[[pa.Array], pa.Array]) -> Any:
            def column(texts: pa.Array) -> pa.Array:
                try:
                    return read(texts)
                except MisfitError as misfit:
                    raise unreadable(name, misfit.value, self) from None

            return column

        return {
            name: reads(name, parsed(declared))
            for name, declared in self.options.types.items()
            if formats_of(declared)
        }

    def batches(self, schema: pa.Schema, block: int) -> Iterator[pa.RecordBatch]:
        """Read the columns in the order and the types that were found."""
        dated = self.dated()
        types = {field.name: field.type for field in schema}
        for batch in self._read({**types, **dict.fromkeys(dated, pa.string())}, block):
            columns = [
                dated[name](batch.column(name)) if name in dated else batch.column(name)
                for name in schema.names
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _read(self, types: Mapping[str, pa.DataType], block: int) -> Iterator[pa.RecordBatch]:
        nulls = self.options.null_values
        convert = pa.csv.ConvertOptions(
            column_types=dict(types),
            null_values=list(NULL_VALUES if nulls is None else nulls),
            strings_can_be_null=True,
        )
        parse = pa.csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True)
        # Without threads, a message names the first value that is wrong.
        read = pa.csv.ReadOptions(
            use_threads=False,
            block_size=block,
            column_names=list(self.header),
            skip_rows=self.skip,
        )
        with opened_text(self.content, self.options.encoding) as stream:
            try:
                with pa.csv.open_csv(
                    stream, read_options=read, parse_options=parse, convert_options=convert
                ) as reader:
                    yield from reader
            except UnicodeError:
                raise misencoded(self.content, self.options.encoding) or SourceError(
                    "the text can't be decoded", where=self.content.shown
                ) from None


def _surveyed(text: Delimited, block: int, survey: Survey, ladders: Mapping[str, Ladder]) -> int:
    """Look at all values of a text, and give the number of its rows."""
    before, dated = survey.count, text.dated()
    try:
        for batch in watched(text.strings(block), f"read {text.content.shown}"):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                if name in dated:
                    dated[name](column)
                elif name in ladders:
                    _climb(name, column, ladders[name], text)
            survey.see(batch)
    except pa.ArrowInvalid as error:
        if "straddl" in str(error) and block < _LARGEST_BLOCK:
            raise _LongRowError from None
        raise explained(str(error), text) from None
    return survey.count - before


def _climb(name: str, column: pa.Array, ladder: Ladder, text: Delimited) -> None:
    ladder.see(column)
    if ladder.fallen is not None and name in text.options.types:
        raise unreadable(name, ladder.fallen[2], text)


def _ladders(names: Sequence[str], options: FormatOptions) -> dict[str, Ladder]:
    """Give a ladder to each column whose type is to be found, or whose zone."""
    return {
        name: Ladder(times=name in options.types)
        for name in names
        if name not in options.types
        or (dtype_of(options.types[name]) == "datetime" and not formats_of(options.types[name]))
    }


def _final(name: str, ladder: Ladder | None, options: FormatOptions, survey: Survey) -> pa.DataType:
    """Settle a column's type, and note what a person should know of it."""
    declared = options.types.get(name)
    if ladder is None:
        return typed_as(declared)
    found = ladder.type
    if ladder.cut and pa.types.is_timestamp(found):
        survey.cut(name)
    if declared is not None:
        return found if pa.types.is_timestamp(found) else ARROW["datetime"]
    if ladder.fallen is not None:
        type_, row, value = ladder.fallen
        got = f"row {row + 1:,} holds {value[:60]!r}"
        if ladder.rounded:
            survey.warn(name, f"kept as text, for numbers in 64 bits would be rounded: {got}")
        elif not pa.types.is_null(type_):
            survey.warn(name, f"kept as text: {got}, after {_WORDS[str(type_)]}")
    elif ladder.infinite:
        survey.infinite(name, ladder.infinite)
    return pa.string() if pa.types.is_null(found) else found


_WORDS = {
    "int64": "integers",
    "double": "numbers",
    "bool": "booleans",
    "date32[day]": "dates",
    "timestamp[us]": "datetimes",
    "timestamp[ns]": "datetimes",
    "timestamp[us, tz=UTC]": "datetimes with a zone",
    "timestamp[ns, tz=UTC]": "datetimes with a zone",
}


def _header(found: Sequence[str], shown: str, delimiter: str) -> tuple[str, ...]:
    """Name the columns; one without a name is called by its place."""
    other = next((mark for mark in ";\t|," if found and mark != delimiter and mark in found[0]), "")
    if len(found) == 1 and other:
        raise SourceError(
            "the header has one column, so the delimiter seems to be another",
            where=f"{shown}:1",
            got=found[0],
            hint=f"set delimiter: {other!r}",
        )
    header = tuple(name.strip() or f"unnamed_{at}" for at, name in enumerate(found, 1))
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


def _require_same_columns(text: Delimited, first: Delimited) -> None:
    for one, other in ((text, first), (first, text)):
        for name in one.header:
            if name not in other.header:
                raise SourceError(
                    f"the files have not the same columns: {name!r} is in {one.content.shown} only",
                    where=other.content.shown,
                    got=other.header,
                    hint=nearest(name, other.header)
                    or "declare a source for each, and join or union them in integrate",
                )
