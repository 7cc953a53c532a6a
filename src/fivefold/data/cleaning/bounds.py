"""Between which two numbers a value is usual: learnt overall and by group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.cleaning.grouped import attached, finite, grouped_table, overall
from fivefold.data.columns import as_floats, require_dtype, require_listed, rewritten
from fivefold.data.values import dtype_name, rows_of
from fivefold.errors import ConfigError, nearest
from fivefold.table import from_arrow, to_arrow

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
    whole = learn(numbers, columns, ())[0]
    for at, name in enumerate(columns):
        learnt["bounds"][name] = _ends(whole[f"{at}"], times, name in wholes)
    if by:
        rows = learn(numbers, columns, by)
        learnt["groups"] = _group_bounds(training, rows, columns, times, wholes, by)
    return learnt


# What the bounds start from, below and above, and the spread that they are set off by.
Points = tuple[float | None, float | None, float | None]


def _of_quartiles(
    numbers: nw.LazyFrame[Any], columns: Sequence[str], by: Sequence[str]
) -> list[dict[str, Any]]:
    """Give, by column, the two points that the bounds start from, and the spread between them."""
    wanted = {
        f"{end} {at}": (end, name) for at, name in enumerate(columns) for end in ("lower", "upper")
    }
    found = rows_of(grouped_table(numbers, by, wanted)) if by else [overall(numbers, wanted)]
    return [
        {
            **{name: row[name] for name in by},
            **{
                f"{at}": (
                    row[f"lower {at}"],
                    row[f"upper {at}"],
                    None if row[f"lower {at}"] is None else row[f"upper {at}"] - row[f"lower {at}"],
                )
                for at in range(len(columns))
            },
        }
        for row in found
    ]


def _of_deviations(
    numbers: nw.LazyFrame[Any], columns: Sequence[str], by: Sequence[str]
) -> list[dict[str, Any]]:
    """Give, by column, the median twice, and the median absolute deviation from it."""
    centres = {f"centre {at}": ("median", name) for at, name in enumerate(columns)}
    spreads = {f"spread {at}": ("median", f"__away_{at}") for at in range(len(columns))}
    cleared = finite(numbers, columns)
    if by:
        groups = grouped_table(cleared, by, centres)
        engine = str(numbers.implementation.value)
        placed = cleared.join(from_arrow(groups, engine), on=list(by), how="inner")
        away = rewritten(
            placed,
            (
                (nw.col(name) - nw.col(f"centre {at}")).abs().alias(f"__away_{at}")
                for at, name in enumerate(columns)
            ),
        )
        deviations = grouped_table(away, by, spreads)
        pairs = zip(rows_of(groups), rows_of(deviations), strict=True)
        found = [{**centre, **spread} for centre, spread in pairs]
    else:
        centre = overall(cleared, centres)
        away = rewritten(
            cleared,
            (
                (nw.col(name) - nw.lit(centre[f"centre {at}"], nw.Float64))
                .abs()
                .alias(f"__away_{at}")
                for at, name in enumerate(columns)
            ),
        )
        found = [{**centre, **overall(away, spreads)}]
    return [
        {
            **{name: row[name] for name in by},
            **{
                f"{at}": (
                    row[f"centre {at}"],
                    row[f"centre {at}"],
                    None if row[f"spread {at}"] is None else row[f"spread {at}"] * _SIGMA,
                )
                for at in range(len(columns))
            },
        }
        for row in found
    ]


def _ends(points: Points, times: float, whole: bool) -> dict[str, Any]:
    """Give the bounds; there are none where at least half of the values are one and the same."""
    low, high, spread = points
    if low is None or high is None or not spread:
        return {_LOW: None, _HIGH: None}
    ends = float(f"{low - times * spread:.9e}"), float(f"{high + times * spread:.9e}")
    return {
        _LOW: max(math.floor(ends[0]), -_LARGEST) if whole else ends[0],
        _HIGH: min(math.ceil(ends[1]), _LARGEST) if whole else ends[1],
    }


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
        ends = [_ends(row[f"{at}"], times, name in wholes) for row in rows]
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

    A group without bounds takes those of all rows.
    """
    ends = [f"{name} {end}" for name in columns for end in (_LOW, _HIGH)]
    joined, learnt = attached(table, statistics.get("groups"), by, ends)
    schema = table.collect_schema()

    def bound(name: str, end: str) -> nw.Expr | None:
        whole = dtype_name(schema[name]) == "integer"
        value = statistics["bounds"][name][end]
        known = learnt(f"{name} {end}")
        if value is not None:
            known.append(nw.lit(value, nw.Int64 if whole else nw.Float64))
        return nw.coalesce(*known) if len(known) > 1 else known[0] if known else None

    return joined, {name: (bound(name, _LOW), bound(name, _HIGH)) for name in columns}


def beyond(column: str, ends: Ends) -> tuple[nw.Expr, nw.Expr]:
    """Say whether a value is below its bound, and above; where either is missing, it is not."""
    low, high = ends
    nowhere = nw.col(column).is_null() & ~nw.col(column).is_null()
    return (
        nowhere if low is None else (nw.col(column) < low).fill_null(False),
        nowhere if high is None else (nw.col(column) > high).fill_null(False),
    )
