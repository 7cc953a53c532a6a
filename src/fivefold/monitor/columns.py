"""The drift of one column: its measures, what is new in it, and what that calls for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fivefold.drift import (
    Bins,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    shares,
    wasserstein,
)
from fivefold.report import format as form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fivefold.monitor.monitor import MonitorConfig

__all__ = ["ColumnDrift", "Status", "bin_labels", "drift_of", "worst"]

Status = Literal["ok", "warn", "alarm"]
_ORDER: tuple[Status, ...] = ("ok", "warn", "alarm")

_MOST_NAMED = 10

MISSING = "missing"
OTHERS = "others"


@dataclass(frozen=True)
class ColumnDrift:
    """How a column of production differs from the reference.

    Attributes
    ----------
    name : str
        The column.
    kind : {"number", "string"}
        What it holds.
    status : {"ok", "warn", "alarm"}
        By the config's marks.
    reasons : tuple of str
        What the status is for; empty if ok.
    psi : float
        Population stability index, missing values being a bin.
    jensen_shannon : float
        Distance over the same bins, in [0, 1].
    kolmogorov_smirnov, wasserstein : float or None
        Of numbers, of the values that are not missing.
    missing_reference, missing_production : float
        Shares of rows without a value.
    new_share : float
        Of strings: the share of rows whose category the reference does not have.
    new_categories : tuple of str
        The most frequent of them.
    bins : Bins
        The bins, with the reference's rows.
    counts : ndarray of shape (n_bins,)
        Production's rows.
    """

    name: str
    kind: str
    status: Status
    reasons: tuple[str, ...]
    psi: float
    jensen_shannon: float
    kolmogorov_smirnov: float | None
    wasserstein: float | None
    missing_reference: float
    missing_production: float
    new_share: float
    new_categories: tuple[str, ...]
    bins: Bins = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Give the drift as plain values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "status": self.status,
            "reasons": list(self.reasons),
            "psi": self.psi,
            "jensen_shannon": self.jensen_shannon,
            "kolmogorov_smirnov": self.kolmogorov_smirnov,
            "wasserstein": self.wasserstein,
            "missing_reference": self.missing_reference,
            "missing_production": self.missing_production,
            "new_share": self.new_share,
            "new_categories": list(self.new_categories),
            "bins": [
                {"bin": label, "reference": int(first), "production": int(second)}
                for label, first, second in zip(
                    bin_labels(self.bins), self.bins.reference, self.counts, strict=True
                )
            ],
        }


def bin_labels(bins: Bins) -> list[str]:
    """Give the bins' names, shape (n_bins,)."""
    if bins.kind == "string":
        return [*bins.categories, OTHERS, MISSING]
    if not len(bins.edges):
        return ["any", MISSING]
    ends = [form.number(float(edge)) for edge in bins.edges]
    middle = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
    return [f"up to {ends[0]}", *middle, f"above {ends[-1]}", MISSING]


def worst(statuses: list[Status]) -> Status:
    """Give the worst of several statuses; ok if there is none."""
    return max(statuses, key=_ORDER.index, default="ok")


def drift_of(
    name: str, reference: NDArray[Any], bins: Bins, current: NDArray[Any], config: MonitorConfig
) -> ColumnDrift:
    """Compare a column of production with the reference.

    Parameters
    ----------
    name : str
        The column.
    reference, current : ndarray of shape (n_rows,)
        float64 with NaN for missing, or strings with "" for missing; at least one row each.
    bins : Bins
        Learned of the reference.
    config : MonitorConfig
        The marks.
    """
    counts = bins.count(current)
    index = psi(bins.reference, counts)
    smirnov = moved = None
    if bins.kind == "number":
        first, second = (np.sort(part[~np.isnan(part)]) for part in (reference, current))
        if len(first) and len(second):
            smirnov, moved = kolmogorov_smirnov(first, second), wasserstein(first, second)
    before, after = float(shares(bins.reference)[-1]), float(shares(counts)[-1])
    new = _new(bins, current)
    new_share = sum(new.values()) / len(current)
    reasons: list[str] = []
    status: Status = "ok"
    if index >= config.psi_warn:
        status = "alarm" if index >= config.psi_alarm else "warn"
        reasons.append(f"its distribution has moved, PSI {form.number(index)}")
    if after - before > config.missing_warn:
        status = worst([status, "warn"])
        reasons.append(
            f"{form.percent(after)} of the rows have no value, {form.percent(before)} before"
        )
    if new_share > config.new_warn:
        status = worst([status, "warn"])
        reasons.append(
            f"{form.percent(new_share)} of the rows have a category not seen in training"
        )
    return ColumnDrift(
        name=name,
        kind=bins.kind,
        status=status,
        reasons=tuple(reasons),
        psi=index,
        jensen_shannon=jensen_shannon(bins.reference, counts),
        kolmogorov_smirnov=smirnov,
        wasserstein=moved,
        missing_reference=before,
        missing_production=after,
        new_share=new_share,
        new_categories=tuple(sorted(new, key=lambda item: (-new[item], item))[:_MOST_NAMED]),
        bins=bins,
        counts=counts,
    )


def _new(bins: Bins, current: NDArray[Any]) -> dict[str, int]:
    if bins.kind == "number":
        return {}
    names, counts = np.unique(current.astype(str), return_counts=True)
    return {
        name: count
        for name, count in zip(names.tolist(), counts.tolist(), strict=True)
        if name and name not in bins.known
    }
