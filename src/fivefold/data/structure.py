"""What a table's columns have that its schema forbids: names and types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from fivefold.data.values import dtype_name
from fivefold.errors import nearest
from fivefold.table import Column

__all__ = ["structure_violations"]


def structure_violations(
    table: nw.LazyFrame[Any], columns: Mapping[str, Column], refuse_extra: bool
) -> list[str]:
    """Compare the columns' names and types."""
    have = table.collect_schema()
    found = []
    for name, column in columns.items():
        if name not in have:
            extra = [other for other in have.names() if other not in columns]
            near = nearest(name, extra)
            found.append(f"{name}: the table has no such column" + (f"; {near}" if near else ""))
        elif dtype_name(have[name]) != column.dtype:
            found.append(
                f"{name}: dtype: {column.dtype} is declared, and the table has "
                f"{dtype_name(have[name])}"
            )
    if refuse_extra:
        for name in have.names():
            if name not in columns:
                missing = [other for other in columns if other not in have]
                near = nearest(name, missing)
                found.append(
                    f"{name}: the schema has no such column"
                    + (f"; {near}" if near else "; declare it, perhaps with role: ignored")
                )
    return found
