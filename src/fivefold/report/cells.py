"""A table's cells as text, written the same for HTML and Markdown."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, SupportsFloat

from fivefold.report import format as form
from fivefold.report.page import Cell, Column, Status, Table

__all__ = ["Written", "written"]

# Numbers of a column that differ by more keep their own decimals: 1,040 beside 0.0123.
_SAME_SCALE = 100


class Written(NamedTuple):
    """One cell.

    Its text, its status, the share in [0, 1] that a bar shows, if any, and the number that it is
    sorted by, if it is one.
    """

    text: str
    status: Status | None
    share: float | None
    order: float | None


def written(table: Table) -> list[list[Written]]:
    """Write a table's cells, shape (n_rows, n_columns).

    Decimal points of a column of numbers stand below one another where their sizes allow.
    """
    heads = table.heads
    bare = [[cell.value if isinstance(cell, Cell) else cell for cell in row] for row in table.rows]
    decimals = [_decimals(head, [row[i] for row in bare]) for i, head in enumerate(heads)]
    return [
        [
            Written(
                _text(value, head, places),
                cell.status if isinstance(cell, Cell) else None,
                _share(value) if head.kind == "share" else None,
                _order(value) if table.sortable else None,
            )
            for cell, value, head, places in zip(row, values, heads, decimals, strict=True)
        ]
        for row, values in zip(table.rows, bare, strict=True)
    ]


def _text(value: Any, head: Column, decimals: int | None) -> str:
    if head.kind == "interval" and isinstance(value, tuple):
        low, high = value
        return form.interval(low, high, head.places)
    if isinstance(value, str | bool) or not isinstance(value, SupportsFloat):
        return form.value(value)
    match head.kind:
        case "integer":
            return form.integer(value)
        case "number":
            return form.number(value, head.places, decimals)
        case "change":
            return form.change(value, head.places, decimals)
        case "percent" | "share":
            return form.percent(value, head.places)
        case "size":
            return form.size(value)
        case _:
            return form.value(value)


def _decimals(head: Column, values: list[Any]) -> int | None:
    """Choose the decimals that a whole column shares, or None where each cell has its own."""
    if head.kind not in ("number", "change"):
        return None
    plain = (float(v) for v in values if isinstance(v, SupportsFloat) and not isinstance(v, bool))
    sizes = [abs(value) for value in plain if math.isfinite(value) and value != 0]
    if not sizes or all(size.is_integer() for size in sizes):
        return None
    if head.kind == "number" and max(sizes) > _SAME_SCALE * min(sizes):
        return None
    return form.decimals_of(max(sizes), head.places)


def _order(value: Any) -> float | None:
    if isinstance(value, str | bool) or not isinstance(value, SupportsFloat):
        return None
    plain = float(value)
    return float(f"{plain:.12g}") if math.isfinite(plain) else None


def _share(value: Any) -> float | None:
    if isinstance(value, str) or not isinstance(value, SupportsFloat):
        return None
    plain = float(value)
    return plain if 0 <= plain <= 1 else None
