"""What the whole machine does while a stage runs: its processors and its network."""

from __future__ import annotations

import os
import re
from typing import Any

import psutil

from fivefold.pipeline.profiling.family import UNREADABLE

__all__ = ["Cores", "Network", "processors"]

# Shorter times between two looks say little: the system counts in hundredths of a second.
_SHORTEST = 0.05
_LOOPBACK = re.compile(r"lo\d*$|loopback", re.IGNORECASE)


def processors() -> int:
    """Count the logical processors of the machine."""
    return os.cpu_count() or 1


class Cores:
    """How busy each logical processor is, whoever uses it."""

    def __init__(self) -> None:
        self._first = self._last = self._read()
        self._peaks = [0.0] * len(self._first)
        self._at = 0.0
        self.busy = 0.0
        """Processors that were busy between the last two looks."""

    @staticmethod
    def _read() -> list[tuple[float, float]]:
        """Give busy and all seconds of each processor since the machine started."""
        try:
            return [_spent(times) for times in psutil.cpu_times(percpu=True)]
        except UNREADABLE:
            return []

    def look(self, now: float) -> None:
        """Take note of what was used since the last look."""
        if now - self._at < _SHORTEST:
            return
        found = self._read()
        # A processor can be taken away or added while the machine runs.
        if len(found) == len(self._last):
            shares = [_share(*ends) for ends in zip(self._last, found, strict=True)]
            self._peaks = list(map(max, self._peaks, shares))
            self.busy = sum(shares)
        self._last, self._at = found, now

    def means(self) -> list[float]:
        """Give the part of the time that each was busy, in [0, 1]."""
        if len(self._first) != len(self._last):
            return []
        return [_share(*ends) for ends in zip(self._first, self._last, strict=True)]

    def peaks(self) -> list[float]:
        """Give the most that each was busy between two looks, in [0, 1]."""
        return self._peaks

    def busy_seconds(self) -> float:
        """Give the seconds of processors that the machine used between the first and last look."""
        if len(self._first) != len(self._last):
            return 0.0
        return sum(end[0] - start[0] for start, end in zip(self._first, self._last, strict=True))


def _spent(times: Any) -> tuple[float, float]:
    # Linux counts a guest's time as the user's already.
    whole = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return whole - times.idle - getattr(times, "iowait", 0.0), whole


def _share(start: tuple[float, float], end: tuple[float, float]) -> float:
    whole = end[1] - start[1]
    return min(max((end[0] - start[0]) / whole, 0.0), 1.0) if whole > 0 else 0.0


class Network:
    """The bytes that the machine, or the container, received and sent over its network."""

    def __init__(self) -> None:
        self._first = self._read()

    @staticmethod
    def _read() -> tuple[float, float] | None:
        try:
            # A lock of psutil's own would stay taken in a child that is forked meanwhile.
            found = psutil.net_io_counters(pernic=True, nowrap=False)
        except UNREADABLE:
            return None
        # What a process tells another on the same machine goes over no network.
        cards = [card for name, card in found.items() if not _LOOPBACK.match(name)]
        return float(sum(c.bytes_recv for c in cards)), float(sum(c.bytes_sent for c in cards))

    def used(self) -> tuple[float, float] | None:
        """Give the bytes received and sent since this object was made; None where unknown."""
        now = self._read()
        if now is None or self._first is None:
            return None
        received, sent = (
            max(end - start, 0.0) for start, end in zip(self._first, now, strict=True)
        )
        return received, sent
