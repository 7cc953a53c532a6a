"""Rows, sums and squares of the losses of many slices at once, from histograms of codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.model.diagnosing.attributes import Attribute

__all__ = ["Moments", "Searched", "by_condition", "histogram", "luck_of", "ranged"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Searched:
    """The rows that are searched, with their losses centred."""

    loss: Floats
    codes: list[NDArray[np.intp]]
    min_rows: int

    @classmethod
    def of(cls, attributes: Sequence[Attribute], loss: Floats, rows: Mask, least: int) -> Searched:
        """Take some of the rows."""
        values = loss[rows]
        return cls(values - values.mean(), [item.codes[rows] for item in attributes], least)

    @property
    def total(self) -> Moments:
        """All of them as one."""
        squared = float(np.sum(self.loss**2))
        return Moments(np.float64(len(self.loss)), np.float64(self.loss.sum()), np.float64(squared))


@dataclass(frozen=True)
class Moments:
    """Rows, sums and sums of squares of the losses of many slices."""

    rows: Any
    sums: Any
    squares: Any

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.rows - other.rows, self.sums - other.sums, self.squares - other.squares)

    def along(self, axis: int) -> Moments:
        """Give those of an axis of conditions, spread for a table of pairs."""
        at = (slice(None), None) if axis == 0 else (None, slice(None))
        return Moments(self.rows[at], self.sums[at], self.squares[at])

    def against(self, others: Moments) -> tuple[Floats, Floats]:
        """Give differences of means and their errors, as `contrast` does; NaN of few rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            means = [part.sums / part.rows for part in (self, others)]
            within = [
                np.maximum(part.squares - part.sums * mean, 0)
                for part, mean in zip((self, others), means, strict=True)
            ]
            welch = sum(
                spread / (part.rows * (part.rows - 1))
                for part, spread in zip((self, others), within, strict=True)
            )
            equal = sum(within) / (self.rows + others.rows - 2)
            error = np.sqrt(np.maximum(welch, equal * (1 / self.rows + 1 / others.rows)))
            few = (self.rows < 2) | (others.rows < 2)
            return np.where(few, np.nan, means[0] - means[1]), np.where(few, np.nan, error)


def luck_of(number: int, freedom: float | None = None) -> float:
    """Give the standard errors by which the luckiest of so many is above zero by chance.

    With few degrees of freedom they are widened as Student's t widens a 95% interval: its far tail
    would rank by the degrees of freedom alone. Infinite where there are none.
    """
    from scipy.special import ndtri, stdtrit

    luck = -float(ndtri(0.5 / max(number, 1)))
    if freedom is None:
        return luck
    return luck * float(stdtrit(freedom, 0.975) / ndtri(0.975)) if freedom > 0 else math.inf


def histogram(index: NDArray[np.intp], size: int, loss: Floats) -> list[Any]:
    """Give rows, sums and sums of squares of the losses per cell, shape (size,) each."""
    return [
        np.bincount(index, minlength=size).astype(np.float64),
        np.bincount(index, weights=loss, minlength=size),
        np.bincount(index, weights=loss**2, minlength=size),
    ]


def ranged(cells: Floats, item: Attribute, axis: int) -> Floats:
    """Add up the cells of each condition along an axis."""
    sums = np.insert(np.cumsum(cells, axis=axis), 0, 0.0, axis=axis)
    found: Floats = sums.take(item.high + 1, axis=axis) - sums.take(item.low, axis=axis)
    return found


def by_condition(item: Attribute, codes: NDArray[np.intp], loss: Floats) -> Moments:
    """Give the moments of each condition on an attribute."""
    cells = histogram(codes, len(item.meaning), loss)
    return Moments(*(ranged(part, item, 0) for part in cells))
