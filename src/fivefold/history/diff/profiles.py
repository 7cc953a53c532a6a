"""Two versions of a table by what their exploration said of each column.

A profile holds rows, missing shares, and the rows per bin or per frequent category. Bins of two
profiles that end elsewhere are cut at the ends of both, as if rows lay evenly within a bin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fivefold.drift import jensen_shannon, psi
from fivefold.history.diff.findings import ColumnChange, TableChange
from fivefold.history.diff.versions import moved
from fivefold.history.measures import is_number

__all__ = ["compare_profiles"]

_BINS = 10


def compare_profiles(
    path: str, source: str, base: Mapping[str, Any], head: Mapping[str, Any]
) -> TableChange | None:
    """Compare two exploration reports; None where they aren't ones."""
    rows = base.get("rows"), head.get("rows")
    before, after = (
        report["columns"] if isinstance(report.get("columns"), Mapping) else {}
        for report in (base, head)
    )
    if not (isinstance(rows[0], int) and isinstance(rows[1], int) and before and after):
        return None
    both = [name for name in before if name in after]
    columns = [
        found
        for name in both
        if (found := _column(name, before[name], after[name], (rows[0], rows[1]))) is not None
    ]
    columns.sort(key=lambda column: (not column.moved, -(column.psi or 0.0), column.name))
    return TableChange(
        path,
        source,
        rows[0],
        rows[1],
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
        tuple(
            (name, str(before[name].get("dtype")), str(after[name].get("dtype")))
            for name in both
            if before[name].get("dtype") != after[name].get("dtype")
        ),
        tuple(columns),
    )


def _column(name: str, old: Any, new: Any, rows: tuple[int, int]) -> ColumnChange | None:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return None
    missing = [float(s) for side in (old, new) if is_number(s := side.get("missing_share"))]
    if len(missing) != 2:
        return None
    kind: Literal["number", "string", "other"] = "other"
    counts: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    if isinstance(old.get("histogram"), Mapping) and isinstance(new.get("histogram"), Mapping):
        kind, counts = "number", _binned(old["histogram"], new["histogram"])
    elif isinstance(old.get("top"), Mapping) and isinstance(new.get("top"), Mapping):
        kind, counts = "string", _frequent(old["top"], new["top"])
    if counts is None or not all(side.sum() for side in counts):
        far = moved(missing[0], missing[1], None, 0, rows)
        return ColumnChange(name, "other", missing[0], missing[1], moved=far)
    first, second = (
        np.append(side, round(count * share))
        for side, count, share in zip(counts, rows, missing, strict=True)
    )
    index = psi(first, second)
    return ColumnChange(
        name,
        kind,
        missing[0],
        missing[1],
        index,
        jensen_shannon(first, second),
        moved=moved(missing[0], missing[1], index, len(first), rows),
    )


def _binned(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Count rows over ten bins that hold about equally many rows of the base."""
    sides = []
    for histogram in (old, new):
        edges, rows = histogram.get("edges"), histogram.get("rows")
        if not (isinstance(edges, Sequence) and isinstance(rows, Sequence)):
            return None
        if len(edges) != len(rows) + 1 or not all(map(is_number, (*edges, *rows))):
            return None
        sides.append((np.array(edges, dtype=float), np.array(rows, dtype=float)))
    (edges, rows), _ = sides
    reached = np.cumsum(rows)
    if not reached[-1]:
        return None
    places = np.searchsorted(reached, reached[-1] * np.arange(1, _BINS) / _BINS)
    # Cut where the base's own bins end: inside of one nothing is known of the rows.
    cuts = np.unique(edges[1:][places])
    cuts = cuts[cuts < edges[-1]]
    found = [np.diff(_below(*side, cuts), prepend=0.0, append=side[1].sum()) for side in sides]
    return np.rint(found[0]).astype(np.int64), np.rint(found[1]).astype(np.int64)


def _below(
    edges: NDArray[np.float64], rows: NDArray[np.float64], cuts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Count rows below each cut, evenly spread within a bin."""
    reached = np.concatenate([[0.0], np.cumsum(rows)])
    found: NDArray[np.float64] = np.interp(cuts, edges, reached)
    return found


def _frequent(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Count rows of the categories that both profiles name, all others together."""
    sides = []
    for top in (old, new):
        values, rows, others = top.get("values"), top.get("rows"), top.get("other_rows", 0)
        if not (isinstance(values, list) and isinstance(rows, list) and is_number(others)):
            return None
        if len(values) != len(rows) or not all(map(is_number, rows)):
            return None
        sides.append((dict(zip(map(str, values), rows, strict=True)), int(others)))
    (before, _), (after, _) = sides
    # What the other profile counts among its rest may be there all the same: it says nothing.
    whole = [others == 0 for _, others in sides]
    named = [
        name
        for name in dict.fromkeys((*before, *after))
        if (name in before or whole[0]) and (name in after or whole[1])
    ]
    counts = [
        np.array(
            [
                *(rows.get(name, 0) for name in named),
                others + sum(count for name, count in rows.items() if name not in named),
            ],
            dtype=np.int64,
        )
        for rows, others in sides
    ]
    return counts[0], counts[1]
