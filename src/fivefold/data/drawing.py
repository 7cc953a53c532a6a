"""Number a source's rows and draw some of them at random, a batch at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from fivefold.errors import SourceError
from fivefold.table.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["numbered", "sampled"]

# Draws that are held at a time while the smallest are looked for.
_DRAWS = 1 << 20


def numbered(rows: Rows, name: str | None) -> Rows:
    """Put an integer column before the others: the row's number in the source, from 1.

    Raises
    ------
    SourceError
        The source has a column of this name.
    """
    if name is None:
        return rows
    if name in rows.schema.names:
        raise SourceError(
            "row_number names a column that the source already has",
            where="row_number",
            got=name,
            hint="give another name, or leave row_number out if that column is a key",
        )
    schema = pa.schema([pa.field(name, pa.int64()), *rows.schema])

    def batches() -> Iterator[pa.RecordBatch]:
        from fivefold.table.arrays import integer_array

        first = 1
        for batch in rows.batches():
            numbers = integer_array(range(first, first + batch.num_rows))
            yield pa.RecordBatch.from_arrays([numbers, *batch.columns], schema=schema)
            first += batch.num_rows

    return Rows(schema, batches, rows.count)


def sampled(rows: Rows, count: int, size: int | None, name: str, seed: int) -> Rows:
    """Draw rows without replacement; they stay in their order.

    Each row gets a number of a stream that the seed and the source's name start, and those with the
    smallest stay: which ones depends on how many rows there are, and not on what they hold.

    Parameters
    ----------
    rows : Rows
        All of them.
    count : int
        How many there are.
    size : int or None
        How many to draw; all if None, or if there are no more.
    name : str
        The source's.
    seed : int
        The project's.
    """
    if size is None or size >= count:
        return rows
    chosen = _chosen(count, size, name, seed)

    def batches() -> Iterator[pa.RecordBatch]:
        from fivefold.table.arrays import integer_array

        first = 0
        for batch in rows.batches():
            start, end = chosen.searchsorted([first, first + batch.num_rows])
            if end > start:
                yield batch.take(integer_array(chosen[start:end] - first))
            first += batch.num_rows

    return Rows(rows.schema, batches, size)


def _chosen(count: int, size: int, name: str, seed: int) -> npt.NDArray[np.int64]:
    import numpy as np

    # The raw stream of a bit generator is stable over NumPy's versions; its distributions are not.
    entropy = [abs(seed), int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")]
    stream = np.random.PCG64(entropy)
    draws, places = np.empty(0, np.uint64), np.empty(0, np.int64)
    for first in range(0, count, _DRAWS):
        more = stream.random_raw(min(_DRAWS, count - first))
        at = np.arange(len(more), dtype=np.int64)
        if len(draws) == size:
            # Of two equal draws the earlier stays.
            at = at[more < draws[-1]]
        draws = np.concatenate([draws, more[at]])
        places = np.concatenate([places, at + first])
        smallest = np.argsort(draws, kind="stable")[:size]
        draws, places = draws[smallest], places[smallest]
    return np.sort(places)
