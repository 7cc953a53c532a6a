"""What two revisions' explorations say of the data: figures, categories, alarms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fivefold.history.diff.findings import (
    MISSING_MARK,
    PSI_MARK,
    CategoryChange,
    ExplorationChange,
    FigureChange,
)
from fivefold.history.measures import is_number

__all__ = ["compare_explorations"]

# From these changes on a person should look: in the figure's own unit, or in standard deviations.
_ASSOCIATION, _PAIR, _RATE, _SPREADS, _SCALE = 0.05, 0.1, 0.01, 0.1, 0.1
_PLACES = (
    ("mean", "mean"),
    ("q50", "median"),
    ("q05", "5th percentile"),
    ("q95", "95th percentile"),
)


def compare_explorations(
    path: str, base: Mapping[str, Any], head: Mapping[str, Any]
) -> ExplorationChange | None:
    """Compare two exploration reports; None where either isn't one, or nothing is worth a look.

    Parameters
    ----------
    path : str
        Names the report.
    base, head : mapping
        ``rows`` and ``columns``, and of each column what is known of it; all else is optional.
    """
    rows = base.get("rows"), head.get("rows")
    if not (isinstance(rows[0], int) and isinstance(rows[1], int)):
        return None
    before, after = (_columns(report) for report in (base, head))
    both = [name for name in before if name in after]
    figures = [
        *_target(base, head),
        *(change for name in both for change in _figures(name, before[name], after[name])),
        *_pairs(base, head),
    ]
    figures.sort(key=lambda change: (-change.size, change.column, change.figure))
    categories = [
        found
        for name in both
        if (found := _categories(name, before[name], after[name])) is not None
    ]
    alarms = [_alarms(report) for report in (base, head)]
    # An alarm's text holds figures that move a little with every row: its kind and column tell it.
    raised = [text for key, text in alarms[1].items() if key not in alarms[0]]
    gone = [text for key, text in alarms[0].items() if key not in alarms[1]]
    if not (figures or categories or raised or gone or rows[0] != rows[1]):
        return None
    return ExplorationChange(
        path, rows[0], rows[1], tuple(figures), tuple(categories), tuple(raised), tuple(gone)
    )


def _columns(report: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    columns = report.get("columns")
    if not isinstance(columns, Mapping):
        return {}
    return {str(name): known for name, known in columns.items() if isinstance(known, Mapping)}


def _number(known: Any, *path: str) -> float | None:
    for key in path:
        known = known.get(key) if isinstance(known, Mapping) else None
    return float(known) if is_number(known) and math.isfinite(known) else None


def _target(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[FigureChange]:
    """Compare the shares of the target's classes, or its mean."""
    sides = [report.get("target") for report in (base, head)]
    first, second = (side if isinstance(side, Mapping) else {} for side in sides)
    name = str(second.get("column", ""))
    shares = []
    for side in (first, second):
        classes = side.get("classes")
        counts = classes if isinstance(classes, Mapping) else {}
        known = {str(label): float(rows) for label, rows in counts.items() if is_number(rows)}
        total = sum(known.values())
        shares.append({label: rows / total for label, rows in known.items()} if total else {})
    for label in dict.fromkeys((*shares[0], *shares[1])):
        old, new = shares[0].get(label), shares[1].get(label)
        if abs((new or 0.0) - (old or 0.0)) >= _RATE:
            size = abs((new or 0.0) - (old or 0.0)) / _RATE
            yield FigureChange(name, f"share of {label}", old, new, size)


def _figures(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FigureChange]:
    marks = [
        ("missing", ("missing_share",), MISSING_MARK),
        ("association with the target", ("association",), _ASSOCIATION),
        ("PSI in test", ("drift", "test", "psi"), PSI_MARK),
        ("PSI in production", ("drift", "production", "psi"), PSI_MARK),
    ]
    for figure, path, mark in marks:
        first, second = _number(old, *path), _number(new, *path)
        if first is not None and second is not None and abs(second - first) >= mark:
            yield FigureChange(name, figure, first, second, abs(second - first) / mark)
    spread = _number(old, "sd") or 0.0
    for key, figure in _PLACES:
        first, second = _number(old, key), _number(new, key)
        if first is None or second is None or not spread:
            continue
        size = abs(second - first) / spread / _SPREADS
        if size >= 1:
            yield FigureChange(name, figure, first, second, size)
    other = _number(new, "sd")
    if spread and other is not None and abs(other / spread - 1) >= _SCALE:
        size = abs(other / spread - 1) / _SCALE
        yield FigureChange(name, "standard deviation", spread, other, size)


def _pairs(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[FigureChange]:
    """Compare how columns go with one another: numbers by rank, others by Cramér's V."""
    sides = [_matrix(report) for report in (base, head)]
    for pair, (measure, old) in sides[0].items():
        found = sides[1].get(pair)
        if found is not None and found[0] == measure and abs(found[1] - old) >= _PAIR:
            size = abs(found[1] - old) / _PAIR
            yield FigureChange(pair[0], f"{measure} with {pair[1]}", old, found[1], size)


def _matrix(report: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, float]]:
    given = report.get("associations")
    if not isinstance(given, Mapping) or not isinstance(given.get("columns"), list):
        return {}
    names = sorted((str(name), at) for at, name in enumerate(given["columns"]))
    found = {}
    for nth, (first, i) in enumerate(names):
        for second, j in names[nth + 1 :]:
            for measure, key in (
                ("Spearman's correlation", "spearman"),
                ("Cramér's V", "cramers_v"),
            ):
                value = _cell(given.get(key), i, j)
                if value is not None:
                    found[first, second] = measure, value
                    break
    return found


def _cell(table: Any, row: int, column: int) -> float | None:
    try:
        value = table[row][column]
    except (TypeError, IndexError, KeyError):
        return None
    return float(value) if is_number(value) else None


def _categories(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> CategoryChange | None:
    """Find the categories that one side has and the other has not."""
    tops = [side.get("top") for side in (old, new)]
    if not all(isinstance(top, Mapping) and isinstance(top.get("values"), list) for top in tops):
        return None
    sides = [[str(value) for value in top["values"]] for top in tops if isinstance(top, Mapping)]
    # What a side counts among its rest may be there all the same.
    whole = [isinstance(top, Mapping) and top.get("other_rows") == 0 for top in tops]
    fresh = tuple(value for value in sides[1] if value not in sides[0]) if whole[0] else ()
    gone = tuple(value for value in sides[0] if value not in sides[1]) if whole[1] else ()
    counts = [side.get("distinct") for side in (old, new)]
    known = [count if isinstance(count, int) else None for count in counts]
    if not fresh and not gone and known[0] == known[1]:
        return None
    return CategoryChange(name, known[0], known[1], fresh, gone)


def _alarms(report: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    given = report.get("alarms")
    found = {}
    for alarm in given if isinstance(given, Sequence) and not isinstance(given, str) else ():
        if isinstance(alarm, Mapping):
            column, text = str(alarm.get("column")), str(alarm.get("text"))
            found[str(alarm.get("kind")), column] = f"{column} {text}"
    return found
