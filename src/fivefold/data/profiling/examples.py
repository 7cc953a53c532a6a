"""A few rows as they are."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from fivefold.data.values import plain, rows_of
from fivefold.table import TableSchema

__all__ = ["examples_of"]

_MOST_COLUMNS = 60
_LONGEST = 80


def examples_of(sample: pa.Table, schema: TableSchema, count: int) -> dict[str, Any]:
    """Show the first rows of a sample in the order of hashes: rows by chance, the same each time.

    Returns
    -------
    dict
        ``columns`` and ``rows``; long texts are cut. Identifiers and the target come first.
    """
    first = schema.with_role("identifier", "time", "target")
    names = [*first, *(name for name in schema.columns if name not in set(first))][:_MOST_COLUMNS]
    rows = rows_of(sample.select(names).slice(0, count)) if sample.num_rows else []
    return {
        "columns": names,
        "rows": [[_short(plain(row[name])) for name in names] for row in rows],
    }


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[: _LONGEST - 1] + "…"
    return value
