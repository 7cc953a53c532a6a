"""What a cleaning step did: rows, columns and cells, with examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.callables import Call
from fivefold.data.effects import Effect
from fivefold.data.fitting import readable
from fivefold.data.irrelevant import chunks
from fivefold.data.keys import count_rows, repeats
from fivefold.data.training import TRAINING
from fivefold.data.values import dtype_name, examples, single
from fivefold.table import from_arrow
from fivefold.table.engine import engine_of, names_of

__all__ = ["Auditor", "with_copies", "without_copies"]

_EXAMPLES = 3
_BEFORE = "__before_"
# A step that keeps no mark is compared by key; beyond these rows in a sample of so many.
_COMPARED_ROWS = 1_000_000


def with_copies(frame: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Put a copy of the columns that a marked step changes beside them.

    The step passes the copies on, so that before and after stand in one row: no join is needed.
    """
    if not columns:
        return frame
    return frame.with_columns(nw.col(name).alias(_BEFORE + name) for name in columns)


def without_copies(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Take the copies away."""
    names = names_of(frame)
    copies = [name for name in names if name.startswith(_BEFORE)]
    return frame.drop(*copies) if copies else frame


class Auditor:
    """Keeps the account of the steps.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The table before the first step.
    key : sequence of str
        What names a row; where it is unique, what a user's step did is compared row by row.

    Attributes
    ----------
    steps : list of dict
        An entry per step.
    rows, rows_at_first : int
        The rows now, and before the first step.
    """

    def __init__(self, frame: nw.LazyFrame[Any], key: Sequence[str]) -> None:
        self.key = list(key)
        self.steps: list[dict[str, Any]] = []
        self.rows = self.rows_at_first = count_rows(frame)
        self._unique: bool | None = None

    def record(
        self,
        call: Call,
        limits: Effect,
        before: nw.LazyFrame[Any],
        after: nw.LazyFrame[Any],
        statistics: Any = None,
    ) -> dict[str, int]:
        """Add a step's entry, and give the cells it changed, by column.

        Parameters
        ----------
        call : Call
            The step.
        limits : Effect
            What it can do.
        before, after : narwhals.LazyFrame
            The table; after a marked step with the copies of :func:`with_copies`.
        statistics : object
            What it learnt.
        """
        old = before.collect_schema()
        new = without_copies(after).collect_schema()
        rows_before = self.rows
        if limits.rows:
            self.rows = count_rows(after)
        entry: dict[str, Any] = {
            "step": call.name,
            "with": dict(call.declared),
            "rows_before": rows_before,
            "rows": self.rows,
            "cells_before": rows_before * _width(old.names()),
            "cells": self.rows * _width(new.names()),
            "columns_added": [n for n in new.names() if n not in old and n != TRAINING],
            "columns_dropped": [n for n in old.names() if n not in new and n != TRAINING],
            "columns_retyped": {
                name: [dtype_name(old[name]), dtype_name(new[name])]
                for name in old.names()
                if name in new and old[name] != new[name]
            },
        }
        if statistics is not None:
            entry["learnt"] = readable(statistics)
        columns = [
            name
            for name in new.names()
            if (limits.cells is None or name in limits.cells)
            and name in old
            and name not in (*self.key, TRAINING)
            and old[name] == new[name]
        ]
        changed, found, compared = self._changed(limits, before, after, columns, rows_before)
        entry["cells_changed"] = sum(changed.values())
        entry["cells_changed_by_column"] = changed
        if columns:
            entry["cells_compared"] = compared
        if self.rows < rows_before:
            found = self._dropped(call, limits, before, after, rows_before)
        entry["examples"] = found
        self.steps.append(entry)
        return changed

    def _changed(
        self,
        limits: Effect,
        before: nw.LazyFrame[Any],
        after: nw.LazyFrame[Any],
        columns: Sequence[str],
        rows: int,
    ) -> tuple[dict[str, int], list[dict[str, Any]], str]:
        if not columns:
            self._unique = None if limits.rows and not limits.known else self._unique
            return {}, [], ""
        if limits.known:
            return *self._counted(after, columns), "row by row"
        if not (self._is_unique(before) and self._is_unique(after, again=True)):
            why = "by missing values, because the key is not unique"
            return _emptied(before, after, columns), [], why
        compared = "by key"
        if rows > _COMPARED_ROWS:
            share = _COMPARED_ROWS / rows
            before, after = (self._sampled(frame, columns, share) for frame in (before, after))
            compared = f"by key, in a sample of {share:.2%} of the rows"
        return *self._compared(before, after, columns), compared

    def _is_unique(self, frame: nw.LazyFrame[Any], again: bool = False) -> bool:
        if self._unique is None or again:
            self._unique = not repeats(frame, self.key)
        return self._unique

    def _sampled(
        self, frame: nw.LazyFrame[Any], columns: Sequence[str], share: float
    ) -> nw.LazyFrame[Any]:
        # Imported here: NumPy, which composing the config does not need.
        from fivefold.data.sampling import sample_of

        rows = count_rows(frame)
        held = sample_of(frame, self.key, columns, round(share * rows), rows).table
        return from_arrow(held, engine_of(frame))

    def _compared(
        self, before: nw.LazyFrame[Any], after: nw.LazyFrame[Any], columns: Sequence[str]
    ) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Put before and after of the rows of one key side by side, and count what differs."""
        copies = before.select(*self.key, *(nw.col(c).alias(_BEFORE + c) for c in columns))
        pairs = after.select(*self.key, *columns).join(copies, on=self.key, how="inner")
        return self._counted(pairs, columns)

    def _counted(
        self, pairs: nw.LazyFrame[Any], columns: Sequence[str]
    ) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Count the cells that differ from their copies, and name a few of these rows."""
        changed: dict[str, int] = {}
        for some in chunks(columns):
            counts = single(
                pairs.select(**{name: _differs(name).cast(nw.Int64).sum() for name in some})
            )
            changed |= {name: int(count) for name, count in counts.items() if count}
        if not changed:
            return {}, []
        first = next(iter(changed))
        rows = pairs.filter(_differs(first)).select(
            *self.key,
            nw.col(_BEFORE + first).alias(f"{first} before"),
            nw.col(first).alias(f"{first} after"),
        )
        return changed, examples(rows, self.key, _EXAMPLES)

    def _dropped(
        self,
        call: Call,
        limits: Effect,
        before: nw.LazyFrame[Any],
        after: nw.LazyFrame[Any],
        rows: int,
    ) -> list[dict[str, Any]]:
        """Name a few rows that are gone, or keys that stood more than once."""
        if limits.dropped is not None:
            gone = limits.dropped(before, **call.arguments).select(*self.key)
            return examples(gone, self.key, _EXAMPLES)
        if self._is_unique(before, again=True):
            keys = [frame.select(*self.key) for frame in (before, after)]
            if rows > _COMPARED_ROWS:
                keys = [self._sampled(frame, (), _COMPARED_ROWS / rows) for frame in keys]
            gone = keys[0].join(keys[1], on=self.key, how="anti")
            return examples(gone, self.key, _EXAMPLES)
        self._unique = None
        repeated = before.group_by(*self.key).agg(nw.len().alias("rows")).filter(nw.col("rows") > 1)
        return examples(repeated, self.key, _EXAMPLES)


def _width(names: Sequence[str]) -> int:
    return sum(name != TRAINING for name in names)


def _differs(name: str) -> nw.Expr:
    old, new = nw.col(_BEFORE + name), nw.col(name)
    return (
        nw.when(old.is_null() | new.is_null())
        .then(old.is_null() != new.is_null())
        .otherwise(old != new)
    )


def _emptied(
    before: nw.LazyFrame[Any], after: nw.LazyFrame[Any], columns: Sequence[str]
) -> dict[str, int]:
    """Count how many missing values appeared or went, where rows can't be told apart."""
    differences: dict[str, int] = {}
    for some in chunks(columns):
        nulls = [
            single(frame.select(nw.col(name).null_count().alias(name) for name in some))
            for frame in (before, after)
        ]
        differences |= {name: abs(int(nulls[1][name]) - int(nulls[0][name])) for name in some}
    return {name: count for name, count in differences.items() if count}
