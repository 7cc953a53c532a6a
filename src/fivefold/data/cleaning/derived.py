"""Columns made from others: a label, the parts of a date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.data.calendar import PARTS, local_times
from fivefold.data.columns import require_absent, require_dtype, require_listed
from fivefold.data.effects import effect
from fivefold.errors import ConfigError, nearest
from fivefold.table.engine import names_of

__all__ = ["at_least", "date_parts"]


@effect(adds="into")
def at_least(
    table: nw.LazyFrame[Any], column: str, value: int | float, into: str
) -> nw.LazyFrame[Any]:
    """Add a label: 1 where the column is at least the value, 0 elsewhere, missing where it is."""
    require_listed(table, [column], "column")
    require_dtype(table, column, ("integer", "number"), "column")
    return table.with_columns((nw.col(column) >= value).cast(nw.Int64).alias(into))


@effect()
def date_parts(
    table: nw.LazyFrame[Any],
    column: str,
    parts: Sequence[str],
    time_zone: str | None = None,
) -> nw.LazyFrame[Any]:
    """Add parts of a date or time as integer columns named ``<column>_<part>``.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    column : str
        A date or datetime.
    parts : sequence of {"year", "quarter", "month", "day", "ordinal_day", "weekday", "hour", \
"minute"}
        Which; a weekday is 1 for Monday to 7 for Sunday.
    time_zone : str, optional
        Where the clock hangs, such as "America/New_York"; as the times are kept if not given.
    """
    require_listed(table, [column], "column")
    require_dtype(table, column, ("date", "datetime"), "column")
    for part in parts:
        if part not in PARTS:
            raise ConfigError(
                "the part of a date is unknown",
                where="parts",
                got=part,
                allowed=PARTS,
                hint=nearest(part, PARTS),
            )
    names = names_of(table)
    local = "__local"
    timed = local_times(table, column, time_zone, into=local)
    added = {f"{column}_{part}": PARTS[part](nw.col(local)).cast(nw.Int64) for part in parts}
    require_absent(table, list(added), "column")
    return timed.with_columns(**added).select(*names, *added)
