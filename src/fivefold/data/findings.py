"""What a cleaned table still has that a model should not see: constants, and targets in disguise.

Nothing is dropped here: each finding comes with a proposal, and the user declares what to do.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.data.irrelevant import chunks, constants, identifiers, infinite
from fivefold.data.values import dtype_name, plain, rows_of, single
from fivefold.errors import DataError
from fivefold.table import to_arrow

if TYPE_CHECKING:
    from fivefold.data.sampling import Sample

__all__ = ["DROPPABLE", "find", "require_target_varies"]

DROPPABLE = ("constant", "identifier", "duplicate", "leak", "near_leak")

# A target of more values than this, if they are numbers, is a quantity and not a class.
_MOST_CLASSES = 20
# Fewer rows of a class, or of the table, separate by chance.
_FEWEST_ROWS = 10
_LEAK_CORRELATION = 0.999
_LEAK_PURITY = 0.999
# What is told from pairs of columns, or from the order of all rows, is told from a sample.
_SAMPLE_ROWS, _SAMPLE_CELLS = 100_000, 20_000_000
_AFTERWARDS = (
    "if it is known only afterwards, give it role: outcome in conf/schema.yaml, "
    "or add fivefold.data.cleaning.drop_columns to clean.steps"
)
_PROPOSALS = {
    "constant": "add fivefold.data.cleaning.drop_constant to clean.steps",
    "leak": _AFTERWARDS,
    "near_leak": _AFTERWARDS,
    "identifier": "give it role: identifier in conf/schema.yaml, "
    "or add fivefold.data.cleaning.drop_found with kinds: [identifier] to clean.steps",
    "duplicate": "one of them is enough for a model: "
    "add fivefold.data.cleaning.drop_columns to clean.steps",
    "infinite": "add fivefold.data.cleaning.replace_infinite to clean.steps, "
    "or find out where it divides by zero",
}


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
    frame: nw.LazyFrame[Any],
    target: str,
    rows: int,
    target_values: int,
    key: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Look at every column, on its own, against the others, and against the target.

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
    key : sequence of str
        The columns that together name a row: they draw the sample of a large table, which then
        stands in the finding's detail, and the one column of a key is no finding.

    Returns
    -------
    list of dict
        ``kind`` (constant, leak, near_leak, identifier, duplicate, infinite), ``column``,
        ``detail``, ``proposal``, and ``other``, the column that a duplicate repeats; in the table's
        order of columns.
    """
    # Imported here: NumPy, which composing the config does not need.
    from fivefold.data.sampling import sample_of

    schema = frame.collect_schema()
    dtypes = {name: dtype_name(dtype) for name, dtype in schema.items() if name != target}
    constant = constants(frame, dtypes)
    varying = {name: dtype for name, dtype in dtypes.items() if name not in constant}
    most = min(_SAMPLE_ROWS, max(1000, _SAMPLE_CELLS // max(len(dtypes), 1)))
    readable = [name for name in varying if varying[name] in _READ]
    sample = sample_of(frame, key, [*readable, target], most, rows)
    found = list(constant.items())
    found += _leaks(frame, sample, target, rows, target_values, varying).items()
    lone = [name for name in varying if list(key) != [name]]
    found += identifiers(frame, sample, {name: varying[name] for name in lone}, rows).items()
    found += _alike(sample, {name: varying[name] for name in readable}).items()
    found += infinite(
        frame, sample, [name for name in varying if varying[name] == "number"]
    ).items()
    by_column: dict[str, list[Any]] = {}
    for name, finding in found:
        by_column.setdefault(name, []).append(finding)
    return [
        {
            "kind": kind,
            "column": name,
            "detail": detail,
            "proposal": _PROPOSALS[kind],
            **({"other": other[0]} if other else {}),
        }
        for name in schema.names()
        for kind, detail, *other in by_column.get(name, ())
    ]


_READ = ("integer", "number", "string", "boolean", "date", "datetime")

# The kind, the detail, and perhaps the other column.
Found = dict[str, tuple[str, ...]]


def _alike(sample: Sample, dtypes: dict[str, str]) -> Found:
    from fivefold.data.duplicated import repeated_columns

    return repeated_columns(sample, dtypes)


def _leaks(
    frame: nw.LazyFrame[Any],
    sample: Sample,
    target: str,
    rows: int,
    target_values: int,
    dtypes: dict[str, str],
) -> Found:
    from fivefold.data.ranking import determining, ranking, separating

    numeric = [name for name, dtype in dtypes.items() if dtype in ("integer", "number")]
    kind = dtype_name(frame.collect_schema()[target])
    if kind in ("integer", "number") and (
        target_values > _MOST_CLASSES or (kind == "number" and target_values > 2)
    ):
        return _correlated(frame, target, numeric)
    found = _separating(frame, target, separating(sample, target, numeric))
    if target_values == 2:
        found |= ranking(sample, target, [name for name in numeric if name not in found])
    named = [name for name, dtype in dtypes.items() if dtype in ("string", "boolean")]
    return found | _determining(frame, target, determining(sample, target, named), rows)


def _separating(frame: nw.LazyFrame[Any], target: str, columns: Sequence[str]) -> Found:
    """Find numbers whose range in one class does not overlap that in another."""
    found: Found = {}
    for some in chunks(columns):
        found |= _separating_some(frame, target, some)
    return found


def _separating_some(frame: nw.LazyFrame[Any], target: str, columns: Sequence[str]) -> Found:
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


def _determining(frame: nw.LazyFrame[Any], target: str, columns: Sequence[str], rows: int) -> Found:
    """Find categories that nearly always come with one class each."""
    found: Found = {}
    if not columns:
        return found
    count = "__rows"
    total = frame.group_by(target).agg(nw.len().alias(count))
    largest = int(single(total.select(nw.col(count).max().alias(count)))[count])
    if rows - largest < _FEWEST_ROWS:
        return found
    for name in columns:
        counts = frame.group_by(name, target).agg(nw.len().alias(count))
        best = counts.group_by(name).agg(nw.col(count).max().alias(count))
        figures = single(best.select(nw.len().alias("values"), nw.col(count).sum().alias(count)))
        if int(figures["values"]) > rows / _FEWEST_ROWS:
            continue
        purity = int(figures[count]) / rows
        if purity >= _LEAK_PURITY and purity > largest / rows + (1 - largest / rows) / 2:
            found[name] = ("leak", f"its value tells the class in {purity:.2%} of the rows")
    return found


def _correlated(frame: nw.LazyFrame[Any], target: str, columns: Sequence[str]) -> Found:
    """Find numbers that are the target up to a factor."""
    correlations: dict[str, Any] = {}
    for some in chunks(columns):
        correlations |= single(frame.select(nw.corr(name, target).alias(name) for name in some))
    return {
        name: ("leak", f"its correlation with the target is {value:.4f}")
        for name, value in correlations.items()
        if value is not None and abs(value) > _LEAK_CORRELATION
    }
