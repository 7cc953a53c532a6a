"""What a cleaned table still has that a model should not see: constants, and targets in disguise.

Nothing is dropped here: each finding comes with a proposal, and the user declares what to do.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.values import dtype_name, plain, rows_of, single
from fivefold.errors import DataError
from fivefold.table import to_arrow

__all__ = ["find", "require_target_varies"]

# A target of more values than this, if they are numbers, is a quantity and not a class.
_MOST_CLASSES = 20
# Fewer rows of a class, or of the table, separate by chance.
_FEWEST_ROWS = 10
_LEAK_AUC, _NEAR_AUC = 0.999, 0.98
_LEAK_CORRELATION = 0.999
_LEAK_PURITY = 0.999
_PROPOSAL = (
    "if it is known only afterwards, give it role: outcome in conf/schema.yaml, "
    "or add fivefold.data.cleaning.drop_columns to clean.steps"
)


def require_target_varies(frame: nw.LazyFrame[Any], target: str) -> dict[str, Any]:
    """Count the target's values.

    Returns
    -------
    dict
        ``missing``, the rows without a value; ``values``, how many different ones there are; and
        ``classes``, the rows of each value where there are few.

    Raises
    ------
    DataError
        There is one value or none.
    """
    counts = frame.group_by(target).agg(nw.len().alias("__rows"))
    column = nw.col(target)
    figures = single(
        counts.select(
            (~column.is_null()).cast(nw.Int64).sum().alias("values"),
            nw.when(column.is_null()).then(nw.col("__rows")).otherwise(0).sum().alias("missing"),
        )
    )
    values, missing = int(figures["values"] or 0), int(figures["missing"] or 0)
    shown = rows_of(to_arrow(counts.sort(target).head(_MOST_CLASSES + 1)))
    classes = {
        str(plain(row[target])): int(row["__rows"]) for row in shown if row[target] is not None
    }
    if values < 2:
        only = ", ".join(f"{value} in {rows:,} rows" for value, rows in classes.items())
        raise DataError(
            "the target has one class only, so there is nothing to predict",
            where=f"the column {target!r}",
            got=only or "no value at all",
            hint="look at the step that makes it, and at the rows that the other steps drop",
        )
    return {
        "missing": missing,
        "values": values,
        "classes": classes if values <= _MOST_CLASSES else None,
    }


def find(
    frame: nw.LazyFrame[Any], target: str, rows: int, target_values: int
) -> list[dict[str, Any]]:
    """Look at every column against the target.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The table after the last step, computed.
    target : str
        What is predicted.
    rows : int
        How many there are.
    target_values : int
        How many different values the target has.

    Returns
    -------
    list of dict
        ``kind`` (constant, leak, near_leak), ``column``, ``detail`` and ``proposal``, in the
        table's order of columns.
    """
    schema = frame.collect_schema()
    dtypes = {name: dtype_name(dtype) for name, dtype in schema.items() if name != target}
    distinct = _distinct(frame, dtypes)
    constant = {
        name: ("constant", "the same value, or none, in every row")
        for name in dtypes
        if distinct[name] <= 1
    }
    numeric = [n for n in dtypes if dtypes[n] in ("integer", "number") and n not in constant]
    named = [
        name
        for name in dtypes
        if dtypes[name] in ("string", "boolean")
        and name not in constant
        and distinct[name] <= rows / _FEWEST_ROWS
    ]
    quantity = dtype_name(schema[target]) in ("integer", "number") and (
        target_values > _MOST_CLASSES
        or (dtype_name(schema[target]) == "number" and target_values > 2)
    )
    found = constant
    if quantity:
        found |= _correlated(frame, target, numeric)
    else:
        found |= _separating(frame, target, numeric)
        if target_values == 2:
            unseen = [name for name in numeric if name not in found]
            found |= _ranking(frame, target, unseen)
        found |= _determining(frame, target, named, rows)
    return [
        {
            "kind": found[name][0],
            "column": name,
            "detail": found[name][1],
            "proposal": "add fivefold.data.cleaning.drop_constant to clean.steps"
            if found[name][0] == "constant"
            else _PROPOSAL,
        }
        for name in schema.names()
        if name in found
    ]


Found = dict[str, tuple[str, str]]


def _distinct(frame: nw.LazyFrame[Any], dtypes: Mapping[str, str]) -> dict[str, int]:
    """Count the different values of texts and truths; of others tell one from more, which is quick.

    A missing value counts as a value.
    """
    wanted: list[nw.Expr] = []
    for at, (name, dtype) in enumerate(dtypes.items()):
        column = nw.col(name)
        if dtype in ("string", "boolean"):
            wanted.append(column.n_unique().alias(f"distinct {at}"))
        else:
            wanted.append((column.max() > column.min()).alias(f"varies {at}"))
            wanted.append(column.null_count().alias(f"missing {at}"))
            wanted.append(column.count().alias(f"known {at}"))
    figures = single(frame.select(*wanted))
    counted: dict[str, int] = {}
    for at, name in enumerate(dtypes):
        if f"distinct {at}" in figures:
            counted[name] = int(figures[f"distinct {at}"])
        else:
            missing, known = int(figures[f"missing {at}"]), int(figures[f"known {at}"])
            counted[name] = 2 if figures[f"varies {at}"] else (missing > 0) + (known > 0)
    return counted


def _separating(frame: nw.LazyFrame[Any], target: str, columns: Sequence[str]) -> Found:
    """Find numbers whose range in one class does not overlap that in another."""
    if not columns:
        return {}
    aggregates = [
        expression
        for name in columns
        for expression in (
            nw.col(name).min().alias(f"min {name}"),
            nw.col(name).max().alias(f"max {name}"),
            nw.col(name).count().alias(f"count {name}"),
        )
    ]
    known = frame.filter(~nw.col(target).is_null())
    classes = rows_of(to_arrow(known.group_by(target).agg(*aggregates).sort(target)))
    found: Found = {}
    for name in columns:
        if any(row[f"count {name}"] < _FEWEST_ROWS for row in classes):
            continue
        ranges = sorted((row[f"min {name}"], row[f"max {name}"], row[target]) for row in classes)
        pairs = itertools.pairwise(ranges)
        if all(low[1] < high[0] for low, high in pairs):
            spans = "; ".join(f"{target} {value}: {low} to {high}" for low, high, value in ranges)
            found[name] = ("leak", f"its ranges separate the classes ({spans})")
    return found


def _ranking(frame: nw.LazyFrame[Any], target: str, columns: Sequence[str]) -> Found:
    """Find numbers that rank the rows of two classes almost without a mistake.

    The area under the ROC curve is the share of pairs, a row of each class, in which the number
    is larger in the same class (Hanley and McNeil, 1982), a tie counting half. It is computed from
    the counts per value, a missing value being the lowest.
    """
    found: Found = {}
    known = frame.filter(~nw.col(target).is_null())
    for name in columns:
        counts = known.group_by(name, target).agg(nw.len().alias("__rows")).sort(name, target)
        area = _area(to_arrow(counts), name, target)
        if area is not None and max(area, 1 - area) >= _NEAR_AUC:
            kind = "leak" if max(area, 1 - area) >= _LEAK_AUC else "near_leak"
            found[name] = (kind, f"alone it ranks the classes with an ROC AUC of {area:.4f}")
    return found


def _area(counts: pa.Table, name: str, target: str) -> float | None:
    """Compute the area from rows of (value, class, count), ascending by value."""
    values, classes = counts[name].to_pylist(), counts[target].to_pylist()
    upper = max(classes)
    below = beaten = tied = 0
    totals = {False: 0, True: 0}
    at: dict[bool, int] = {False: 0, True: 0}
    previous: Any = values[0]
    for value, class_, rows in zip(values, classes, counts["__rows"].to_pylist(), strict=True):
        if value != previous:
            below, at, previous = below + at[False], {False: 0, True: 0}, value
        at[class_ == upper] += rows
        totals[class_ == upper] += rows
        if class_ == upper:  # the lower class comes first among equal values
            beaten += rows * below
            tied += rows * at[False]
    if min(totals.values()) < _FEWEST_ROWS:
        return None
    return (beaten + tied / 2) / (totals[False] * totals[True])


def _determining(frame: nw.LazyFrame[Any], target: str, columns: Sequence[str], rows: int) -> Found:
    """Find categories that nearly always come with one class each."""
    found: Found = {}
    count = "__rows"
    total = frame.group_by(target).agg(nw.len().alias(count))
    largest = int(single(total.select(nw.col(count).max().alias(count)))[count])
    if rows - largest < _FEWEST_ROWS:
        return found
    for name in columns:
        counts = frame.group_by(name, target).agg(nw.len().alias(count))
        best = counts.group_by(name).agg(nw.col(count).max().alias(count))
        purity = int(single(best.select(nw.col(count).sum().alias(count)))[count]) / rows
        if purity >= _LEAK_PURITY and purity > largest / rows + (1 - largest / rows) / 2:
            found[name] = ("leak", f"its value tells the class in {purity:.2%} of the rows")
    return found


def _correlated(frame: nw.LazyFrame[Any], target: str, columns: Sequence[str]) -> Found:
    """Find numbers that are the target up to a factor."""
    if not columns:
        return {}
    correlations = single(frame.select(nw.corr(name, target).alias(name) for name in columns))
    return {
        name: ("leak", f"its correlation with the target is {value:.4f}")
        for name, value in correlations.items()
        if value is not None and abs(value) > _LEAK_CORRELATION
    }
