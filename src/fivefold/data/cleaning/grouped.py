"""Statistics of numbers, over all rows and by group, the same to the last digit on every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.columns import as_floats, rewritten
from fivefold.data.values import dtype_name, rounded, rows_of
from fivefold.table import from_arrow, to_arrow
from fivefold.table.engine import engine_of
from fivefold.table.parquet import canonical

__all__ = ["attached", "finite", "grouped_table", "overall"]

_LARGEST = 2**63 - 1

# By new name, the statistic and the column.
Wanted = Mapping[str, tuple[str, str]]

_STATISTICS: dict[str, Callable[[nw.Expr], nw.Expr]] = {
    "median": lambda column: column.median(),
    "mean": lambda column: column.mean(),
    "lower": lambda column: column.quantile(0.25, interpolation="linear"),
    "upper": lambda column: column.quantile(0.75, interpolation="linear"),
    "least": lambda column: column.min(),
    "greatest": lambda column: column.max(),
}


def finite(table: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Make what is not a finite number missing: it has no place in a mean."""
    schema = table.collect_schema()
    numbers = [name for name in dict.fromkeys(columns) if dtype_name(schema[name]) == "number"]
    return rewritten(
        table,
        (
            nw.when(nw.col(name).is_finite()).then(nw.col(name)).otherwise(None).alias(name)
            for name in numbers
        ),
    )


def overall(table: nw.LazyFrame[Any], wanted: Wanted) -> dict[str, Any]:
    """Compute statistics over all rows; those of whole numbers are whole."""
    wholes = _wholes(table, wanted)
    row = _computed(table, (), wanted)[0]
    return {name: _settled(row[name], how, name in wholes) for name, (how, _) in wanted.items()}


def grouped_table(table: nw.LazyFrame[Any], by: Sequence[str], wanted: Wanted) -> pa.Table:
    """Compute statistics by group, in the order of the groups; a row without a group has no part.

    Returns
    -------
    pyarrow.Table
        A row per group: the columns of ``by``, and the statistics.
    """
    wholes = _wholes(table, wanted)
    known = table.filter(*(~nw.col(name).is_null() for name in by))
    computed = to_arrow(_aggregated(known, by, wanted).sort(*by))
    for name, (how, _) in wanted.items():
        values = [_settled(value, how, name in wholes) for value in computed[name].to_pylist()]
        kind = pa.int64() if name in wholes else pa.float64()
        at = computed.column_names.index(name)
        computed = computed.set_column(at, name, pa.array(values, kind))
    return computed.cast(canonical(computed.schema))


def _wholes(table: nw.LazyFrame[Any], wanted: Wanted) -> set[str]:
    schema = table.collect_schema()
    return {name for name, (_, column) in wanted.items() if dtype_name(schema[column]) == "integer"}


def _settled(value: Any, how: str, whole: bool) -> Any:
    if value is None:
        return None
    if whole:
        return max(-_LARGEST, min(round(value), _LARGEST))
    # One of the values is the same on every engine; what is computed from them is not.
    return float(value) if how in ("least", "greatest") else rounded(float(value))


def _computed(table: nw.LazyFrame[Any], by: Sequence[str], wanted: Wanted) -> list[dict[str, Any]]:
    return rows_of(to_arrow(_aggregated(table, by, wanted)))


def _aggregated(table: nw.LazyFrame[Any], by: Sequence[str], wanted: Wanted) -> nw.LazyFrame[Any]:
    columns = [column for _, column in wanted.values()]
    cleared = as_floats(finite(table, columns), columns)
    aggregates = {name: _STATISTICS[how](nw.col(column)) for name, (how, column) in wanted.items()}
    if not by:
        return cleared.select(**aggregates)
    return cleared.group_by(*by).agg(**aggregates)


def attached(
    table: nw.LazyFrame[Any],
    groups: pa.Table | None,
    by: Sequence[str],
    columns: Sequence[str],
) -> tuple[nw.LazyFrame[Any], Callable[[str], list[nw.Expr]]]:
    """Put a group's statistics beside its rows.

    Returns
    -------
    narwhals.LazyFrame
        The table with a column per statistic.
    callable
        Gives, by a statistic's name, its column; none where there are no groups.
    """
    if groups is None:
        return table, lambda _: []
    names = {name: f"__learnt_{at}" for at, name in enumerate(columns)}
    renamed = groups.rename_columns([names.get(name, name) for name in groups.column_names])
    given = from_arrow(renamed, engine_of(table))
    return table.join(given, on=list(by), how="left"), lambda name: [nw.col(names[name])]
