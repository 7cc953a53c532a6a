"""Files that carry their types: Parquet and Arrow's own, read a batch at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from fivefold.data.sources.content import Content
from fivefold.data.sources.survey import Survey
from fivefold.errors import SourceError
from fivefold.table.progress import watched
from fivefold.table.rows import Rows

__all__ = ["read_arrow", "read_parquet", "same_types", "survey_parquet"]

_BATCH = 65_536


def read_parquet(contents: Sequence[Content]) -> list[Rows]:
    """Read Parquet files, a row group's piece at a time.

    Raises
    ------
    SourceError
        A file is not a Parquet file.
    """
    return [_parquet(content) for content in contents]


def survey_parquet(contents: Sequence[Content]) -> Survey:
    """Look at the columns in which there is something to see, and at dictionaries for the texts."""
    survey = Survey()
    for content in contents:
        with _opened_parquet(content) as file:
            schema, count = file.schema_arrow, file.metadata.num_rows
        names = [field.name for field in schema if Survey.looks_at(field.type)]
        before = survey.count
        if names:
            texts = [name for name in names if pa.types.is_string(schema.field(name).type)]
            with _opened_parquet(content, texts) as file:
                batches = file.iter_batches(batch_size=_BATCH, columns=names)
                for batch in watched(batches, f"read {content.shown}", count):
                    survey.see(batch)
        survey.count = before + count
    return survey


def _parquet(content: Content) -> Rows:
    with _opened_parquet(content) as file:
        schema, count = file.schema_arrow.remove_metadata(), file.metadata.num_rows

    def batches() -> Iterator[pa.RecordBatch]:
        with _opened_parquet(content) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                yield batch.replace_schema_metadata(None)

    return Rows(schema, batches, count)


@contextmanager
def _opened_parquet(content: Content, dictionaries: Sequence[str] = ()) -> Iterator[Any]:
    import pyarrow.parquet

    with _opened(content) as stream:
        try:
            with pyarrow.parquet.ParquetFile(stream, read_dictionary=list(dictionaries)) as file:
                yield file
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(
                f"not a Parquet file: {str(error).splitlines()[0]}", where=content.shown
            ) from None


def read_arrow(contents: Sequence[Content]) -> list[Rows]:
    """Read Feather and Arrow IPC files and streams.

    Raises
    ------
    SourceError
        A file is neither.
    """
    return [_arrow(content) for content in contents]


def _arrow(content: Content) -> Rows:
    with _opened_arrow(content) as (schema, _):
        pass

    def batches() -> Iterator[pa.RecordBatch]:
        with _opened_arrow(content) as (_, found):
            yield from found

    return Rows(schema.remove_metadata(), batches)


@contextmanager
def _opened_arrow(content: Content) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    import pyarrow.feather
    import pyarrow.ipc

    with _opened(content) as stream:
        magic = stream.read(6)
        stream.seek(0)
        try:
            if magic.startswith(b"FEA1"):
                table = pyarrow.feather.read_table(stream)
                yield table.schema, iter(table.to_batches())
            elif magic == b"ARROW1":
                file = pyarrow.ipc.open_file(stream)
                yield file.schema, map(file.get_batch, range(file.num_record_batches))
            else:
                reader = pyarrow.ipc.open_stream(stream)
                yield reader.schema, iter(reader)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(
                f"not a Feather or Arrow file: {str(error).splitlines()[0]}", where=content.shown
            ) from None


@contextmanager
def _opened(content: Content) -> Iterator[Any]:
    """Open a file that is read here and there: from disk, or whole where it is compressed."""
    with content.opened() as stream:
        kept = isinstance(stream, pa.OSFile)
        yield stream if kept else pa.BufferReader(io.BytesIO(stream.read()).getbuffer())


def same_types(parts: Sequence[Rows], names: Sequence[str]) -> list[Rows]:
    """Give the parts of one table the same columns, in the first one's order, and types.

    Parameters
    ----------
    parts : sequence of Rows
        At least one.
    names : sequence of str
        How messages call them.

    Raises
    ------
    SourceError
        A part lacks a column, or two have one in types that have no common one.
    """
    first = parts[0].schema
    for part, name in zip(parts, names, strict=True):
        differ = sorted(set(first.names) ^ set(part.schema.names))
        if differ:
            raise SourceError(
                f"the files have not the same columns: {differ[0]!r} is in one of them only",
                where=name,
                got=part.schema.names,
                allowed=first.names,
                hint="declare a source for each, and join or union them in integrate",
            )
    try:
        schema = pa.unify_schemas([part.schema for part in parts], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SourceError(
            f"a column has types that don't fit one another: {str(error).splitlines()[0]}",
            where=", ".join(dict.fromkeys(names))[:200],
            hint="set types: of it in conf/",
        ) from None
    return [_as(part, schema) for part in parts]


def _as(rows: Rows, schema: pa.Schema) -> Rows:
    if rows.schema.equals(schema):
        return rows

    def change(batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [batch.column(field.name).cast(field.type) for field in schema]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    return rows.mapped(change, schema)
