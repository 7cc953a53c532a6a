"""What predictions are measured by: the plan's metrics and those of the user's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.metrics import METRICS
from fivefold.model.ownmetrics import OwnMetric
from fivefold.objective import Objective
from fivefold.resampling import Drawing
from fivefold.scoring import Predictions, percentiles, resampled, scores

if TYPE_CHECKING:
    from fivefold.model.evaluate import EvaluateConfig

__all__ = ["Ruler"]


@dataclass(frozen=True)
class Ruler:
    """What every set of predictions is measured by."""

    objective: Objective
    own: Sequence[OwnMetric]
    config: EvaluateConfig

    def values(self, p: Predictions, *, lenient: bool) -> dict[str, float | None]:
        """Compute the metrics; one of the user's that fails is told, or undefined if lenient."""
        found = scores(self.objective.metrics, p)
        for item in self.own:
            found[item.name] = item.value_or_none(p) if lenient else item.value(p)
        return found

    def intervals(self, p: Predictions, drawing: Drawing) -> tuple[dict[str, Any], float | None]:
        """Give the metrics' intervals, and the standard error of the primary one."""
        config = self.config
        values = resampled(
            self.objective.metrics,
            p,
            n_resamples=config.resamples,
            seed=config.seed,
            drawing=drawing,
        )
        found = {name: percentiles(item, config.confidence) for name, item in values.items()}
        for own in self.own:
            found[own.name] = own.interval(
                p,
                drawing,
                n_resamples=config.own_resamples,
                seed=config.seed,
                confidence=config.confidence,
            )
        primary = self.objective.primary_metric
        error = float(np.nanstd(values[primary])) if found[primary] else math.nan
        return found, error if math.isfinite(error) else None

    def told(self, values: Mapping[str, float | None]) -> dict[str, Any]:
        """Tell each metric's direction and title, and that it is undefined where it is."""
        found: dict[str, Any] = {
            name: {"goal": METRICS[name].goal, "title": METRICS[name].title, "own": None}
            for name in self.objective.metrics
        }
        for item in self.own:
            found[item.name] = {"goal": item.goal, "title": item.name, "own": item.call.name}
        for name, entry in found.items():
            entry["defined"] = values[name] is not None
        return found
