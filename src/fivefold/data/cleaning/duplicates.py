"""Repeated rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

import narwhals as nw

from fivefold.data.columns import require_listed
from fivefold.data.effects import effect
from fivefold.data.keys import repeats
from fivefold.errors import ConfigError
from fivefold.table.engine import names_of

__all__ = ["drop_duplicates"]


@effect(rows=True, cheap=False)
def drop_duplicates(
    table: nw.LazyFrame[Any],
    by: Sequence[str] | None = None,
    order_by: Sequence[str] | None = None,
    keep: str = "first",
    key: Sequence[str] | None = None,
) -> nw.LazyFrame[Any]:
    """Drop repeated rows.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    by : sequence of str, optional
        The columns in which repeated rows agree; all columns if not given. Rows with a missing
        value among them repeat nothing.
    order_by : sequence of str, optional
        Of the rows that agree, the first (or last) in the order of these columns stays, missing
        values first; what ties is ordered by the other columns.
    keep : {"first", "last"}
        Which one stays.
    key : sequence of str, optional
        The table's key, which clean gives: rows that agree in all columns agree in these.
    """
    if keep not in ("first", "last"):
        raise ConfigError(
            "which row to keep is unknown", where="keep", got=keep, allowed=("first", "last")
        )
    if by is None:
        if order_by is not None:
            raise ConfigError("order_by needs by", where="order_by", got=list(order_by))
        return table.unique() if key is None or repeats(table, key) else table
    require_listed(table, by, "by")
    require_listed(table, order_by or (), "order_by")
    if not repeats(table, by):
        return table
    names = names_of(table)
    count, place, one = "__rows", "__place", "__one"
    counted = table.join(
        table.group_by(*by).agg(nw.len().alias(count)).filter(nw.col(count) > 1),
        on=list(by),
        how="left",
    )
    complete = reduce(and_, (~nw.col(name).is_null() for name in by))
    repeated_rows = complete & ~nw.col(count).is_null()
    # Few rows repeat, so only these are put in order.
    rest = [name for name in names if name not in {*by, *(order_by or ())}]
    repeated = counted.filter(repeated_rows).with_columns(nw.lit(1).alias(one))
    placed = repeated.with_columns(
        nw.col(one).cum_sum().over(*by, order_by=[*(order_by or ()), *rest]).alias(place)
    )
    wanted = nw.lit(1) if keep == "first" else nw.col(count)
    kept = placed.filter(nw.col(place) == wanted).select(*names)
    return nw.concat([counted.filter(~repeated_rows).select(*names), kept])
