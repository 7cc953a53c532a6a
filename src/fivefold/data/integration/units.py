"""Linear conversion between units of measurement, with exact fractions as long as possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import gcd
from typing import Any

import narwhals as nw

from fivefold.errors import ConfigError, nearest

__all__ = ["Conversion", "conversion"]

KEYS = ("from", "to", "factor", "offset")
# Whole numbers up to here are floats without an error.
_EXACT = 2**53


@dataclass(frozen=True)
class Conversion:
    """A value in one unit from that in another: ``value * factor + offset``.

    Attributes
    ----------
    source, target : str
        The units' names.
    factor, offset : Fraction
        Exact.
    """

    source: str
    target: str
    factor: Fraction
    offset: Fraction

    def apply(self, column: nw.Expr) -> nw.Expr:
        """Convert a column of numbers.

        Computed as ``(value * n + m) / d`` where these whole numbers are exact, so that 212 °F is
        100 °C and not its neighbour.
        """
        below = self.factor.denominator * self.offset.denominator
        whole = int(self.factor * below), int(self.offset * below), below
        n, m, d = (number // gcd(*whole) for number in whole)
        value = column.cast(nw.Float64)
        if max(abs(n), abs(m), d) >= _EXACT:
            return value * float(self.factor) + float(self.offset)
        value = value if n == 1 else value * float(n)
        value = value if m == 0 else value + float(m)
        return value if d == 1 else value / float(d)


def conversion(declared: Any, where: str) -> Conversion:
    """Read ``{from: degF, to: degC}``, or ``{from: ..., to: ..., factor: 1.8, offset: 32}``.

    With a factor or an offset the names are the user's own; without, they are those of pint.

    Raises
    ------
    ConfigError
        A key or a unit is unknown, the units measure different things or are not linear, or pint
        is not installed.
    """
    if not isinstance(declared, Mapping) or not {"from", "to"} <= set(declared):
        raise ConfigError(
            "a conversion needs both units",
            where=where,
            got=declared,
            allowed="from and to, and perhaps factor and offset",
        )
    for name in declared:
        if name not in KEYS:
            raise ConfigError(
                f"unknown key {name!r}",
                where=f"{where}.{name}",
                got=name,
                allowed=KEYS,
                hint=nearest(str(name), KEYS),
            )
    source, target = str(declared["from"]), str(declared["to"])
    if "factor" in declared or "offset" in declared:
        factor = _number(declared.get("factor", 1), f"{where}.factor")
        offset = _number(declared.get("offset", 0), f"{where}.offset")
        if factor == 0:
            raise ConfigError("a factor of 0 loses every value", where=f"{where}.factor", got=0)
        return Conversion(source, target, factor, offset)
    return _by_pint(source, target, where)


def _number(value: Any, where: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError("not a number", where=where, got=value)
    try:
        # 0.1 as it is written, not the binary fraction next to it.
        return Fraction(str(value))
    except ValueError:
        raise ConfigError("not a finite number", where=where, got=value) from None


def _by_pint(source: str, target: str, where: str) -> Conversion:
    try:
        registry = _registry()
    except ImportError:
        raise ConfigError(
            "the names of units need pint, which is not installed",
            where=where,
            hint="pip install 'fivefold[units]', or declare factor: and offset:",
        ) from None
    for name, unit in (("from", source), ("to", target)):
        try:
            registry.parse_units(unit)
        except Exception:  # noqa: BLE001 - pint raises errors of Python's parser, too
            raise ConfigError(
                "the unit is unknown",
                where=f"{where}.{name}",
                got=unit,
                allowed="a unit that pint knows, such as degC, km, mile, knot, hPa",
                hint=nearest(unit, registry) or "declare factor: and offset: beside it",
            ) from None
    try:
        zero, one, two = (
            Fraction(registry.Quantity(Fraction(n), source).to(target).magnitude) for n in range(3)
        )
    except Exception as error:  # noqa: BLE001 - as above
        raise ConfigError(
            "the units can't be converted into each other",
            where=where,
            got=f"{source} to {target}: {str(error).splitlines()[0]}",
            hint="declare factor: and offset: if they can",
        ) from None
    if two - one != one - zero:
        raise ConfigError("the conversion is not linear", where=where, got=f"{source} to {target}")
    return Conversion(source, target, one - zero, zero)


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(non_int_type=Fraction)
