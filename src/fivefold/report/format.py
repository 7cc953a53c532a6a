"""Numbers as a person reads them: significant digits, separators, shares, intervals, sizes.

Every function gives plain text that any terminal can print, and an en dash for what is missing.
"""

from __future__ import annotations

import datetime
import math
import re
from typing import SupportsFloat, SupportsIndex

__all__ = [
    "MISSING",
    "change",
    "decimals_of",
    "duration",
    "estimate",
    "integer",
    "interval",
    "number",
    "percent",
    "plural",
    "size",
    "value",
    "verbatim",
]

MISSING = "\N{EN DASH}"

# Beyond this many decimals a reader sees noise, not a number.
_MOST_DECIMALS = 6


def _finite(given: object) -> float | str:
    """Give the float, or the text that stands for a value that has no digits."""
    if given is None:
        return MISSING
    if not isinstance(given, SupportsFloat | SupportsIndex):
        raise TypeError(f"not a number: {given!r}")
    plain = float(given)
    if math.isnan(plain):
        return MISSING
    if math.isinf(plain):
        return "inf" if plain > 0 else "-inf"
    return plain


def decimals_of(plain: float, digits: int) -> int:
    """Count the decimals that show so many significant digits of a number."""
    if plain == 0:
        return 0
    # Rounding first: 0.9996 to three digits is 1.00, which has one decimal fewer.
    exponent = int(f"{plain:.{digits - 1}e}".partition("e")[2])
    return max(0, digits - 1 - exponent)


def _fixed(plain: float, decimals: int) -> str:
    text = f"{plain:,.{decimals}f}"
    # "-0.00" would claim a sign that the rounding took away.
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def integer(given: SupportsFloat | SupportsIndex | None) -> str:
    """Write a count with thousands separators.

    Examples
    --------
    >>> integer(336776)
    '336,776'
    """
    plain = _finite(given)
    return plain if isinstance(plain, str) else _fixed(plain, 0)


def number(
    given: SupportsFloat | SupportsIndex | None, digits: int = 3, decimals: int | None = None
) -> str:
    """Write a number with so many significant digits; whole digits are never rounded away.

    Parameters
    ----------
    given : number or None
        What to write; None and NaN give an en dash.
    digits : int, default 3
        Significant digits, at least 1.
    decimals : int, optional
        So many decimals instead, for numbers below one another.

    Examples
    --------
    >>> number(0.67512), number(12345.6), number(0.00001234), number(-2.5), number(40)
    ('0.675', '12,346', '1.23e-5', '-2.50', '40')
    """
    plain = _finite(given)
    if isinstance(plain, str):
        return plain
    if decimals is not None:
        return _fixed(plain, decimals)
    if isinstance(given, int) or plain == 0:
        return _fixed(plain, 0)
    if abs(plain) < 1e-4 or abs(plain) >= 1e15:
        mantissa, _, exponent = f"{plain:.{digits - 1}e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    return _fixed(plain, decimals_of(plain, digits))


def percent(share: SupportsFloat | SupportsIndex | None, decimals: int = 1) -> str:
    """Write a share of 1 as a percentage, without calling "some" none or "nearly all" all.

    Examples
    --------
    >>> percent(0.2467), percent(0), percent(0.0002), percent(0.99999), percent(1)
    ('24.7%', '0%', '<0.1%', '>99.9%', '100%')
    """
    plain = _finite(share)
    if isinstance(plain, str):
        return plain
    if plain in (0.0, 1.0, -1.0):
        return f"{plain * 100:.0f}%"
    step = 10.0**-decimals
    if 0 < abs(plain) * 100 < step / 2:
        return f"<{step:.{decimals}f}%" if plain > 0 else f">-{step:.{decimals}f}%"
    if 100 - step / 2 < plain * 100 < 100:
        return f">{100 - step:.{decimals}f}%"
    return f"{_fixed(plain * 100, decimals)}%"


def _interval_decimals(low: float, high: float, digits: int) -> int:
    """Choose decimals for both ends: enough for the larger one, and to tell the two apart."""
    wanted = decimals_of(max(abs(low), abs(high)), digits)
    width = high - low
    apart = decimals_of(width, 1) if width > 0 else 0
    return min(max(wanted, apart), max(wanted, _MOST_DECIMALS))


def interval(
    low: SupportsFloat | SupportsIndex | None,
    high: SupportsFloat | SupportsIndex | None,
    digits: int = 3,
) -> str:
    """Write an interval, both ends with the same decimals.

    Examples
    --------
    >>> interval(0.66931, 0.68112), interval(0.67501, 0.67504)
    ('0.669 to 0.681', '0.67501 to 0.67504')
    """
    first, last = _finite(low), _finite(high)
    if isinstance(first, str) or isinstance(last, str):
        ends = (number(end, digits) for end in (low, high))
        return MISSING if first == last == MISSING else " to ".join(ends)
    decimals = _interval_decimals(first, last, digits)
    return f"{_fixed(first, decimals)} to {_fixed(last, decimals)}"


def estimate(
    given: SupportsFloat | SupportsIndex | None,
    low: SupportsFloat | SupportsIndex | None,
    high: SupportsFloat | SupportsIndex | None,
    digits: int = 3,
) -> str:
    """Write an estimate and its interval, all with the same decimals.

    Examples
    --------
    >>> estimate(0.67512, 0.66931, 0.68112)
    '0.675 [0.669, 0.681]'
    """
    middle, first, last = _finite(given), _finite(low), _finite(high)
    if isinstance(first, str) or isinstance(last, str) or isinstance(middle, str):
        return number(given, digits)
    decimals = _interval_decimals(first, last, digits)
    return f"{_fixed(middle, decimals)} [{_fixed(first, decimals)}, {_fixed(last, decimals)}]"


def change(
    given: SupportsFloat | SupportsIndex | None, digits: int = 2, decimals: int | None = None
) -> str:
    """Write a difference with its sign; the parameters are those of `number`.

    Examples
    --------
    >>> change(0.0123), change(-4.0), change(0.0)
    ('+0.012', '-4.0', '0')
    """
    plain = _finite(given)
    text = number(given, digits, decimals)
    return f"+{text}" if not isinstance(plain, str) and plain > 0 else text


def duration(seconds: SupportsFloat | SupportsIndex | None) -> str:
    """Write a time span.

    Examples
    --------
    >>> duration(0.0123), duration(3.456), duration(125), duration(7380)
    ('12 ms', '3.5 s', '2 min 5 s', '2 h 3 min')
    """
    plain = _finite(seconds)
    if isinstance(plain, str):
        return plain
    if plain < 0.9995:
        return f"{plain * 1000:.0f} ms"
    if plain < 59.95:
        return f"{plain:.1f} s"
    whole = round(plain)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(plain / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def size(count: SupportsFloat | SupportsIndex | None) -> str:
    """Write a number of bytes in powers of ten.

    Examples
    --------
    >>> size(0), size(999), size(1500), size(12_300_000)
    ('0 B', '999 B', '1.5 kB', '12.3 MB')
    """
    plain = _finite(count)
    if isinstance(plain, str):
        return plain
    if plain < 1000:
        return f"{plain:.0f} B"
    for unit in ("kB", "MB", "GB"):
        plain /= 1000
        if plain < 999.95:
            return f"{plain:.1f} {unit}"
    return f"{plain / 1000:,.1f} TB"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> plural(1, "row"), plural(2500, "row"), plural(2, "category", "categories")
    ('1 row', '2,500 rows', '2 categories')
    """
    return f"{integer(count)} {one if count == 1 else many or one + 's'}"


def value(given: object, digits: int = 3) -> str:
    """Write any scalar: numbers as `number`, dates as ISO 8601, truth as yes or no."""
    if given is None:
        return MISSING
    if isinstance(given, str):
        return given
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, datetime.date | datetime.time):
        return given.isoformat(" ") if isinstance(given, datetime.datetime) else given.isoformat()
    if isinstance(given, SupportsFloat | SupportsIndex):
        # NumPy's booleans and integers are neither bool nor int.
        plain = given.item() if hasattr(given, "item") else given
        return value(plain, digits) if isinstance(plain, bool) else number(plain, digits)
    return str(given)


def verbatim(text: object) -> str:
    """Wrap a name in a Markdown code span that nothing inside it can end.

    Examples
    --------
    >>> verbatim("arr_delay"), verbatim("a`b")
    ('`arr_delay`', '``a`b``')
    """
    plain = " ".join(str(text).split()) or MISSING
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"
