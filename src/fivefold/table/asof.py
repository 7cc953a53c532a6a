"""The nearest row in a column, on every engine: the one join that Narwhals lacks on DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.table.engine import duckdb_connection, quoted, wrapped

__all__ = ["asof_join"]


def asof_join(
    left: nw.LazyFrame[Any],
    right: nw.LazyFrame[Any],
    by: Sequence[str],
    on: str,
    match: str,
    forward: bool,
) -> nw.LazyFrame[Any]:
    """Give each row on the left the last value on the right that is not after it.

    Parameters
    ----------
    left : narwhals.LazyFrame
        The columns ``by`` and ``on``, nothing missing.
    right : narwhals.LazyFrame
        The columns ``by`` and ``match``, nothing missing.
    by : sequence of str
        What has to be equal; may be empty.
    on, match : str
        What is compared, on the left and on the right.
    forward : bool
        The first value that is not before it, instead.

    Returns
    -------
    narwhals.LazyFrame
        The columns of the left and ``match``, missing where there is no such value.
    """
    if left.implementation.is_duckdb():
        return wrapped(_on_duckdb(left, right, by, on, match, forward))
    strategy: Any = "forward" if forward else "backward"
    left, right = left.sort(on), right.with_columns(nw.col(match).alias(on)).sort(on)
    if left.implementation.is_polars():
        # Narwhals can't tell polars that the rows are sorted, and it warns that it can't see it.
        joined = nw.to_native(left).join_asof(
            nw.to_native(right),
            on=on,
            by=list(by) or None,
            strategy=strategy,
            check_sortedness=False,
        )
        return wrapped(joined)
    keys: dict[str, Any] = {"by": list(by)} if by else {}
    return left.join_asof(right, on=on, strategy=strategy, **keys)


def _on_duckdb(
    left: nw.LazyFrame[Any],
    right: nw.LazyFrame[Any],
    by: Sequence[str],
    on: str,
    match: str,
    forward: bool,
) -> Any:
    # Named in the query below, which finds them as variables.
    ours, theirs = nw.to_native(left), nw.to_native(right)  # noqa: F841
    equal = [f"ours.{quoted(name)} = theirs.{quoted(name)}" for name in by]
    order = "<=" if forward else ">="
    conditions = " AND ".join([*equal, f"ours.{quoted(on)} {order} theirs.{quoted(match)}"])
    return duckdb_connection().sql(
        f"SELECT ours.*, theirs.{quoted(match)} "  # noqa: S608 - names, quoted
        f"FROM ours ASOF LEFT JOIN theirs ON {conditions}"
    )
