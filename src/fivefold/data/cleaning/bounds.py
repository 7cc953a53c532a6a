"""Between which two numbers a value is usual: learnt overall and by group."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.cleaning.grouped import attached, finite, grouped_table, overall
from fivefold.data.columns import as_floats, require_dtype, require_listed, rewritten
from fivefold.data.values import dtype_name, rows_of
from fivefold.errors import ConfigError, nearest
from fivefold.table import from_arrow, to_arrow
from fivefold.table.engine import engine_of

__all__ = ["beyond", "learnt_bounds", "limited", "require_numbers"]

# Tukey (1977); Iglewicz and Hoaglin (1993).
_FACTORS = {"iqr": 1.5, "robust_z": 3.5}
# Makes the median absolute deviation of a normal distribution its standard deviation.
_SIGMA = 1.482602218505602
_LOW, _HIGH = "low", "high"
_LARGEST = 2**63 - 1


def learnt_bounds(
    training: nw.LazyFrame[Any],
    columns: Sequence[str],
    method: str = "iqr",
    factor: float | None = None,
    by: Sequence[str] = (),
) -> dict[str, Any]:
    """Learn between which two numbers a value of each column is usual."""
    require_numbers(training, columns)
    require_listed(training, by, "by")
    if method not in _FACTORS:
        raise ConfigError(
            "the method is unknown, or gives no bounds", where="method", got=method,
            allowed=tuple(_FACTORS), hint=nearest(method, _FACTORS),
        )  # fmt: skip
    times = _FACTORS[method] if factor is None else float(factor)
    if not (times > 0 and math.isfinite(times)):
        raise ConfigError("not a factor", where="factor", got=factor, allowed="above 0")
    schema = training.collect_schema()
    wholes = [name for name in columns if dtype_name(schema[name]) == "integer"]
    # As floating-point numbers, because a quartile of whole numbers need not be whole.
    numbers = as_floats(training, columns)
    learn = _of_quartiles if method == "iqr" else _of_deviations
    learnt: dict[str, Any] = {"bounds": {}}
    whole = _anchored(numbers, columns, (), learn(numbers, columns, ()))[0]
    for at, name in enumerate(columns):
        learnt["bounds"][name] = _ends(whole, at, times, name in wholes)
    if by:
        rows = _anchored(numbers, columns, by, learn(numbers, columns, by))
        learnt["groups"] = _group_bounds(training, rows, columns, times, wholes, by)
    return learnt


def _of_quartiles(
    numbers: nw.LazyFrame[Any], columns: Sequence[str], by: Sequence[str]
) -> list[dict[str, Any]]:
    """Give, by column, the quartiles, and the distance between them."""
    wanted = {
        f"{end} {at}": (end, name) for at, name in enumerate(columns) for end in ("lower", "upper")
    }
    found = rows_of(grouped_table(numbers, by, wanted)) if by else [overall(numbers, wanted)]
    for row in found:
        for at in range(len(columns)):
            low, high = row[f"lower {at}"], row[f"upper {at}"]
            row[f"from {at}"] = row[f"inner {at}"] = (low, high)
            row[f"spread {at}"] = None if low is None else high - low
    return found


def _of_deviations(
    numbers: nw.LazyFrame[Any], columns: Sequence[str], by: Sequence[str]
) -> list[dict[str, Any]]:
    """Give, by column, the median twice, and the median absolute deviation from it."""
    centres = {f"centre {at}": ("median", name) for at, name in enumerate(columns)}
    spreads = {f"away {at}": ("median", f"__away_{at}") for at in range(len(columns))}
    cleared = finite(numbers, columns)
    if by:
        groups = grouped_table(cleared, by, centres)
        placed = _beside(cleared, groups, by)
        deviations = grouped_table(_away(placed, columns), by, spreads)
        pairs = zip(rows_of(groups), rows_of(deviations), strict=True)
        found = [{**centre, **spread} for centre, spread in pairs]
    else:
        centre = overall(cleared, centres)
        found = [{**centre, **overall(_away(_constant(cleared, centre), columns), spreads)}]
    for row in found:
        for at in range(len(columns)):
            centre_, away = row[f"centre {at}"], row[f"away {at}"]
            row[f"from {at}"] = (centre_, centre_)
            row[f"inner {at}"] = (None, None) if away is None else (centre_ - away, centre_ + away)
            row[f"spread {at}"] = None if away is None else away * _SIGMA
    return found


def _away(placed: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    deviations = (
        (nw.col(name) - nw.col(f"centre {at}")).abs().alias(f"__away_{at}")
        for at, name in enumerate(columns)
    )
    return rewritten(placed, deviations)


def _beside(table: nw.LazyFrame[Any], groups: pa.Table, by: Sequence[str]) -> nw.LazyFrame[Any]:
    given = from_arrow(groups, engine_of(table))
    return table.join(given, on=list(by), how="inner")


def _constant(table: nw.LazyFrame[Any], values: Mapping[str, Any]) -> nw.LazyFrame[Any]:
    return rewritten(table, (nw.lit(v, nw.Float64).alias(name) for name, v in values.items()))


def _anchored(
    numbers: nw.LazyFrame[Any],
    columns: Sequence[str],
    by: Sequence[str],
    found: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Add, by column, the values next to where the usual ones end; no bound comes before these.

    A quartile or median can lie between two values, one of them an outlier by it. Clipped, that one
    would move the quartile, and a second run would clip further.
    """
    ends = {
        f"inner {end} {at}": [row[f"inner {at}"][place] for row in found]
        for at in range(len(columns))
        for place, end in enumerate((_LOW, _HIGH))
    }
    cleared = finite(numbers, columns)
    if by:
        keys = grouped_table(cleared, by, {"__any": ("least", columns[0])}).select(list(by))
        for name, values in ends.items():
            keys = keys.append_column(name, pa.array(values, pa.float64()))
        placed = _beside(cleared, keys, by)
    else:
        placed = _constant(cleared, {name: values[0] for name, values in ends.items()})
    placed = rewritten(
        placed,
        (
            nw.when(value).then(nw.col(name)).otherwise(None).alias(f"__next_{end}_{at}")
            for at, name in enumerate(columns)
            for end, value in (
                (_LOW, nw.col(name) <= nw.col(f"inner {_LOW} {at}")),
                (_HIGH, nw.col(name) >= nw.col(f"inner {_HIGH} {at}")),
            )
        ),
    )
    wanted = {
        f"next {end} {at}": (how, f"__next_{end}_{at}")
        for at in range(len(columns))
        for end, how in ((_LOW, "greatest"), (_HIGH, "least"))
    }
    nexts = rows_of(grouped_table(placed, by, wanted)) if by else [overall(placed, wanted)]
    return [{**row, **near} for row, near in zip(found, nexts, strict=True)]


def _ends(row: Mapping[str, Any], at: int, times: float, whole: bool) -> dict[str, Any]:
    """Give the bounds; there are none where at least half of the values are one and the same."""
    (low, high), spread = row[f"from {at}"], row[f"spread {at}"]
    if low is None or high is None or not spread:
        return {_LOW: None, _HIGH: None}
    ends = [float(f"{low - times * spread:.9e}"), float(f"{high + times * spread:.9e}")]
    if row[f"next {_LOW} {at}"] is not None:
        ends[0] = min(ends[0], row[f"next {_LOW} {at}"])
    if row[f"next {_HIGH} {at}"] is not None:
        ends[1] = max(ends[1], row[f"next {_HIGH} {at}"])
    return {
        _LOW: max(_whole(ends[0], math.floor), -_LARGEST) if whole else ends[0],
        _HIGH: min(_whole(ends[1], math.ceil), _LARGEST) if whole else ends[1],
    }


def _whole(value: float, round_: Callable[[float], int]) -> int:
    return round_(value) if math.isfinite(value) else int(math.copysign(_LARGEST, value))


def _group_bounds(
    training: nw.LazyFrame[Any],
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    times: float,
    wholes: Sequence[str],
    by: Sequence[str],
) -> pa.Table:
    keys = to_arrow(training.select(*by).head(0)).schema
    data: dict[str, pa.Array] = {
        name: pa.array([row[name] for row in rows], keys.field(name).type) for name in by
    }
    for at, name in enumerate(columns):
        ends = [_ends(row, at, times, name in wholes) for row in rows]
        kind = pa.int64() if name in wholes else pa.float64()
        for end in (_LOW, _HIGH):
            data[f"{name} {end}"] = pa.array([e[end] for e in ends], kind)
    return pa.table(data)


def require_numbers(table: nw.LazyFrame[Any], columns: Sequence[str]) -> None:
    """Raise where there is no column, or one is not of numbers."""
    require_listed(table, columns)
    if not columns:
        raise ConfigError("a column is needed", where="columns", got="none")
    for name in columns:
        require_dtype(table, name, ("integer", "number"), "columns")


# The bounds of each row, below and above; None where there are none.
Ends = tuple[nw.Expr | None, nw.Expr | None]


def limited(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Mapping[str, Any],
    by: Sequence[str],
) -> tuple[nw.LazyFrame[Any], dict[str, Ends]]:
    """Give the table and, by column, the bounds of each row.

    A group without bounds has none, and so no outliers: with those of all rows, which change as
    these are clipped, a second run would clip again.
    """
    ends = [f"{name} {end}" for name in columns for end in (_LOW, _HIGH)]
    joined, learnt = attached(table, statistics.get("groups"), by, ends)
    schema = table.collect_schema()

    def bound(name: str, end: str) -> nw.Expr | None:
        whole = dtype_name(schema[name]) == "integer"
        known = learnt(f"{name} {end}")
        if known:
            return known[0]
        value = statistics["bounds"][name][end]
        return None if value is None else nw.lit(value, nw.Int64 if whole else nw.Float64)

    return joined, {name: (bound(name, _LOW), bound(name, _HIGH)) for name in columns}


def beyond(column: str, ends: Ends) -> tuple[nw.Expr, nw.Expr]:
    """Say whether a value is below its bound, and above; where either is missing, it is not."""
    low, high = ends
    nowhere = nw.col(column).is_null() & ~nw.col(column).is_null()
    return (
        nowhere if low is None else (nw.col(column) < low).fill_null(False),
        nowhere if high is None else (nw.col(column) > high).fill_null(False),
    )
