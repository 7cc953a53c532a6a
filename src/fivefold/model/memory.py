"""How much resident memory a piece of work takes, watched from a thread beside it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Self

import psutil

__all__ = ["PeakMemory", "resident_bytes"]

_INTERVAL = 0.05


def resident_bytes() -> int:
    """Give this process's resident memory in bytes."""
    return int(_process(os.getpid()).memory_info().rss)


@lru_cache(maxsize=1)
def _process(pid: int) -> psutil.Process:
    # To find a process takes longer than to ask it.
    return psutil.Process(pid)


class PeakMemory:
    """Watches the process's resident memory twenty times a second while the context is open.

    Parameters
    ----------
    limit : int or None
        In bytes of resident memory of the whole process.
    exceeded : callable, optional
        Called from the watching thread when there is more.
    """

    def __init__(
        self, limit: int | None = None, exceeded: Callable[[], object] | None = None
    ) -> None:
        self._limit = limit
        self._exceeded = exceeded
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._before = self._peak = 0

    @property
    def grown_mb(self) -> float:
        """By how many megabytes (10**6 bytes) it grew, at its peak."""
        return max(self._peak - self._before, 0) / 1e6

    def __enter__(self) -> Self:
        """Start to watch."""
        self._before = self._peak = resident_bytes()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look once more, and stop."""
        self._done.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._done.wait(_INTERVAL):
            self._look()

    def _look(self) -> None:
        now = resident_bytes()
        self._peak = max(self._peak, now)
        if self._limit is not None and now > self._limit and self._exceeded is not None:
            self._exceeded()
