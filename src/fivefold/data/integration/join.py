"""What a join declares."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import Any

from fivefold.errors import ConfigError, nearest

__all__ = ["AsOf", "Join", "duration"]

HOWS = ("left", "inner")
EXPECTED = ("many_to_one", "one_to_one", "one_to_many")
DIRECTIONS = ("backward", "forward", "nearest")
UNITS = ("milliseconds", "seconds", "minutes", "hours", "days", "weeks")


@dataclass(frozen=True)
class AsOf:
    """Match the row that is nearest in a column, such as the last price before a trade.

    Attributes
    ----------
    left, right : str
        The column by which rows are early or late, on each side: dates, datetimes or numbers of
        the same type.
    direction : {"backward", "forward", "nearest"}
        backward: the last row at or before the one on the left. forward: the first at or after it.
        nearest: the closer of the two, the earlier one if both are as close.
    tolerance : str, int, float or None
        How far apart the two may be, this distance included: a number for numbers, a duration such
        as "5 minutes" for dates and datetimes; any distance if None.
    """

    left: str
    right: str
    direction: str = "backward"
    tolerance: Any = None

    def __post_init__(self) -> None:
        _require("direction", self.direction, DIRECTIONS, "integrate.joins.*.asof")
        where = "integrate.joins.*.asof.tolerance"
        if isinstance(self.tolerance, str):
            duration(self.tolerance, where)
        elif self.tolerance is not None and (
            isinstance(self.tolerance, bool)
            or not isinstance(self.tolerance, int | float)
            or not self.tolerance >= 0
        ):
            raise ConfigError(
                "a tolerance is a distance",
                where=where,
                got=self.tolerance,
                allowed="0 or more, or a duration such as 5 minutes",
            )


@dataclass(frozen=True)
class Join:
    """One table joined to what is there already.

    Attributes
    ----------
    table : str
        The table to join: a collected one, or one of ``unions``.
    keys : list of str
        The key columns, if they have the same names on both sides.
    left_keys, right_keys : list of str
        The key columns, if they have different names; the left names stay.
    how : {"left", "inner"}
        Keep rows without a match, or drop them.
    expect : {"many_to_one", "one_to_one", "one_to_many"}
        How many rows on each side may share a key. Only one_to_many gives more rows than there
        were, and so a column of the joined table must be part of ``integrate.key``.
    columns : list of str or None
        The columns to take; all but the key if None.
    prefix : str
        Put before the name of each column taken.
    asof : AsOf or None
        Match the nearest row instead of an equal one; the keys, if any, still have to be equal.
    """

    table: str
    keys: list[str] = field(default_factory=list)
    left_keys: list[str] = field(default_factory=list)
    right_keys: list[str] = field(default_factory=list)
    how: str = "left"
    expect: str = "many_to_one"
    columns: list[str] | None = None
    prefix: str = ""
    asof: AsOf | None = None

    def __post_init__(self) -> None:
        where = f"integrate.joins ({self.table})"
        _require("how", self.how, HOWS, where)
        _require("expect", self.expect, EXPECTED, where)
        given = bool(self.keys) + bool(self.left_keys or self.right_keys)
        if given > 1 or (given == 0 and self.asof is None):
            raise ConfigError(
                "a join needs its keys once",
                where=where,
                got=f"keys: {self.keys}, left_keys: {self.left_keys}, "
                f"right_keys: {self.right_keys}",
                allowed="keys, or left_keys and right_keys",
            )
        if len(self.left_keys) != len(self.right_keys):
            raise ConfigError(
                "a join has another number of keys on the left than on the right",
                where=where,
                got=f"left_keys: {self.left_keys}, right_keys: {self.right_keys}",
            )
        if self.asof is not None and self.expect == "one_to_many":
            raise ConfigError(
                "an as-of join gives a row one match, and so never more rows",
                where=f"{where}.expect",
                got=self.expect,
                allowed="many_to_one, one_to_one",
            )

    @property
    def own_keys(self) -> list[str]:
        """The key columns of the rows that are there already."""
        return self.keys or self.left_keys

    @property
    def their_keys(self) -> list[str]:
        """The key columns of the joined table."""
        return self.keys or self.right_keys


def duration(text: str, where: str) -> datetime.timedelta:
    """Read a duration such as "5 minutes" or "1 day".

    Raises
    ------
    ConfigError
        It is not a number and a unit of time.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text)
    unit = found[2] if found else ""
    known = next((name for name in UNITS if unit in (name, name[:-1])), None)
    if found is None or known is None:
        raise ConfigError(
            "not a duration",
            where=where,
            got=text,
            allowed="a number and one of " + ", ".join(UNITS),
            hint=nearest(unit, UNITS),
        )
    return datetime.timedelta(**{known: float(found[1])})


def _require(name: str, value: str, allowed: tuple[str, ...], where: str) -> None:
    if value not in allowed:
        raise ConfigError(
            f"a join's {name} is unknown",
            where=f"{where}.{name}",
            got=value,
            allowed=allowed,
            hint=nearest(value, allowed),
        )
