"""Which part a row belongs to, by each method of splitting."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import numpy.typing as npt

from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, DataError
from fivefold.gaps import gap_length

if TYPE_CHECKING:
    from fivefold.data.split import SplitConfig

__all__ = ["DRAWN", "PARTS", "UNUSED", "Ranges", "by_group", "by_hash", "by_stratum", "declared"]

PARTS = ("train", "test", "production")
UNUSED = len(PARTS)

DRAWN = ("random", "stratified", "grouped")
"""The methods that draw rows or groups; the others are told by a column."""

Codes = npt.NDArray[np.int8]
Hashes = npt.NDArray[np.uint64]

_ENDS = ("train_until", "test_until", "production_until")


def declared(schema: Mapping[str, Any], config: SplitConfig) -> nw.Expr | None:
    """Give the part's number of each row where a column tells it; None for the drawn methods.

    Parameters
    ----------
    schema : mapping of str to narwhals dtype
        Of the table.
    config : SplitConfig
        The method.

    Raises
    ------
    ConfigError
        A boundary or the gap is not of the column's type, or not after what comes before.
    DataError
        The column is of no type that can tell.
    """
    if config.method in DRAWN:
        return None
    column = str(config.by if config.method == "column" else config.time)
    kind = dtype_name(schema[column])
    if config.method == "column":
        if kind != "string":
            raise DataError(
                "the column that names the parts is not of texts",
                where="split.by",
                got=f"{column}: {kind}",
            )
        return _by_column(column)
    if kind not in ("date", "datetime", "integer", "number"):
        raise DataError(
            "the column to split by time is neither a time nor a number",
            where="split.time",
            got=f"{column}: {kind}",
        )
    return _by_time(schema[column], column, config)


def _by_time(dtype: Any, column: str, config: SplitConfig) -> nw.Expr:
    """Cut at the boundaries: half-open ranges, the last one that is not ended takes the rest."""
    given = [(name, str(getattr(config, name))) for name in _ENDS if getattr(config, name)]
    known = [(name, text, _moment(dtype, text, name)) for name, text in given]
    for (_, earlier, before), (name, later, after) in pairwise(known):
        if after <= before:
            raise ConfigError(
                "the parts overlap in time",
                where=f"split.{name}",
                got=f"{later}, which is not after {earlier}",
                allowed="train_until < test_until < production_until",
            )
    expression = nw.lit(min(len(known), UNUSED))
    for part, (_, _, moment) in reversed(list(enumerate(known))):
        expression = nw.when(nw.col(column) < moment).then(nw.lit(part)).otherwise(expression)
    if config.gap is None:
        return expression
    end = known[0][2]
    length = gap_length(config.gap, dtype_name(dtype), "split.gap")
    within = (nw.col(column) >= end - length) & (nw.col(column) < end)
    return nw.when(within).then(nw.lit(UNUSED)).otherwise(expression)


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


def _by_column(column: str) -> nw.Expr:
    expression = nw.lit(UNUSED)
    for part, name in enumerate(PARTS):
        expression = nw.when(nw.col(column) == name).then(nw.lit(part)).otherwise(expression)
    return expression


@dataclass(frozen=True)
class Ranges:
    """Where in [0, 1) a draw has to fall for the test and for production; the rest trains.

    Attributes
    ----------
    test, production : (float, float)
        Half-open.
    """

    test: tuple[float, float]
    production: tuple[float, float]

    @classmethod
    def of(cls, config: SplitConfig) -> Ranges:
        """Read them off the shares, or off the number of the outer fold."""
        if config.folds is None:
            end = config.test + config.production
            return cls((0.0, config.test), (config.test, end))
        rest = 1 - config.production
        first, last = (rest * (config.fold + at) / config.folds for at in (0, 1))
        return cls((first, last), (rest, 1.0))

    def codes(self, places: npt.NDArray[np.float64]) -> Codes:
        """Give the part of each place, shape (n_rows,)."""
        inside = [
            (places >= first) & (places < last) for first, last in (self.test, self.production)
        ]
        return np.select(inside, [1, 2], default=0).astype(np.int8)


def by_hash(draws: npt.NDArray[np.float64], ranges: Ranges) -> Codes:
    """Draw the part of each row by its own hash: it stays in its part as the table grows."""
    return ranges.codes(draws)


def by_stratum(hashes: Hashes, strata: npt.NDArray[Any], ranges: Ranges) -> Codes:
    """Draw the same share of every stratum, to the nearest row, in the order of the hashes."""
    codes = np.zeros(len(hashes), dtype=np.int8)
    for label in np.unique(strata):
        members = np.flatnonzero(strata == label)
        members = members[np.argsort(hashes[members], kind="stable")]
        for part, (first, last) in ((1, ranges.test), (2, ranges.production)):
            codes[members[round(len(members) * first) : round(len(members) * last)]] = part
    return codes


def by_group(hashes: Hashes, ranges: Ranges) -> Codes:
    """Draw whole groups, in the order of their hashes, until a part has its share of the rows.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n_rows,)
        Of each row's group.
    ranges : Ranges
        The shares.
    """
    _, place, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    # A group goes where its middle row falls, so a part misses its share by half a group at most;
    # the first one is for the first test in any case.
    middle = (np.cumsum(sizes) - sizes / 2) / max(len(hashes), 1)
    middle[:1] = 0
    codes: Codes = ranges.codes(middle)[place]
    return codes
