"""Energy as codecarbon 3 reckons it, for one stage among others on a machine.

The processor's own counters (RAPL) where they can be read, of which the stage bears the part of the
busy time that was its own; otherwise the thermal design power for the processors that it kept busy,
4 W for each where nothing else is said. Memory draws 5 W a module (1.5 W on ARM, less for each of
many), modules being guessed from the machine's size, of which the stage bears the part that it
held. Cards tell their own. All of it times the PUE.
"""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from fivefold.pipeline.profiling.machine import processors

__all__ = ["Energy", "Rapl", "memory_watts", "used"]

JOULES_PER_WH = 3600.0
WATTS_PER_CORE = 4.0

_GIB = 1024**3
_POWERCAP = Path("/sys/class/powercap")
# Two files that show one counter differ by what was used between reading one and the other.
_SAME = 1e6
_LARGEST_MODULE = 128
# Watts of a module, as a part of the first one's: (up to so many modules, part).
_STEPS = ((4, 1.0), (8, 0.9), (16, 0.8), (32, 0.7))


@dataclass(frozen=True)
class Energy:
    """What a stage used, and how that is known.

    Attributes
    ----------
    cpu_wh, memory_wh, gpu_wh : float
        Watt-hours, without what the data centre adds.
    pue : float
        By which the sum of them is multiplied.
    cpu_by : str
        ``rapl``, ``cpu_watts`` (as ``conf/`` says) or ``4 W a processor``.
    memory_watts : float
        What all the machine's memory draws.
    """

    cpu_wh: float
    memory_wh: float
    gpu_wh: float
    pue: float
    cpu_by: str
    memory_watts: float

    @property
    def watt_hours(self) -> float:
        """All of it."""
        return (self.cpu_wh + self.memory_wh + self.gpu_wh) * self.pue

    def as_json(self) -> dict[str, Any]:
        """Give what is kept of it."""
        return {
            "cpu_by": self.cpu_by,
            "cpu_wh": round(self.cpu_wh, 6),
            "memory_wh": round(self.memory_wh, 6),
            "gpu_wh": round(self.gpu_wh, 6),
            "memory_watts": round(self.memory_watts, 2),
            "pue": self.pue,
        }


def used(
    *,
    seconds: float,
    cpu_seconds: float,
    mean_memory: float,
    gpu_joules: float,
    rapl_joules: float | None,
    busy_seconds: float,
    cpu_watts: float | None,
    pue: float,
) -> Energy:
    """Reckon what a stage used.

    Parameters
    ----------
    seconds, cpu_seconds : float
        The stage's wall time, and the processors' time.
    mean_memory : float
        Bytes.
    gpu_joules : float
        Of all cards.
    rapl_joules : float or None
        What the processors' packages used meanwhile, whoever caused it; None where not readable.
    busy_seconds : float
        The processors' time of the whole machine meanwhile.
    cpu_watts : float or None
        The thermal design power of all the processors.
    pue : float
    """
    if rapl_joules is not None:
        own = min(1.0, cpu_seconds / busy_seconds) if busy_seconds > 0 else 1.0
        cpu, by = rapl_joules * own, "rapl"
    else:
        each = WATTS_PER_CORE if cpu_watts is None else cpu_watts / processors()
        cpu = each * cpu_seconds
        by = f"{WATTS_PER_CORE:g} W a processor" if cpu_watts is None else "cpu_watts"
    whole = float(psutil.virtual_memory().total)
    watts = memory_watts(whole / _GIB, arm=_is_arm())
    return Energy(
        cpu_wh=cpu / JOULES_PER_WH,
        memory_wh=watts * min(1.0, mean_memory / whole) * seconds / JOULES_PER_WH,
        gpu_wh=gpu_joules / JOULES_PER_WH,
        pue=pue,
        cpu_by=by,
        memory_watts=watts,
    )


def _is_arm() -> bool:
    return platform.machine().lower().startswith(("arm", "aarch"))


def memory_watts(gigabytes: float, *, arm: bool) -> float:
    """Give what a machine's memory draws, by codecarbon's rule since its version 3.

    Parameters
    ----------
    gigabytes : float
        The machine's memory, in units of 2**30 bytes.
    arm : bool
        Whether its processor is an ARM, whose memory draws less.

    Examples
    --------
    >>> memory_watts(16, arm=False), memory_watts(64, arm=False), memory_watts(16, arm=True)
    (10.0, 20.0, 3.0)
    """
    each = 1.5 if arm else 5.0
    modules, watts, below = _modules(gigabytes), 0.0, 0
    for most, part in _STEPS:
        watts += each * part * max(0, min(modules, most) - below)
        below = most
    return max(3.0 if arm else 2 * each, watts)


def _modules(gigabytes: float) -> int:
    """Guess how many modules a machine's memory is made of."""
    for most, modules in ((2, 1), (16, 2), (64, 4), (128, 8)):
        if gigabytes <= most:
            return modules
    # The largest common size of which there are eight at least.
    size = min(_LARGEST_MODULE, 1 << int(math.log2(gigabytes / 8)))
    return min(32, math.ceil(gigabytes / size))


class Rapl:
    """The energy counters of a machine's processor packages, as Linux shows them.

    Parameters
    ----------
    files : list of Path
        One ``energy_uj`` for each package.
    """

    def __init__(self, files: list[Path]) -> None:
        self._last = {file: _count(file) for file in files}
        self._ranges = {file: _count(file.with_name("max_energy_range_uj")) for file in files}
        self.joules = 0.0
        """What they used since this object was made, as of the last look."""

    @classmethod
    def found(cls, folder: Path = _POWERCAP) -> Rapl | None:
        """Give the packages' counters; None where there are none, or only root may read them."""
        kept: dict[Path, int] = {}
        try:
            for zone in sorted(folder.glob("intel-rapl:*")):
                # A package's parts (cores, memory) are zones of their own: intel-rapl:0:1.
                name = (zone / "name").read_text(encoding="utf-8").strip()
                if zone.name.count(":") == 1 and name.startswith("package"):
                    count = int((zone / "energy_uj").read_text(encoding="utf-8"))
                    # Some processors show one counter once for each of their dies.
                    if not any(count and abs(count - known) < _SAME for known in kept.values()):
                        kept[zone / "energy_uj"] = count
        except (OSError, ValueError):
            return None
        return cls(list(kept)) if kept else None

    def look(self, _: float) -> None:
        """Take note of what was used; in time, for the counters start again after some minutes."""
        for file, last in self._last.items():
            count = _count(file)
            if count is None or last is None:
                continue
            passed = count - last
            if passed < 0:
                passed += self._ranges[file] or 0
            self.joules += max(0, passed) / 1e6
            self._last[file] = count


def _count(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
