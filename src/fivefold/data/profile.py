"""The figures of a table: each column's spread, and how it goes with the target."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from fivefold.data.association import correlation_ratio, cramers_v
from fivefold.data.periods import over_time
from fivefold.data.values import plain, rounded, rows_of, single
from fivefold.objective import Objective
from fivefold.table import TableSchema, checkpoint, to_arrow

__all__ = ["profile"]

_NUMBERS = ("integer", "number")
_MEAN_DIGITS = 9
_ROWS, _SUM, _BIN, _VALUE = "__rows", "__sum", "__bin", "__value"
# Up to so many different values are counted one by one, and put into bins here.
_MOST_DISTINCT = 20_000


@dataclass(frozen=True)
class _Target:
    """The target as a number to sum: 1 for the upper of two classes, or the value itself.

    Attributes
    ----------
    name : str
        The column.
    classes : list
        Ascending; none if it is a quantity.
    value : narwhals.Expr or None
        The number; None where there are more than two classes.
    squares : float
        The sum of a quantity's squares.
    """

    name: str
    classes: list[Any]
    value: nw.Expr | None
    squares: float = 0.0


def profile(
    frame: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    bins: int,
    top: int,
    alarm: float,
) -> dict[str, Any]:
    """Compute the summary; see :class:`fivefold.data.explore.Explored`.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The schema's columns, computed.
    schema, objective
        The roles, and the target.
    bins, top : int
        Bins of a histogram, categories of a text.
    alarm : float
        The association from which a feature is pointed out.
    """
    target = _target(frame, objective)
    basics = _basics(frame, schema)
    rows = basics.pop("")["rows"]
    columns: dict[str, Any] = {}
    labelled = frame.filter(~nw.col(target.name).is_null())
    if target.value is not None:
        # Computed once: pandas sums a column quickly, and an expression slowly.
        labelled = labelled.with_columns(target.value.alias(_VALUE))
    labelled = checkpoint(labelled)
    for name, column in schema.columns.items():
        known = {
            "dtype": column.dtype,
            "role": column.role,
            "feature": name in schema.features,
            **basics[name],
        }
        known["missing_share"] = round(known["missing"] / rows, 6) if rows else None
        if column.role != "identifier" and known["distinct"]:
            known |= _spread(labelled, name, column.dtype, known, target, bins, top)
        columns[name] = known
    times = schema.with_role("time")
    return {
        "rows": rows,
        "columns_total": len(columns),
        "target": _target_summary(frame, target, columns[target.name], objective),
        "over_time": over_time(labelled, times[0], None if target.value is None else _VALUE)
        if times
        else None,
        "alarms": _alarms(columns, schema, alarm),
        "columns": columns,
    }


def _target(frame: nw.LazyFrame[Any], objective: Objective) -> _Target:
    name = objective.target
    if not objective.is_classification:
        total = single(frame.select((nw.col(name) * nw.col(name)).sum().alias("squares")))
        return _Target(name, [], nw.col(name), rounded(float(total["squares"] or 0)) or 0.0)
    distinct = frame.filter(~nw.col(name).is_null()).select(name).unique().sort(name)
    classes = [row[name] for row in rows_of(to_arrow(distinct))]
    upper = (nw.col(name) == classes[-1]).cast(nw.Int64) if len(classes) == 2 else None
    return _Target(name, classes, upper)


def _basics(frame: nw.LazyFrame[Any], schema: TableSchema) -> dict[str, dict[str, Any]]:
    """Count and find order statistics of all columns in one pass."""
    wanted = [nw.len().alias("rows")]
    for at, (name, declared) in enumerate(schema.columns.items()):
        column = nw.col(name)
        wanted += [column.null_count().alias(f"missing {at}")]
        wanted += [column.n_unique().alias(f"distinct {at}")]
        if declared.dtype in (*_NUMBERS, "date", "datetime"):
            wanted += [column.min().alias(f"min {at}"), column.max().alias(f"max {at}")]
        if declared.dtype in _NUMBERS:
            wanted += [
                column.quantile(share, "linear").alias(f"q{round(share * 100)} {at}")
                for share in (0.25, 0.5, 0.75)
            ]
    figures = single(frame.select(*wanted))
    known: dict[str, dict[str, Any]] = {"": {"rows": int(figures["rows"])}}
    for at, name in enumerate(schema.columns):
        missing = int(figures[f"missing {at}"])
        known[name] = {
            "missing": missing,
            "distinct": int(figures[f"distinct {at}"]) - (missing > 0),
        }
        for key in ("min", "q25", "q50", "q75", "max"):
            if f"{key} {at}" in figures:
                value = figures[f"{key} {at}"]
                known[name][key] = rounded(value) if isinstance(value, float) else value
    return known


def _spread(
    frame: nw.LazyFrame[Any],
    name: str,
    dtype: str,
    known: dict[str, Any],
    target: _Target,
    bins: int,
    top: int,
) -> dict[str, Any]:
    """Count a column's bins or categories, with the target in each."""
    if dtype in ("date", "datetime"):
        return {}
    column = nw.col(name)
    spread: dict[str, Any] = {}
    if dtype in _NUMBERS:
        edges = _edges(known["min"], known["max"], dtype == "integer", bins)
        counted = _binned(frame, name, edges, known["distinct"], target)
        by_bin = {row[_BIN]: row for row in counted}
        present = [by_bin.get(at, {_ROWS: 0, _SUM: 0}) for at in range(len(edges) - 1)]
        spread["histogram"] = {
            "edges": edges,
            "rows": [int(row[_ROWS]) for row in present],
            "target": _means(present),
        }
    else:
        text = column.cast(nw.String) if dtype == "boolean" else column
        counted = _counted(frame.with_columns(text.alias(_BIN)), target)
        present = [row for row in counted if row[_BIN] is not None]
        present.sort(key=lambda row: (-int(row[_ROWS]), str(row[_BIN])))
        spread["top"] = {
            "values": [str(plain(row[_BIN])) for row in present[:top]],
            "rows": [int(row[_ROWS]) for row in present[:top]],
            "target": _means(present[:top]),
            "other_rows": sum(int(row[_ROWS]) for row in present[top:]),
        }
    if name != target.name:
        spread["association"] = _association(counted, target)
    return spread


def _edges(low: float, high: float, whole: bool, bins: int) -> list[float]:
    """Cut a range into bins of equal width; whole numbers get bins of whole width."""
    if whole:
        width: float = max(1, math.ceil((high - low + 1) / bins))
        count = math.ceil((high - low + 1) / width)
        return [low + width * at for at in range(count + 1)]
    if high <= low:
        return [low, low + max(abs(low), 1.0) * 1e-3]
    width = (high - low) / bins
    return [*(low + width * at for at in range(bins)), high]


def _binned(
    frame: nw.LazyFrame[Any], name: str, edges: Sequence[float], distinct: int, target: _Target
) -> list[dict[str, Any]]:
    """Count rows per bin of a number.

    Bins are found by comparison alone: engines differ in the last bit of a division.
    """
    column = nw.col(name)
    if distinct > _MOST_DISTINCT:
        above = nw.sum_horizontal(*((column >= edge).cast(nw.Int64) for edge in edges[1:-1]))
        place = nw.when(column.is_null()).then(None).otherwise(above)
        return _counted(frame.with_columns(place.alias(_BIN)), target)
    cells: dict[int | None, dict[str, Any]] = {}
    for row in _counted(frame.with_columns(column.alias(_BIN)), target):
        value = row[_BIN]
        at = None if value is None else bisect_right(edges, value, 1, len(edges) - 1) - 1
        cell = cells.setdefault(at, {_BIN: at, _ROWS: 0, _SUM: 0})
        cell[_ROWS] += int(row[_ROWS])
        if "classes" in row:
            cell["classes"] = Counter(cell.get("classes", {})) + Counter(row["classes"])
        else:
            cell[_SUM] += row[_SUM]
    return list(cells.values())


def _counted(frame: nw.LazyFrame[Any], target: _Target) -> list[dict[str, Any]]:
    """Count rows per bin, with the target's sum, or per bin and class where there are many."""
    if target.value is None:
        grouped = frame.group_by(_BIN, target.name).agg(nw.len().alias(_ROWS))
        cells: dict[Any, dict[str, Any]] = {}
        for row in rows_of(to_arrow(grouped.sort(_BIN, target.name))):
            cell = cells.setdefault(row[_BIN], {_BIN: row[_BIN], _ROWS: 0, "classes": {}})
            cell[_ROWS] += int(row[_ROWS])
            cell["classes"][str(row[target.name])] = int(row[_ROWS])
        return list(cells.values())
    counted = frame.group_by(_BIN).agg(nw.len().alias(_ROWS), nw.col(_VALUE).sum().alias(_SUM))
    return rows_of(to_arrow(counted.sort(_BIN)))


def _means(cells: Sequence[dict[str, Any]]) -> list[float | None] | None:
    """Give the target's rate or mean per bin; None where there are more than two classes."""
    if any("classes" in cell for cell in cells):
        return None
    return [
        rounded(float(cell[_SUM]) / int(cell[_ROWS]), _MEAN_DIGITS) if cell[_ROWS] else None
        for cell in cells
    ]


def _association(cells: Sequence[dict[str, Any]], target: _Target) -> float | None:
    """Measure, from 0 to 1, how much a column's bins say about the target; a gap is a bin too."""
    if not cells:
        return None
    if not target.classes:
        sums = [rounded(float(cell[_SUM])) or 0.0 for cell in cells]
        return correlation_ratio([int(cell[_ROWS]) for cell in cells], sums, target.squares)
    if target.value is not None:
        table = [[int(c[_ROWS]) - int(c[_SUM]), int(c[_SUM])] for c in cells]
    else:
        table = [[c["classes"].get(str(k), 0) for k in target.classes] for c in cells]
    return cramers_v(table)


def _target_summary(
    frame: nw.LazyFrame[Any], target: _Target, column: dict[str, Any], objective: Objective
) -> dict[str, Any]:
    known: dict[str, Any] = {"column": target.name, "task": objective.task}
    if target.classes:
        counts = frame.group_by(target.name).agg(nw.len().alias(_ROWS)).sort(target.name)
        known["classes"] = {
            str(plain(row[target.name])): int(row[_ROWS])
            for row in rows_of(to_arrow(counts))
            if row[target.name] is not None
        }
    else:
        known |= {key: column[key] for key in ("min", "q25", "q50", "q75", "max")}
        mean = single(frame.select(nw.col(target.name).mean().alias("mean")))["mean"]
        known["mean"] = rounded(mean, _MEAN_DIGITS)
    return known


def _alarms(columns: dict[str, Any], schema: TableSchema, alarm: float) -> list[dict[str, Any]]:
    """Point out what a modeller should look at, the worst first."""
    found = []
    features = set(schema.features)
    for name, known in columns.items():
        if name not in features:
            continue
        strength = known.get("association")
        if strength is not None and strength >= alarm:
            found.append((0, name, "leak", f"association {strength:.2f} with the target"))
        if known["distinct"] <= 1:
            found.append((1, name, "constant", "has one value"))
        if (known["missing_share"] or 0) >= 0.5:
            found.append((2, name, "missing", f"misses {known['missing_share']:.0%} of its values"))
    return [{"kind": kind, "column": name, "text": text} for _, name, kind, text in sorted(found)]
