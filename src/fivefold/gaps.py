"""The stretch of time that is left out between what is learnt from and what is judged on."""

from __future__ import annotations

import datetime
import re

from fivefold.errors import ConfigError

__all__ = ["gap_length"]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_GAP = re.compile(r"(\d+)\s*([mhdw])")


def gap_length(gap: str, kind: str, where: str) -> float | datetime.timedelta:
    """Read a gap as what can be taken off a moment of a column.

    Parameters
    ----------
    gap : str
        ``30m``, ``12h``, ``7d`` or ``2w``, or a number where the column holds numbers.
    kind : {"integer", "number", "date", "datetime"}
        The column's type.
    where : str
        Where the gap is declared, for messages.

    Raises
    ------
    ConfigError
        It is none that the column can have.

    Examples
    --------
    >>> gap_length("2w", "date", "split.gap")
    datetime.timedelta(days=14)
    """
    try:
        if kind in ("integer", "number"):
            length = float(gap)
            if length <= 0:
                raise ValueError
            return length
        found = _GAP.fullmatch(gap.strip())
        if found is None or not int(found[1]) or (kind == "date" and found[2] in "mh"):
            raise ValueError
    except ValueError:
        raise ConfigError(
            "not a gap that the column can have",
            where=where,
            got=gap,
            allowed="a number above 0"
            if kind in ("integer", "number")
            else "days or weeks, such as 7d or 2w"
            if kind == "date"
            else "minutes, hours, days or weeks, such as 30m, 12h, 7d or 2w",
        ) from None
    return datetime.timedelta(**{_UNITS[found[2]]: int(found[1])})
