"""The value of the joined table that an as-of join matches with a row."""

from __future__ import annotations

import datetime
from typing import Any

import narwhals as nw

from fivefold.data.integration.join import AsOf, Join, duration
from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, JoinError
from fivefold.table import checkpoint, require_columns
from fivefold.table.asof import asof_join

__all__ = ["with_match"]

_BEFORE, _AFTER = "__before", "__after"


def with_match(
    left: nw.LazyFrame[Any], right: nw.LazyFrame[Any], join: Join, asof: AsOf, into: str, where: str
) -> nw.LazyFrame[Any]:
    """Add to the left the value of ``asof.right`` that each row matches, if any.

    An equal join on it then does the rest, so that only keys are sorted, not rows. Where a row
    lies as near to the value before as to the one after it, the one before is its match.

    Raises
    ------
    JoinError
        The two columns have different types, or one that has no distances.
    ConfigError
        The tolerance is not of the columns' kind.
    """
    where = f"{where}.asof"
    require_columns(left, [asof.left], f"{where}.left", "the left side")
    require_columns(right, [asof.right], f"{where}.right", f"the table {join.table!r}")
    dtypes = left.collect_schema()[asof.left], right.collect_schema()[asof.right]
    kinds = [dtype_name(dtype) for dtype in dtypes]
    if dtypes[0] != dtypes[1] or kinds[0] not in ("date", "datetime", "integer", "number"):
        raise JoinError(
            "the columns of an as-of join must be dates, datetimes or numbers of the same type",
            where=where,
            got=f"{asof.left}: {kinds[0]} on the left, {join.table}.{asof.right}: {kinds[1]} "
            "on the right",
            hint="set types: in the source's read: so that both are the same",
        )
    limit = _limit(asof, kinds[0], f"{where}.tolerance")
    by = join.own_keys
    ours = left.select(*by, asof.left).filter(*_present([*by, asof.left])).unique()
    theirs = right.filter(*_present([*join.their_keys, asof.right]))
    matched = ours
    for name, forward in ((_BEFORE, False), (_AFTER, True)):
        if asof.direction in ("nearest", "forward" if forward else "backward"):
            renamed = theirs.select(
                *(nw.col(t).alias(o) for t, o in zip(join.their_keys, by, strict=True)),
                nw.col(asof.right).alias(name),
            ).unique()
            matched = asof_join(matched, renamed, by, asof.left, name, forward)
    chosen = matched.select(*by, asof.left, _chosen(asof, kinds[0], limit).alias(into))
    return left.join(checkpoint(chosen), on=[*by, asof.left], how="left")


def _chosen(asof: AsOf, kind: str, limit: Any) -> nw.Expr:
    own = _comparable(asof.left, kind)
    near = {name: nw.col(name) for name in (_BEFORE, _AFTER)}
    if limit is not None:
        # Compared as the end of a range, for engines differ in how they keep a difference.
        inside = {
            _BEFORE: _comparable(_BEFORE, kind) + limit >= own,
            _AFTER: _comparable(_AFTER, kind) <= own + limit,
        }
        near = {name: nw.when(inside[name]).then(value) for name, value in near.items()}
    if asof.direction != "nearest":
        return near[_BEFORE if asof.direction == "backward" else _AFTER]
    before, after = _comparable(_BEFORE, kind), _comparable(_AFTER, kind)
    later = nw.col(_BEFORE).is_null() | (after - own < own - before)
    return nw.when(later.fill_null(value=False)).then(near[_AFTER]).otherwise(near[_BEFORE])


def _comparable(name: str, kind: str) -> nw.Expr:
    return nw.col(name).cast(nw.Datetime("us")) if kind == "date" else nw.col(name)


def _limit(asof: AsOf, kind: str, where: str) -> datetime.timedelta | int | float | None:
    if asof.tolerance is None:
        return None
    timed = kind in ("date", "datetime")
    if timed != isinstance(asof.tolerance, str):
        raise ConfigError(
            f"the tolerance is not of the kind of the column {asof.left!r}",
            where=where,
            got=f"{asof.tolerance!r} for a column of type {kind}",
            allowed="a duration such as 5 minutes" if timed else "a number",
        )
    if timed:
        return duration(asof.tolerance, where)
    if kind == "integer" and isinstance(asof.tolerance, float):
        return int(asof.tolerance)  # whole numbers are no farther apart than the whole part
    limit: int | float = asof.tolerance
    return limit


def _present(names: list[str]) -> list[nw.Expr]:
    return [~nw.col(name).is_null() for name in names]
