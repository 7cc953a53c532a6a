"""A thread that looks ten times a second at what a stage uses, and at what the looking costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fivefold.pipeline.profiling.energy import Rapl
from fivefold.pipeline.profiling.family import UNREADABLE, Family
from fivefold.pipeline.profiling.gpu import Cards
from fivefold.pipeline.profiling.machine import Cores, Network, processors
from fivefold.pipeline.profiling.pace import Paced
from fivefold.pipeline.profiling.series import Timeline

__all__ = ["HERTZ", "Sampler", "Usage"]

HERTZ = 10.0

_STEP = 0.1
# The part of one processor that the looks of every tick may use: the next is put off till then.
_SHARE = 0.004
# Levels, of which a step of the timeline keeps the highest; the others are rates.
_LEVELS = frozenset({"memory_mb", "processes"})
_CHILDREN_EVERY = 0.5
_COUNTERS_EVERY = 30.0
_PATIENCE = 2.0


@dataclass(frozen=True)
class Usage:
    """What a stage used, from the start of the sampler to its end.

    Attributes
    ----------
    seconds, cpu_seconds : float
        Wall time, and time of processors, children included.
    cpu_total : float
        Time of processors since the process itself began.
    peak_cores : float
        The most processors that it kept busy between two looks.
    mean_memory, peak_memory : float
        Resident bytes.
    peak_processes : int
        How many it was made of.
    disk, network : (float, float) or None
        Bytes read and written, received and sent; None where the system doesn't count them.
    cores, peaks : list of float
        The mean and peak use of each of the machine's processors, by whomever, in [0, 1].
    busy_seconds : float
        The time of processors that the whole machine used.
    rapl_joules : float or None
        What the processors' packages used, where that can be read.
    gpus : list of dict
        Each card's figures.
    gpu_joules : float
        What all cards used.
    samples : int
        Looks that were taken.
    own_seconds : float
        The sampler's own time of a processor.
    timeline : Timeline
    """

    seconds: float
    cpu_seconds: float
    cpu_total: float
    peak_cores: float
    mean_memory: float
    peak_memory: float
    peak_processes: int
    disk: tuple[float, float] | None
    network: tuple[float, float] | None
    cores: list[float]
    peaks: list[float]
    busy_seconds: float
    rapl_joules: float | None
    gpus: list[dict[str, Any]]
    gpu_joules: float
    samples: int
    own_seconds: float
    timeline: Timeline

    def as_line(self) -> dict[str, Any]:
        """Give what is kept of it beside the figures: how it went over time, and on what."""
        found: dict[str, Any] = {**self.timeline.as_json(), "samples": self.samples}
        if self.cores:
            found["machine"] = {
                "mean_use": [round(share, 2) for share in self.cores],
                "peak_use": [round(share, 2) for share in self.peaks],
            }
        return found


class _Level:
    """A level over time: each reading stands for the time since the one before it."""

    def __init__(self) -> None:
        self.peak = self._last = self._weighted = self._seconds = 0.0

    def add(self, value: float, passed: float) -> None:
        self.peak = max(self.peak, value)
        self._weighted += value * passed
        self._seconds += passed
        self._last = value

    @property
    def mean(self) -> float:
        return self._weighted / self._seconds if self._seconds > 0 else self._last


class _Count:
    """A count that grows: by how much since the start, and how fast since the last reading."""

    def __init__(self, value: float | None) -> None:
        self._first = self.last = value
        self._at = 0.0

    def rate(self, value: float | None, now: float) -> float | None:
        """Take a reading and give the growth a second since the last one."""
        passed, last = now - self._at, self.last
        self.last, self._at = value, now
        if value is None or last is None or passed <= 0:
            return None
        # A child that ended between two looks may take its count along.
        return max(value - last, 0.0) / passed

    @property
    def grown(self) -> float | None:
        if self._first is None or self.last is None:
            return None
        return max(self.last - self._first, 0.0)


class Sampler:
    """Samples this process, its children and the machine until it is stopped.

    Nothing that it can't read makes it, or the stage, fail.

    Parameters
    ----------
    hertz : float
        Looks a second; 0 for one at the start and one at the end.
    cards : callable
        Gives the graphics cards, or None.
    """

    def __init__(
        self, hertz: float = HERTZ, cards: Callable[[], Cards | None] = Cards.found
    ) -> None:
        self._hertz = hertz
        self._find_cards = cards
        self._cards: Cards | None = None
        self._began = time.perf_counter()
        self._family = Family()
        # What children used that were there before is not the stage's.
        self._family.look()
        self._cores, self._network, self._rapl = Cores(), Network(), Rapl.found()
        self._cpu = _Count(self._family.cpu_seconds())
        self._disk = [_Count(value) for value in self._family.disk() or (None, None)]
        self._traffic = [_Count(value) for value in self._network.used() or (None, None)]
        self._memory = _Level()
        self._at = self._peak_cores = self._own = 0.0
        self._peak_processes, self._samples = 1, 0
        self._timeline = Timeline(_STEP, highest=_LEVELS)
        self._paced = [
            Paced(self._look_for_children, _CHILDREN_EVERY),
            Paced(self._look_at_cores, _STEP),
            Paced(self._look_at_disk, _STEP),
            Paced(self._look_at_network, _STEP),
        ]
        if self._rapl is not None:
            self._paced.append(Paced(self._rapl.look, _COUNTERS_EVERY))
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._used: Usage | None = None

    def start(self) -> None:
        """Begin to look."""
        with suppress(*UNREADABLE):
            self._memory.add(self._family.memory(), 0.0)
        if self._hertz > 0:
            self._thread = threading.Thread(target=self._run, name="fivefold-profile", daemon=True)
            self._thread.start()

    def at(self, hertz: float) -> None:
        """Look so often from now on; 0 for once more at the end."""
        self._hertz = hertz
        if not hertz:
            self._end.set()

    def stop(self) -> Usage:
        """Look a last time and give what was used; the thread ends."""
        if self._used is None:
            self._end.set()
            if self._thread is not None:
                self._thread.join(_PATIENCE)
            began, now = time.thread_time(), self._clock()
            looks = [self._look_for_children, self._look, self._look_at_cores, self._look_at_disk]
            looks += [self._look_at_network, self._look_at_cards]
            if self._rapl is not None:
                looks.append(self._rapl.look)
            for look in looks:
                with suppress(*UNREADABLE):
                    look(now)
            if self._cards is not None:
                self._cards.end()
            self._own += time.thread_time() - began
            self._used = self._usage(now)
        return self._used

    def _usage(self, seconds: float) -> Usage:
        cards = self._cards.cards if self._cards is not None else []
        cpu = self._cpu.grown or 0.0
        return Usage(
            seconds=seconds,
            cpu_seconds=cpu,
            cpu_total=self._cpu.last or 0.0,
            # A stage may end before the second look.
            peak_cores=max(self._peak_cores, cpu / max(seconds, 1e-9)),
            mean_memory=self._memory.mean,
            # Short peaks fall between two looks; the system itself misses none of one process.
            peak_memory=max(self._memory.peak, self._family.peak_memory()),
            peak_processes=self._peak_processes,
            disk=_pair(self._disk),
            network=_pair(self._traffic),
            cores=self._cores.means(),
            peaks=self._cores.peaks(),
            busy_seconds=self._cores.busy_seconds(),
            rapl_joules=self._rapl.joules if self._rapl is not None else None,
            gpus=[card.as_json() for card in cards],
            gpu_joules=sum(card.joules for card in cards),
            samples=self._samples,
            own_seconds=self._own,
            timeline=self._timeline,
        )

    def _clock(self) -> float:
        return time.perf_counter() - self._began

    def _run(self) -> None:
        # To find the cards loads a library, for which the stage need not wait.
        self._cards = self._find_cards()
        if self._cards is not None:
            self._paced.append(Paced(self._look_at_cards, _STEP))
        wait = 1 / HERTZ
        while not self._end.wait(wait):
            now = self._clock()
            for paced in self._paced:
                with suppress(*UNREADABLE):
                    paced(now)
            # What is paced pays for itself; a family of many processes is looked at less often.
            began = time.thread_time()
            with suppress(*UNREADABLE):
                self._look(now)
            self._own = time.thread_time()
            period = 1 / self._hertz if self._hertz else 0.0
            wait = max(period, (self._own - began) / _SHARE) - (self._clock() - now)
            wait = max(wait, 0.0)

    def _look(self, now: float) -> None:
        """Take the readings of every tick: processors and memory of the stage's own processes."""
        passed, self._at = now - self._at, now
        self._samples += 1
        memory = self._family.memory()
        self._memory.add(memory, passed)
        readings = {"memory_mb": memory / 1e6, "processes": float(self._family.size)}
        rate = self._cpu.rate(self._family.cpu_seconds(), now)
        if rate is not None:
            # A child that is seen for the first time brings all that it used before.
            readings["cpu_cores"] = min(rate, float(processors()))
            if passed >= _STEP / 2:
                self._peak_cores = max(self._peak_cores, readings["cpu_cores"])
        self._timeline.add(now - passed / 2, readings)

    def _look_for_children(self, _: float) -> None:
        self._family.look()
        self._family.weigh()
        self._peak_processes = max(self._peak_processes, self._family.size)

    def _look_at_cores(self, now: float) -> None:
        self._cores.look(now)
        self._timeline.add(now - _STEP / 2, {"machine_cores": self._cores.busy})

    def _look_at_disk(self, now: float) -> None:
        names = ("disk_read_mb", "disk_written_mb")
        self._look_at_bytes(names, self._disk, self._family.disk(), now)

    def _look_at_network(self, now: float) -> None:
        names = ("received_mb", "sent_mb")
        self._look_at_bytes(names, self._traffic, self._network.used(), now)

    def _look_at_bytes(
        self,
        names: tuple[str, str],
        counts: list[_Count],
        values: tuple[float, float] | None,
        now: float,
    ) -> None:
        for name, count, value in zip(names, counts, values or (None, None), strict=True):
            rate = count.rate(value, now)
            if rate is not None:
                self._timeline.add(now - _STEP / 2, {name: rate / 1e6})

    def _look_at_cards(self, now: float) -> None:
        if self._cards is not None:
            self._cards.look(now)
            self._timeline.add(now - _STEP / 2, self._cards.now())


def _pair(counts: list[_Count]) -> tuple[float, float] | None:
    first, second = (count.grown for count in counts)
    return None if first is None or second is None else (first, second)
