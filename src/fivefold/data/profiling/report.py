"""A column's and the target's part of the report."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.data.profiling.association import (
    correlation_ratio,
    cramers_v,
    mutual_information,
)
from fivefold.data.profiling.groups import Groups
from fivefold.data.profiling.measured import Cells, Measured
from fivefold.data.profiling.shift import shift_of
from fivefold.data.values import rounded
from fivefold.objective import Objective
from fivefold.table import Column

__all__ = ["column_report", "shortened", "shown_time", "target_report"]

_MEAN_DIGITS = 9
_FIGURES = (
    "infinite", "min", "q05", "q25", "q50", "q75", "q95", "max", "mean", "sd", "skewness",
    "kurtosis", "zeros", "negative", "outliers", "lowest", "highest", "length", "blank", "padded",
)  # fmt: skip
_TIMED = ("min", "q05", "q25", "q50", "q75", "q95", "max")
# Rates by class are told of no more classes.
_MOST_CLASSES = 6
_DRIFTED = 6


def column_report(
    name: str,
    column: Column,
    measured: Measured,
    groups: Groups,
    rows: int,
    parts: Mapping[str, int],
) -> dict[str, Any]:
    """Tell all that was measured of a column.

    Parameters
    ----------
    name : str
    column : Column
        Of the schema.
    measured : Measured
    groups : Groups
    rows : int
        Of the table.
    parts : mapping of str to int
        Rows by part; empty where there is no split.
    """
    timed = column.dtype in ("date", "datetime")
    known: dict[str, Any] = {
        "dtype": column.dtype,
        "role": column.role,
        "missing": measured.missing,
        "missing_share": round(measured.missing / rows, 6) if rows else None,
        "distinct": measured.distinct,
    }
    told = _FIGURES if measured.distinct else _FIGURES[:1]
    known |= {k: measured.figures[k] for k in told if k in measured.figures}
    if timed:
        known |= {k: shown_time(known[k], column.dtype) for k in _TIMED if k in known}
    if not measured.distinct or measured.cells is None:
        return known
    known |= _spread(measured, groups, column.dtype)
    if column.role == "identifier":
        # Its values name rows; what they go with is chance.
        known.pop("histogram", None)
        return known
    if name != groups.target:
        known |= _with_target(measured, groups)
    if shift := shift_of(measured, parts):
        known["drift"] = shift
        known["by_part"] = _by_part(measured, parts)
    return known


def shown_time(value: Any, dtype: str) -> str:
    """Write microseconds since 1970 as ISO 8601."""
    start = datetime.datetime(1970, 1, 1)
    try:
        moment = start + datetime.timedelta(microseconds=round(value))
    except OverflowError:
        # The histogram's last edge may lie beyond the calendar's end.
        moment = datetime.datetime.max if value > 0 else datetime.datetime.min
    return moment.date().isoformat() if dtype == "date" else moment.isoformat()


def _spread(measured: Measured, groups: Groups, dtype: str) -> dict[str, Any]:
    """Give the histogram, or the most frequent categories, with the target in each."""
    spread = measured.histogram()
    total = sum(measured.cells.by_bin[:-1].tolist()) if measured.cells else 0
    if spread is not None:
        edges = list(measured.edges)
        if dtype in ("date", "datetime"):
            edges = [shown_time(edge, dtype) for edge in edges]
        found = {"edges": edges, "rows": spread.by_bin[:-1].tolist()}
        found |= _against(spread, groups, slice(0, -1))
        fine = measured.binned()
        most = int(fine.by_bin[:-1].max()) if fine is not None else 0
        kept: dict[str, Any] = {"histogram": found}
        # A bin that is one value says how frequent it is; of wider ones nothing is known.
        if measured.distinct == len(measured.cuts) + 1 and total:
            kept["top_share"] = round(most / total, 6)
        return kept
    assert measured.cells is not None  # noqa: S101
    counts = measured.cells.by_bin
    found = {
        "values": list(measured.names),
        "rows": counts[: len(measured.names)].tolist(),
        **_against(measured.cells, groups, slice(0, len(measured.names))),
        "other_rows": int(counts[len(measured.names)]),
    }
    return {"top": found, "top_share": round(int(counts[0]) / total, 6) if total else None}


def _against(cells: Cells, groups: Groups, bins: slice) -> dict[str, Any]:
    """Give the target per bin: the upper class's rate, the mean, or the rows of each class."""
    if cells.sums is not None and cells.known is not None:
        sums, known = cells.sums.sum(axis=1)[bins], cells.known.sum(axis=1)[bins]
        return {"target": _rates(sums, known)}
    by_class = cells.by_class[bins]
    if by_class.shape[1] == 2:
        return {"target": _rates(by_class[:, 1], by_class.sum(axis=1))}
    if 2 < by_class.shape[1] <= _MOST_CLASSES:
        classes = dict(zip(groups.classes, by_class.T.tolist(), strict=True))
        return {"target": None, "classes": classes}
    return {"target": None}


def _rates(sums: NDArray[Any], known: NDArray[Any]) -> list[float | None]:
    return [
        rounded(total / count, _MEAN_DIGITS) if count else None
        for total, count in zip(sums.tolist(), known.tolist(), strict=True)
    ]


def _with_target(measured: Measured, groups: Groups) -> dict[str, Any]:
    """Measure, from 0 to 1, how much a column says about the target; a gap is a value too."""
    cells = measured.binned()
    assert cells is not None  # noqa: S101
    found: dict[str, Any] = {"association": None}
    if cells.sums is not None and cells.known is not None:
        counts, sums = cells.known.sum(axis=1), cells.sums.sum(axis=1)
        kept = counts > 0
        squares = groups.squares
        found["association"] = correlation_ratio(
            counts[kept].tolist(), [rounded(s) or 0.0 for s in sums[kept].tolist()], squares
        )
        if measured.missing:
            sides = _two_sides(counts), _two_sides(sums)
            if all(sides[0]):
                found["gaps_association"] = correlation_ratio(sides[0], sides[1], squares)
        return found
    table = cells.by_class
    found["association"] = cramers_v(table)
    information = mutual_information(table)
    found["mutual_information"] = None if information is None else information[0]
    if measured.missing and measured.missing < table.sum():
        found["gaps_association"] = cramers_v(np.stack([table[:-1].sum(axis=0), table[-1]]))
    return found


def _two_sides(values: NDArray[Any]) -> list[Any]:
    return [values[:-1].sum().item(), values[-1].item()]


def _by_part(measured: Measured, parts: Mapping[str, int]) -> dict[str, list[int]]:
    """Give the histogram's or the categories' rows by part; the last category is all others."""
    spread = measured.histogram() or measured.cells
    assert spread is not None  # noqa: S101
    rows = spread.by_part[:-1]
    names = [name for name in list(parts)[:3] if parts[name]]
    return {name: rows[:, list(parts).index(name)].tolist() for name in names}


def shortened(
    columns: Mapping[str, Any], drawn: Sequence[str], target: str, most: int
) -> dict[str, Any]:
    """Leave out what is told of no picture, so that the report stays small.

    Rows by part are kept of the columns that drift most. In a table of more than ``most`` columns
    only those that are drawn keep their spread, and the others what stands in a table.
    """
    far = {
        name: max(told["psi"] for told in known["drift"].values())
        for name, known in columns.items()
        if known.get("drift") and known["feature"]
    }
    drifted = sorted(far, key=lambda name: (-far[name], name))[:_DRIFTED]
    apart, whole = {*drifted, target}, {*drifted, target, *drawn}
    found = {}
    for name, known in columns.items():
        dropped = set() if name in apart else {"by_part"}
        if len(columns) > most and name not in whole:
            dropped |= {"histogram", "top", "lowest", "highest", "drift"}
        found[name] = {key: value for key, value in known.items() if key not in dropped}
    return found


def target_report(
    column: Mapping[str, Any], groups: Groups, objective: Objective
) -> dict[str, Any]:
    """Tell what is predicted."""
    known: dict[str, Any] = {"column": groups.target, "task": objective.task}
    if objective.is_classification:
        known["classes"] = dict(zip(groups.classes, groups.class_rows, strict=True))
        return known
    return known | {key: column.get(key) for key in ("min", "q25", "q50", "q75", "max", "mean")}
