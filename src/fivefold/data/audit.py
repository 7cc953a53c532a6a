"""What a cleaning step did: rows, columns and cells, with examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.data.callables import Call
from fivefold.data.effects import effect_of
from fivefold.data.values import dtype_name, examples, single

__all__ = ["Auditor"]

_EXAMPLES = 3
_AFTER = "__after_"


class Auditor:
    """Keeps the account of the steps.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The table before the first step, computed.
    key : sequence of str
        What names a row; where it is unique, cells are compared row by row.

    Attributes
    ----------
    steps : list of dict
        An entry per step.
    rows, rows_at_first : int
        The rows now, and before the first step.
    unique : bool
        Is the key unique now?
    """

    def __init__(self, frame: nw.LazyFrame[Any], key: Sequence[str]) -> None:
        self.key = list(key)
        self.steps: list[dict[str, Any]] = []
        self.rows, self.unique = self._measured(frame)
        self.rows_at_first = self.rows

    def record(self, call: Call, before: nw.LazyFrame[Any], after: nw.LazyFrame[Any]) -> int:
        """Add a step's entry, and give the rows it left."""
        limits = effect_of(call.function, call.arguments)
        old, new = before.collect_schema(), after.collect_schema()
        rows_before, unique_before = self.rows, self.unique
        if limits.rows:
            self._remeasure(after, dropping_only=limits.cells is not None)
        entry: dict[str, Any] = {
            "step": call.name,
            "with": dict(call.declared),
            "rows_before": rows_before,
            "rows": self.rows,
            "columns_added": [name for name in new.names() if name not in old],
            "columns_dropped": [name for name in old.names() if name not in new],
            "columns_retyped": {
                name: [dtype_name(old[name]), dtype_name(new[name])]
                for name in old.names()
                if name in new and old[name] != new[name]
            },
        }
        candidates = new.names() if limits.cells is None else limits.cells
        columns = [
            name
            for name in candidates
            if name in old and name in new and name not in self.key and old[name] == new[name]
        ]
        if unique_before and self.unique:
            changed, found = self._compared(before, after, columns)
            compared = "by key"
        else:
            changed, found = _emptied(before, after, columns), []
            compared = "by missing values, because the key is not unique"
        entry["cells_changed"] = sum(changed.values())
        entry["cells_changed_by_column"] = changed
        if columns:
            entry["cells_compared"] = compared
        if self.rows < rows_before:
            found = self._dropped(before, after, unique_before)
        entry["examples"] = found
        self.steps.append(entry)
        return self.rows

    def _measured(self, frame: nw.LazyFrame[Any]) -> tuple[int, bool]:
        counts = frame.group_by(*self.key).agg(nw.len().alias("__rows"))
        figures = single(
            counts.select(nw.len().alias("keys"), nw.col("__rows").sum().alias("rows"))
        )
        rows = int(figures["rows"] or 0)
        return rows, rows == int(figures["keys"])

    def _remeasure(self, frame: nw.LazyFrame[Any], dropping_only: bool) -> None:
        if dropping_only and self.unique:  # a key that is unique stays so with fewer rows
            self.rows = int(single(frame.select(nw.len().alias("rows")))["rows"])
        else:
            self.rows, self.unique = self._measured(frame)

    def _compared(
        self, before: nw.LazyFrame[Any], after: nw.LazyFrame[Any], columns: Sequence[str]
    ) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Count the cells that differ in rows of the same key, and name a few of these rows."""
        if not columns:
            return {}, []
        renamed = after.select(*self.key, *(nw.col(c).alias(_AFTER + c) for c in columns))
        pairs = before.select(*self.key, *columns).join(renamed, on=self.key, how="inner")
        differs = {name: _differs(name) for name in columns}
        counts = single(pairs.select(**{n: e.cast(nw.Int64).sum() for n, e in differs.items()}))
        changed = {name: int(count) for name, count in counts.items() if count}
        if not changed:
            return {}, []
        first = next(iter(changed))
        rows = pairs.filter(differs[first]).select(
            *self.key,
            nw.col(first).alias(f"{first} before"),
            nw.col(_AFTER + first).alias(f"{first} after"),
        )
        return changed, examples(rows, self.key, _EXAMPLES)

    def _dropped(
        self, before: nw.LazyFrame[Any], after: nw.LazyFrame[Any], unique: bool
    ) -> list[dict[str, Any]]:
        """Name a few rows that are gone, or keys that stood more than once."""
        if unique:
            gone = before.select(*self.key).join(after.select(*self.key), on=self.key, how="anti")
            return examples(gone, self.key, _EXAMPLES)
        repeated = before.group_by(*self.key).agg(nw.len().alias("rows")).filter(nw.col("rows") > 1)
        return examples(repeated, self.key, _EXAMPLES)


def _differs(name: str) -> nw.Expr:
    old, new = nw.col(name), nw.col(_AFTER + name)
    return (
        nw.when(old.is_null() | new.is_null())
        .then(old.is_null() != new.is_null())
        .otherwise(old != new)
    )


def _emptied(
    before: nw.LazyFrame[Any], after: nw.LazyFrame[Any], columns: Sequence[str]
) -> dict[str, int]:
    """Count how many missing values appeared or went, where rows can't be told apart."""
    if not columns:
        return {}
    nulls = [
        single(frame.select(nw.col(name).null_count().alias(name) for name in columns))
        for frame in (before, after)
    ]
    differences = {name: abs(int(nulls[1][name]) - int(nulls[0][name])) for name in columns}
    return {name: count for name, count in differences.items() if count}
