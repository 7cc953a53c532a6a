"""The change per slice, by the predictions of both revisions, row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fivefold.history.conventions import SCHEMA_FILE
from fivefold.history.diff.arrays import encoded, rows_of
from fivefold.history.diff.findings import SliceChange
from fivefold.history.diff.pairs import PairedRows, UnpairedError, match_keys
from fivefold.history.diff.rows import UnreadableError, read_table
from fivefold.history.diff.significance import (
    RESAMPLES,
    SEED,
    accuracy_p_value,
    not_at_hand,
    values_of,
)
from fivefold.history.diff.sliced_reports import read_report
from fivefold.history.dvc.contents import Contents
from fivefold.history.git.repository import Revision
from fivefold.history.reader import Reader
from fivefold.paired import paired_changes
from fivefold.scoring import Predictions

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MIN_CLASS_ROWS", "MIN_ROWS", "slice_columns", "slices_by_rows"]

_ROLES = ("group", "sensitive")
_MOST_VALUES = 50

MIN_ROWS = 30
"""Slices of fewer rows are too small to judge."""

MIN_CLASS_ROWS = 10
"""So are those with fewer rows of a class, where the metric weighs the classes one by one."""

# There are many slices: of the long ones, shorter blocks are resampled than of all rows.
_BLOCK_ROWS = 2_000

# These are means over rows, whatever their classes.
_MEANS = frozenset({"accuracy", "brier_score", "log_loss"})


def slice_columns(
    reader: Reader, contents: Contents, head: Revision, paired: PairedRows
) -> tuple[dict[str, pa.ChunkedArray], list[str]]:
    """Find the columns that make slices, in the order of the common rows, and what went wrong.

    They are those whose role in the schema is group or sensitive, and those that the evaluation
    or ``fivefold.yaml`` names; they stand beside the predictions, or in the test part.
    """
    spec = paired.head.spec
    names = list(dict.fromkeys([*_with_role(reader, head), *spec.groups]))
    rows = paired.match.head
    own = {
        name: paired.head.table[name] for name in names if name in paired.head.table.column_names
    }
    found = {name: rows_of(column, rows) for name, column in own.items()}
    wanted = [name for name in names if name not in found]
    if not wanted or spec.groups_in is None or not spec.key:
        return found, []
    beside = contents.find(head, spec.groups_in)
    if beside.source is None:
        return found, list(not_at_hand({"head": beside}))
    try:
        table = read_table(beside.source, spec.groups_in, [*spec.key, *wanted])
        keys = [rows_of(column, rows) for column in paired.head.key_columns()]
        match = match_keys([table[name] for name in spec.key], keys)
        if match.only_head:
            raise UnpairedError(f"{spec.groups_in} lacks {match.only_head:,} of the rows")
    except (UnpairedError, UnreadableError) as error:
        return found, [f"no slices by {', '.join(wanted)}: {error}"]
    joined = {name: rows_of(table[name], match.base) for name in wanted}
    return {name: found.get(name, joined.get(name)) for name in names}, []


def _with_role(reader: Reader, head: Revision) -> list[str]:
    """Name the columns whose role in the schema is to tell groups apart."""
    columns = read_report(reader, head, SCHEMA_FILE).get("columns")
    return [
        str(name)
        for name, column in (columns.items() if isinstance(columns, Mapping) else ())
        if isinstance(column, Mapping) and column.get("role") in _ROLES
    ]


def slices_by_rows(
    name: str, columns: Mapping[str, pa.ChunkedArray], paired: PairedRows
) -> tuple[list[SliceChange], int]:
    """Compare a metric slice by slice, and count the slices that are left out.

    P-values and judgements are not yet corrected for their number.
    """
    before, after = paired.before, paired.after
    found, left_out = [], 0
    for column, values in columns.items():
        codes, names = encoded(values)
        counts = np.bincount(codes, minlength=len(names))
        order = sorted(range(len(names)), key=lambda i: (-counts[i], str(names[i])))
        left_out += max(0, len(order) - _MOST_VALUES)
        for place in order[:_MOST_VALUES]:
            rows = np.flatnonzero(codes == place)
            value = "missing" if names[place] is None else str(names[place])
            item = _slice(name, column, value, before.take(rows), after.take(rows))
            if item is not None:
                found.append(item)
    return found, left_out


def _slice(
    name: str, column: str, value: str, before: Predictions, after: Predictions
) -> SliceChange | None:
    """Compare on the rows of one slice; None where the metric is undefined on them."""
    first, second = (values_of([name], side)[name] for side in (before, after))
    if not (math.isfinite(first) and math.isfinite(second)):
        return None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    if len(after) >= MIN_ROWS and (name in _MEANS or _classes_seen(after) >= MIN_CLASS_ROWS):
        found = paired_changes(
            [name], before, after, n_resamples=RESAMPLES, seed=SEED, block_rows=_BLOCK_ROWS
        )[name]
        if found is not None:
            interval = found.low, found.high
            p_value = accuracy_p_value(before, after) if name == "accuracy" else found.p_value
    return SliceChange(
        column,
        value,
        len(after),
        first,
        second,
        second - first,
        interval,
        p_value,
        None,
        "too small",
    )


def _classes_seen(predictions: Predictions) -> float:
    """Count the rows of the rarest class; infinite for numbers."""
    if predictions.classes is None:
        return math.inf
    counts = np.unique(predictions.y_true, return_counts=True)[1]
    return float(counts.min()) if len(counts) > 1 else 0.0
