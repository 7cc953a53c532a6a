"""A process and all that it started: what they use together, whoever of them comes and goes."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

__all__ = ["UNREADABLE", "Family"]

# What psutil raises where a process is gone, belongs to another, or the system keeps no such count.
UNREADABLE = (psutil.Error, OSError, RuntimeError, ValueError, AttributeError, LookupError)

# Linux lists the children of each thread; otherwise every process of the machine must be read.
_LISTED = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _below(pid: int) -> Iterator[int]:
    """Give a process's children, theirs and so on, without a look at any other process."""
    pending = [pid]
    while pending:
        folder = Path(f"/proc/{pending.pop()}/task")
        with contextlib.suppress(OSError):
            for thread in os.listdir(folder):
                listed = (folder / thread / "children").read_text(encoding="ascii")
                children = [int(word) for word in listed.split()]
                pending += children
                yield from children


class Family:
    """A process, the one that runs now, and its children, their children and so on.

    Every figure is a sum over those that live when it is asked for; a child that can't be read is
    left out.
    """

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._children: list[psutil.Process] = []
        # The part of their resident memory that counts once, as of the last `weigh`.
        self._weight = 1.0
        # Where the system keeps no times of children that ended: what each was last seen to use.
        self._seen: dict[int, float] = {}
        self._gone = 0.0

    @property
    def size(self) -> int:
        """How many processes it has, as of the last `look`."""
        return 1 + len(self._children)

    def look(self) -> None:
        """List the children."""
        known = {process.pid: process for process in self._children}
        try:
            if _LISTED:
                found = [known.get(pid) or psutil.Process(pid) for pid in _below(self._own.pid)]
            else:
                found = self._own.children(recursive=True)
        except UNREADABLE:
            # One came and went: the next look will tell.
            found = list(known.values())
        self._children = found
        if not found:
            self._weight = 1.0

    def weigh(self) -> None:
        """Find how much of the resident memory counts once.

        A page that several processes share is resident in each. Linux tells each process's
        proportional part; reading it walks the tables of its pages.
        """
        if not self._children or not psutil.LINUX:
            return
        resident = proportional = 0
        for process in (self._own, *self._children):
            try:
                found = process.memory_full_info()
            except UNREADABLE:
                continue
            resident += found.rss
            proportional += found.pss
        if resident and proportional:
            self._weight = min(1.0, proportional / resident)

    def memory(self) -> float:
        """Give the bytes of memory that are resident now, shared pages once where that is known."""
        resident = 0
        for process in (self._own, *self._children):
            try:
                resident += process.memory_info().rss
            except UNREADABLE:
                continue
        return resident * self._weight

    def cpu_seconds(self) -> float:
        """Give the seconds of processors used so far, by children that ended too."""
        living: dict[int, float] = {}
        for process in self._children:
            try:
                used = process.cpu_times()
            except UNREADABLE:
                continue
            own = used.user + used.system
            ended = getattr(used, "children_user", 0.0) + getattr(used, "children_system", 0.0)
            living[process.pid] = own + ended
        return time.process_time() + sum(living.values()) + self._ended(living)

    def _ended(self, living: dict[int, float]) -> float:
        if sys.platform != "win32":
            import resource

            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return used.ru_utime + used.ru_stime
        self._gone += sum(used for pid, used in self._seen.items() if pid not in living)
        self._seen = living
        return self._gone

    def disk(self) -> tuple[float, float] | None:
        """Give the bytes read from and written to disks so far; None where nobody counts them.

        On Linux a process's count has those of its children that ended. What came from the
        system's cache of files was not read from a disk.
        """
        read = written = 0
        for process in (self._own, *self._children):
            try:
                found = process.io_counters()
            except UNREADABLE:
                if process is self._own:
                    return None
                continue
            read += found.read_bytes
            written += found.write_bytes
        return float(read), float(written)

    def peak_memory(self) -> float:
        """Give the most bytes that this process had resident, or one of its children that ended."""
        if sys.platform == "win32":
            return float(self._own.memory_info().peak_wset)
        import resource

        most = max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return float(most if sys.platform == "darwin" else most * 1024)
