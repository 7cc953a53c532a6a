"""What a stage's figures amount to: grams of CO2 and money, at the factors and prices of now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.pipeline.profiling.settings import PricesConfig, ProfileConfig

__all__ = ["rated", "short"]

_HOUR = 3600.0


def rated(
    figures: Mapping[str, Any], profile: ProfileConfig, prices: PricesConfig
) -> dict[str, Any]:
    """Give a stage's figures with what they emit and cost; a figure that is missing costs nothing.

    Parameters
    ----------
    figures : mapping of str to value
        An entry of ``metrics/profile.json``.
    profile, prices
        What is reckoned with.
    """
    found = {key: value for key, value in figures.items() if key not in ("emissions_g", "cost")}
    parts: dict[str, Any] = {key: found.pop(key) for key in ("gpus", "parts") if key in found}

    def of(name: str) -> float:
        value = found.get(name)
        return float(value) if isinstance(value, int | float) else 0.0

    if "energy_wh" in found:
        found["emissions_g"] = short(of("energy_wh") / 1000 * profile.factor.grams_per_kwh)
    if prices.any:
        gpus = len(parts.get("gpus") or {})
        found["cost"] = short(
            of("seconds") / _HOUR * (prices.machine_hour + gpus * prices.gpu_hour)
            + of("cpu_seconds") / _HOUR * prices.core_hour
            + of("energy_wh") / 1000 * prices.kwh
            + of("received_mb") / 1000 * prices.received_gb
            + of("sent_mb") / 1000 * prices.sent_gb
            + of("stored_mb") / 1000 * prices.stored_gb_month * prices.stored_months
        )
    return {**found, **parts}


def short(value: float) -> float:
    """Round to six significant digits: sums of a few seconds are small numbers."""
    return float(f"{value:.6g}")
