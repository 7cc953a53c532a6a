"""What follows from violations: lines of the message, what is set aside, the classes that stay."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw

from fivefold.data.observe import Observed, allowed_values
from fivefold.data.values import plain
from fivefold.data.violations import Violation
from fivefold.errors import nearest
from fivefold.objective import Objective
from fivefold.table import Column, to_arrow

__all__ = ["class_lines", "failure_lines", "missing_lines", "quarantined", "too_many"]

_MOST_CLASSES = 1000


def failure_lines(violations: Iterable[Violation], columns: Mapping[str, Column]) -> list[str]:
    """Word what the stage fails for, with the nearest allowed value of a text."""
    return [
        str(item) + _hint(item, columns) for item in violations if item.rule.on_violation == "fail"
    ]


def _hint(violation: Violation, columns: Mapping[str, Column]) -> str:
    column = columns.get(violation.rule.label)
    if violation.rule.check != "isin" or column is None or column.dtype != "string":
        return ""
    allowed = allowed_values(column) or []
    for example in violation.examples:
        value = str(next(iter(example["cells"].values())))
        for other in allowed:
            if _composed(value) == _composed(other):
                return (
                    f"; {value!r} is {other!r} in another Unicode normal form: {_points(value)}, "
                    f"not {_points(other)}; normalise the text in clean.steps"
                )
        near = nearest(value, allowed)
        if near:
            return f"; {near}"
    return ""


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _points(text: str) -> str:
    """Show the code points, where texts look alike."""
    return text.encode("unicode_escape").decode("ascii")


def missing_lines(
    observed: Mapping[str, Observed],
    columns: Mapping[str, Column],
    default: str,
    follows: Sequence[str],
) -> list[str]:
    """Word where more values are missing than a column allows.

    No row is to blame for a share, and so none is set aside for it.
    """
    return [
        f"{name}: max_missing: {column.max_missing:g} is violated: {seen.missing:,} of "
        f"{seen.rows:,} values are missing ({seen.missing_share:.3g})"
        for name, column in columns.items()
        if column.max_missing is not None
        and (seen := observed[name]).missing_share > column.max_missing
        and (column.on_violation or default) in follows
    ]


def quarantined(violations: Iterable[Violation], rows: int, of: int) -> dict[str, Any]:
    """Count what was set aside; a row may have several reasons."""
    reasons = {
        item.rule.reason: item.rows for item in violations if item.rule.on_violation == "quarantine"
    }
    return {"rows": rows, "share": round(rows / of, 6) if of else 0.0, "reasons": reasons}


def too_many(violations: Iterable[Violation], rows: int, of: int, limit: float) -> str:
    """Word that more rows would be set aside than may be."""
    reasons = "; ".join(str(v) for v in violations if v.rule.on_violation == "quarantine")
    return (
        f"{rows:,} of {of:,} rows would be set aside ({rows / of:.3g}), and max_quarantined is "
        f"{limit:g}: {reasons}"
    )


def class_lines(
    kept: nw.LazyFrame[Any], columns: Mapping[str, Column], objective: Objective
) -> list[str]:
    """Say where the target's classes are not as many as the task needs."""
    target = objective.target
    if target not in columns or not objective.is_classification:
        return []
    known = kept.select(target).filter(~nw.col(target).is_null()).unique()
    values = to_arrow(known.sort(target).head(_MOST_CLASSES))[target].to_pylist()
    count = len(values)
    shown = ", ".join(str(plain(value)) for value in values[:8]) + (", ..." if count > 8 else "")
    many = f"{count:,} or more" if count == _MOST_CLASSES else f"{count:,}"
    if objective.task == "binary" and count != 2:
        return [
            f"{target}: a binary task needs exactly two classes, and there are {many}"
            + (f": {shown}" if shown else "")
            + ("; set task: multiclass" if 2 < count <= 100 else "")
        ]
    if objective.task == "multiclass" and count < 3:
        return [
            f"{target}: a multiclass task needs three classes or more, and there are {many}"
            + (f": {shown}" if shown else "")
            + ("; set task: binary" if count == 2 else "")
        ]
    return []
