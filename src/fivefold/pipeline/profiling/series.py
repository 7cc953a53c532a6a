"""Readings over time, in so few steps that a week takes no more room than a minute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Timeline"]

_DIGITS = 3


class Timeline:
    """Named readings in even steps of time; where they would be too many, steps are doubled.

    A step of a rate holds the mean of its readings, a step of a level (`highest`) the largest.

    Parameters
    ----------
    step : float
        Seconds, above 0.
    most : int
        Steps at most; an even number.
    highest : frozenset of str
        The series of which a step holds the largest reading.
    """

    def __init__(self, step: float, most: int = 120, highest: frozenset[str] = frozenset()) -> None:
        self.step = step
        self._most = most
        self._highest = highest
        # By series, one of each for every step: the sum or the largest, and how many readings.
        self._held: dict[str, list[float]] = {}
        self._counts: dict[str, list[int]] = {}

    def add(self, at: float, readings: Mapping[str, float]) -> None:
        """Add readings of a time whose middle is so many seconds after the start."""
        place = max(0, int(at / self.step))
        while place >= self._most:
            self._double()
            place //= 2
        for name, value in readings.items():
            held, counts = self._held.setdefault(name, []), self._counts.setdefault(name, [])
            while len(held) <= place:
                held.append(0.0)
                counts.append(0)
            held[place] = self._joined(name, held[place], value)
            counts[place] += 1

    def _double(self) -> None:
        self.step *= 2
        for name, held in self._held.items():
            counts = self._counts[name]
            ends = range(0, len(held), 2)
            self._held[name] = [
                held[i] if i + 1 == len(held) else self._joined(name, held[i], held[i + 1])
                for i in ends
            ]
            self._counts[name] = [sum(counts[i : i + 2]) for i in ends]

    def _joined(self, name: str, left: float, right: float) -> float:
        return max(left, right) if name in self._highest else left + right

    def series(self) -> dict[str, list[float]]:
        """Give the steps of each series that isn't zero throughout, to three digits.

        A step without a reading has the next one's value: the reading is of the time since the one
        before it.
        """
        found = {}
        for name, held in self._held.items():
            values: list[float] = []
            for value, count in zip(reversed(held), reversed(self._counts[name]), strict=True):
                mean = value if name in self._highest else value / max(count, 1)
                values.append(mean if count else values[-1])
            if any(values):
                found[name] = [_short(value) for value in reversed(values)]
        return found

    def as_json(self) -> dict[str, Any]:
        """Give what is kept: the step in seconds, and the series."""
        return {"step": self.step, "series": self.series()}


def _short(value: float) -> float:
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded
