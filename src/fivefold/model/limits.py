"""What one fit may take of time and memory."""

from __future__ import annotations

from dataclasses import dataclass

from fivefold.errors import ConfigError

__all__ = ["FitLimits"]


@dataclass(frozen=True)
class FitLimits:
    """What one fit may take.

    Attributes
    ----------
    seconds : float or None
        Wall time of a fit with its predictions, above 0.
    memory_mb : float or None
        Resident memory of the process that fits, data and libraries included, in megabytes; at
        least 100.
    """

    seconds: float | None = None
    memory_mb: float | None = None

    def check(self, where: str) -> None:
        """Refuse limits out of bounds.

        Raises
        ------
        ConfigError
            Names the limit, below ``where``.
        """
        for name, value, good, allowed in (
            ("seconds", self.seconds, (self.seconds or 1) > 0, "above 0"),
            ("memory_mb", self.memory_mb, (self.memory_mb or 100) >= 100, "at least 100"),
        ):
            if not good:
                raise ConfigError(
                    "a limit is out of bounds", where=f"{where}.{name}", got=value, allowed=allowed
                )
