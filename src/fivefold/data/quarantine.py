"""Rows that validation set aside: dropped by key wherever the rest of the table is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.table import Table, checkpoint, from_arrow, to_arrow
from fivefold.table.engine import engine_of
from fivefold.table.parquet import canonical

__all__ = ["REASON", "set_aside", "without_quarantined"]

REASON = "quarantine_reason"
"""The column beside the table's own that says why a row was set aside."""


def without_quarantined(
    table: nw.LazyFrame[Any], quarantine: nw.LazyFrame[Any], key: Sequence[str]
) -> nw.LazyFrame[Any]:
    """Drop the rows that were set aside.

    Parameters
    ----------
    table : narwhals.LazyFrame
        All rows, on the same engine as the quarantine.
    quarantine : narwhals.LazyFrame
        What validate set aside.
    key : sequence of str
        The columns that name a row in both; they have no missing value.

    Returns
    -------
    narwhals.LazyFrame
        The table itself if no row was set aside, otherwise the other rows, in any order, but in
        the same one each time they are read.
    """
    if to_arrow(quarantine.select(*key).head(1)).num_rows == 0:
        return table
    # polars and DuckDB give a join's rows in another order each time it is computed, and who looks
    # at some columns first, and then puts what was found beside the rows, would mix them up.
    return checkpoint(table.join(quarantine.select(*key), on=list(key), how="anti"))


def set_aside(table: nw.LazyFrame[Any], key: Sequence[str], reasons: pa.Table | None) -> Table:
    """Give the rows that are set aside, whole, with the reason of each.

    Parameters
    ----------
    table : narwhals.LazyFrame
        All rows.
    key : sequence of str
        The columns that name a row.
    reasons : pyarrow.Table or None
        The key of each row to set aside, and the reason; None for no row.
    """
    names = table.collect_schema().names()
    if reasons is None:
        none = table.head(0).with_columns(nw.lit("").alias(REASON))
        return Table(none, tuple(key) or (names[0],))
    # The table's keys were kept by the one writer, in types that engines agree on.
    found = from_arrow(reasons.cast(canonical(reasons.schema)), engine_of(table))
    rows = table.join(found, on=list(key), how="inner")
    return Table(rows.select(*names, REASON), tuple(key))
