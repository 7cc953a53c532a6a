"""How stages are profiled and priced: the sections ``profile`` and ``prices`` of ``conf/``.

No stage reads them, so an edit of them makes none run again.
"""

from __future__ import annotations

import csv
import functools
import math
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from fivefold.errors import ConfigError, nearest

__all__ = [
    "PRICES_SECTION",
    "PROFILE_SECTION",
    "GridFactor",
    "PricesConfig",
    "ProfileConfig",
    "grid",
]

PROFILE_SECTION = "profile"
PRICES_SECTION = "prices"
WORLD = "WORLD"

_FASTEST = 100.0
_GRID = Path(__file__).with_name("grid.csv")


@dataclass(frozen=True)
class GridFactor:
    """What a kilowatt-hour emits where it is drawn.

    Attributes
    ----------
    place : str
        ISO 3166 alpha-3, ``WORLD``, or ``conf/`` where the project gives the factor itself.
    year : int or None
        The year that it is of.
    grams_per_kwh : float
        Grams of CO2 equivalent.
    """

    place: str
    year: int | None
    grams_per_kwh: float


@functools.cache
def grid() -> dict[str, GridFactor]:
    """Read the carbon intensity of electricity by country.

    The figures are those of codecarbon 3.3.2 (MIT): Our World in Data's ``carbon_intensity_elec``
    (CC BY 4.0), which has them from Ember (CC BY 4.0), each with its year; ``WORLD`` is the mean of
    the IEA's Global Energy and CO2 Status Report.
    """
    with _GRID.open(encoding="utf-8", newline="") as lines:
        return {
            row["country"]: GridFactor(
                row["country"], int(row["year"]), float(row["grams_per_kwh"])
            )
            for row in csv.DictReader(lines)
        }


@dataclass(frozen=True)
class ProfileConfig:
    """How often to look, and what energy and emissions are reckoned with.

    Attributes
    ----------
    hertz : float
        Readings a second, in [0, 100]; 0 takes none, and leaves the figures that need none.
    country : str
        Where the machine stands, as ISO 3166 alpha-3 (``FRA``), for the grams that a kilowatt-hour
        emits; ``WORLD`` for the mean of the world.
    grams_per_kwh : float, optional
        The grams of CO2 equivalent instead of the table's, at least 0.
    cpu_watts : float, optional
        The thermal design power of all the processors that the machine shows, in watts, above 0;
        4 W for each logical processor where it is not given. Not used where the processor's own
        counters of energy can be read.
    pue : float
        Power usage effectiveness: what the data centre draws for each unit that its machines draw,
        at least 1.
    """

    hertz: float = 10.0
    country: str = WORLD
    grams_per_kwh: float | None = None
    cpu_watts: float | None = None
    pue: float = 1.0

    def __post_init__(self) -> None:
        for name, value, least in (
            ("hertz", self.hertz, 0.0),
            ("grams_per_kwh", self.grams_per_kwh, 0.0),
            ("cpu_watts", self.cpu_watts, math.nextafter(0, 1)),
            ("pue", self.pue, 1.0),
        ):
            if value is not None and not (value >= least and math.isfinite(value)):
                words = {"cpu_watts": "above 0", "pue": "1 or more"}
                raise _out_of_bounds(
                    f"{PROFILE_SECTION}.{name}", value, words.get(name, "0 or more")
                )
        if self.hertz > _FASTEST:
            raise _out_of_bounds(f"{PROFILE_SECTION}.hertz", self.hertz, f"at most {_FASTEST:g}")
        if self.country not in grid():
            raise ConfigError(
                "no emission factor is known for this country",
                where=f"{PROFILE_SECTION}.country",
                got=self.country,
                allowed=f"an ISO 3166 alpha-3 code such as FRA, or {WORLD}",
                hint=nearest(self.country.upper(), grid())
                or f"or give the grams yourself: {PROFILE_SECTION}.grams_per_kwh",
            )

    @property
    def factor(self) -> GridFactor:
        """What a kilowatt-hour emits."""
        if self.grams_per_kwh is not None:
            return GridFactor("conf/", None, self.grams_per_kwh)
        return grid()[self.country]


@dataclass(frozen=True)
class PricesConfig:
    """What is paid for a run; what has no price costs nothing.

    Attributes
    ----------
    currency : str
        ISO 4217 (``EUR``); needed as soon as anything has a price.
    machine_hour : float
        An hour of the machine, for each stage's wall time, however many run side by side.
    core_hour : float
        An hour of one processor that the stage kept busy.
    gpu_hour : float
        An hour of each graphics card of the machine, for each stage's wall time.
    kwh : float
        A kilowatt-hour.
    received_gb, sent_gb : float
        1e9 bytes over the network.
    stored_gb_month : float
        1e9 bytes of outputs that DVC keeps, for a month.
    stored_months : float
        How many months they are kept.
    """

    currency: str = ""
    machine_hour: float = 0.0
    core_hour: float = 0.0
    gpu_hour: float = 0.0
    kwh: float = 0.0
    received_gb: float = 0.0
    sent_gb: float = 0.0
    stored_gb_month: float = 0.0
    stored_months: float = 1.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value: Any = getattr(self, item.name)
            if item.name != "currency" and not (value >= 0 and math.isfinite(value)):
                raise _out_of_bounds(f"{PRICES_SECTION}.{item.name}", value, "0 or more")
        if (self.currency or self.any) and not re.fullmatch("[A-Z]{3}", self.currency):
            raise ConfigError(
                "a price is in some currency",
                where=f"{PRICES_SECTION}.currency",
                got=self.currency or "an empty text",
                allowed="three letters of ISO 4217, such as EUR",
            )

    @property
    def any(self) -> bool:
        """Whether anything has a price."""
        names = {item.name for item in fields(self)} - {"currency", "stored_months"}
        return any(getattr(self, name) for name in names)


def _out_of_bounds(where: str, value: float, allowed: str) -> ConfigError:
    return ConfigError("the value is out of bounds", where=where, got=value, allowed=allowed)
