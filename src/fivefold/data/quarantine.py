"""Rows that validation set aside: dropped by key wherever the rest of the table is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.table import to_arrow

__all__ = ["REASON", "without_quarantined"]

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
        The table itself if no row was set aside, otherwise the other rows, in any order.
    """
    if to_arrow(quarantine.select(*key).head(1)).num_rows == 0:
        return table
    return table.join(quarantine.select(*key), on=list(key), how="anti")
