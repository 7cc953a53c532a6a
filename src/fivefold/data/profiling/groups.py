"""The parts and classes that every column is counted by, a small number for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivefold.data.profiling.arrays import numbers_of, texts_of
from fivefold.data.values import plain, rounded, rows_of, single
from fivefold.objective import Objective
from fivefold.table import to_arrow

__all__ = ["Groups", "as_float", "groups_of"]

# More classes than this are counted together.
_MOST_CLASSES = 30


@dataclass(frozen=True)
class Groups:
    """What rows are counted by.

    Attributes
    ----------
    target : str
        The column.
    classes : tuple of str
        Ascending; the last may stand for all others. Empty if the target is a quantity.
    values : tuple
        The classes as the column holds them, without the rest.
    parts : tuple of str
        Of the split, in the order of their numbers; one nameless part where there is no split.
    class_rows : tuple of int
        Rows per class, of all rows.
    squares : float
        The sum of a quantity's squares.
    """

    target: str
    classes: tuple[str, ...]
    values: tuple[Any, ...]
    parts: tuple[str, ...]
    class_rows: tuple[int, ...] = ()
    squares: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Parts, and classes with the missing one."""
        return len(self.parts), len(self.classes) + 1

    @property
    def size(self) -> int:
        """How many groups there are."""
        return len(self.parts) * (len(self.classes) + 1)

    def class_codes(self, column: pa.ChunkedArray) -> NDArray[np.int64]:
        """Give the class of each row; the number of classes where there is none."""
        count = len(self.classes)
        if not count:
            return np.zeros(len(column), dtype=np.int64)
        kind = column.type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind):
            values, known, _ = numbers_of(column)
            codes = np.full(len(values), count, dtype=np.int64)
            codes[known] = len(self.values)
            for at, value in enumerate(self.values):
                codes[known & (values == value)] = at
            return codes
        positions, texts = texts_of(column)
        place = {value: at for at, value in enumerate(self.classes)}
        rest = len(self.values)
        by_position = np.array([*(place.get(t, rest) for t in texts.to_pylist()), count], np.int64)
        return np.asarray(by_position[positions], dtype=np.int64)

    def class_expression(self) -> nw.Expr:
        """Give the same in the engine."""
        column, count = nw.col(self.target), len(self.classes)
        if not count:
            return nw.lit(0)
        expression: Any = nw.lit(len(self.values))
        for at, value in enumerate(self.values):
            expression = nw.when(column == value).then(nw.lit(at)).otherwise(expression)
        return nw.when(column.is_null()).then(nw.lit(count)).otherwise(expression)

    def target_values(self, column: pa.ChunkedArray) -> NDArray[np.float64]:
        """Give a quantity's values, NaN where there is none."""
        values, known, _ = numbers_of(column)
        return np.where(known, values.astype(np.float64), np.nan)


def as_float(column: nw.Expr) -> nw.Expr:
    """Give whole numbers of any size as floats: pandas' cast refuses what it must round."""
    return column / 1


def groups_of(frame: nw.LazyFrame[Any], objective: Objective, parts: Sequence[str]) -> Groups:
    """Find the classes of the target.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        With the target.
    objective : Objective
    parts : sequence of str
        The names of the parts; none if rows have none.
    """
    name = objective.target
    known = tuple(parts) or ("",)
    if not objective.is_classification:
        value = as_float(nw.col(name))
        finite = nw.when(value.is_finite()).then(value)
        total = single(frame.select((finite * finite).sum().alias("squares")))
        return Groups(name, (), (), known, (), rounded(float(total["squares"] or 0)) or 0.0)
    counts = frame.filter(~nw.col(name).is_null()).group_by(name).agg(nw.len().alias("__rows"))
    found = rows_of(to_arrow(counts.sort("__rows", name, descending=[True, False])))
    shown = sorted(found[:_MOST_CLASSES], key=lambda row: row[name])
    rest = sum(int(row["__rows"]) for row in found[_MOST_CLASSES:])
    labels = [_label(row[name]) for row in shown]
    rows = [int(row["__rows"]) for row in shown]
    if rest:
        labels, rows = [*labels, "(others)"], [*rows, rest]
    return Groups(name, tuple(labels), tuple(row[name] for row in shown), known, tuple(rows))


def _label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(plain(value))
