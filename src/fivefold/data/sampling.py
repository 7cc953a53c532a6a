"""A sample of a table's rows, drawn by the hash of the key: the same on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from fivefold.data.keys import count_rows
from fivefold.data.rowhash import row_hashes, uniform
from fivefold.data.values import single
from fivefold.table.arrays import integer_array
from fivefold.table.engine import batches, names_of
from fivefold.table.parquet import canonical

__all__ = ["Sample", "sample_of"]

_SEED = 5


@dataclass(frozen=True)
class Sample:
    """Rows in memory.

    Attributes
    ----------
    table : pyarrow.Table
        The key and the columns asked for.
    share : float
        Of the table's rows; 1 if it holds all.
    """

    table: pa.Table
    share: float


def sample_of(
    frame: nw.LazyFrame[Any],
    key: Sequence[str],
    columns: Sequence[str],
    most: int,
    rows: int | None = None,
) -> Sample:
    """Draw about ``most`` rows, or take all of a table that has no more.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    key : sequence of str
        The columns that decide, those without a missing value if not given; a row without a value
        in them is not drawn.
    columns : sequence of str
        What is wanted of each row.
    most : int
        About how many; never above it by more than chance.
    rows : int, optional
        How many there are, where it is known.
    """
    total = count_rows(frame) if rows is None else rows
    share = 1.0 if total <= most else most / total
    if not key and share < 1:
        key = _complete(frame)
    wanted = list(dict.fromkeys([*key, *columns]))
    # DuckDB takes long to choose among very many columns.
    few = frame if set(wanted) >= set(names_of(frame)) else frame.select(*wanted)
    schema, stream = batches(few)
    chosen = []
    for batch in stream:
        table = pa.Table.from_batches([batch])
        if share < 1:
            known = table.drop_null() if any(table[n].null_count for n in key) else table
            draws = uniform(row_hashes(known.select(list(key)), list(key), _SEED))
            table = known.take(integer_array(np.flatnonzero(draws < share)))
        chosen.append(table)
    whole = pa.concat_tables(chosen) if chosen else schema.empty_table()
    return Sample(whole.cast(canonical(schema)), share)


def _complete(frame: nw.LazyFrame[Any]) -> list[str]:
    names = names_of(frame)
    missing = single(frame.select(nw.col(name).null_count().alias(name) for name in names))
    return [name for name in names if not missing[name]]
