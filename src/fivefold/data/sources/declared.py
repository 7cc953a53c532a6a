"""Columns whose type ``conf/`` declares, and dates written otherwise than in ISO 8601."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from fivefold.errors import SourceError, nearest
from fivefold.table.rows import Rows

__all__ = [
    "ARROW",
    "MisfitError",
    "dtype_of",
    "formats_of",
    "parsed",
    "require_declared",
    "typed_as",
    "with_types",
]

ARROW: Mapping[str, pa.DataType] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
    "date": pa.date32(),
}
# Different texts of a column whose dates are remembered.
_REMEMBERED = 100_000


class MisfitError(Exception):
    """A value is not of its column's declared type; for the reader to word.

    Parameters
    ----------
    row : int
        From 0, in the batch.
    value : str
        The value.
    """

    def __init__(self, row: int, value: str) -> None:
        super().__init__(value)
        self.row = row
        self.value = value


def formats_of(declared: Any) -> tuple[str, ...]:
    """Give the formats of a declared type, none where it is of ISO 8601 or of no date."""
    given = declared.get("format") if isinstance(declared, Mapping) else None
    return (given,) if isinstance(given, str) else tuple(given or ())


def dtype_of(declared: Any) -> str:
    """Give the name of a declared type."""
    return str(declared["dtype"] if isinstance(declared, Mapping) else declared)


def typed_as(declared: Any) -> pa.DataType:
    """Give Arrow's type of a declared one."""
    zoned = any("%z" in given for given in formats_of(declared))
    dtype = dtype_of(declared)
    return pa.timestamp("us", "UTC") if zoned and dtype == "datetime" else ARROW[dtype]


def require_declared(types: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse a declared type of a column that the source doesn't have.

    Raises
    ------
    SourceError
        With the nearest name that it has.
    """
    for name in types:
        if name not in names:
            raise SourceError(
                f"the source has no column {name!r}",
                where=f"types.{name}",
                got=name,
                allowed=names,
                hint=nearest(name, names),
            )


def parsed(declared: Any) -> Callable[[pa.Array], pa.Array]:
    """Give a function that reads texts as dates or times by the declared formats.

    The formats are tried in their order; a text without a zone is of no zone, and one with a zone
    is moved to UTC. The function raises :class:`MisfitError` at a text that is of none of them.
    """
    formats, dtype, type_ = formats_of(declared), dtype_of(declared), typed_as(declared)
    known: dict[str, datetime] = {}

    def read(texts: pa.Array) -> pa.Array:
        if len(known) > _REMEMBERED:
            known.clear()
        values: list[Any] = []
        for row, text in enumerate(texts.to_pylist()):
            if text is None:
                values.append(None)
                continue
            if text not in known:
                moment = _moment(text, formats)
                if moment is None:
                    raise MisfitError(row, text)
                # Arrow has been seen to drop the offset of an aware time.
                known[text] = moment.astimezone(UTC) if moment.tzinfo else moment
            values.append(known[text].date() if dtype == "date" else known[text])
        return pa.array(values, type_)

    return read


def _moment(text: str, formats: Sequence[str]) -> datetime | None:
    for given in formats:
        try:
            return datetime.strptime(text.strip(), given)
        except ValueError:
            continue
    return None


def with_types(rows: Rows, types: Mapping[str, Any], shown: str) -> Rows:
    """Give rows of a typed source with columns in the types that are declared.

    Raises
    ------
    SourceError
        A declared column is absent; as the rows are read, a value that is not of its type.
    """
    if not types:
        return rows
    require_declared(types, rows.schema.names)
    casts = {name: _cast(rows.schema.field(name).type, types[name]) for name in types}
    schema = pa.schema(
        [pa.field(f.name, casts[f.name][0] if f.name in casts else f.type) for f in rows.schema]
    )

    def batches() -> Iterator[pa.RecordBatch]:
        first = 1
        for batch in rows.batches():
            columns = []
            for field, column in zip(batch.schema, batch.columns, strict=True):
                if field.name in casts:
                    column = _converted(column, casts[field.name][1], field.name, first)
                columns.append(column)
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
            first += batch.num_rows

    def _converted(column: pa.Array, cast: Any, name: str, first: int) -> pa.Array:
        try:
            return cast(column)
        except MisfitError as misfit:
            got: str | None = repr(misfit.value)
            place, why = f"{shown}, row {first + misfit.row}", ""
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            place, why, got = shown, f": {str(error).splitlines()[0]}", None
        raise SourceError(
            f"the column {name!r} can't be read as {dtype_of(types[name])}{why}",
            where=place,
            got=got,
            hint=f"mend the file, or types.{name} in conf/",
        )

    return Rows(schema, batches, rows.count)


def _cast(has: pa.DataType, declared: Any) -> tuple[pa.DataType, Callable[[pa.Array], pa.Array]]:
    """Give the type that a declared column gets, and the function that gives it."""
    dtype = dtype_of(declared)
    if formats_of(declared) and (pa.types.is_string(has) or pa.types.is_large_string(has)):
        return typed_as(declared), parsed(declared)
    if dtype == "datetime" and pa.types.is_timestamp(has):
        return has, lambda column: column
    type_ = ARROW[dtype]
    return type_, lambda column: column if column.type == type_ else column.cast(type_)
