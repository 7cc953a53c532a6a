"""One join: its keys and columns checked, its matches marked, its figures counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from fivefold.data.integration.join import Join
from fivefold.data.integration.lineage import Lineage
from fivefold.data.integration.mapping import Source
from fivefold.data.integration.nearest_rows import with_match
from fivefold.data.integration.precedence import Held, held_name
from fivefold.data.keys import count_rows
from fivefold.data.values import dtype_name, examples, rows_of, single
from fivefold.errors import JoinError
from fivefold.table import checkpoint, require_columns, to_arrow

__all__ = ["Linked", "link", "matches", "multiplied"]

_EXAMPLES = 5


@dataclass(frozen=True)
class Linked:
    """A join that was built, not yet computed.

    Attributes
    ----------
    join : Join
        As declared.
    keys : tuple of str
        The columns that are matched, by their left names.
    marker : str
        A column that is 1 where the row found its match, and missing elsewhere.
    frame : narwhals.LazyFrame
        The rows so far, with the new columns and the marker.
    lineage : dict
        Where each new column came from.
    held : tuple of Held
        The new columns about which ``integrate.precedence`` decides.
    """

    join: Join
    keys: tuple[str, ...]
    marker: str
    frame: nw.LazyFrame[Any]
    lineage: Lineage
    held: tuple[Held, ...]

    @property
    def inner(self) -> bool:
        """Whether rows without a match are dropped."""
        return self.join.how == "inner"


def link(
    left: nw.LazyFrame[Any],
    right: Source,
    join: Join,
    precedence: Mapping[str, Sequence[str]],
    number: int,
    where: str,
) -> Linked:
    """Join a table to the rows so far, keeping every row and marking the matches.

    Raises
    ------
    JoinError
        See :func:`fivefold.data.integrate.integrate`.
    """
    _require_keys(left, right.frame, join, where)
    taken, held = _taken(left, right, join, precedence, where)
    marker, matched = f"__matched_{number}", f"__nearest_{number}"
    own, theirs, keys = list(join.own_keys), list(join.their_keys), tuple(join.own_keys)
    if join.asof is not None:
        left = with_match(left, right.frame, join, join.asof, matched, where)
        own, theirs = [*own, matched], [*theirs, join.asof.right]
        keys = (*keys, join.asof.left)
    # A missing key matches nothing; engines differ in whether two missing keys are equal.
    present = right.frame.filter(*(~nw.col(name).is_null() for name in theirs))
    if join.expect != "one_to_many":
        _require_unique(present, theirs, where, f"the table {join.table!r}", join.expect)
    if join.expect != "many_to_one":
        known = left.filter(*(~nw.col(name).is_null() for name in own))
        shown = {matched: join.asof.right} if join.asof is not None else {}
        _require_unique(known, own, where, _LEFT, join.expect, shown)
    selected = present.select(
        *(nw.col(t).alias(o) for t, o in zip(theirs, own, strict=True)),
        *(nw.col(column).alias(name) for name, column in taken.items()),
        nw.lit(1).alias(marker),
    )
    frame = left.join(selected, on=own, how="left")
    lineage = {name: right.lineage[column] for name, column in taken.items()}
    return Linked(join, keys, marker, frame, lineage, held)


_LEFT = "the rows on the left"


def _require_keys(
    left: nw.LazyFrame[Any], right: nw.LazyFrame[Any], join: Join, where: str
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
    left: nw.LazyFrame[Any],
    right: Source,
    join: Join,
    precedence: Mapping[str, Sequence[str]],
    where: str,
) -> tuple[dict[str, str], tuple[Held, ...]]:
    """Give the columns to take: their name in the result to their name in the joined table."""
    names = right.frame.collect_schema().names()
    if join.columns is not None:
        require_columns(right.frame, join.columns, f"{where}.columns", f"the table {join.table!r}")
    matched = {*join.their_keys, *([join.asof.right] if join.asof else [])}
    columns = [name for name in names if name not in matched]
    here = set(left.collect_schema().names())
    taken: dict[str, str] = {}
    held = []
    for column in columns if join.columns is None else join.columns:
        name = wanted = join.prefix + column
        if wanted in precedence:
            _require_ranked(wanted, join.table, precedence[wanted], where)
            name = held_name(wanted, join.table)
            held.append(Held(wanted, join.table, name))
        if name in here:
            raise JoinError(
                f"a column {wanted!r} is there already",
                where=where,
                got=f"{join.table}.{column}",
                hint=f"set prefix: {join.table}_, or choose columns: without it, or say under "
                f"integrate.precedence.{wanted} which table is believed",
            )
        taken[name] = column
    return taken, tuple(held)


def _require_ranked(column: str, table: str, order: Sequence[str], where: str) -> None:
    if table not in order:
        raise JoinError(
            f"the precedence of {column!r} leaves out the table {table!r}, which gives it, too",
            where=f"integrate.precedence.{column}",
            got=list(order),
            hint=f"add {table}, or set prefix: in {where}",
        )


def _require_unique(
    frame: nw.LazyFrame[Any],
    keys: Sequence[str],
    where: str,
    named: str,
    expect: str,
    shown: Mapping[str, str] | None = None,
) -> None:
    count = "__rows"
    repeated = frame.group_by(*keys).agg(nw.len().alias(count)).filter(nw.col(count) > 1)
    worst = to_arrow(repeated.sort(count, *keys, descending=[True] + [False] * len(keys)).head(1))
    if worst.num_rows:
        row = rows_of(worst)[0]
        total = count_rows(repeated)
        raise JoinError(
            f"the join is not {expect.replace('_', ' ')}: a key on the left is not unique"
            if named == _LEFT
            else f"the join would multiply rows: a key of {named} is not unique",
            where=where,
            got=", ".join(f"{(shown or {}).get(key, key)}={row[key]}" for key in keys)
            + f" stands in {row[count]:,} rows ({total:,} keys stand in more than one)",
            allowed=f"one row a key, as expect: {expect} says",
            hint="name more key columns, or make the table unique in its source"
            + ("" if named == _LEFT else "; expect: one_to_many allows it"),
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
        Per join: how it was made, rows before and after, matched, match rate, examples unmatched.
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
        report.append(_figures(join, before, matched, matched if join.inner else before, missed))
    return int(figures["__rows"]), report


def _count(conditions: Sequence[nw.Expr]) -> nw.Expr:
    """Count the rows for which all conditions hold."""
    if not conditions:
        return nw.len()
    return nw.all_horizontal(*conditions, ignore_nulls=False).cast(nw.Int64).sum()


def _figures(
    linked: Linked, before: int, matched: int, after: int, missed: nw.LazyFrame[Any]
) -> dict[str, Any]:
    join = linked.join
    nearest = {}
    if join.asof is not None:
        nearest = {"direction": join.asof.direction, "tolerance": join.asof.tolerance}
    return {
        "table": join.table,
        "keys": list(linked.keys),
        "how": join.how,
        "expect": join.expect,
        **nearest,
        "rows_before": before,
        "rows_after": after,
        "matched": matched,
        "match_rate": round(matched / before, 6) if before else None,
        "unmatched_examples": examples(missed.unique(), linked.keys, _EXAMPLES)
        if matched < before
        else [],
    }


def multiplied(left: nw.LazyFrame[Any], linked: Linked) -> tuple[nw.LazyFrame[Any], dict[str, Any]]:
    """Finish a join that gives more rows than there were, and count it by the rows before it."""
    kept = linked.frame
    if linked.inner:
        kept = kept.filter(~nw.col(linked.marker).is_null())
    kept = checkpoint(kept)
    found = kept.filter(~nw.col(linked.marker).is_null()).select(*linked.keys).unique()
    before, matched, after = (count_rows(frame) for frame in (left, found, kept))
    missed = left.select(*linked.keys).join(found, on=list(linked.keys), how="anti")
    return kept.drop(linked.marker), _figures(linked, before, matched, after, missed)
