"""Which part a row belongs to, by each method of splitting."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fivefold.data.rowhash import integers, row_hashes, uniform
from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, SplitError

__all__ = ["PARTS", "UNUSED", "by_column", "by_group", "by_hash", "by_stratum", "by_time"]

PARTS = ("train", "test", "production")
UNUSED = len(PARTS)

Codes = npt.NDArray[np.int64]


def by_time(dtype: Any, column: str, boundaries: Sequence[tuple[str, str]]) -> nw.Expr:
    """Give the part's number of each row by the half-open ranges that end before the boundaries.

    Parameters
    ----------
    dtype : narwhals dtype
        Of the column: a datetime, a date, or a number.
    column : str
        When the row became known.
    boundaries : sequence of (str, str)
        The config's key and the value, in order: where train, test and production end. The last
        part that is not ended takes the rest, and a row after the end of all is unused.

    Raises
    ------
    ConfigError
        A boundary is not of the column's type, or not after the one before it.
    """
    known = [(name, given, _moment(dtype, given, name)) for name, given in boundaries]
    for (_, earlier, before), (name, later, after) in pairwise(known):
        if after <= before:
            raise ConfigError(
                "the parts overlap in time",
                where=f"split.{name}",
                got=f"{later}, which is not after {earlier}",
                allowed="train_until < test_until < production_until",
            )
    last = min(len(known), UNUSED)
    expression = nw.lit(last)
    for part, (_, _, moment) in reversed(list(enumerate(known))):
        expression = nw.when(nw.col(column) < moment).then(nw.lit(part)).otherwise(expression)
    return expression


def _moment(dtype: Any, given: str, name: str) -> Any:
    kind = dtype_name(dtype)
    try:
        if kind in ("integer", "number"):
            return float(given)
        moment = datetime.datetime.fromisoformat(given)
    except ValueError:
        raise ConfigError(
            "not a boundary that the column can have",
            where=f"split.{name}",
            got=given,
            allowed="a number" if kind in ("integer", "number") else "a date such as 2013-09-01",
        ) from None
    if kind == "date":
        return moment.date()
    zone = getattr(dtype, "time_zone", None)
    if zone is None:
        return moment.replace(tzinfo=None)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def by_column(column: str) -> nw.Expr:
    """Give the part's number of each row by a column that holds the parts' names."""
    expression = nw.lit(UNUSED)
    for part, name in enumerate(PARTS):
        expression = nw.when(nw.col(column) == name).then(nw.lit(part)).otherwise(expression)
    return expression


def by_hash(hashes: npt.NDArray[np.uint64], test: float, production: float) -> Codes:
    """Draw the part of each row by its own hash: it stays in its part as the table grows."""
    draws = uniform(hashes)
    return np.select([draws < test, draws < test + production], [1, 2], default=0)


def by_stratum(
    hashes: npt.NDArray[np.uint64], strata: pa.ChunkedArray, test: float, production: float
) -> Codes:
    """Draw the same share of every stratum, to the nearest row, in the order of the hashes."""
    codes = np.zeros(len(hashes), dtype=np.int64)
    # Coded in the order of first sight, which the codes of a stratum's own rows don't depend on.
    labels = integers(strata.cast(pa.string()).dictionary_encode(null_encoding="encode"))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(hashes[members], kind="stable")]
        tested = round(len(members) * test)
        produced = round(len(members) * (test + production))
        codes[members[:tested]] = 1
        codes[members[tested:produced]] = 2
    return codes


def by_group(groups: pa.Table, seed: int, test: float, production: float) -> Codes:
    """Draw whole groups, in the order of their hashes, until a part has its share of the rows.

    Raises
    ------
    SplitError
        A row has no group.
    """
    name = groups.column_names[0]
    missing = groups[name].null_count
    if missing:
        raise SplitError(
            f"{missing:,} rows have no group",
            where=f"the column {name!r}",
            hint="fill or drop them in clean.steps",
        )
    hashes = row_hashes(groups, [name], seed)
    _, place, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    # A group goes where its middle row falls, so a part misses its share by half a group at most;
    # the first one is for the test in any case.
    middle = (np.cumsum(sizes) - sizes / 2) / max(len(hashes), 1)
    middle[:1] = 0
    codes = np.select([middle < test, middle < test + production], [1, 2], default=0)
    return np.asarray(codes[place], dtype=np.int64)
