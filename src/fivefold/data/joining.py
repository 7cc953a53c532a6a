"""One join: its keys and columns checked, its matches marked, its figures counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import narwhals as nw

from fivefold.data.values import dtype_name, examples, rows_of, single
from fivefold.errors import JoinError
from fivefold.table import require_columns, to_arrow

__all__ = ["JoinLike", "Linked", "link", "matches"]

_EXAMPLES = 5


class JoinLike(Protocol):
    """What a declared join says; see :class:`fivefold.data.integrate.Join`."""

    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def how(self) -> str: ...  # noqa: D102
    @property
    def expect(self) -> str: ...  # noqa: D102
    @property
    def columns(self) -> list[str] | None: ...  # noqa: D102
    @property
    def prefix(self) -> str: ...  # noqa: D102
    @property
    def own_keys(self) -> list[str]: ...  # noqa: D102
    @property
    def their_keys(self) -> list[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Linked:
    """A join that was built, not yet computed.

    Attributes
    ----------
    table : str
        The joined table.
    keys : tuple of str
        The key columns, by their left names.
    inner : bool
        Are rows without a match dropped in the end?
    marker : str
        A column that is 1 where the row found its match, and missing elsewhere.
    frame : narwhals.LazyFrame
        The rows so far, with the new columns and the marker.
    lineage : dict
        Source and column of each new column.
    """

    table: str
    keys: tuple[str, ...]
    inner: bool
    marker: str
    frame: nw.LazyFrame[Any]
    lineage: dict[str, dict[str, str]]


def link(
    left: nw.LazyFrame[Any],
    right: nw.LazyFrame[Any],
    join: JoinLike,
    marker: str,
    where: str,
) -> Linked:
    """Join a table to the rows so far, keeping every row and marking the matches.

    Raises
    ------
    JoinError
        See :func:`fivefold.data.integrate.integrate`.
    """
    _require_keys(left, right, join, where)
    taken = _taken(left, right, join, where)
    named = f"the table {join.table!r}"
    # A missing key matches nothing; engines differ in whether two missing keys are equal.
    present = right.filter(*(~nw.col(name).is_null() for name in join.their_keys))
    _require_unique(present, join.their_keys, f"{where}", named, join.expect)
    if join.expect == "one_to_one":
        known = left.filter(*(~nw.col(name).is_null() for name in join.own_keys))
        _require_unique(known, join.own_keys, where, "the rows on the left", join.expect)
    keys = zip(join.their_keys, join.own_keys, strict=True)
    selected = present.select(
        *(nw.col(right_name).alias(left_name) for right_name, left_name in keys),
        *(nw.col(column).alias(name) for name, column in taken.items()),
        nw.lit(1).alias(marker),
    )
    frame = left.join(selected, on=join.own_keys, how="left")
    lineage = {name: {"source": join.table, "column": column} for name, column in taken.items()}
    return Linked(join.table, tuple(join.own_keys), join.how == "inner", marker, frame, lineage)


def _require_keys(
    left: nw.LazyFrame[Any], right: nw.LazyFrame[Any], join: JoinLike, where: str
) -> None:
    require_columns(left, join.own_keys, where, "the left side")
    require_columns(right, join.their_keys, where, f"the table {join.table!r}")
    left_types, right_types = left.collect_schema(), right.collect_schema()
    for left_name, right_name in zip(join.own_keys, join.their_keys, strict=True):
        if left_types[left_name] != right_types[right_name]:
            raise JoinError(
                "the keys of a join have different types",
                where=where,
                got=f"{left_name}: {dtype_name(left_types[left_name])} on the left, "
                f"{join.table}.{right_name}: {dtype_name(right_types[right_name])} on the right",
                hint="set types: in the source's read: so that both are the same",
            )


def _taken(
    left: nw.LazyFrame[Any], right: nw.LazyFrame[Any], join: JoinLike, where: str
) -> dict[str, str]:
    """Give the columns to take: their name in the result to their name in the joined table."""
    names = right.collect_schema().names()
    if join.columns is not None:
        require_columns(right, join.columns, f"{where}.columns", f"the table {join.table!r}")
    columns = [name for name in names if name not in join.their_keys]
    chosen = columns if join.columns is None else join.columns
    taken = {join.prefix + name: name for name in chosen}
    here = left.collect_schema().names()
    for name in taken:
        if name in here:
            raise JoinError(
                f"a column {name!r} is there already",
                where=where,
                got=f"{join.table}.{taken[name]}",
                hint=f"set prefix: {join.table}_, or choose columns: without it",
            )
    return taken


def _require_unique(
    frame: nw.LazyFrame[Any], keys: Sequence[str], where: str, named: str, expect: str
) -> None:
    count = "__rows"
    repeated = frame.group_by(*keys).agg(nw.len().alias(count)).filter(nw.col(count) > 1)
    worst = to_arrow(repeated.sort(count, *keys, descending=[True] + [False] * len(keys)).head(1))
    if worst.num_rows:
        row = rows_of(worst)[0]
        total = to_arrow(repeated.select(nw.len())).column(0)[0].as_py()
        raise JoinError(
            f"the join would multiply rows: a key of {named} is not unique"
            if expect == "many_to_one" or named != "the rows on the left"
            else "the join is not one to one: a key on the left is not unique",
            where=where,
            got=", ".join(f"{key}={row[key]}" for key in keys)
            + f" stands in {row[count]:,} rows ({total:,} keys stand in more than one)",
            allowed=f"one row a key, as expect: {expect} says",
            hint="name more key columns, or make the table unique in its source",
        )


def matches(frame: nw.LazyFrame[Any], joins: Sequence[Linked]) -> tuple[int, list[dict[str, Any]]]:
    """Count, in one pass, the rows and the match rate of each join.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows with all markers, before rows without a match are dropped.
    joins : sequence of Linked
        In order.

    Returns
    -------
    int
        The rows of the base table.
    list of dict
        Per join: table, keys, rows before and after, matched, match rate, examples unmatched.
    """
    # A join sees the rows that the inner joins before it left.
    alive: list[list[nw.Expr]] = []
    reached: list[nw.Expr] = []
    counts: dict[str, nw.Expr] = {"__rows": nw.len()}
    for number, join in enumerate(joins):
        alive.append(list(reached))
        marked = ~nw.col(join.marker).is_null()
        counts[f"before_{number}"] = _count(reached)
        counts[f"matched_{number}"] = _count([*reached, marked])
        if join.inner:
            reached.append(marked)
    figures = single(frame.select(**counts))
    report = []
    for number, (join, conditions) in enumerate(zip(joins, alive, strict=True)):
        before, matched = int(figures[f"before_{number}"]), int(figures[f"matched_{number}"])
        missed = frame.filter(*conditions, nw.col(join.marker).is_null()).select(*join.keys)
        report.append(
            {
                "table": join.table,
                "keys": list(join.keys),
                "how": "inner" if join.inner else "left",
                "rows_before": before,
                "rows_after": matched if join.inner else before,
                "matched": matched,
                "match_rate": round(matched / before, 6) if before else None,
                "unmatched_examples": examples(missed.unique(), join.keys, _EXAMPLES)
                if matched < before
                else [],
            }
        )
    return int(figures["__rows"]), report


def _count(conditions: Sequence[nw.Expr]) -> nw.Expr:
    """Count the rows for which all conditions hold."""
    if not conditions:
        return nw.len()
    return nw.all_horizontal(*conditions, ignore_nulls=False).cast(nw.Int64).sum()
