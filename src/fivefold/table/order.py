"""Rows in the order of their key, in bounded memory: looked at first, sorted where they are not."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from fivefold.errors import DataError
from fivefold.table.engine import BATCH_ROWS, batches, from_arrow, to_arrow
from fivefold.table.memory import HELD_BYTES

__all__ = ["OutOfOrder", "in_order", "keyed", "sorted_rows"]

Rows = tuple[pa.Schema, Iterator[pa.RecordBatch]]

# Of a range of rows that is sorted in memory: while one is sorted another is written.
_RANGE_BYTES = HELD_BYTES * 2 // 3
# About the bytes of a cell: of a text, its place and length; most are short or shared.
_STRING, _NUMBER = 16, 8
# Of so many keys one is looked at to cut the ranges.
_EVERY = 500


class OutOfOrder(Exception):  # noqa: N818 - caught by the writer; nobody sees it
    """The rows are not in the order of their key, or a key is missing or stands twice."""


def in_order(frame: nw.LazyFrame[Any], key: Sequence[str]) -> Rows:
    """Give the rows as they come, if they come in the order of the key or are few enough to sort.

    Most stages read sorted rows and keep their order, and looking costs a tenth of sorting.

    Raises
    ------
    OutOfOrder
        While the rows are read.
    """
    if frame.implementation.is_polars():
        return to_arrow(frame.head(0)).schema, _in_order_on_polars(nw.to_native(frame), list(key))
    schema, rows = batches(frame)
    return schema, _ascending(rows, key)


def sorted_rows(frame: nw.LazyFrame[Any], key: Sequence[str]) -> Rows:
    """Sort the rows by the key; what is large, without all of it in memory.

    DuckDB sorts on disk what its memory does not hold. polars sorts a range of keys at a time, and
    computes the frame for each: its filter reaches the file, whose statistics say which row groups
    hold the range.
    """
    if frame.implementation.is_duckdb():
        return batches(frame.sort(*key))
    if frame.implementation.is_polars():
        native = nw.to_native(frame)
        return to_arrow(frame.head(0)).schema, _by_ranges(native, list(key))
    rows = to_arrow(from_arrow(to_arrow(frame), "polars").sort(*key))
    return rows.schema, iter(rows.to_batches(max_chunksize=BATCH_ROWS))


def _in_order_on_polars(frame: Any, key: list[str]) -> Generator[pa.RecordBatch]:
    """Pass on what is in order, and sort what is not if it fits in memory.

    Looked at by its keys and rows first, though that computes it more than once: polars computes
    wide rows far ahead of their reader, gigabytes that a reader who turns away would have to pay.
    """
    import polars as pl

    if _keys_ascend(frame.select(key), key):
        rows = frame.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True)
        yield from _ascending(_as_arrow(rows), key)
        return
    count = frame.select(pl.len()).collect(engine="streaming").item()
    if count * _width(frame) > HELD_BYTES:
        raise OutOfOrder
    held = [frame.collect(engine="streaming")]
    yield from _ascending(_sorted_batches(held, key), key)


def _keys_ascend(keys: Any, key: list[str]) -> bool:
    coming = keys.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True)
    try:
        for _ in _ascending(_as_arrow(coming), key):
            pass
    except OutOfOrder:
        return False
    return True


def _width(frame: Any) -> int:
    """Give about the bytes of a row."""
    import polars as pl

    dtypes = frame.collect_schema().dtypes()
    return sum(_STRING if dtype == pl.String else _NUMBER for dtype in dtypes)


def _by_ranges(frame: Any, key: list[str]) -> Iterator[pa.RecordBatch]:
    with ThreadPoolExecutor(1) as pool:

        def computed(condition: Any) -> Any:
            return pool.submit(lambda: frame.filter(condition).collect(engine="streaming"))

        conditions = _ranges(frame, key[0])
        coming = computed(conditions[0])
        for following in [*conditions[1:], None]:
            ready = [coming.result()]
            if following is not None:
                coming = computed(following)
            yield from _sorted_batches(ready, key)


def _sorted_batches(held: list[Any], key: list[str]) -> Generator[pa.RecordBatch]:
    """Sort frames together, and empty the list of them: a row is in memory once or twice."""
    import polars as pl

    whole = pl.concat(held, rechunk=True)
    held.clear()
    # Taken batch by batch, while the writer is at the one before.
    places = whole.select(pl.arg_sort_by(key)).to_series()
    yield from _as_arrow(
        whole[places.slice(first, BATCH_ROWS)] for first in range(0, whole.height, BATCH_ROWS)
    )


def _as_arrow(frames: Iterable[Any]) -> Generator[pa.RecordBatch]:
    for frame in frames:
        yield from frame.to_arrow().to_batches()


def _ranges(frame: Any, name: str) -> list[Any]:
    """Cut the values of a key column into ranges that hold about as many rows each."""
    import polars as pl

    rows = missing = 0
    sampled = []
    for part in frame.select(name).collect_batches(maintain_order=False):
        rows += part.height
        missing += part[name].null_count()
        sampled.append(part[name].gather_every(_EVERY))
    if missing:
        raise _missing(missing, name)
    sample = pl.concat(sampled).sort()
    many = max(1, round(rows * _width(frame) / _RANGE_BYTES))
    places = [len(sample) * number // many for number in range(1, many)]
    bounds = [None, *sample.gather(places).unique().sort(), None]
    return [_between(pl.col(name), low, high) for low, high in pairwise(bounds)]


def _between(column: Any, low: Any, high: Any) -> Any:
    import polars as pl

    above = pl.lit(value=True) if low is None else column >= low
    return above if high is None else above & (column < high)


def _ascending(rows: Generator[pa.RecordBatch], key: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Pass the batches on as long as each row's key is above that of the row before it."""
    last: list[pa.Array] | None = None
    # Closed at once, because DuckDB starts no other query while a result of its is open.
    with closing(rows):
        for batch in rows:
            if batch.num_rows == 0:
                continue
            columns = _key_columns(batch, key)
            if last is not None:
                columns = [
                    pa.concat_arrays([before, column])
                    for before, column in zip(last, columns, strict=True)
                ]
            if not _strictly_ascending(columns):
                raise OutOfOrder
            last = [column.slice(len(column) - 1) for column in columns]
            yield batch


def _strictly_ascending(columns: Sequence[pa.Array]) -> bool:
    if any(column.null_count for column in columns):
        return False
    rows = len(columns[0])
    ordered: Any = None
    for column in reversed(columns):
        before, after = column.slice(0, rows - 1), column.slice(1)
        below = pc.less(before, after)
        if ordered is not None:
            below = pc.or_(below, pc.and_(pc.equal(before, after), ordered))
        ordered = below
    # The comparison of a NaN is false, so that a key with one is sorted, and found there.
    return rows < 2 or pc.all(ordered).as_py() is True


def keyed(rows: Iterator[pa.RecordBatch], key: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Pass sorted batches on, refusing a missing key and two neighbours with the same one.

    Keys stay Arrow's own scalars until a message needs them: the way from Python's values to Arrow,
    and from timestamps back, imports pandas, a third of a second in every stage.

    Raises
    ------
    DataError
        Which key.
    """
    last: tuple[pa.Scalar, ...] | None = None
    for batch in rows:
        if batch.num_rows == 0:
            continue
        columns = _key_columns(batch, key)
        for name, column in zip(key, columns, strict=True):
            if column.null_count:
                raise _missing(column.null_count, name)
        first = tuple(column[0] for column in columns)
        same = None
        for column in columns:
            equal = pc.equal(column.slice(1), column.slice(0, len(column) - 1))
            same = equal if same is None else pc.and_(same, equal)
        at = same.index(_TRUE).as_py() if same is not None and len(same) else -1
        repeated = tuple(column[at] for column in columns) if at >= 0 else None
        if last is not None and first == last:
            repeated = first
        if repeated is not None:
            raise DataError(
                "the key is not unique",
                where="key",
                got=", ".join(f"{n}={v.as_py()}" for n, v in zip(key, repeated, strict=True)),
                hint="add fivefold.data.cleaning.drop_duplicates to clean.steps, "
                "or name more columns under key: in conf/config.yaml",
            )
        last = tuple(column[-1] for column in columns)
        yield batch


def _key_columns(batch: pa.RecordBatch, key: Sequence[str]) -> list[pa.Array]:
    return [batch.column(batch.schema.get_field_index(name)) for name in key]


def _missing(rows: int, name: str) -> DataError:
    return DataError(
        f"{rows:,} rows have no value in the key column {name!r}",
        where="key",
        hint="drop those rows in clean.steps, or name another key in conf/config.yaml",
    )


# Made without Arrow's converter of Python values, which imports pandas.
_TRUE = pc.is_null(pa.nulls(1))[0]
