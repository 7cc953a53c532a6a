"""Who belongs to which group: the values of sensitive columns, and of several together."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fivefold.report import format as form
from fivefold.table import to_arrow

__all__ = ["MOST_NUMBERS", "Grouping", "group_rows"]

# Numbers with more distinct values than this are cut into ranges.
MOST_NUMBERS = 10


@dataclass(frozen=True)
class Grouping:
    """The groups that one or several columns make.

    Attributes
    ----------
    columns : tuple of str
        The columns.
    codes : ndarray of shape (n_rows,)
        Each row's group, as its position in ``groups``.
    groups : tuple of tuple of (str or None)
        Each group's value per column, in the columns' order; None where it is missing.
    edges : dict of str to list of str
        Of a column of numbers that was cut into ranges: where.
    """

    columns: tuple[str, ...]
    codes: NDArray[np.intp]
    groups: tuple[tuple[str | None, ...], ...]
    edges: Mapping[str, list[str]]

    @property
    def counts(self) -> NDArray[np.intp]:
        """Rows per group, shape (n_groups,)."""
        return np.bincount(self.codes, minlength=len(self.groups))

    def crossed(self, other: Grouping) -> Grouping:
        """Give the groups of both: those pairs that occur."""
        pairs, codes = np.unique(
            self.codes * max(len(other.groups), 1) + other.codes, return_inverse=True
        )
        firsts, seconds = np.divmod(pairs, max(len(other.groups), 1))
        groups = tuple(
            (*self.groups[a], *other.groups[b]) for a, b in zip(firsts, seconds, strict=True)
        )
        columns = (*self.columns, *other.columns)
        return Grouping(columns, codes, groups, {**self.edges, **other.edges})


def group_rows(
    frame: nw.LazyFrame[Any],
    name: str,
    *,
    bins: int | None,
    edges: Sequence[float] | None = None,
) -> Grouping:
    """Group the rows by one column; a missing value is a group of its own, the last.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        Has the column.
    name : str
        The column.
    bins : int or None
        How many ranges of about equal counts numbers, dates and times are cut into, where they have
        more than :data:`MOST_NUMBERS` distinct values; None cuts nothing.
    edges : sequence of float, optional
        Where to cut numbers instead, ascending.
    """
    column = to_arrow(frame.select(name))[name].combine_chunks()
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    temporal = pa.types.is_temporal(kind)
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or temporal
    many = bins is not None and len(column.unique().drop_null()) > MOST_NUMBERS
    if numeric and (edges is not None or many):
        return _ranges(column, name, bins or 1, edges)
    return _values(column, name)


def _values(column: Any, name: str) -> Grouping:
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    values = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False).astype(np.intp)
    # Sorted, so that no engine's order of rows shows, and only what occurs.
    order = sorted(range(len(values)), key=lambda index: values[index])
    labels = [*(_told(values[index]) for index in order), None]
    position = np.empty(len(values) + 1, dtype=np.intp)
    position[[*order, len(values)]] = np.arange(len(values) + 1)
    return _occurring(name, position[codes], labels, {})


def _ranges(column: Any, name: str, bins: int, edges: Sequence[float] | None) -> Grouping:
    kind = column.type
    temporal = pa.types.is_temporal(kind)
    number = column
    if temporal:
        number = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    values = pc.cast(number, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    missing = np.isnan(values)
    known = values[~missing]
    if edges is None:
        shares = np.linspace(0, 1, bins + 1)[1:-1]
        # Of the values themselves, so that an edge is one that occurs.
        cuts = np.unique(np.quantile(known, shares, method="lower"))
        cuts = cuts[cuts < known.max()]
    else:
        cuts = np.asarray(edges, dtype=np.float64)
    told = [_moment(value, kind) if temporal else f"{value:.6g}" for value in cuts]
    codes = np.searchsorted(cuts, values, side="left")
    codes[missing] = len(cuts) + 1
    labels: list[str | None]
    if told:
        between = (f"{low} to {high}" for low, high in itertools.pairwise(told))
        labels = [f"up to {told[0]}", *between, f"above {told[-1]}", None]
    else:
        labels = ["any", None]
    return _occurring(name, codes, labels, {name: told})


def _occurring(
    name: str, codes: NDArray[np.intp], labels: list[str | None], edges: Mapping[str, list[str]]
) -> Grouping:
    used, found = np.unique(codes, return_inverse=True)
    return Grouping((name,), found, tuple((labels[index],) for index in used), edges)


def _told(value: Any) -> str:
    return form.value(value) if isinstance(value, bool) else str(value)


def _moment(value: float, kind: Any) -> str:
    scalar = pa.scalar(int(value), pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)
    found = scalar.as_py()
    return found.isoformat() if isinstance(found, datetime.date) else str(found)
