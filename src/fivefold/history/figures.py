"""How values are written for people and for JSON."""

from __future__ import annotations

import math
from typing import Any

from fivefold.history.intervals import Interval

__all__ = [
    "arrow",
    "as_json",
    "bytes_text",
    "change_text",
    "ends_text",
    "seconds_text",
    "value_text",
]

_UNITS = ("B", "kB", "MB", "GB", "TB")


def value_text(value: Any, *, digits: int = 6) -> str:
    """Write a value for a table: a float by its significant digits, null as ``null``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.{digits}g}"
    if isinstance(value, dict):
        return "{}" if not value else str(value)
    return str(value)


def change_text(change: float | None) -> str:
    """Write a difference with its sign."""
    return "" if change is None else f"{change:+.4g}"


def ends_text(interval: Interval | None) -> str:
    """Write an interval's ends, or nothing where there is none."""
    return "" if interval is None else f"[{interval[0]:.4g}, {interval[1]:.4g}]"


def seconds_text(seconds: float | None) -> str:
    """Write a duration as seconds, or as minutes and hours once it is long."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def bytes_text(size: int | None) -> str:
    """Write a size in decimal units, as disks are sold."""
    if size is None:
        return ""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def arrow(old: str, new: str) -> str:
    """Write a change of two texts; a side that has nothing shows as a dash."""
    return f"{old or '–'} → {new or '–'}"  # noqa: RUF001  a dash for people to read


def as_json(value: Any) -> Any:
    """Give a value that JSON can hold: numbers that aren't finite become strings, dates too."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(inner) for inner in value]
    return str(value)
