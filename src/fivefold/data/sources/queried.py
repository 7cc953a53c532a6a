"""The rows that a query gives, written to a file as they come, in the types that tables have."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.ipc

from fivefold.data.sources.databases import Answer
from fivefold.errors import SourceError
from fivefold.table.parquet import canonical, write_rows
from fivefold.table.progress import watched
from fivefold.table.rows import Rows

__all__ = ["spooled"]


def spooled(answer: Answer, path: Path, shown: str) -> str:
    """Write an answer as Parquet, and give the SHA-256 of its rows.

    The rows are hashed as CSV, whatever the batches they come in.

    Parameters
    ----------
    answer : Answer
        Read once.
    path : Path
        The file to write.
    shown : str
        How messages call the source.

    Raises
    ------
    SourceError
        There is no row, or a column has a type that a table can't hold.
    """
    digest = hashlib.sha256()
    with ExitStack() as stack:
        rows = _steady(answer, path.parent, shown, stack)
        target = _target(rows.schema)

        def hashed() -> Iterator[pa.RecordBatch]:
            for number, batch in enumerate(watched(rows.batches(), f"fetch {shown}")):
                plain = _plain(batch, target)
                text = pa.BufferOutputStream()
                options = pa.csv.WriteOptions(include_header=number == 0)
                pa.csv.write_csv(plain, text, options)
                digest.update(text.getvalue())
                yield plain

        if write_rows(Rows(target, hashed), path) == 0:
            raise _empty(shown)
    return digest.hexdigest()


def _empty(shown: str) -> SourceError:
    return SourceError(
        "the query gives no rows",
        where=shown,
        hint="is it the right table, and are these credentials allowed to see its rows?",
    )


def _steady(answer: Answer, folder: Path, shown: str, stack: ExitStack) -> Rows:
    """Give the rows under one schema: as the database says, or the one that all batches fit."""
    if answer.steady is not None:
        return Rows(answer.steady, lambda: answer.batches)
    kept = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
    files: list[Path] = []
    schemas: list[pa.Schema] = []
    for batch in watched(answer.batches, f"fetch {shown}"):
        flat = _plain(batch, _target(batch.schema, whole=False))
        files.append(kept / f"{len(files)}.arrow")
        with pa.OSFile(str(files[-1]), "wb") as sink, pa.ipc.new_file(sink, flat.schema) as writer:
            writer.write_batch(flat)
        if flat.schema not in schemas:
            schemas.append(flat.schema)
    if not schemas:
        raise _empty(shown)
    try:
        schema = pa.unify_schemas(schemas, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise SourceError(
            "a column changes its type on the way",
            where=shown,
            got=str(error).splitlines()[0],
            hint="convert it in the query: cast(... as ...)",
        ) from None

    def batches() -> Iterator[pa.RecordBatch]:
        for file in files:
            with pa.memory_map(str(file)) as source:
                yield from pa.ipc.open_file(source).read_all().cast(schema).to_batches()

    return Rows(schema, batches)


def _target(schema: pa.Schema, *, whole: bool = True) -> pa.Schema:
    """Give the types that the columns are kept in.

    Parameters
    ----------
    schema : pyarrow.Schema
        As the database gives it.
    whole : bool
        Has a column of missing values only a type already?
    """
    repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if repeated:
        raise SourceError(
            "two columns have the same name",
            where=repeated[0],
            hint="name the columns in the query: select a.id, b.id as other_id",
        )
    fields = [pa.field(item.name, _type(item)) for item in schema]
    final = canonical(pa.schema(fields))
    if whole:
        return final
    return pa.schema(
        [
            field if pa.types.is_null(field.type) else kept
            for field, kept in zip(fields, final, strict=True)
        ]
    )


def _type(field: pa.Field) -> pa.DataType:
    type_ = field.type
    if isinstance(type_, pa.OpaqueType) and type_.type_name == "numeric":
        return pa.float64()
    if isinstance(type_, pa.UuidType):
        return pa.string()
    if isinstance(type_, pa.BaseExtensionType):
        type_ = type_.storage_type
    if pa.types.is_time(type_):
        return pa.string()
    if pa.types.is_date(type_):
        return pa.date32()
    if pa.types.is_decimal(type_) and type_.scale > 0:
        return pa.float64()
    if (
        pa.types.is_nested(type_)
        or pa.types.is_binary(type_)
        or pa.types.is_large_binary(type_)
        or pa.types.is_fixed_size_binary(type_)
        or pa.types.is_duration(type_)
        or pa.types.is_interval(type_)
    ):
        raise SourceError(
            f"the column {field.name!r} has a type that a table can't hold",
            where=field.name,
            got=str(field.type),
            allowed="numbers, texts, truth values, dates and times",
            hint=f"leave it out of the query, or convert it there: cast({field.name} as text)",
        )
    return type_


def _plain(batch: pa.RecordBatch, target: pa.Schema) -> pa.RecordBatch:
    columns = []
    for column, field in zip(batch.columns, target, strict=True):
        if isinstance(column.type, pa.UuidType):
            words = [None if value is None else str(value) for value in column.to_pylist()]
            columns.append(pa.array(words, field.type))
            continue
        flat = column.storage if isinstance(column, pa.ExtensionArray) else column
        if pa.types.is_string(flat.type) and pa.types.is_floating(field.type):
            # PostgreSQL's words for what Arrow calls inf.
            flat = pc.replace_substring(flat, "Infinity", "inf")
        try:
            # A time is kept to the microsecond.
            exact = not pa.types.is_timestamp(field.type)
            columns.append(flat.cast(field.type, safe=exact))
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"a value of the column {field.name!r} can't be kept as {field.type}",
                where=field.name,
                got=str(error).splitlines()[0],
                hint=f"convert it in the query: cast({field.name} as text)",
            ) from None
    return pa.RecordBatch.from_arrays(columns, schema=target)
