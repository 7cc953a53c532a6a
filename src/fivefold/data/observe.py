"""What the cells of a table are: missing ones, ends of ranges, categories; a pass on its engine."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from fivefold.data.keys import count_rows
from fivefold.data.values import dtype_name, plain, rows_of
from fivefold.table import Column, bound, to_arrow
from fivefold.table.engine import take

__all__ = ["Observed", "allowed_values", "observe"]

# An engine plans a query of tens of thousands of expressions more slowly than it runs it.
_AT_ONCE = 200
_RANGED = ("integer", "number", "date", "datetime")
# A list of more values is no help to a reader; a query a column, of more columns, takes long.
_MOST_VALUES = 50
_MOST_LISTED = 500
_LOOKED_AT = 10_000


@dataclass(frozen=True)
class Observed:
    """One column, as it is.

    Attributes
    ----------
    dtype : str
        By the schema's name.
    rows, missing : int
        How many rows there are, and how many have no value.
    min, max : object
        The ends of numbers and dates; None without a value, and for other types.
    excluded : bool
        Is some value none of those that the schema allows?
    values : tuple or None
        All values of a text or truth, sorted, where there are few.
    """

    dtype: str
    rows: int
    missing: int
    min: Any = None
    max: Any = None
    excluded: bool = False
    values: tuple[Any, ...] | None = None

    @property
    def missing_share(self) -> float:
        """The share of rows without a value, 0 to 1."""
        return self.missing / self.rows if self.rows else 0.0

    def to_json(self) -> dict[str, Any]:
        """Give what a later revision is compared with."""
        shown: dict[str, Any] = {"dtype": self.dtype, "missing": self.missing}
        if self.dtype in _RANGED:
            shown |= {"min": _plain(self.min), "max": _plain(self.max)}
        if self.values is not None:
            shown["values"] = list(self.values)
        return shown

    @classmethod
    def from_json(cls, data: Mapping[str, Any], rows: int) -> Observed:
        """Read what :meth:`to_json` gave of a table of so many rows."""
        dtype, values = str(data["dtype"]), data.get("values")
        low, high = (_read(dtype, data.get(end)) for end in ("min", "max"))
        listed = None if values is None else tuple(values)
        return cls(dtype, rows, int(data["missing"]), low, high, values=listed)


def _read(dtype: str, value: Any) -> Any:
    if value is None:
        return None
    if dtype == "datetime":
        return datetime.datetime.fromisoformat(value)
    return float(value) if dtype == "number" else bound(dtype, value)


def _plain(value: Any) -> Any:
    # JSON has no infinity.
    return str(value) if isinstance(value, float) and math.isinf(value) else plain(value)


def allowed_values(column: Column) -> list[Any] | None:
    """Give the values that a column may have, as its type."""
    if column.allowed is None or column.dtype in ("string", "boolean"):
        return column.allowed
    values = [bound(column.dtype, value) for value in column.allowed]
    if column.dtype == "integer":
        return [int(value) for value in values if value == int(value)]
    return values


def observe(
    table: nw.LazyFrame[Any], columns: Mapping[str, Column], *, list_values: bool = True
) -> dict[str, Observed]:
    """Look at columns, each as its own type is.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    columns : mapping of str to Column
        Those to look at, and the values that they may have.
    list_values : bool
        Also list the values of texts and truths.

    Returns
    -------
    dict of str to Observed
        In the order of ``columns``.
    """
    schema = table.collect_schema()
    dtypes = {name: dtype_name(schema[name]) for name in columns}
    rows = count_rows(table)
    named = [name for name in columns if dtypes[name] in ("string", "boolean")]
    values = _values(table, named[:_MOST_LISTED]) if list_values and rows else {}
    allowed = {
        name: allowed_values(column)
        for name, column in columns.items()
        if column.allowed is not None and column.dtype == dtypes[name]
    }
    figures: dict[str, Any] = {}
    for part in _parts(list(columns)):
        wanted = []
        for name in part:
            wanted += _figures(name, dtypes[name])
            if name in allowed and name not in values:
                wanted.append(_outside(name, schema[name], allowed[name] or []))
        figures |= rows_of(to_arrow(take(table, part).select(*wanted)))[0]
    for name in allowed.keys() & values.keys():
        figures[f"excluded {name}"] = not set(values[name]) <= set(allowed[name] or [])
    return {
        name: Observed(
            dtypes[name],
            rows,
            int(figures[f"missing {name}"] or 0),
            figures.get(f"min {name}"),
            figures.get(f"max {name}"),
            bool(figures.get(f"excluded {name}")),
            values.get(name),
        )
        for name in columns
    }


def _parts(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[at : at + _AT_ONCE] for at in range(0, len(names), _AT_ONCE)]


def _figures(name: str, dtype: str) -> list[nw.Expr]:
    cells = nw.col(name)
    wanted = [cells.null_count().alias(f"missing {name}")]
    if dtype in _RANGED:
        wanted += [cells.min().alias(f"min {name}"), cells.max().alias(f"max {name}")]
    return wanted


def _outside(name: str, dtype: Any, allowed: Sequence[Any]) -> nw.Expr:
    """Count the values that are none of those allowed."""
    cells = nw.col(name)
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is None:
        allowed = [value.replace(tzinfo=None) for value in allowed]
    # Of a missing value some engines say that it is in no list.
    outside = ~cells.is_in(allowed) & ~cells.is_null()
    return outside.cast(nw.Int64).sum().alias(f"excluded {name}")


def _values(table: nw.LazyFrame[Any], names: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """List the values of the columns that have few; the first rows tell which may."""
    if not names:
        return {}
    first = to_arrow(table.select(*names).head(_LOOKED_AT))
    found = {}
    for name in names:
        if len(first[name].unique()) > _MOST_VALUES + 1:
            continue
        known = table.select(name).filter(~nw.col(name).is_null()).unique()
        values = to_arrow(known.sort(name).head(_MOST_VALUES + 1))[name].to_pylist()
        if len(values) <= _MOST_VALUES:
            found[name] = tuple(values)
    return found
