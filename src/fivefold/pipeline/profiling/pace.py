"""Readings that are dear are taken less often, so that all of them together stay cheap."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Paced"]


class Paced:
    """A reading that is taken when it is due, and that may use so much of one processor.

    Parameters
    ----------
    read : callable
        Takes the time at which it is called.
    least : float
        Seconds from one reading to the next, at least.
    share : float
        The part of one processor that it may use, in (0, 1]: a reading that used 0.7 ms is due
        again after a second where the share is 0.0007.
    """

    def __init__(self, read: Callable[[float], None], least: float, share: float = 0.0007) -> None:
        self._read = read
        self._least = least
        self._share = share
        self._due = 0.0

    def __call__(self, now: float) -> bool:
        """Take the reading if it is due; tells whether it was taken."""
        if now < self._due:
            return False
        # The time that the thread used, not the clock: it may have waited for the interpreter.
        began = time.thread_time()
        self._read(now)
        self._due = now + max(self._least, (time.thread_time() - began) / self._share)
        return True
