"""How far the split's parts are apart, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.data.profiling.measured import Measured
from fivefold.data.profiling.parting import NAMES
from fivefold.drift import jensen_shannon, psi

__all__ = ["SHIFTED", "part_rows", "shift_of", "shifts"]

SHIFTED = 0.25
"""By custom a population stability index of this has shifted."""

_DIGITS = 6


def part_rows(measured: Mapping[str, Measured]) -> dict[str, int]:
    """Count the rows of each part, by any column."""
    for column in measured.values():
        if column.cells is not None:
            counts = column.cells.by_part.sum(axis=0).tolist()
            if len(counts) == len(NAMES):
                return dict(zip(NAMES, counts, strict=True))
    return {}


def shift_of(column: Measured, parts: Mapping[str, int]) -> dict[str, Any]:
    """Measure how far test and production are from train.

    Returns
    -------
    dict
        By part: ``psi``, ``jensen_shannon``, of numbers ``kolmogorov_smirnov`` over the bins'
        ends, of texts ``unseen_rows``, whose category train has none of; ``chance``, the index
        that chance alone seldom gives.
    """
    binned = column.binned()
    if binned is None or column.cells is None or not parts.get("train"):
        return {}
    rows = binned.by_part
    found: dict[str, Any] = {}
    for at, name in enumerate(NAMES[1:3], 1):
        if not parts.get(name):
            continue
        train, other = rows[:, 0], rows[:, at]
        told: dict[str, Any] = {
            "psi": round(psi(train, other), _DIGITS),
            "jensen_shannon": round(jensen_shannon(train, other), _DIGITS),
        }
        if column.edges:
            fine = column.cells.by_part[:-1]
            told["kolmogorov_smirnov"] = _smirnov(fine[:, 0], fine[:, at])
        elif column.whole is not None or column.names:
            told["unseen_rows"] = int(other[:-1][train[:-1] == 0].sum())
        told["chance"] = round(_chance(len(rows), int(train.sum()), int(other.sum())), _DIGITS)
        found[name] = told
    return found


def _smirnov(first: NDArray[np.int64], second: NDArray[np.int64]) -> float | None:
    if not first.sum() or not second.sum():
        return None
    apart = np.cumsum(first) / first.sum() - np.cumsum(second) / second.sum()
    return round(float(np.abs(apart).max()), _DIGITS)


def _chance(bins: int, first: int, second: int) -> float:
    """Give the index's upper point of one in a thousand where there is no shift.

    Distributed as chi squared (Yurdakul, 2018), by Wilson's and Hilferty's approximation (1931).
    """
    free = max(bins - 1, 1)
    point = free * (1 - 2 / (9 * free) + 3.09 * (2 / (9 * free)) ** 0.5) ** 3
    return (1 / max(first, 1) + 1 / max(second, 1)) * float(point)


def shifts(columns: Mapping[str, Any]) -> list[str]:
    """Name the columns that have shifted between train and another part, the farthest first."""
    far = {
        name: max((told["psi"] for told in known.get("drift", {}).values()), default=0.0)
        for name, known in columns.items()
        if any(
            told["psi"] >= SHIFTED and told["psi"] > told["chance"]
            for told in known.get("drift", {}).values()
        )
    }
    return sorted(far, key=lambda name: (-far[name], name))
