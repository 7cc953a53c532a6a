"""Columns as a few codes per row, and the conditions on them that slices are made of.

What a code means is learnt from the training part alone: the edges of bins, the categories.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fivefold.drift import bin_edges
from fivefold.report import format as form
from fivefold.table.arrays import floats

__all__ = ["Attribute", "Code", "Condition", "attributes_of", "missing_mask"]

Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]
Op = Literal["range", "equals", "rare", "unseen", "missing"]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Code:
    """What one code of an attribute means.

    Attributes
    ----------
    op : {"range", "equals", "rare", "unseen", "missing"}
        rare: any but the most frequent categories of training; unseen: a category that training
        never had.
    above, up_to : float or None
        Of a range: values above the one and up to the other.
    value : str, bool or None
        Of ``equals``.
    """

    op: Op
    above: float | None = None
    up_to: float | None = None
    value: str | bool | None = None


@dataclass(frozen=True)
class Attribute:
    """A column, or a part of its dates, as codes.

    Attributes
    ----------
    column : str
        The table's column.
    part : str
        ``month``, ``weekday`` or ``hour`` of a date; empty for the column's own values.
    codes : ndarray of shape (n_rows,)
        Of the test part, each a place in ``meaning``.
    meaning : tuple of Code
        The first ``ordered`` are neighbouring ranges of numbers, ascending.
    ordered : int
    whole : bool
        Are the numbers whole?
    pooled : int
        Categories of training that have no code of their own.
    low, high : ndarray of shape (n_conditions,)
        The conditions: from which code to which, both included. Of ordered codes, all that
        neighbour one another; of others, each alone.
    """

    column: str
    part: str
    codes: Codes
    meaning: tuple[Code, ...]
    ordered: int = 0
    whole: bool = False
    pooled: int = 0
    low: Codes = field(init=False, repr=False)
    high: Codes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pairs = [(i, j) for i in range(self.ordered) for j in range(i, self.ordered)]
        # All ranges together say no more than that a value is there.
        pairs = [pair for pair in pairs if pair != (0, self.ordered - 1)]
        pairs += [(code, code) for code in range(self.ordered, len(self.meaning))]
        ends = np.array(pairs, dtype=np.intp).reshape(-1, 2)
        object.__setattr__(self, "low", ends[:, 0])
        object.__setattr__(self, "high", ends[:, 1])

    @property
    def title(self) -> str:
        """The column, and which part of its dates."""
        if not self.part:
            return self.column
        return f"{self.part} of {self.column}" + (" (UTC)" if self.part == "hour" else "")

    def condition(self, index: int) -> Condition:
        """Give one of the conditions."""
        return Condition(self, int(self.low[index]), int(self.high[index]))


@dataclass(frozen=True)
class Condition:
    """A condition on one column: an attribute's codes from ``low`` to ``high``."""

    attribute: Attribute
    low: int
    high: int

    @property
    def mask(self) -> Mask:
        """Which rows of the test part meet it, shape (n_rows,)."""
        codes = self.attribute.codes
        result: Mask = (codes >= self.low) & (codes <= self.high)
        return result

    @property
    def text(self) -> str:
        """The condition in a few words."""
        of, first, last = self.attribute, *self._ends
        match first.op:
            case "range":
                return f"{of.title} {_range(first.above, last.up_to, of.whole)}"
            case "equals":
                return f"{of.title} = {form.value(first.value)}"
            case "rare":
                return f"{of.title} is a rare category"
            case "unseen":
                return f"{of.title} is unseen in training"
            case _:
                return f"{of.title} is missing"

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values, exact enough to be applied elsewhere."""
        first, last = self._ends
        told: dict[str, Any] = {"column": self.attribute.column, "op": first.op}
        if self.attribute.part:
            told["part"] = self.attribute.part
        if first.op == "range":
            told |= {"above": first.above, "up_to": last.up_to}
        if first.op == "equals":
            told["value"] = first.value
        return told

    @property
    def _ends(self) -> tuple[Code, Code]:
        return self.attribute.meaning[self.low], self.attribute.meaning[self.high]


def _range(above: float | None, up_to: float | None, whole: bool) -> str:
    if whole:
        first = None if above is None else round(above) + 1
        last = None if up_to is None else round(up_to)
        if first is None or last is None:
            return f"≤ {last}" if first is None else f"≥ {first}"
        return f"= {first}" if first == last else f"from {first} to {last}"
    if above is None or up_to is None:
        return f"≤ {form.value(up_to, 4)}" if above is None else f"> {form.value(above, 4)}"
    return f"> {form.value(above, 4)} and ≤ {form.value(up_to, 4)}"


def attributes_of(
    train: pa.Table, test: pa.Table, dtypes: dict[str, str], *, bins: int, categories: int
) -> list[Attribute]:
    """Turn columns into codes.

    Parameters
    ----------
    train, test : pyarrow.Table
        With the columns of ``dtypes``.
    dtypes : dict of str to str
        The columns and the schema's type of each.
    bins : int
        Of numbers, about equally many training rows in each; at least 2.
    categories : int
        Of strings, the most frequent of training that have a code of their own; at least 1.

    Returns
    -------
    list of Attribute
        In the order of ``dtypes``; of a date its month and weekday, and its hour if it has one.
    """
    found: list[Attribute] = []
    for name, dtype in dtypes.items():
        if dtype in ("integer", "number"):
            learnt, seen = floats(train[name]), floats(test[name])
            found.append(_of_numbers(name, "", learnt, seen, bins, dtype == "integer"))
        elif dtype in ("string", "boolean"):
            found.append(_of_categories(name, train[name], test[name], dtype, categories))
        else:
            found += _of_dates(name, dtype, train[name], test[name], bins)
    return found


def _of_numbers(
    name: str,
    part: str,
    learnt: NDArray[np.float64],
    seen: NDArray[np.float64],
    bins: int,
    whole: bool,
) -> Attribute:
    edges = bin_edges(learnt[~np.isnan(learnt)], bins)
    ends: list[float | None] = [None, *edges.tolist(), None]
    meaning = [Code("range", ends[at], ends[at + 1]) for at in range(len(edges) + 1)]
    codes = np.searchsorted(edges, seen, side="left")
    codes[np.isnan(seen)] = len(meaning)
    return Attribute(
        name, part, codes.astype(np.intp), (*meaning, Code("missing")), len(meaning), whole
    )


def _of_categories(
    name: str, train: pa.ChunkedArray, test: pa.ChunkedArray, dtype: str, most: int
) -> Attribute:
    learnt, seen = _texts(train), _texts(test)
    counted = pc.value_counts(learnt.drop_null()).flatten()
    rows = dict(zip(*(part.to_pylist() for part in counted), strict=True))
    order = sorted(rows, key=lambda text: (-rows[text], text))
    own = order[:most]
    values: Iterable[str | bool] = (text == "true" for text in own) if dtype == "boolean" else own
    meaning = [Code("equals", value=value) for value in values]
    meaning += [Code("rare"), Code("unseen"), Code("missing")]
    places = pc.index_in(seen, value_set=pa.array(order, pa.string()))
    # Null stands for both what is missing and what training never had.
    codes = np.array(places.fill_null(len(order)).combine_chunks().to_numpy(zero_copy_only=False))
    codes = np.where(codes < len(own), codes, len(own) + (codes == len(order)))
    codes[_null(seen)] = len(own) + 2
    return Attribute(name, "", codes.astype(np.intp), tuple(meaning), pooled=len(order) - len(own))


def _of_dates(
    name: str, dtype: str, train: pa.ChunkedArray, test: pa.ChunkedArray, bins: int
) -> list[Attribute]:
    # Months and weekdays need no learning; split by time, the test part's are other months.
    month = floats(pc.month(test))
    weekday = floats(pc.day_of_week(test))
    weekday[np.isnan(weekday)] = len(_WEEKDAYS)
    months = np.arange(1.0, 13.0)
    days = tuple(Code("equals", value=day) for day in _WEEKDAYS)
    found = [
        _of_numbers(name, "month", months, month, len(months), True),
        Attribute(name, "weekday", weekday.astype(np.intp), (*days, Code("missing"))),
    ]
    if dtype == "datetime":
        hours = floats(pc.hour(train)), floats(pc.hour(test))
        found.append(_of_numbers(name, "hour", *hours, bins, True))
    return found


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give categories as strings; an empty one is missing, as it is to the estimator."""
    texts = column.cast(pa.string())
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _null(column: pa.ChunkedArray) -> Mask:
    return np.asarray(pc.is_null(column).combine_chunks().to_numpy(zero_copy_only=False))


def missing_mask(attribute: Attribute) -> Mask:
    """Which rows of the test part have no value, shape (n_rows,)."""
    places: Sequence[int] = [
        at for at, code in enumerate(attribute.meaning) if code.op == "missing"
    ]
    return np.isin(attribute.codes, places)
