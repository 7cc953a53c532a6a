"""Both revisions' curves, laid over one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Overlay", "Series"]


@dataclass(frozen=True, slots=True)
class Series:
    """One revision's curve: `x` and `y` of one length; a calibration's y has an interval."""

    side: Literal["base", "head"]
    x: tuple[Any, ...]
    y: tuple[float, ...]
    name: str = ""
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Overlay:
    """Curves that belong into one picture.

    Attributes
    ----------
    title, x, y : str
        What it shows, and what its axes are.
    series : tuple of Series
        The base's before the head's.
    unit : bool
        Whether both axes run from 0 to `end`.
    end : float
    guide : tuple of (float, float)
        The ends of a dashed line: chance, or what is predicted happens.
    source : str
        The file that the curves were read from.
    mark : {"line", "point", "bar"}
    """

    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    unit: bool = False
    end: float = 1.0
    guide: tuple[tuple[float, float], ...] = ()
    source: str = ""
    mark: Literal["line", "point", "bar"] = "line"
