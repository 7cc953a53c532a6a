"""What each graphics card does while a stage runs, as NVIDIA's management library tells it."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Card", "Cards"]

# Without one of these there is no driver, and importing the library would be wasted on every stage.
_DEVICES = ("/dev/nvidiactl", "/dev/dxg")
_JOULES_PER_WH = 3600.0


@dataclass
class Reading:
    """The last, the mean and the peak of one figure; zeros where the card doesn't tell it."""

    total: float = 0.0
    count: int = 0
    peak: float = 0.0
    last: float = 0.0

    def add(self, value: float) -> None:
        """Add a reading."""
        self.last = value
        self.total += value
        self.count += 1
        self.peak = max(self.peak, value)

    @property
    def mean(self) -> float:
        """The mean; 0 without readings."""
        return self.total / self.count if self.count else 0.0


@dataclass
class Card:
    """One card.

    Attributes
    ----------
    name : str
        As its maker calls it.
    use : Reading
        The part of the time in which it computed anything, in [0, 1].
    memory : Reading
        Bytes in use, by whomever.
    watts : Reading
        What it drew.
    joules : float
        What it used since the first look.
    """

    handle: Any
    name: str
    use: Reading = field(default_factory=Reading)
    memory: Reading = field(default_factory=Reading)
    watts: Reading = field(default_factory=Reading)
    joules: float = 0.0
    counted: float | None = None
    """What its own counter of energy showed first, in joules; None where it has none."""

    def as_json(self) -> dict[str, Any]:
        """Give what is kept of it."""
        return {
            "name": self.name,
            "mean_use": round(self.use.mean, 3),
            "peak_use": round(self.use.peak, 3),
            "mean_memory_mb": round(self.memory.mean / 1e6, 1),
            "peak_memory_mb": round(self.memory.peak / 1e6, 1),
            "mean_watts": round(self.watts.mean, 1),
            "peak_watts": round(self.watts.peak, 1),
            "energy_wh": round(self.joules / _JOULES_PER_WH, 6),
        }


class Cards:
    """The cards of the machine, whichever of them the stage uses.

    Parameters
    ----------
    nvml : module
        ``pynvml``, begun.
    """

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        self._at: float | None = None
        self.cards: list[Card] = []
        for number in range(nvml.nvmlDeviceGetCount()):
            handle = nvml.nvmlDeviceGetHandleByIndex(number)
            name = nvml.nvmlDeviceGetName(handle)
            # Libraries before 11.5 gave bytes.
            text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
            self.cards.append(Card(handle, text))

    @classmethod
    def found(cls) -> Cards | None:
        """Give the cards of this machine; None without a driver, the library or a card."""
        if sys.platform == "linux" and not any(map(os.path.exists, _DEVICES)):
            return None
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return None
        return cls.of(nvml)

    @classmethod
    def of(cls, nvml: Any) -> Cards | None:
        """Begin the library and give the cards that it knows; None where it knows none."""
        try:
            nvml.nvmlInit()
            cards = cls(nvml)
        except (nvml.NVMLError, OSError):
            return None
        return cards if cards.cards else None

    def look(self, now: float) -> None:
        """Read every card."""
        passed = 0.0 if self._at is None else now - self._at
        self._at = now
        for card in self.cards:
            use = self._ask("nvmlDeviceGetUtilizationRates", card)
            if use is not None:
                card.use.add(use.gpu / 100)
            memory = self._ask("nvmlDeviceGetMemoryInfo", card)
            if memory is not None:
                card.memory.add(float(memory.used))
            milliwatts = self._ask("nvmlDeviceGetPowerUsage", card)
            if milliwatts is not None:
                card.watts.add(milliwatts / 1000)
            self._count(card, milliwatts, passed)

    def _count(self, card: Card, milliwatts: float | None, passed: float) -> None:
        """Take the energy from the card's counter; older cards have only their power."""
        millijoules = self._ask("nvmlDeviceGetTotalEnergyConsumption", card)
        if millijoules is not None:
            if card.counted is None:
                card.counted = millijoules / 1000
            card.joules = millijoules / 1000 - card.counted
        elif milliwatts is not None and card.counted is None:
            card.joules += milliwatts / 1000 * passed

    def _ask(self, name: str, card: Card) -> Any:
        """Call the library; None where the card doesn't tell, or is lost."""
        try:
            return getattr(self._nvml, name)(card.handle)
        except (self._nvml.NVMLError, AttributeError):
            # An older library knows less.
            return None

    def now(self) -> dict[str, float]:
        """Give the readings of the last look, for the timeline."""
        found = {}
        for number, card in enumerate(self.cards):
            found[f"gpu{number}_use"] = card.use.last
            found[f"gpu{number}_memory_mb"] = card.memory.last / 1e6
            found[f"gpu{number}_watts"] = card.watts.last
        return found

    def end(self) -> None:
        """Leave the library."""
        try:
            self._nvml.nvmlShutdown()
        except self._nvml.NVMLError:
            return
